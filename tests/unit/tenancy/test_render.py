# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The objects of a tenant."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.declaration import Reader
from ansible_collections.lodestar.platform.plugins.module_utils.kube.resources import object_id
from ansible_collections.lodestar.platform.plugins.module_utils.tenancy import settings
from ansible_collections.lodestar.platform.plugins.module_utils.tenancy.granting import lacking
from ansible_collections.lodestar.platform.plugins.module_utils.tenancy.render import objects
from ansible_collections.lodestar.platform.plugins.module_utils.tenancy.validate import read_all


def render(**declared: t.Any) -> dict[str, dict[str, t.Any]]:
    """The objects by ``Kind/name`` (namespaces) or ``Kind/namespace/name``."""
    (tenant,) = read_all([{"name": "shop", "namespaces": ["shop"], **declared}])
    found = objects(tenant)
    assert len({object_id(obj) for obj in found}) == len(found)
    return {f"{obj['kind']}/{object_id(obj).split(obj['kind'] + '/')[1]}": obj for obj in found}


def test_a_bare_tenant_is_isolated_and_secured() -> None:
    found = render()
    assert list(found) == [
        "Namespace/shop",
        "NetworkPolicy/shop/lodestar-default-deny",
        "NetworkPolicy/shop/lodestar-allow-tenant",
        "NetworkPolicy/shop/lodestar-allow-dns",
    ]
    assert found["Namespace/shop"]["metadata"]["labels"] == {
        "lodestar.platform/tenant": "shop",
        "pod-security.kubernetes.io/enforce": "baseline",
        "pod-security.kubernetes.io/warn": "restricted",
        "pod-security.kubernetes.io/audit": "restricted",
    }


@pytest.mark.parametrize(
    ("declared", "levels"),
    [
        (None, ("baseline", "restricted", "restricted")),
        ("privileged", ("privileged", "baseline", "baseline")),
        ("restricted", ("restricted", "restricted", "restricted")),
        ({"enforce": "privileged", "warn": "restricted"}, ("privileged", "restricted", "baseline")),
    ],
)
def test_pod_security_warns_one_level_further(declared: t.Any, levels: tuple[str, ...]) -> None:
    labels = render(pod_security=declared)["Namespace/shop"]["metadata"]["labels"]
    assert tuple(labels[f"pod-security.kubernetes.io/{name}"] for name in ("enforce", "warn", "audit")) == levels


def test_one_role_binding_a_role_with_all_its_members_in_a_stable_order() -> None:
    members = [
        {"kind": "User", "name": "zoe", "role": "developer"},
        {"kind": "ServiceAccount", "name": "ci", "namespace": "builds", "role": "developer"},
        {"kind": "Group", "name": "devs", "role": "developer"},
        {"kind": "Group", "name": "heads", "role": "owner"},
    ]
    found, turned = render(members=members), render(members=members[::-1])
    assert json.dumps(found) == json.dumps(turned)
    assert {name for name in found if name.startswith("RoleBinding")} == {
        "RoleBinding/shop/lodestar-owner",
        "RoleBinding/shop/lodestar-developer",
    }
    binding = found["RoleBinding/shop/lodestar-developer"]
    assert binding["roleRef"]["name"] == "edit"
    assert binding["subjects"] == [
        {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "devs"},
        {"kind": "ServiceAccount", "name": "ci", "namespace": "builds"},
        {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "zoe"},
    ]


def test_a_namespace_replaces_quota_and_limits_and_adds_labels() -> None:
    found = render(
        quota={"pods": 10},
        limits={"default": {"cpu": 1}},
        labels={"a": "1", "b": "1"},
        namespaces=["shop", {"name": "batch", "quota": {"cpu": 0.5}, "limits": {}, "labels": {"b": "2"}}],
    )
    assert found["ResourceQuota/shop/lodestar"]["spec"] == {"hard": {"pods": "10"}}
    assert found["LimitRange/shop/lodestar"]["spec"] == {"limits": [{"type": "Container", "default": {"cpu": "1"}}]}
    assert found["ResourceQuota/batch/lodestar"]["spec"] == {"hard": {"cpu": "0.5"}}
    assert "LimitRange/batch/lodestar" not in found
    labels = found["Namespace/batch"]["metadata"]["labels"]
    assert (labels["a"], labels["b"], labels["lodestar.platform/tenant"]) == ("1", "2", "shop")


def test_isolation_within_the_namespace() -> None:
    policy = render(isolation="namespace")["NetworkPolicy/shop/lodestar-allow-namespace"]
    assert policy["spec"]["ingress"] == [{"from": [{"podSelector": {}}]}]
    assert policy["spec"]["egress"] == [{"to": [{"podSelector": {}}]}]


def test_isolation_within_the_tenant() -> None:
    peer = {"namespaceSelector": {"matchLabels": {"lodestar.platform/tenant": "shop"}}}
    policy = render()["NetworkPolicy/shop/lodestar-allow-tenant"]
    assert policy["spec"]["ingress"] == [{"from": [peer]}]


def test_switches_let_through_what_the_cluster_says_that_it_is() -> None:
    (tenant,) = read_all(
        [
            {
                "name": "shop",
                "namespaces": ["shop"],
                "network": {"allow_ingress": True, "allow_monitoring": True, "allow_api_server": True},
            }
        ]
    )
    declared = {
        "ingress_namespaces": ["nginx", "gateway"],
        "monitoring_namespaces": ["prometheus"],
        "api_server": [{"cidr": "192.0.2.1/32"}, {"cidr": "192.0.2.2/32"}, {"cidr": "2001:db8::1/128", "port": 443}],
    }
    found = {
        obj["metadata"]["name"]: obj.get("spec") for obj in objects(tenant, settings.read(declared, Reader(), "s"))
    }
    ingress = found["lodestar-allow-ingress"]
    assert ingress["policyTypes"] == ["Ingress"]
    (peer,) = ingress["ingress"][0]["from"]
    assert peer["namespaceSelector"]["matchExpressions"][0]["values"] == ["gateway", "nginx"]
    assert "egress" not in found["lodestar-allow-monitoring"]
    assert found["lodestar-allow-api-server"] == {
        "podSelector": {},
        "policyTypes": ["Egress"],
        "egress": [
            {"to": [{"ipBlock": {"cidr": "2001:db8::1/128"}}], "ports": [{"protocol": "TCP", "port": 443}]},
            {
                "to": [{"ipBlock": {"cidr": "192.0.2.1/32"}}, {"ipBlock": {"cidr": "192.0.2.2/32"}}],
                "ports": [{"protocol": "TCP", "port": 6443}],
            },
        ],
    }


def test_own_roles_and_cluster_roles_become_bindings_of_their_own() -> None:
    found = render(
        roles=[{"name": "shell", "rules": [{"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["create"]}]}],
        members=[
            {"kind": "Group", "name": "a", "role": "shell"},
            {"kind": "Group", "name": "b", "cluster_role": "x:edit"},
            {"kind": "Group", "name": "c", "cluster_role": "x:edit"},
        ],
    )
    assert found["Role/shop/lodestar-role-shell"]["rules"] == [
        {"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["create"]}
    ]
    own, named = found["RoleBinding/shop/lodestar-role-shell"], found["RoleBinding/shop/lodestar-cluster-role-x:edit"]
    assert (own["roleRef"]["kind"], own["roleRef"]["name"]) == ("Role", "lodestar-role-shell")
    assert (named["roleRef"]["kind"], named["roleRef"]["name"]) == ("ClusterRole", "x:edit")
    assert [item["name"] for item in named["subjects"]] == ["b", "c"]


@pytest.mark.parametrize(
    ("wanted", "missing"),
    [
        ({"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}, []),
        ({"apiGroups": ["", "apps"], "resources": ["pods"], "verbs": ["get"]}, ["get pods.apps"]),
        ({"apiGroups": [""], "resources": ["pods/exec", "pods/log"], "verbs": ["create"]}, ["create pods/log"]),
        ({"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}, ["get secrets"]),
        ({"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"], "resourceNames": ["a"]}, []),
        (
            {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"], "resourceNames": ["a", "b"]},
            ["get secrets b"],
        ),
        ({"apiGroups": ["x.io"], "resources": ["any/scale"], "verbs": ["patch"]}, []),
        ({"apiGroups": ["x.io"], "resources": ["any"], "verbs": ["patch"]}, ["patch any.x.io"]),
    ],
)
def test_what_a_role_would_give_that_is_not_held(wanted: dict[str, t.Any], missing: list[str]) -> None:
    held = [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["*"]},
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"], "resourceNames": ["a"]},
        {"apiGroups": ["*"], "resources": ["*/scale"], "verbs": ["patch"]},
        {"nonResourceURLs": ["/healthz"], "verbs": ["get"]},
    ]
    assert lacking([wanted], held) == missing


def test_no_isolation_and_no_dns() -> None:
    assert not [name for name in render(isolation="none") if name.startswith("NetworkPolicy")]
    assert "NetworkPolicy/shop/lodestar-allow-dns" not in render(network={"allow_dns": False})


def test_declared_rules_restrict_only_what_they_are_about() -> None:
    rule = {"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}
    spec = render(network={"egress": [rule]})["NetworkPolicy/shop/lodestar-allow-declared"]["spec"]
    assert spec == {"podSelector": {}, "policyTypes": ["Egress"], "egress": [rule]}
