# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A tenant as Kubernetes objects. Pure. Private to the collection."""

from __future__ import annotations

import typing as t

from ..declaration import DESCRIPTION_ANNOTATION, TENANT_LABEL
from .model import ROLES, Limits, Member, Namespace, Tenant

_PSA = "pod-security.kubernetes.io"

Object = dict[str, t.Any]


def objects(tenant: Tenant) -> list[Object]:
    """All objects of the tenant in one cluster, namespaces first; the same input gives the same list."""
    found = [_namespace(tenant, namespace) for namespace in tenant.namespaces]
    for namespace in tenant.namespaces:
        found += _role_bindings(tenant, namespace)
        found += _resource_quota(tenant, namespace)
        found += _limit_range(tenant, namespace)
        found += _network_policies(tenant, namespace)
    return found


def _object(api_version: str, kind: str, name: str, tenant: Tenant, namespace: str) -> Object:
    metadata: Object = {"name": name, "namespace": namespace, "labels": {TENANT_LABEL: tenant.name}}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata}


def _namespace(tenant: Tenant, namespace: Namespace) -> Object:
    security = namespace.pod_security
    labels = {
        **namespace.labels,
        TENANT_LABEL: tenant.name,
        f"{_PSA}/enforce": security.enforce,
        f"{_PSA}/warn": security.warn,
        f"{_PSA}/audit": security.audit,
    }
    metadata: Object = {"name": namespace.name, "labels": labels}
    annotations = {**namespace.annotations}
    if tenant.description:
        annotations[DESCRIPTION_ANNOTATION] = tenant.description
    if annotations:
        metadata["annotations"] = annotations
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def _role_bindings(tenant: Tenant, namespace: Namespace) -> list[Object]:
    """One RoleBinding a role, since a RoleBinding's role cannot be changed but its subjects can."""
    bindings = []
    for role, cluster_role in ROLES.items():
        members = [member for member in tenant.members if member.role == role]
        if not members:
            continue
        binding = _object("rbac.authorization.k8s.io/v1", "RoleBinding", f"lodestar-{role}", tenant, namespace.name)
        binding["roleRef"] = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": cluster_role}
        binding["subjects"] = [_subject(m) for m in sorted(members, key=lambda m: (m.kind, m.namespace, m.name))]
        bindings.append(binding)
    return bindings


def _subject(member: Member) -> Object:
    if member.kind == "ServiceAccount":
        return {"kind": member.kind, "name": member.name, "namespace": member.namespace}
    return {"apiGroup": "rbac.authorization.k8s.io", "kind": member.kind, "name": member.name}


def _resource_quota(tenant: Tenant, namespace: Namespace) -> list[Object]:
    if not namespace.quota:
        return []
    quota = _object("v1", "ResourceQuota", "lodestar", tenant, namespace.name)
    quota["spec"] = {"hard": dict(namespace.quota)}
    return [quota]


def _limit_range(tenant: Tenant, namespace: Namespace) -> list[Object]:
    if namespace.limits == Limits():
        return []
    limits = namespace.limits
    parts = {"default": limits.default, "defaultRequest": limits.default_request, "max": limits.max, "min": limits.min}
    limit_range = _object("v1", "LimitRange", "lodestar", tenant, namespace.name)
    item = {name: dict(part) for name, part in parts.items() if part}
    limit_range["spec"] = {"limits": [{"type": "Container", **item}]}
    return [limit_range]


def _network_policies(tenant: Tenant, namespace: Namespace) -> list[Object]:
    """Deny everything, then let through: own pods, DNS, declared rules. NetworkPolicies only ever add up."""
    if tenant.isolation == "none":
        return []
    peer: Object = {"podSelector": {}}
    if tenant.isolation == "tenant":
        peer = {"namespaceSelector": {"matchLabels": {TENANT_LABEL: tenant.name}}}
    specs: dict[str, Object] = {
        "lodestar-default-deny": {"policyTypes": ["Ingress", "Egress"]},
        f"lodestar-allow-{tenant.isolation}": {
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"from": [peer]}],
            "egress": [{"to": [peer]}],
        },
    }
    network = tenant.network
    if network.allow_dns:
        specs["lodestar-allow-dns"] = {"policyTypes": ["Egress"], "egress": [_dns_rule()]}
    declared = {"ingress": list(network.ingress), "egress": list(network.egress)}
    declared = {name: rules for name, rules in declared.items() if rules}
    if declared:
        specs["lodestar-allow-declared"] = {"policyTypes": [name.capitalize() for name in declared], **declared}
    policies = []
    for name, spec in specs.items():
        policy = _object("networking.k8s.io/v1", "NetworkPolicy", name, tenant, namespace.name)
        policy["spec"] = {"podSelector": {}, **spec}
        policies.append(policy)
    return policies


def _dns_rule() -> Object:
    dns = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
        "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
    }
    return {"to": [dns], "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]}
