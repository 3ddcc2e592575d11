# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Roles of people in the fleet: what is refused, which clusters they are for, and the bindings that they mean."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.errors import InvalidInput
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import fleet_bindings, fleet_roles

Object = dict[str, t.Any]

CLUSTERS: dict[str, Object] = {
    "hub": {"name": "hub", "role": "global", "mode": "create", "access": {"tier": "lifecycle"}, "labels": {}},
    "east": {"name": "east", "mode": "create", "access": {"tier": "lifecycle"}, "labels": {"env": "prod"}},
    "legacy": {"name": "legacy", "mode": "attach", "access": {"tier": "tenant"}, "labels": {"env": "prod"}},
    "watched": {"name": "watched", "mode": "attach", "access": {"tier": "observe"}, "labels": {"env": "prod"}},
}
PROD: Object = {"selector": {"matchLabels": {"env": "prod"}}}


def item(role: str, *groups: str, **given: t.Any) -> Object:
    members = [{"kind": "Group", "name": name} for name in groups or ("ops",)]
    return {"name": role, "role": role, "members": members, **given}


def places(one: Object) -> list[str]:
    assert fleet_roles.judge([one], CLUSTERS) == []
    return [name for name, cluster in CLUSTERS.items() if fleet_roles.concerns(one, cluster)]


def test_without_a_choice_roles_are_for_every_cluster_that_can_hold_them() -> None:
    assert places(item("platform-admin")) == ["hub", "east"]
    assert places(item("auditor")) == ["hub", "east", "legacy"]


def test_a_selector_chooses_among_clusters_that_run_workloads() -> None:
    assert places(item("cluster-admin", clusters=PROD)) == ["east"]
    assert places(item("auditor", clusters=PROD)) == ["east", "legacy"]
    assert places(item("cluster-admin", clusters={"names": ["hub"]})) == ["hub"]


def test_what_is_left_out_is_told() -> None:
    told = fleet_roles.warnings([item("platform-admin"), item("auditor", clusters={"selector": {}})], CLUSTERS)
    assert [line.partition(": ")[0] for line in told] == ["legacy", "watched", "watched"]
    assert "tier of our access to it is tenant, which may give nobody cluster-admin" in told[0]
    nowhere = item("auditor", clusters={"selector": {"matchLabels": {"env": "moon"}}})
    assert "is for no cluster" in fleet_roles.warnings([nowhere], CLUSTERS)[0]


WRONG: dict[str, tuple[t.Any, str, str]] = {
    "no list": ("auditors", "fleet_roles", "list"),
    "no mapping": (["a"], "fleet_roles[0]", "mapping"),
    "a misspelt key": ([item("auditor", memebrs=[])], "fleet_roles[auditor].memebrs", "'members'"),
    "another role": ([item("auditors")], "fleet_roles[auditors].role", "'auditor'"),
    "nobody": ([item("auditor", members=[])], "fleet_roles[auditor].members", "nobody"),
    "masters": ([item("auditor", "system:masters")], "fleet_roles[auditor].members[0].name", "Kubernetes itself"),
    "a blank": ([item("auditor", "ops ")], "fleet_roles[auditor].members[0].name", "blanks"),
    "a template": ([item("auditor", "{{ x }}\n")], "fleet_roles[auditor].members[0].name", "printable"),
    "an account": (
        [item("auditor", members=[{"kind": "ServiceAccount", "name": "x"}])],
        "fleet_roles[auditor].members[0].kind",
        "Group",
    ),
    "two of a name": ([item("auditor"), item("auditor")], "fleet_roles[auditor].name", "two"),
    "chosen platform admins": (
        [item("platform-admin", clusters=PROD)],
        "fleet_roles[platform-admin].clusters",
        "every",
    ),
    "admins of nothing": ([item("cluster-admin")], "fleet_roles[cluster-admin].clusters", "platform-admin"),
    "admins where we are none": (
        [item("cluster-admin", clusters={"names": ["legacy"]})],
        "fleet_roles[cluster-admin].clusters.names[0]",
        "lifecycle",
    ),
    "a cluster that is watched": (
        [item("auditor", clusters={"names": ["watched"]})],
        "fleet_roles[auditor].clusters.names[0]",
        "observe",
    ),
    "no such cluster": (
        [item("auditor", clusters={"names": ["weast"]})],
        "fleet_roles[auditor].clusters.names[0]",
        "not a cluster",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_named(case: str) -> None:
    declared, key, words = WRONG[case]
    (problem,) = fleet_roles.judge(declared, CLUSTERS)
    assert problem.key == key
    assert words in f"{problem.reason}; {problem.remedy}"


def test_roles_of_the_same_kind_become_one_binding() -> None:
    declared = [
        item("platform-admin", "admins"),
        item("cluster-admin", "east-admins", clusters=PROD),
        item("auditor", "audit"),
    ]
    roles, problems = fleet_roles.read(declared)
    assert problems == []
    found = {
        obj["metadata"]["name"]: (obj["roleRef"]["name"], [subject["name"] for subject in obj["subjects"]])
        for obj in fleet_bindings.objects(roles)
    }
    assert found == {
        "lodestar:auditors": ("lodestar:auditor", ["audit"]),
        "lodestar:auditors-view": ("view", ["audit"]),
        "lodestar:cluster-admins": ("cluster-admin", ["admins", "east-admins"]),
    }
    assert fleet_bindings.objects([]) == []


def test_a_role_that_a_tier_cannot_give_is_refused_before_anything() -> None:
    with pytest.raises(InvalidInput) as caught:
        fleet_bindings.check([item("platform-admin")], "legacy", "tenant")
    assert caught.value.problems[0].key == "fleet_roles[platform-admin].role"
    assert [role.name for role in fleet_bindings.check([item("platform-admin")], "east", "lifecycle")]
