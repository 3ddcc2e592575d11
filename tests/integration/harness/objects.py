# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Objects like those of tenants: eight a namespace."""

from __future__ import annotations

import typing as t

RBAC = "rbac.authorization.k8s.io"
_SYSTEM = {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}


def tenant_objects(prefix: str, namespaces: int) -> list[dict[str, t.Any]]:
    """A namespace, a quota, a limit range, two role bindings and three network policies, ``namespaces`` times."""
    return [obj for index in range(namespaces) for obj in _namespace(f"{prefix}-{index}")]


def _namespace(name: str) -> list[dict[str, t.Any]]:
    def inside(api_version: str, kind: str, own: str, **content: t.Any) -> dict[str, t.Any]:
        return {"apiVersion": api_version, "kind": kind, "metadata": {"name": own, "namespace": name}, **content}

    def binding(own: str, role: str) -> dict[str, t.Any]:
        return inside(
            f"{RBAC}/v1",
            "RoleBinding",
            own,
            roleRef={"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
            subjects=[{"apiGroup": RBAC, "kind": "Group", "name": f"{name}-{own}"}],
        )

    def policy(own: str, **spec: t.Any) -> dict[str, t.Any]:
        return inside("networking.k8s.io/v1", "NetworkPolicy", own, spec={"podSelector": {}, **spec})

    hard = {"pods": "20", "requests.cpu": "4000m", "requests.memory": "8192Mi", "limits.cpu": "8"}
    defaults = {
        "type": "Container",
        "default": {"cpu": "0.5", "memory": "512Mi"},
        "defaultRequest": {"cpu": "100m", "memory": "128Mi"},
    }
    dns = [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]
    labels = {"team": "a", "pod-security.kubernetes.io/enforce": "baseline"}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}},
        inside("v1", "ResourceQuota", "quota", spec={"hard": hard}),
        inside("v1", "LimitRange", "limits", spec={"limits": [defaults]}),
        binding("admins", "admin"),
        binding("viewers", "view"),
        policy("default-deny", policyTypes=["Ingress", "Egress"]),
        policy("same-tenant", ingress=[{"from": [{"podSelector": {}}]}], egress=[{"to": [{"podSelector": {}}]}]),
        policy("dns", policyTypes=["Egress"], egress=[{"to": [{"namespaceSelector": _SYSTEM}], "ports": dns}]),
    ]
