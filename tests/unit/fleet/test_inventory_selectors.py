# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Label selectors mean what they mean in Kubernetes, and items find their clusters."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.selectors import clusters_of
from ansible_collections.lodestar.platform.plugins.module_utils.labels import matches

LABELS = {"env": "prod", "region": "east", "empty": ""}


def expression(key: str, operator: str, *values: str) -> dict[str, t.Any]:
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ({}, True),
        ({"matchLabels": {"env": "prod"}}, True),
        ({"matchLabels": {"env": "prod", "region": "west"}}, False),
        ({"matchLabels": {"zone": ""}}, False),
        ({"matchLabels": {"empty": ""}}, True),
        (expression("env", "In", "prod", "test"), True),
        (expression("env", "In", "test"), False),
        (expression("zone", "In", "a"), False),
        (expression("env", "NotIn", "prod"), False),
        (expression("env", "NotIn", "test"), True),
        (expression("zone", "NotIn", "a"), True),
        (expression("env", "Exists"), True),
        (expression("empty", "Exists"), True),
        (expression("zone", "Exists"), False),
        (expression("env", "DoesNotExist"), False),
        (expression("zone", "DoesNotExist"), True),
        ({"matchLabels": {"env": "prod"}, **expression("region", "In", "west")}, False),
    ],
)
def test_a_selector_matches_as_in_kubernetes(selector: dict[str, t.Any], expected: bool) -> None:
    assert matches(selector, LABELS) is expected


def test_an_operator_that_does_not_exist_is_no_silent_mismatch() -> None:
    with pytest.raises(ValueError, match="Gt"):
        matches(expression("env", "Gt", "1"), LABELS)


def fleet(colocated: bool = False) -> dict[str, t.Any]:
    clusters = [
        {"name": "hub", "role": "global", "colocated": colocated, "labels": {"env": "prod"}},
        {"name": "east", "role": "workload", "colocated": False, "labels": {"env": "prod"}},
        {"name": "west", "role": "workload", "colocated": False, "labels": {}},
    ]
    return {"clusters": {cluster["name"]: cluster for cluster in clusters}}


@pytest.mark.parametrize(
    ("chosen", "colocated", "expected"),
    [
        (None, False, ["east", "west"]),
        (None, True, ["hub", "east", "west"]),
        ({"names": ["west", "hub"]}, False, ["hub", "west"]),
        ({"names": []}, False, []),
        ({"selector": {}}, False, ["east", "west"]),
        ({"selector": {"matchLabels": {"env": "prod"}}}, False, ["east"]),
        ({"selector": {"matchLabels": {"env": "prod"}}}, True, ["hub", "east"]),
    ],
)
def test_an_item_is_for_the_clusters_that_it_chooses(chosen: t.Any, colocated: bool, expected: list[str]) -> None:
    assert clusters_of({"name": "item", "clusters": chosen}, fleet(colocated)) == expected
