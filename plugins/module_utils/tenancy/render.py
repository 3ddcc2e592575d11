# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A tenant as Kubernetes objects. Pure. Private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ..declaration import DESCRIPTION_ANNOTATION, TENANT_LABEL
from . import allow, network, nodes, states
from .members import ROLES, Member
from .model import Namespace, Tenant
from .quotas import Limits
from .settings import Settings

_PSA = "pod-security.kubernetes.io"
_RBAC = "rbac.authorization.k8s.io"

Object = dict[str, t.Any]


def objects(tenant: Tenant, settings: Settings | None = None) -> list[Object]:
    """All objects of the tenant in one cluster, namespaces first; the same input gives the same list.

    :param tenant: with the namespaces that it has in this cluster.
    :param settings: the cluster's.
    """
    found = [_namespace(tenant, namespace) for namespace in tenant.namespaces]
    for namespace in tenant.namespaces:
        if namespace.state == "retired":
            found += _role_bindings(_readers(tenant), namespace)
        else:
            found += _roles(tenant, namespace)
            found += _role_bindings(tenant, namespace)
        found += _resource_quota(tenant, namespace)
        found += _limit_range(tenant, namespace)
        found += _network_policies(tenant, namespace, settings or Settings())
    return found + [_extra(tenant, obj) for obj in tenant.objects]


def _extra(tenant: Tenant, obj: Object) -> Object:
    metadata = obj["metadata"]
    return {**obj, "metadata": {**metadata, "labels": {**(metadata.get("labels") or {}), TENANT_LABEL: tenant.name}}}


def _readers(tenant: Tenant) -> Tenant:
    """The tenant whose members only read, whatever they were."""
    members = dict.fromkeys(dataclasses.replace(one, role="viewer", cluster_role="") for one in tenant.members)
    return dataclasses.replace(tenant, members=tuple(members), roles=())


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
    if namespace.state != states.STATES[0]:
        labels[states.LABEL] = namespace.state
    metadata: Object = {"name": namespace.name, "labels": labels}
    annotations = {**namespace.annotations, **allow.notes(tenant.allow), **nodes.notes(tenant.nodes)}
    if tenant.description:
        annotations[DESCRIPTION_ANNOTATION] = tenant.description
    if annotations:
        metadata["annotations"] = annotations
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def _roles(tenant: Tenant, namespace: Namespace) -> list[Object]:
    """A Role for each role of the tenant's own."""
    roles = []
    for role in tenant.roles:
        made = _object(f"{_RBAC}/v1", "Role", own_role_name(role.name), tenant, namespace.name)
        roles.append({**made, "rules": [rule.as_dict() for rule in role.rules]})
    return roles


def own_role_name(role: str) -> str:
    """The name of the Role, and of its RoleBinding, that a role of the tenant's own becomes."""
    return f"lodestar-role-{role}"


def _role_bindings(tenant: Tenant, namespace: Namespace) -> list[Object]:
    """One RoleBinding a role, since a RoleBinding's role cannot be changed but its subjects can."""
    wanted = [(f"lodestar-{role}", "ClusterRole", target, role, "") for role, target in ROLES.items()]
    wanted += [(own_role_name(one.name), "Role", own_role_name(one.name), one.name, "") for one in tenant.roles]
    wanted += [(f"lodestar-cluster-role-{name}", "ClusterRole", name, "", name) for name in cluster_roles(tenant)]
    bindings = []
    for name, kind, target, role, cluster_role in wanted:
        members = [one for one in tenant.members if (one.role, one.cluster_role) == (role, cluster_role)]
        if not members:
            continue
        binding = _object(f"{_RBAC}/v1", "RoleBinding", name, tenant, namespace.name)
        binding["roleRef"] = {"apiGroup": _RBAC, "kind": kind, "name": target}
        binding["subjects"] = [_subject(m) for m in sorted(members, key=lambda m: (m.kind, m.namespace, m.name))]
        bindings.append(binding)
    return bindings


def cluster_roles(tenant: Tenant) -> list[str]:
    """The ClusterRoles of the cluster's own that its members get, each once."""
    return sorted({member.cluster_role for member in tenant.members if member.cluster_role})


def _subject(member: Member) -> Object:
    if member.kind == "ServiceAccount":
        return {"kind": member.kind, "name": member.name, "namespace": member.namespace}
    return {"apiGroup": _RBAC, "kind": member.kind, "name": member.name}


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


def _network_policies(tenant: Tenant, namespace: Namespace, settings: Settings) -> list[Object]:
    policies = []
    for name, spec in network.specs(tenant.name, tenant.isolation, tenant.network, settings).items():
        policy = _object("networking.k8s.io/v1", "NetworkPolicy", name, tenant, namespace.name)
        policies.append({**policy, "spec": spec})
    return policies
