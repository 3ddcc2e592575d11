# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is accepted as a policy, and how each mistake is named."""

from __future__ import annotations

import datetime
import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.policy import exceptions
from ansible_collections.lodestar.platform.plugins.module_utils.policy.model import read_all, validate
from ansible_collections.lodestar.platform.plugins.module_utils.policy.operate import for_cluster

CLUSTERS = {
    "hub": {"name": "hub", "role": "global", "labels": {}},
    "east": {"name": "east", "role": "workload", "labels": {"env": "prod"}},
}
EXCEPTION = {"owner": "ops@example.org", "reason": "TICKET-1", "until": "2027-01-31", "namespaces": ["shop"]}
MUTATION = {"expression": "Object{}"}
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
        policy(scope={"namespaces": ["a"], "tenants": ["b"], "selector": {"matchLabels": {"c": "d"}}}),
        policy(exceptions=[EXCEPTION, {**EXCEPTION, "until": "2027-01-31T12:00:00+01:00", "names": ["a-*", "b"]}]),
        policy(exceptions=[{**EXCEPTION, "until": datetime.date(2027, 1, 31)}]),
        policy("digest_only", None),
        policy("default_labels", {"labels": {"team": "x"}}, mode="mutate", if_unsupported="skip"),
        policy("default_token_automount", None, mode="mutate"),
        policy("image_pull_policy", None, mode="mutate"),
        policy("mutate", {"resources": [{"resources": ["pods"]}], "mutations": [MUTATION]}, mode="mutate"),
        policy("allowed_host_ports", {"ports": [80, "1-1024"]}),
        policy("max_resources", {"limits": {"cpu": 2, "memory": "4Gi"}}),
        policy("allowed_host_paths", {"paths": ["/", "/var/log"], "read_only": True}),
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
        (policy("digest_only", {"digests": 1}), "policies[p].parameters.digests"),
        (policy("no_latest_tag", {"tags": ["a b"]}), "policies[p].parameters.tags[0]"),
        (policy("required_annotations", {}), "policies[p].parameters.annotations"),
        (policy("max_resources", {}), "policies[p].parameters"),
        (policy("max_resources", {"limits": {"cpu": "much"}}), "policies[p].parameters.limits.cpu"),
        (policy("max_resources", {"limits": {"cpu": True}}), "policies[p].parameters.limits.cpu"),
        (policy("allowed_capabilities", {"add": ["CAP_net"]}), "policies[p].parameters.add[0]"),
        (policy("no_host_namespaces", {"allowed": ["hostUsers"]}), "policies[p].parameters.allowed[0]"),
        (policy("allowed_host_paths", {"paths": ["/var/../etc"]}), "policies[p].parameters.paths[0]"),
        (policy("allowed_host_paths", {"paths": ["/var/"]}), "policies[p].parameters.paths[0]"),
        (policy("allowed_host_paths", {"read_only": "yes"}), "policies[p].parameters.read_only"),
        (policy("allowed_host_ports", {"ports": ["90-80"]}), "policies[p].parameters.ports[0]"),
        (policy("allowed_host_ports", {"ports": [0]}), "policies[p].parameters.ports[0]"),
        (policy("allowed_host_ports", {"ports": [True]}), "policies[p].parameters.ports[0]"),
        (policy("allowed_volume_types", {"types": ["hostpath"]}), "policies[p].parameters.types[0]"),
        (policy("required_probes", {"probes": []}), "policies[p].parameters.probes"),
        (policy("replica_bounds", {}), "policies[p].parameters"),
        (policy("replica_bounds", {"minimum": 3, "maximum": 2}), "policies[p].parameters.minimum"),
        (policy("replica_bounds", {"minimum": "2"}), "policies[p].parameters.minimum"),
        (policy("replica_bounds", {"minimum": -1}), "policies[p].parameters.minimum"),
        (policy("allowed_service_types", {"types": ["Headless"]}), "policies[p].parameters.types[0]"),
        (policy("allowed_external_ips", {"addresses": ["192.0.2.0/24"]}), "policies[p].parameters.addresses[0]"),
        (policy("allowed_external_ips", {"addresses": ["1.2.3"]}), "policies[p].parameters.addresses[0]"),
        (policy("allowed_ingress_hosts", {"suffixes": ["*.example.org"]}), "policies[p].parameters.suffixes[0]"),
        (policy("allowed_ingress_classes", {}), "policies[p].parameters.classes"),
        (policy("allowed_storage_classes", {"classes": []}), "policies[p].parameters.classes"),
        (policy("default_labels", {"labels": {"team": "x"}}), "policies[p].mode"),
        (policy(mode="mutate"), "policies[p].mode"),
        (policy(if_unsupported="skip"), "policies[p].if_unsupported"),
        (policy("image_pull_policy", None, mode="mutate", exceptions=[]), "policies[p].exceptions"),
        (policy("image_pull_policy", {"policy": "Sometimes"}, mode="mutate"), "policies[p].parameters.policy"),
        (policy("image_pull_policy", None, mode="mutate", if_unsupported="warn"), "policies[p].if_unsupported"),
        (policy("default_labels", {}, mode="mutate"), "policies[p].parameters.labels"),
        (
            policy("default_labels", {"labels": {"lodestar.platform/tenant": "x"}}, mode="mutate"),
            "policies[p].parameters.labels.lodestar.platform/tenant",
        ),
        (
            policy("default_labels", {"labels": {"a": "b"}, "kinds": ["Node"]}, mode="mutate"),
            "policies[p].parameters.kinds[0]",
        ),
        (policy("mutate", {"resources": [{"resources": ["pods"]}]}, mode="mutate"), "policies[p].parameters.mutations"),
        (
            policy(
                "mutate",
                {"operations": ["DELETE"], "resources": [{"resources": ["pods"]}], "mutations": [MUTATION]},
                mode="mutate",
            ),
            "policies[p].parameters.operations[0]",
        ),
        (policy(scope="tenant"), "policies[p].scope"),
        (policy(scope={}), "policies[p].scope"),
        (policy(scope={"tenant": ["a"]}), "policies[p].scope.tenant"),
        (
            policy(scope={"selector": {"matchExpressions": [{"key": "a", "operator": "Is"}]}}),
            "policies[p].scope.selector.matchExpressions[0].operator",
        ),
        (policy(exceptions=[{**EXCEPTION, "owner": ""}]), "policies[p].exceptions[0].owner"),
        (policy(exceptions=[{**EXCEPTION, "reason": "two\nlines"}]), "policies[p].exceptions[0].reason"),
        (policy(exceptions=[{**EXCEPTION, "until": None}]), "policies[p].exceptions[0].until"),
        (policy(exceptions=[{**EXCEPTION, "until": "31.12.2027"}]), "policies[p].exceptions[0].until"),
        (policy(exceptions=[{**EXCEPTION, "until": "2027-02-30"}]), "policies[p].exceptions[0].until"),
        (policy(exceptions=[{**EXCEPTION, "until": "2027-01-31T12:00:00"}]), "policies[p].exceptions[0].until"),
        (policy(exceptions=[{**EXCEPTION, "names": ["*-a"]}]), "policies[p].exceptions[0].names[0]"),
        (policy(exceptions=[{**EXCEPTION, "namespaces": []}]), "policies[p].exceptions[0]"),
        (policy(exceptions=[{**EXCEPTION, "users": ["a"]}]), "policies[p].exceptions[0].users"),
    ],
)
def test_refused_with_the_key_that_is_wrong(item: t.Any, key: str) -> None:
    assert key in [problem.key for problem in validate([item], CLUSTERS)]


def test_a_date_counts_to_its_end_and_a_time_is_read_in_its_zone() -> None:
    ends = ["2027-01-31", datetime.date(2027, 1, 31), "2027-02-01T01:00:00+01:00"]
    for end in ends:
        (read,) = read_all([policy(exceptions=[{**EXCEPTION, "until": end}])])
        assert read.exceptions[0].end == "2027-02-01T00:00:00Z"


def test_an_operator_is_told_before_the_end_of_an_exception_and_after_it() -> None:
    (read,) = read_all([policy(exceptions=[EXCEPTION])])
    for day, told in (("2027-01-10", []), ("2027-01-25", ["in 7.0 day(s)"]), ("2027-02-01", ["counts no longer"])):
        now = datetime.datetime.fromisoformat(f"{day}T00:00:00+00:00")
        notes = exceptions.notes("p", read.exceptions, now, 14)
        assert [part in note for part, note in zip(told, notes, strict=True)] == [True] * len(told)
        assert all("namespaces shop (owner ops@example.org: TICKET-1)" in note for note in notes)


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
