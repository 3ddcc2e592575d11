# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The objects of a tenant."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.kube.resources import object_id
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


def test_no_isolation_and_no_dns() -> None:
    assert not [name for name in render(isolation="none") if name.startswith("NetworkPolicy")]
    assert "NetworkPolicy/shop/lodestar-allow-dns" not in render(network={"allow_dns": False})


def test_declared_rules_restrict_only_what_they_are_about() -> None:
    rule = {"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}
    spec = render(network={"egress": [rule]})["NetworkPolicy/shop/lodestar-allow-declared"]["spec"]
    assert spec == {"podSelector": {}, "policyTypes": ["Egress"], "egress": [rule]}
