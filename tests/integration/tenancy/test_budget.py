# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A budget on a cluster: quotas that add up to the cluster's share, and refuse what is more."""

from __future__ import annotations

import time
import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.tenancy.divide import OPERATION as DIVIDE

from ..harness.apiserver import ApiServer
from ..harness.people import Person, execute, steps
from .conftest import run

POD: dict[str, t.Any] = {"spec": {"containers": [{"name": "c", "image": "a"}]}}


def started(dev: Person, namespace: str, tries: int) -> tuple[int, str]:
    """How many pods of a namespace are admitted, and why the next one is not."""
    for at in range(tries):
        answer = dev.post(
            f"/api/v1/namespaces/{namespace}/pods", {**POD, "metadata": {"name": f"p{at}"}}, dry_run=False
        )
        if answer.status != 201:
            return at, answer.message
    return tries, ""


def counted(dev: Person, namespace: str) -> bool:
    """True once the quota of a namespace is in force."""
    answer = dev.call("GET", f"/api/v1/namespaces/{namespace}/resourcequotas/lodestar")
    return bool((answer.body.get("status") or {}).get("used"))


@pytest.mark.proves(
    "tenants.budget.total",
    "tenancy:allocatable",
    "tenancy:shares",
)
def test_the_namespaces_of_a_cluster_get_its_share_and_not_one_pod_more(own: ApiServer, prefix: str) -> None:
    spaces = [f"{prefix}-a", {"name": f"{prefix}-b", "quota": {"pods": 1}}, f"{prefix}-c"]
    budget = {"total": {"pods": 10}, "split": "weighted", "weights": {"east": 2, "west": 2}}
    tenant = {"name": prefix, "namespaces": spaces, "budget": budget}
    clusters = {name: {"name": name, "role": "workload", "labels": {}} for name in ("east", "west")}
    divided = execute(DIVIDE, own.runner, tenants=[tenant], clusters=clusters)
    assert divided["shares"] == {name: {prefix: {"pods": "5"}} for name in ("east", "west")}
    given = {"shares": divided["shares"]["east"], "allocatable": {"pods": "4"}}
    done = run(own, tenant, prune_namespaces=True, **given)
    assert f"create v1/ResourceQuota/{prefix}-a/lodestar" in steps(done)
    assert [line for line in done["warnings"] if "promise 5 of pods, and its nodes hold 4 (125 %)" in line]
    dev = Person(own, "system:masters")
    until = time.monotonic() + 30
    while not all(counted(dev, f"{prefix}-{part}") for part in "abc"):
        assert time.monotonic() < until, "the quotas did not come into force"
        time.sleep(0.2)
    admitted = {part: started(dev, f"{prefix}-{part}", 4) for part in "abc"}
    assert {part: number for part, (number, _why) in admitted.items()} == {"a": 2, "b": 1, "c": 2}
    assert all("exceeded quota: lodestar" in why for _number, why in admitted.values())
    assert steps(run(own, tenant, **given)) == []


def test_a_share_that_is_not_known_or_too_small_is_refused_before_anything_is_written(
    own: ApiServer, prefix: str
) -> None:
    tenant = {"name": prefix, "namespaces": [prefix], "budget": {"total": {"pods": 4}}, "quota": {"pods": 3}}
    mark = own.audit.mark()
    for given, reason in (
        ({}, "its share of east is not given"),
        ({"shares": {prefix: {"services": "4"}}}, "its share of east is not given"),
        ({"shares": {prefix: {"pods": "2"}}}, f"of east is 2, less than the quotas of its namespaces: 3 ({prefix})"),
    ):
        answer = run(own, tenant, **given)
        assert answer["failed"]
        assert reason in answer["msg"]
    clusters = {"east": {"name": "east", "role": "workload"}, "west": {"name": "west", "role": "workload"}}
    answer = execute(DIVIDE, own.runner, tenants=[tenant], clusters=clusters)
    assert [(item["key"], item["value"]) for item in answer["problems"]] == [(f"tenants[{prefix}].budget", "pods")] * 2
    assert own.audit.since(mark) == []
