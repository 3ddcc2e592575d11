# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is accepted as a delivery, and how each mistake is named."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.delivery.model import read_all, validate
from ansible_collections.lodestar.platform.plugins.module_utils.errors import InvalidInput

CLUSTERS: dict[str, dict[str, t.Any]] = {
    "hub": {"name": "hub", "role": "global", "labels": {}},
    "east": {"name": "east", "role": "workload", "labels": {"env": "prod"}},
    "west": {"name": "west", "role": "workload", "labels": {"env": "test"}},
    "seen": {"name": "seen", "role": "workload", "labels": {}, "mode": "attach", "access": {"tier": "observe"}},
}
SECRET = "hunter2"


def item(**changes: t.Any) -> dict[str, t.Any]:
    """A delivery without a mistake, and with the changes."""
    return {"name": "shop", "src": ["/apps/shop"], **changes}


def weighted(**weights: t.Any) -> dict[str, t.Any]:
    return {"division": "weighted", "weights": weights}


PATCH = {"target": {"kind": "Deployment"}, "patch": {"spec": {"replicas": 1}}}


@pytest.mark.parametrize(
    "one",
    [
        item(),
        item(objects=[{"kind": "ConfigMap"}], default_namespace="shop", description="The shop"),
        item(clusters={"names": ["hub", "east"]}, wait=False, adopt=["all"], force=True, prune_limit=0),
        item(clusters={"selector": {"matchLabels": {"env": "prod"}}}, replicas=weighted(east=1)),
        item(placement={"namespace": "fleet", "name": "gold"}, replicas=weighted(anywhere=1)),
        item(patches=[PATCH, {**PATCH, "clusters": {"selector": {"matchLabels": {"env": "prod"}}}}]),
        item(patches=[{"target": {"group": "", "name": "web-*"}, "patch": {"data": {"a": None}}}]),
        item(replicas={"division": "capacity"}, wait_timeout=86400),
    ],
)
def test_what_is_accepted(one: dict[str, t.Any]) -> None:
    assert validate([one], CLUSTERS) == []


@pytest.mark.parametrize(
    ("one", "key", "words"),
    [
        (item(name="Shop"), "deliveries[Shop].name", "a-z"),
        (item(name="s" * 42), f"deliveries[{'s' * 42}].name", "41"),
        (item(src=[]), "deliveries[shop]", "what it brings"),
        (item(src="apps"), "deliveries[shop].src", "list"),
        (item(srcs=["a"]), "deliveries[shop].srcs", "known key"),
        (item(clusters={"names": ["esat"]}), "deliveries[shop].clusters.names[0]", "east"),
        (item(clusters={"names": ["seen"]}), "deliveries[shop].clusters.names[0]", "observe"),
        (
            item(clusters={"names": ["east"]}, placement={"namespace": "a", "name": "b"}),
            "deliveries[shop].placement", "one way",
        ),
        (item(placement={"namespace": "a"}), "deliveries[shop].placement.name", "63"),
        (item(replicas={"division": "even"}), "deliveries[shop].replicas.division", "choice"),
        (item(replicas={"division": "weighted"}), "deliveries[shop].replicas.weights", "needs weights"),
        (item(replicas={"weights": {"east": 1}}), "deliveries[shop].replicas.weights", "weighted"),
        (item(replicas=weighted(east=True, west=1)), "deliveries[shop].replicas.weights.east", "whole number"),
        (item(replicas=weighted(east=1)), "deliveries[shop].replicas.weights", "nothing about west"),
        (
            item(clusters={"names": ["east"]}, replicas=weighted(east=1, west=1)),
            "deliveries[shop].replicas.weights", "no cluster that",
        ),
        (
            item(replicas={"division": "capacity"}, patches=[PATCH]),
            "deliveries[shop].patches[0].patch.spec.replicas", "divided",
        ),
        (item(patches=[{"patch": {"a": 1}}]), "deliveries[shop].patches[0].target", "which objects"),
        (
            item(patches=[{**PATCH, "patch": {"metadata": {"name": "x"}}}]),
            "deliveries[shop].patches[0].patch: name", "another",
        ),
        (item(patches=[{**PATCH, "patch": SECRET}]), "deliveries[shop].patches[0].patch", "mapping"),
        (item(patches=[{**PATCH, "pacth": SECRET}]), "deliveries[shop].patches[0].pacth", "known key"),
        (item(objcets=[{"data": SECRET}]), "deliveries[shop].objcets", "known key"),
        (item(wait=False, wait_timeout=5), "deliveries[shop].wait_timeout", "wait: true"),
        (item(wait_timeout=0), "deliveries[shop].wait_timeout", "seconds"),
        (item(prune_limit=101), "deliveries[shop].prune_limit", "percent"),
        (item(adopt=["configmap"]), "deliveries[shop].adopt[0]", "ConfigMap"),
        (SECRET, "deliveries[0]", "mapping"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_and_no_secret_is_told(one: t.Any, key: str, words: str) -> None:
    problems = validate([one], CLUSTERS)
    assert [problem.key for problem in problems] == [key]
    assert words in str(problems[0])
    assert SECRET not in str(problems[0])


def test_a_name_belongs_to_one() -> None:
    with pytest.raises(InvalidInput, match="two deliveries"):
        read_all([item(), item()], CLUSTERS)
