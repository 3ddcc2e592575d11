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


def rule(**changes: t.Any) -> dict[str, t.Any]:
    """A rule of a role, and with the changes."""
    return {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"], **changes}


def extra(kind: str = "ConfigMap", **changes: t.Any) -> dict[str, t.Any]:
    """An object of a tenant's own list, and with the changes, which are of its metadata but for the version."""
    api_version = changes.pop("apiVersion", "v1")
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "a", "namespace": "shop", **changes}}


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
            roles=[{"name": "shell", "rules": [{"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["create"]}]}],
            members=[{"kind": "Group", "name": "ops", "role": "shell"}],
        ),
        tenant(namespaces=["shop", {"name": "shop-b", "clusters": {"names": ["east"]}}]),
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
        (tenant(members=[{"kind": "User", "name": "a"}]), "tenants[shop].members[0].role"),
        *(
            (
                tenant(members=[{"kind": "User", "name": "a", "cluster_role": name}]),
                "tenants[shop].members[0].cluster_role",
            )
            for name in ("cluster-admin", "system:node", "lodestar:tenant", "a/../b", "", 7, ["view"])
        ),
        (
            tenant(members=[{"kind": "User", "name": "a", "role": "owner", "cluster_role": "b"}]),
            "tenants[shop].members[0]",
        ),
        (tenant(roles=[{"name": "owner", "rules": [rule()]}]), "tenants[shop].roles[0].name"),
        (tenant(roles=[{"name": "idle", "rules": [rule()]}]), "tenants[shop].members"),
        (tenant(roles=[{"name": "r", "rules": []}]), "tenants[shop].roles[0].rules"),
        (tenant(roles=[{"name": "r", "rules": [rule()]}] * 2), "tenants[shop].roles[1].name"),
        *(
            (tenant(roles=[{"name": "r", "rules": [rule(**wrong)]}]), f"tenants[shop].roles[0].rules[0].{key}")
            for key, wrong in (
                ("verbs[0]", {"verbs": ["*"]}),
                ("verbs[1]", {"verbs": ["get", "escalate"]}),
                ("verbs[0]", {"verbs": ["bind"]}),
                ("verbs[0]", {"verbs": ["impersonate"]}),
                ("verbs", {"verbs": []}),
                ("resources[0]", {"resources": ["*"]}),
                ("resources[0]", {"resources": ["pods/*"]}),
                ("apiGroups[0]", {"apiGroups": ["*"]}),
                ("nonResourceURLs", {"nonResourceURLs": ["/metrics"]}),
                ("resourceNames[0]", {"resourceNames": ["a/../b"]}),
            )
        ),
        (
            tenant(namespaces=[{"name": "a", "clusters": {"names": ["esat"]}}]),
            "tenants[shop].namespaces[0].clusters.names[0]",
        ),
        (tenant(namespaces=[{"name": "a", "clusters": ["east"]}]), "tenants[shop].namespaces[0].clusters"),
        (
            tenant(clusters={"names": ["east"]}, namespaces=[{"name": "a", "clusters": {"names": ["west"]}}]),
            "tenants[shop].namespaces[a].clusters",
        ),
        (tenant(state="gone"), "tenants[shop].state"),
        (tenant(state={"east": "off"}), "tenants[shop].state.east"),
        (tenant(state={"hub": "retired"}), "tenants[shop].state"),
        (tenant(namespaces=[{"name": "a", "state": {"esat": "retired"}}]), "tenants[shop].namespaces[a].state"),
        (tenant(nodes={}), "tenants[shop].nodes.labels"),
        (tenant(nodes={"labels": {"a": "b,c=d"}}), "tenants[shop].nodes.labels.a"),
        (tenant(annotations={"lodestar.platform/nodes": "a=b"}), "tenants[shop].annotations.lodestar.platform/nodes"),
        *(
            (tenant(objects=[extra(**wrong)]), f"tenants[shop].objects[0]{key}")
            for key, wrong in (
                (".metadata.namespace", {"namespace": "kube-system"}),
                (".metadata.namespace", {"namespace": None}),
                (".metadata.name", {"name": "lodestar-default-deny"}),
                (".metadata.name", {"name": ["a"]}),
                (".kind", {"kind": "Secret"}),
                (".kind", {"kind": "ResourceQuota"}),
                (".kind", {"kind": "Node"}),
                (".kind", {"kind": "RoleBinding", "apiVersion": "rbac.authorization.k8s.io/v1"}),
                (".kind", {"kind": "Role", "apiVersion": "rbac.authorization.k8s.io/v1beta1"}),
                (".metadata.labels.lodestar.platform/tenant", {"labels": {"lodestar.platform/tenant": "other"}}),
            )
        ),
        (tenant(objects=[extra(), extra()]), "tenants[shop].objects[1]"),
        (tenant(objects=["x"]), "tenants[shop].objects[0]"),
        (tenant(allow={"images": ["a"]}), "tenants[shop].allow.images"),
        (tenant(allow={"registries": []}), "tenants[shop].allow.registries"),
        (tenant(allow={"registries": ["nginx"]}), "tenants[shop].allow.registries[0]"),
        (tenant(allow={"registries": ["reg.local/a,evil.example"]}), "tenants[shop].allow.registries[0]"),
        (tenant(allow={"storage_classes": ["a,b"]}), "tenants[shop].allow.storage_classes[0]"),
        (tenant(allow={"host_suffixes": [".example.org"]}), "tenants[shop].allow.host_suffixes[0]"),
        (tenant(allow={"host_suffixes": ["*.example.org"]}), "tenants[shop].allow.host_suffixes[0]"),
        (tenant(allow={"priority_classes": [f"c{at}" for at in range(101)]}), "tenants[shop].allow.priority_classes"),
        (
            tenant(annotations={"allow.lodestar.platform/registries": "evil.example"}),
            "tenants[shop].annotations.allow.lodestar.platform/registries",
        ),
        (tenant(annotations={"a": "x" * 262144}), "tenants[shop].namespaces[0].annotations"),
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


def test_a_namespace_is_in_the_clusters_of_its_tenant_that_it_chooses() -> None:
    prod = {"selector": {"matchLabels": {"env": "prod"}}}
    declared = [tenant(namespaces=["everywhere", {"name": "prod", "clusters": prod}])]

    def spaces(cluster: str) -> list[str]:
        return [space.name for item in for_cluster(declared, CLUSTERS[cluster]) for space in item.namespaces]

    assert (spaces("east"), spaces("west")) == (["everywhere", "prod"], ["everywhere"])


def test_the_state_of_a_namespace_is_the_last_that_is_said_of_it_for_a_cluster() -> None:
    declared = [
        tenant(
            state={"east": "cordoned"},
            namespaces=["a", {"name": "b", "state": "retired"}, {"name": "c", "state": {"west": "retired"}}],
        )
    ]

    def found(cluster: str) -> list[str]:
        return [space.state for item in for_cluster(declared, CLUSTERS[cluster]) for space in item.namespaces]

    assert found("east") == ["cordoned", "retired", "cordoned"]
    assert found("west") == ["active", "retired", "retired"]


def test_objects_that_our_identity_may_not_manage_are_told_with_the_grant() -> None:
    item = tenant(objects=[extra(), extra("Deployment", apiVersion="apps/v1"), extra("Widget", apiVersion="x.io/v1")])
    east = {**CLUSTERS["east"], "access": {"tier": "tenant", "grants": {"resources": ["configmaps"]}}}
    (problem,) = validate([item], {"east": east})
    assert (problem.key, problem.value) == ("tenants[shop].objects", "deployments.apps")
    assert "add deployments.apps to cluster_access.grants.resources of east" in problem.remedy
    assert validate([item], {"east": {**east, "access": {**east["access"], "tier": "lifecycle"}}}) == []


SETTINGS = {
    "reserved_namespaces": ["vault", "infra-*"],
    "ingress_namespaces": ["ingress"],
    "monitoring_namespaces": ["monitoring"],
    "api_server": [{"cidr": "192.0.2.1/32"}],
}


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"namespaces": ["vault"]}, "tenants[shop].namespaces"),
        ({"namespaces": ["infra-dns"]}, "tenants[shop].namespaces"),
        ({"network": {"allow_ingress": True}}, "tenants[shop].network.allow_ingress"),
        ({"network": {"allow_monitoring": True}}, "tenants[shop].network.allow_monitoring"),
        ({"network": {"allow_api_server": True}}, "tenants[shop].network.allow_api_server"),
        ({"members": [{"kind": "User", "name": "a", "cluster_role": "x"}]}, "tenants[shop].members.cluster_role"),
    ],
)
def test_what_a_cluster_of_a_tenant_must_say_or_grant(changes: dict[str, t.Any], key: str) -> None:
    reserved = "namespaces" in changes
    bare = {"east": {**CLUSTERS["east"], "mode": "attach"}}
    ready = {"east": {**bare["east"], "tenant_settings": SETTINGS, "access": {"grants": {"cluster_roles": ["x"]}}}}
    found = [[problem.key for problem in validate([tenant(**changes)], clusters)] for clusters in (bare, ready)]
    assert found == ([[], [key]] if reserved else [[key], []])


def test_a_created_cluster_knows_its_api_servers() -> None:
    created = {"east": {**CLUSTERS["east"], "mode": "create"}}
    assert validate([tenant(network={"allow_api_server": True})], created) == []


def test_wrong_settings_that_stand_in_a_group_are_named_once() -> None:
    wrong = {"reserved_namespaces": ["*"], "api_server": [{"cidr": "192.0.2.1/24", "port": 0}], "ingress": []}
    clusters = {name: {**CLUSTERS[name], "tenant_settings": wrong} for name in ("east", "west")}
    assert [problem.key for problem in validate([tenant()], clusters)] == [
        "east: tenant_settings.ingress",
        "east: tenant_settings.reserved_namespaces[0]",
        "east: tenant_settings.api_server[0].cidr",
        "east: tenant_settings.api_server[0].port",
    ]


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
