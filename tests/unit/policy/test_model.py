# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is accepted as a policy, and how each mistake is named."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.policy.model import validate
from ansible_collections.lodestar.platform.plugins.module_utils.policy.operate import for_cluster

CLUSTERS = {
    "hub": {"name": "hub", "role": "global", "labels": {}},
    "east": {"name": "east", "role": "workload", "labels": {"env": "prod"}},
}
VALIDATION = {"expression": "object.spec.x == 1", "message": "set x"}


def policy(rule: str = "allowed_registries", parameters: t.Any = None, **changes: t.Any) -> dict[str, t.Any]:
    """A policy without a mistake, and with the changes."""
    if rule == "allowed_registries" and parameters is None:
        parameters = {"registries": ["reg.example.org"]}
    return {"name": "p", "rule": rule, "mode": "deny", "parameters": parameters, **changes}


def cel(**parameters: t.Any) -> dict[str, t.Any]:
    return policy("cel", {"resources": [{"resources": ["services"]}], "validations": [VALIDATION], **parameters})


@pytest.mark.parametrize(
    "item",
    [
        policy(
            parameters={
                "registries": ["reg.example.org/team/app", "reg:5000", "localhost", "docker.io/library", "[::1]:5000"]
            }
        ),
        policy("required_resources"),
        policy("required_resources", {"requests": ["cpu", "example.org/gpu"]}),
        policy(
            "required_labels",
            {"labels": ["team", {"key": "env", "values": ["prod", "test"]}], "kinds": ["Pod", "Namespace"]},
        ),
        cel(variables={"x": "object.spec"}, operations=["CREATE", "DELETE"]),
        policy(clusters={"names": ["hub", "east"]}, scope="tenants", workloads=False),
        policy(exemptions={"namespaces": ["legacy"], "groups": ["ops"], "users": ["system:serviceaccount:a:b"]}),
    ],
)
def test_accepted(item: dict[str, t.Any]) -> None:
    assert [str(problem) for problem in validate([item], CLUSTERS)] == []


@pytest.mark.parametrize(
    ("item", "key"),
    [
        (None, "policies[0]"),
        (policy(name="A"), "policies[A].name"),
        (policy(mode="enforce"), "policies[p].mode"),
        (policy(mode=None), "policies[p].mode"),
        (policy("allowed_registry"), "policies[p].rule"),
        (policy(parameters={}), "policies[p].parameters.registries"),
        (policy(parameters={"registries": ["reg"]}), "policies[p].parameters.registries[0]"),
        (policy(parameters={"registries": ["https://reg.example.org"]}), "policies[p].parameters.registries[0]"),
        (policy(parameters={"registries": ["reg.example.org/"]}), "policies[p].parameters.registries[0]"),
        (policy(parameters={"registries": ["reg.example.org/*"]}), "policies[p].parameters.registries[0]"),
        (policy(parameters={"registries": ["reg.local'] + ['"]}), "policies[p].parameters.registries[0]"),
        (policy(parameters={"registries": ["*"]}), "policies[p].parameters.registries[0]"),
        (policy(parameters={"registries": ["reg.example.org"] * 2}), "policies[p].parameters.registries"),
        (policy(parameters={"labels": ["x"]}), "policies[p].parameters.labels"),
        (policy("required_resources", {"limits": []}), "policies[p].parameters"),
        (policy("required_resources", {"limits": ["cpu\n"]}), "policies[p].parameters.limits[0]"),
        (policy("required_labels", {}), "policies[p].parameters.labels"),
        (policy("required_labels", {"labels": ["a b"]}), "policies[p].parameters.labels[0].a b"),
        (
            policy("required_labels", {"labels": [{"key": "a", "values": [1]}]}),
            "policies[p].parameters.labels[0].values",
        ),
        (policy("required_labels", {"labels": ["a"], "kinds": ["Node"]}), "policies[p].parameters.kinds[0]"),
        (cel(validations=[]), "policies[p].parameters.validations"),
        (cel(validations=[{"expression": "true"}]), "policies[p].parameters.validations[0].message"),
        (cel(resources=[{"resources": ["*"]}]), "policies[p].parameters.resources[0].resources[0]"),
        (cel(operations=["*"]), "policies[p].parameters.operations[0]"),
        (policy(exemptions={"namespaces": ["a*"]}), "policies[p].exemptions.namespaces[0]"),
        (policy(exemption={}), "policies[p].exemption"),
        (policy(workloads="no"), "policies[p].workloads"),
        (policy(description="two\nlines"), "policies[p].description"),
        (policy(clusters={"names": ["north"]}), "policies[p].clusters.names[0]"),
    ],
)
def test_refused_with_the_key_that_is_wrong(item: t.Any, key: str) -> None:
    assert key in [problem.key for problem in validate([item], CLUSTERS)]


def test_two_policies_of_one_name() -> None:
    assert [problem.key for problem in validate([policy(), policy()])] == ["policies[p].name"]


def test_the_dedicated_global_cluster_takes_a_policy_that_names_it_and_no_other() -> None:
    declared = [
        policy(name="a"),
        policy(name="b", clusters={"names": ["hub"]}),
        policy(name="c", clusters={"selector": {}}),
    ]
    assert [item.name for item in for_cluster(declared, CLUSTERS["hub"])] == ["b"]
    assert [item.name for item in for_cluster(declared, CLUSTERS["east"])] == ["a", "c"]
