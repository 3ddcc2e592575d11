# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Drift as the server's own record of ownership tells it."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.kube.diff import surplus
from ansible_collections.lodestar.platform.plugins.module_utils.kube.ownership import (
    Holder,
    deviations,
    managers,
    released,
    replaced,
)

DECLARED: dict[str, t.Any] = {
    "apiVersion": "v1",
    "kind": "Thing",
    "metadata": {"name": "x", "labels": {"team": "a"}},
    "spec": {"hard": {"pods": "1000m"}, "peers": [{"a": 1}], "ports": [{"port": 80}], "marks": ["m"]},
}
FIELDS = {
    "f:metadata": {"f:labels": {"f:team": {}}},
    "f:spec": {
        "f:hard": {"f:pods": {}},
        "f:peers": {},
        "f:ports": {'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:port": {}}},
        "f:marks": {'v:"m"': {}},
    },
}


def observed(fields: dict[str, t.Any], *others: dict[str, t.Any], **spec: t.Any) -> dict[str, t.Any]:
    content = {
        "hard": {"pods": "1"},
        "peers": [{"a": 1, "defaulted": True}],
        "ports": [{"port": 80, "protocol": "TCP"}],
        "marks": ["m", "n"],
        **spec,
    }
    ours = {"manager": "lodestar", "operation": "Apply", "fieldsV1": fields}
    return {"metadata": {"labels": {"team": "a"}, "managedFields": [ours, *others]}, "spec": content}


def test_what_we_own_is_unchanged_whatever_the_server_made_of_it() -> None:
    assert deviations(DECLARED, observed(FIELDS), "lodestar") == []


def test_a_field_that_another_manager_wrote_is_named_with_the_manager() -> None:
    fields = {**FIELDS, "f:spec": {key: value for key, value in FIELDS["f:spec"].items() if key != "f:peers"}}
    edit = {"manager": "kubectl-edit", "operation": "Update", "fieldsV1": {"f:spec": {"f:peers": {}}}}
    found = deviations(DECLARED, observed(fields, edit, peers=[{"a": 2}]), "lodestar")
    assert [(item.path, item.holders) for item in found] == [("spec.peers", (Holder("kubectl-edit", "Update"),))]
    assert not found[0].holders[0].declares


def test_a_field_that_we_lost_but_that_stands_as_declared_is_no_drift() -> None:
    assert deviations(DECLARED, observed({}, hard={"pods": "1000m"}, peers=[{"a": 1}], marks=["m"]), "lodestar") == []


SELECTED = {"spec": {"podSelector": {}, "other": {"matchLabels": {"a": "b"}}, "volume": {}}}


@pytest.mark.parametrize(
    ("part", "value", "fields", "differs"),
    [
        ("podSelector", {"matchLabels": {"app": "mine"}}, {}, True),
        ("other", {"matchLabels": {"a": "b", "c": "d"}}, {}, True),
        ("other", {"matchLabels": {"a": "b"}}, {}, False),
        # What is not replaced as a whole may hold what others add.
        ("volume", {"medium": "Memory"}, {"f:medium": {}}, False),
        ("other", {"matchLabels": {"a": "b", "c": "d"}}, {"f:matchLabels": {"f:c": {}}}, False),
    ],
)
def test_what_the_api_replaces_as_a_whole_is_compared_as_a_whole(
    part: str, value: t.Any, fields: t.Any, differs: bool
) -> None:
    spec = {**SELECTED["spec"], part: value}
    edit = {"manager": "kubectl-edit", "operation": "Update", "fieldsV1": {"f:spec": {f"f:{part}": fields}}}
    there = {"metadata": {"managedFields": [edit]}, "spec": spec}
    # To the letter, {} is another value than what others have filled in.
    for literal in (False, True) if differs or part != "volume" else (False,):
        found = deviations(SELECTED, there, "lodestar", literal=literal)
        assert [item.path for item in found] == ([f"spec.{part}"] if differs else [])
        assert [item.holders for item in found] == ([(Holder("kubectl-edit", "Update"),)] if differs else [])
    # A diff shows what is taken away.
    assert replaced(SELECTED, there, "lodestar") == ({"spec": {part: value}} if differs else {})


def test_a_missing_element_of_a_keyed_list_is_named_by_its_key() -> None:
    fields = {**FIELDS, "f:spec": {**FIELDS["f:spec"], "f:ports": {'k:{"port":443,"protocol":"TCP"}': {}}}}
    found = deviations(DECLARED, observed(fields, ports=[{"port": 443, "protocol": "TCP"}]), "lodestar")
    assert [item.path for item in found] == ["spec.ports[port=80]"]


def test_who_declares_and_who_only_wrote() -> None:
    assert Holder("argocd", "Apply").declares
    assert Holder("kube-controller-manager", "Update", "scale").declares
    assert not Holder("kubectl-edit", "Update").declares


def test_what_is_no_longer_declared_is_released_with_its_values() -> None:
    smaller = {**DECLARED, "metadata": {"name": "x"}, "spec": {"hard": {"pods": "1000m"}, "ports": []}}
    assert released(smaller, observed(FIELDS), "lodestar") == {
        "metadata": {"labels": {"team": "a"}},
        "spec": {
            "peers": [{"a": 1, "defaulted": True}],
            "ports": [{"port": 80, "protocol": "TCP"}],
            "marks": ["m", "n"],
        },
    }


def test_an_object_without_a_record_of_ownership() -> None:
    assert managers({"metadata": {}}) == []
    assert [item.path for item in deviations(DECLARED, {"metadata": {}}, "lodestar")] == ["metadata.labels", "spec"]


def test_another_spelling_is_no_drift_and_yet_a_conflict_to_come() -> None:
    theirs = {"manager": "argocd", "operation": "Apply", "fieldsV1": {"f:spec": {"f:hard": {"f:pods": {}}}}}
    there = observed({}, theirs, peers=[{"a": 1}], ports=[{"port": 80}], marks=["m"])
    assert deviations(DECLARED, there, "lodestar") == []
    assert [(item.path, item.holders) for item in deviations(DECLARED, there, "lodestar", literal=True)] == [
        ("spec.hard.pods", (Holder("argocd", "Apply"),))
    ]


def test_only_who_owns_the_very_field_is_named() -> None:
    scale = {
        "manager": "hpa",
        "operation": "Update",
        "subresource": "scale",
        "fieldsV1": {"f:spec": {"f:replicas": {}}},
    }
    declared = {"spec": {"replicas": 2, "template": {"containers": [{"name": "app", "image": "new"}]}}}
    there = {
        "metadata": {"managedFields": [scale]},
        "spec": {"replicas": 2, "template": {"containers": [{"name": "app", "image": "old"}]}},
    }
    assert [(item.path, item.holders) for item in deviations(declared, there, "lodestar")] == [
        ("spec.template.containers[name=app].image", ())
    ]


def test_what_a_policy_does_is_what_is_declared_and_nothing_more() -> None:
    """The API merges a set, so what somebody adds would stay."""
    declared = {"spec": {"validationActions": ["Audit"]}}
    ours = {
        "manager": "lodestar",
        "operation": "Apply",
        "fieldsV1": {"f:spec": {"f:validationActions": {'v:"Audit"': {}}}},
    }
    edit = {**ours, "manager": "kubectl-edit", "operation": "Update"}
    edit["fieldsV1"] = {"f:spec": {"f:validationActions": {'v:"Deny"': {}}}}
    there: t.Any = {"metadata": {"managedFields": [ours, edit]}, "spec": {"validationActions": ["Audit", "Deny"]}}
    [found] = deviations(declared, there, "lodestar")
    assert (found.path, found.holders) == ("spec.validationActions", (Holder("kubectl-edit", "Update"),))
    assert surplus(declared, there) == declared
    there["spec"]["validationActions"] = ["Audit"]
    assert deviations(declared, there, "lodestar") == []
    assert surplus(declared, there) == surplus(declared, {}) == {}


def test_a_condition_that_somebody_adds_to_a_policy_is_drift() -> None:
    """One that is never true switches the policy off."""
    kept, added = {"name": "kept", "expression": "true"}, {"name": "added", "expression": "false"}
    declared = {"spec": {"matchConditions": [kept]}}
    fields = {"f:matchConditions": {'k:{"name":"kept"}': {".": {}, "f:name": {}, "f:expression": {}}}}
    ours = {"manager": "lodestar", "operation": "Apply", "fieldsV1": {"f:spec": fields}}
    there: t.Any = {"metadata": {"managedFields": [ours]}, "spec": {"matchConditions": [kept, added]}}
    assert [item.path for item in deviations(declared, there, "lodestar")] == ["spec.matchConditions"]
    assert surplus(declared, there) == declared
    # Of a list inside of an element nobody can say what belongs to it, so others may add there.
    inner = {"webhooks": [{"name": "w", "matchConditions": [kept]}]}
    observed = {"metadata": {}, "webhooks": [{"name": "w", "matchConditions": [kept, added]}]}
    assert deviations(inner, observed, "lodestar") == []
    assert surplus(inner, observed) == {}
