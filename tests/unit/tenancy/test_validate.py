# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is accepted as a tenant, and how each mistake is named."""

from __future__ import annotations

import copy
import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.errors import InvalidInput
from ansible_collections.lodestar.platform.plugins.module_utils.tenancy.operate import for_cluster
from ansible_collections.lodestar.platform.plugins.module_utils.tenancy.validate import read_all, validate, warnings

CLUSTERS = {
    "hub": {"name": "hub", "role": "global", "colocated": False, "labels": {}},
    "east": {"name": "east", "role": "workload", "labels": {"env": "prod"}},
    "west": {"name": "west", "role": "workload", "labels": {"env": "test"}},
}


def tenant(**changes: t.Any) -> dict[str, t.Any]:
    """A tenant without a mistake, and with the changes."""
    return {"name": "shop", "namespaces": ["shop"], **copy.deepcopy(changes)}


def keys(*tenants: t.Any) -> list[str]:
    return [problem.key for problem in validate(list(tenants), CLUSTERS)]


@pytest.mark.parametrize(
    "item",
    [
        tenant(),
        tenant(clusters={"names": ["east", "west"]}),
        tenant(clusters={"selector": {"matchExpressions": [{"key": "env", "operator": "In", "values": ["prod"]}]}}),
        tenant(namespaces=["shop", {"name": "shop-batch", "quota": {"pods": 5}, "pod_security": "restricted"}]),
        tenant(members=[{"kind": "Group", "name": "oidc:Shop Devs", "role": "developer"}]),
        tenant(members=[{"kind": "ServiceAccount", "name": "ci.robot", "namespace": "ci", "role": "admin"}]),
        tenant(quota={"requests.cpu": 2, "limits.cpu": "4000m", "count/deployments.apps": "10"}),
        tenant(quota={"gold.storageclass.storage.k8s.io/requests.storage": "1Ti", "requests.nvidia.com/gpu": 2}),
        tenant(
            limits={
                "min": {"cpu": "10m"},
                "default_request": {"cpu": 0.1},
                "default": {"cpu": "0.5"},
                "max": {"cpu": 1},
            }
        ),
        tenant(pod_security={"enforce": "privileged", "warn": "baseline"}),
        tenant(
            network={"allow_dns": False, "ingress": [{"from": [{"namespaceSelector": {}}], "ports": [{"port": 80}]}]}
        ),
        tenant(
            isolation="none",
            labels={"app.kubernetes.io/part-of": "shop"},
            annotations={"example.org/note": "{{ x }}\n"},
        ),
    ],
)
def test_accepted(item: dict[str, t.Any]) -> None:
    assert [str(problem) for problem in validate([item], CLUSTERS)] == []


@pytest.mark.parametrize(
    ("item", "key"),
    [
        ("shop", "tenants[0]"),
        (tenant(name="Shop"), "tenants[Shop].name"),
        (tenant(name="shop\n"), "tenants[0].name"),
        (tenant(name=7), "tenants[0].name"),
        (tenant(name="x" * 300), "tenants[0].name"),
        (tenant(name="{{ lookup('pipe', 'id') }}"), "tenants[{{ lookup('pipe', 'id') }}].name"),
        (tenant(quotas={}), "tenants[shop].quotas"),
        (tenant(namespaces=[]), "tenants[shop].namespaces"),
        (tenant(namespaces="shop"), "tenants[shop].namespaces"),
        (tenant(namespaces=[True]), "tenants[shop].namespaces[0]"),
        (tenant(namespaces=["default"]), "tenants[shop].namespaces[0].name"),
        (tenant(namespaces=["kube-system"]), "tenants[shop].namespaces[0].name"),
        (tenant(namespaces=["openshift-etcd"]), "tenants[shop].namespaces[0].name"),
        (tenant(namespaces=[{"name": "lodestar-system"}]), "tenants[shop].namespaces[0].name"),
        (tenant(namespaces=["shop", "shop"]), "tenants[shop].namespaces"),
        (
            tenant(members=[{"kind": "Group", "name": "system:masters", "role": "owner"}]),
            "tenants[shop].members[0].name",
        ),
        (tenant(members=[{"kind": "User", "name": "a\nb", "role": "owner"}]), "tenants[shop].members[0].name"),
        (tenant(members=[{"kind": "group", "name": "a", "role": "owner"}]), "tenants[shop].members[0].kind"),
        (tenant(members=[{"kind": "Group", "name": "a", "role": "cluster-admin"}]), "tenants[shop].members[0].role"),
        (
            tenant(members=[{"kind": "ServiceAccount", "name": "a", "role": "owner"}]),
            "tenants[shop].members[0].namespace",
        ),
        (tenant(members=[{"kind": "User", "name": "a", "role": "owner"}] * 2), "tenants[shop].members[1]"),
        (tenant(quota={"cpus": 1}), "tenants[shop].quota.cpus"),
        (tenant(quota={"cpu": "1 core"}), "tenants[shop].quota.cpu"),
        (tenant(quota={"cpu": True}), "tenants[shop].quota.cpu"),
        (tenant(quota={"pods": -1}), "tenants[shop].quota.pods"),
        (tenant(quota={"memory": "9" * 5000}), "tenants[shop].quota.memory"),
        (tenant(quota={"pods": "٣"}), "tenants[shop].quota.pods"),
        (tenant(quota={"requests.cpu": "1100m", "limits.cpu": 1}), "tenants[shop].quota.requests.cpu"),
        (
            tenant(limits={"default_request": {"cpu": "600m"}, "default": {"cpu": "0.5"}}),
            "tenants[shop].limits.default_request.cpu",
        ),
        (tenant(limits={"default": {"memory": "2Gi"}, "max": {"memory": "2G"}}), "tenants[shop].limits.default.memory"),
        (tenant(limits={"default": {"pods": 1}}), "tenants[shop].limits.default.pods"),
        (tenant(isolation="all"), "tenants[shop].isolation"),
        (tenant(network={"allow_dns": "no"}), "tenants[shop].network.allow_dns"),
        (tenant(network={"egress": [{}]}), "tenants[shop].network.egress[0]"),
        (tenant(network={"egress": [{"to": []}]}), "tenants[shop].network.egress[0]"),
        (tenant(network={"ingress": [{"to": [{}]}]}), "tenants[shop].network.ingress[0].to"),
        (tenant(pod_security="strict"), "tenants[shop].pod_security.enforce"),
        (
            tenant(labels={"pod-security.kubernetes.io/enforce": "privileged"}),
            "tenants[shop].labels.pod-security.kubernetes.io/enforce",
        ),
        (tenant(labels={"lodestar.platform/tenant": "other"}), "tenants[shop].labels.lodestar.platform/tenant"),
        (tenant(labels={"a": "b\n"}), "tenants[shop].labels.a"),
        (tenant(labels={"a": True}), "tenants[shop].labels.a"),
        (tenant(annotations={"a b": "c"}), "tenants[shop].annotations.a b"),
        (tenant(clusters=["east"]), "tenants[shop].clusters"),
        (tenant(clusters={}), "tenants[shop].clusters"),
        (tenant(clusters={"names": ["east"], "selector": {}}), "tenants[shop].clusters"),
        (tenant(clusters={"names": ["esat"]}), "tenants[shop].clusters.names[0]"),
        (tenant(clusters={"names": ["hub"]}), "tenants[shop].clusters.names[0]"),
        (
            tenant(clusters={"selector": {"matchExpressions": [{"key": "env", "operator": "in", "values": ["a"]}]}}),
            "tenants[shop].clusters.selector.matchExpressions[0].operator",
        ),
    ],
)
def test_refused_with_the_key_that_is_wrong(item: t.Any, key: str) -> None:
    assert key in keys(item)


def test_a_message_names_key_value_and_remedy() -> None:
    (problem,) = validate([tenant(pod_security="restrictd")], CLUSTERS)
    text = str(problem)
    assert "tenants[shop].pod_security.enforce" in text
    assert "'restrictd'" in text
    assert "did you mean 'restricted'?" in text


def test_long_values_are_cut_in_messages() -> None:
    assert max(len(str(problem)) for problem in validate([tenant(name="x" * 9999, namespaces=["y" * 9999])])) < 500


def test_a_namespace_has_one_owner_in_the_fleet_whatever_the_clusters() -> None:
    ours = tenant(name="a", namespaces=["shared"], clusters={"names": ["east"]})
    theirs = tenant(name="b", namespaces=["shared"], clusters={"names": ["west"]})
    assert keys(ours, theirs) == ["tenants[b].namespaces"]


def test_two_tenants_of_one_name() -> None:
    assert keys(tenant(namespaces=["a"]), tenant(namespaces=["b"])) == ["tenants[shop].name"]


def test_every_problem_is_named_at_once() -> None:
    assert keys(tenant(name="A", isolation="x", namespaces=["a"]), tenant(quota={"cpu": "x"}), 3) == [
        "tenants[A].name",
        "tenants[A].isolation",
        "tenants[shop].quota.cpu",
        "tenants[2]",
    ]


def test_a_tenant_of_the_hub_gets_no_namespace_that_holds_a_clusters_access() -> None:
    colocated = {**CLUSTERS, "hub": {**CLUSTERS["hub"], "colocated": True}}
    on_hub = tenant(namespaces=["east"], clusters={"names": ["hub"]})
    assert [problem.key for problem in validate([on_hub], colocated)] == ["tenants[shop].namespaces"]
    assert keys(tenant(namespaces=["east"], clusters={"names": ["west"]})) == []


def test_tenants_of_a_cluster() -> None:
    declared = [
        tenant(name="all", namespaces=["all"]),
        tenant(name="prod", namespaces=["prod"], clusters={"selector": {"matchLabels": {"env": "prod"}}}),
        tenant(name="west", namespaces=["west"], clusters={"names": ["west"]}),
    ]

    def names(cluster: str) -> list[str]:
        return [item.name for item in for_cluster(declared, CLUSTERS[cluster])]

    assert (names("east"), names("west"), names("hub")) == (["all", "prod"], ["all", "west"], [])


def test_the_dedicated_global_cluster_takes_no_tenant() -> None:
    with pytest.raises(InvalidInput) as caught:
        for_cluster([tenant(clusters={"names": ["hub"]})], CLUSTERS["hub"])
    assert "cluster_colocated" in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"quota": {"pods": 5, "requests.cpu": 1}, "limits": {"default_request": {"cpu": "100m"}}}, []),
        ({"quota": {"requests.cpu": 1}, "limits": {"default": {"cpu": "100m"}}}, []),
        ({"quota": {"limits.cpu": 1}, "limits": {"default_request": {"cpu": "100m"}}}, ["do not say limits.cpu"]),
        ({"quota": {"memory": "1Gi"}}, ["do not say requests.memory"]),
        ({"quota": {"limits.cpu": "500m"}, "limits": {"default": {"cpu": 1}}}, ["more than the whole quota"]),
    ],
)
def test_a_quota_that_no_plain_pod_fits_under_is_warned_about(changes: dict[str, t.Any], expected: list[str]) -> None:
    found = warnings(read_all([tenant(**changes)]))
    assert len(found) == len(expected)
    assert all(text in line for text, line in zip(expected, found, strict=True))
