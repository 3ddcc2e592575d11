# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every field of tenants and policies is proven by a test that says so, or is listed here with the reason."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml

from tests import fields
from tests.integration.policy.library import LIBRARY
from tests.integration.policy.variants import VARIED, decided

Object = dict[str, t.Any]
SELECTOR: Object = {
    "matchLabels": {"env": "prod"},
    "matchExpressions": [{"key": "env", "operator": "In", "values": ["prod"]}],
}
RULE: Object = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"], "resourceNames": ["one"]}
#: Between them they have every key that an operator may write.
TENANTS: list[Object] = [
    {
        "name": "whole",
        "description": "Has everything",
        "clusters": {"selector": SELECTOR},
        "namespaces": [
            "plain",
            {
                "name": "other",
                "clusters": {"names": ["east"]},
                "state": "active",
                "quota": {"services": 3},
                "limits": {"default": {"cpu": 1}, "default_request": {"cpu": 1}, "max": {"cpu": 1}, "min": {"cpu": 1}},
                "pod_security": {"enforce": "baseline", "warn": "restricted", "audit": "restricted"},
                "labels": {"a": "b"},
                "annotations": {"a": "b"},
            },
            {"name": "third", "clusters": {"selector": SELECTOR}, "state": {"east": "active"}},
        ],
        "members": [
            {"kind": "ServiceAccount", "name": "a", "namespace": "ci", "role": "own"},
            {"kind": "User", "name": "b", "cluster_role": "granted"},
        ],
        "roles": [{"name": "own", "rules": [RULE]}],
        "budget": {"total": {"pods": 9}, "split": "weighted", "weights": {"east": 1}},
        "quota": {"services": 3},
        "limits": {"default": {"cpu": 1}, "default_request": {"cpu": 1}, "max": {"cpu": 1}, "min": {"cpu": 1}},
        "isolation": "tenant",
        "network": {
            "allow_dns": False,
            "allow_ingress": True,
            "allow_monitoring": True,
            "allow_api_server": True,
            "ingress": [{"from": [{"podSelector": {}}], "ports": [{"port": 80}]}],
            "egress": [{"to": [{"podSelector": {}}], "ports": [{"port": 80}]}],
        },
        "pod_security": {"enforce": "baseline", "warn": "restricted", "audit": "restricted"},
        "allow": {
            "registries": ["reg.local"],
            "storage_classes": ["a"],
            "priority_classes": ["a"],
            "ingress_classes": ["a"],
            "host_suffixes": ["a"],
        },
        "nodes": {"labels": {"a": "b"}},
        "state": {"east": "active"},
        "objects": [
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "plain"}, "data": {}}
        ],
        "labels": {"a": "b"},
        "annotations": {"a": "b"},
    },
    {
        "name": "shared",
        "clusters": {"names": ["east"]},
        "namespaces": ["shared"],
        "budget": {"total": {"pods": 9}, "split": "explicit", "shares": {"east": {"pods": 9}}},
        "state": "active",
    },
]
CLUSTERS: Object = {
    "east": {
        "role": "workload",
        "labels": {"env": "prod"},
        "access": {"tier": "tenant", "grants": {"cluster_roles": ["granted"], "resources": ["configmaps"]}},
        "tenant_settings": {
            "reserved_namespaces": ["infra-*"],
            "ingress_namespaces": ["edge"],
            "monitoring_namespaces": ["metrics"],
            "api_server": [{"cidr": "192.0.2.1/32", "port": 6443}],
        },
    }
}
CUSTOM: Object = {
    "resources": [{"group": "apps", "versions": ["v1"], "resources": ["deployments"]}],
    "operations": ["CREATE"],
    "variables": {"a": "1"},
}
WHOLE_POLICY: Object = {
    "name": "cel",
    "description": "Has everything",
    "rule": "cel",
    "mode": "deny",
    "clusters": {"selector": SELECTOR},
    "scope": {"namespaces": ["a"], "tenants": ["b"], "selector": SELECTOR},
    "parameters": {**CUSTOM, "validations": [{"expression": "true", "message": "m"}]},
    "exemptions": {"namespaces": ["a"], "groups": ["b"], "users": ["c"]},
    "exceptions": [
        {"owner": "o", "reason": "r", "until": "2999-12-31", "namespaces": ["a"], "tenants": ["b"], "names": ["c"]}
    ],
    "workloads": True,
}
MUTATIONS: Object = {
    "default_labels": {"labels": {"a": "b"}, "kinds": ["Pod"]},
    "default_token_automount": None,
    "image_pull_policy": {"policy": "Always"},
    "mutate": {**CUSTOM, "mutations": [{"patch": "apply", "expression": "Object{}"}]},
}


def parameters() -> dict[str, Object]:
    """Every parameter that the tests give to a rule of the library."""
    found: dict[str, Object] = {"required_labels": {"kinds": ["Pod"]}, "required_annotations": {"kinds": ["Pod"]}}
    for cases in [*LIBRARY, *VARIED]:
        found[cases.rule] = {**(cases.parameters or {}), **found.get(cases.rule, {})}
    return found


POLICIES: list[Object] = [
    WHOLE_POLICY,
    {"name": "named", "rule": "digest_only", "mode": "deny", "clusters": {"names": ["east"]}, "scope": "all"},
    *(
        {"name": rule.replace("_", "-"), "rule": rule, "mode": "deny", "parameters": given or None}
        for rule, given in parameters().items()
    ),
    *(
        {"name": rule.replace("_", "-"), "rule": rule, "mode": "mutate", "parameters": given, "if_unsupported": "fail"}
        for rule, given in MUTATIONS.items()
    ),
]

#: What no request shows, and why.
NOT_SHOWN = {
    "tenants.description": "an annotation for people; that it is kept is seen where edits by hand are repaired",
    "tenants.annotations": "an API server does nothing with annotations of a tenant's own; what is edited is put back",
    "tenants.namespaces.annotations": "the same",
    "policies.description": "an annotation for people",
}


@pytest.fixture(scope="module")
def known() -> set[str]:
    """Every field that has no parts of its own: proven with all of its parts."""
    recorder, problems = fields.read(TENANTS, POLICIES, CLUSTERS)
    assert problems == []
    missing = {name for name in recorder.known if "=" not in name} - recorder.given
    assert missing == set(), "the specimens above lack these keys, so what lies below them is not known"
    return fields.leaves(recorder.known | fields.options())


@pytest.fixture(scope="module")
def proven(known: set[str]) -> dict[str, set[str]]:
    """The tests that prove each field."""
    marked, lost = fields.marked()
    assert lost == [], "marks where no test would run"
    table = "tests/integration/policy/test_library.py"
    # Not every text of a list is a choice.
    decides = known & decided([*LIBRARY, *VARIED])
    for name in (*decides, *(f"policies.rule={cases.rule}" for cases in LIBRARY)):
        marked.setdefault(name, set()).add(table)
    return marked


def test_every_field_is_proven_by_a_test(known: set[str], proven: dict[str, set[str]]) -> None:
    unproven = known - set(proven) - set(NOT_SHOWN)
    assert sorted(unproven) == [], "mark the test that proves them: @pytest.mark.proves(...)"


def test_no_test_proves_what_is_no_field(known: set[str], proven: dict[str, set[str]]) -> None:
    assert {name: proven[name] for name in set(proven) - known} == {}
    assert set(NOT_SHOWN) <= known - set(proven)


def test_every_key_stands_in_its_page(known: set[str]) -> None:
    docs = Path(fields.TESTS.parent, "docs")
    pages = {name: (docs / f"{name}.md").read_text() for name in ("tenants", "policies")}
    lacking = set()
    for field in known:
        root, _dot, below = field.partition(".")
        page = pages["policies" if root in ("policies", "rules") else "tenants"]
        # What a label selector has is Kubernetes'.
        names = below.partition("=")[0].partition(".selector.")[0].split(".") if ":" not in root else []
        lacking |= {field for name in names if name not in ("", "<cluster>") and name not in page}
    assert sorted(lacking) == []


@pytest.mark.parametrize("role", ["tenancy", "policy"])
def test_the_role_hands_every_option_of_its_module_on(role: str) -> None:
    tasks = yaml.safe_load((fields.TESTS.parent / "roles" / role / "tasks" / "main.yml").read_text())
    (given,) = [task[f"lodestar.platform.{role}"] for task in tasks if f"lodestar.platform.{role}" in task]
    options = {name.partition(":")[2] for name in fields.options() if name.startswith(f"{role}:") and "=" not in name}
    assert set(given) == {*options, "access"}


SUITE = """
import pytest

@pytest.mark.proves("a", "b")
@pytest.mark.parametrize("x", [1])
def test_one(x): pass

@pytest.mark.proves("b")
def helper(): pass

@pytest.mark.proves("c")
@pytest.mark.skip
def test_never(): pass
"""


def test_marks_count_on_tests_that_run_only(tmp_path: Path) -> None:
    folder = tmp_path / "tests"
    folder.mkdir()
    (folder / "test_a.py").write_text(SUITE)
    (folder / "conftest.py").write_text(SUITE)
    found, lost = fields.marked(folder)
    assert "tests/test_a.py::test_one" in found["a"]
    here = [name for name in lost if "test_a" in name]
    assert here == ["tests/test_a.py::helper", "tests/test_a.py::test_never"]
    assert [name for name in lost if "conftest" in name] == [
        f"tests/conftest.py::{name}" for name in ("test_one", "helper", "test_never")
    ]


def test_keys_are_told_as_problems_tell_them() -> None:
    assert fields.plain("tenants[a].namespaces[0].state.east") == "tenants.namespaces.state.<cluster>"
    assert fields.plain("policies[max-resources].parameters.limits") == "rules.max_resources.limits"
    assert fields.plain("east: tenant_settings.api_server[0].cidr") == "tenant_settings.api_server.cidr"
    assert fields.leaves({"a", "a.b", "a.b=c", "d", "da"}) == {"a.b=c", "d", "da"}
