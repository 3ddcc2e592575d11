# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""kube-vip: the address of the API, held by one healthy control plane at a time. Pure. Private to the collection."""

from __future__ import annotations

import json
import typing as t

from . import paths
from .settings import KUBE_VIP_USER, document

LEASE = "plndr-cp-lock"
NAMESPACE = "kube-system"
_ROLE = "lodestar:kube-vip"


def _environment(address: str, port: int, interface: str, node_name: str) -> list[dict[str, str]]:
    values = {
        "vip_arp": "true",
        "vip_leaderelection": "true",
        "vip_leasename": LEASE,
        "vip_leaseduration": "5",
        "vip_renewdeadline": "3",
        "vip_retryperiod": "1",
        "vip_interface": interface,
        "vip_subnet": "128" if ":" in address else "32",
        "vip_nodename": node_name,
        "address": address,
        "port": str(port),
        "cp_enable": "true",
        "cp_namespace": NAMESPACE,
        "prometheus_server": "127.0.0.1:2112",
    }
    return [{"name": name, "value": value} for name, value in values.items()]


def manifest(image: str, address: str, port: int, interface: str, node_name: str) -> str:
    """The static pod. It talks to its own machine's API server only: it never depends on what it carries."""
    container = {
        "name": "kube-vip",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "args": ["manager"],
        "env": _environment(address, port, interface, node_name),
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"], "add": ["NET_ADMIN", "NET_RAW"]},
        },
        "volumeMounts": [{"name": "kubeconfig", "mountPath": "/etc/kubernetes/admin.conf", "readOnly": True}],
    }
    spec = {
        "hostNetwork": True,
        "priorityClassName": "system-node-critical",
        # kube-vip calls its own API server by the name kubernetes, which the certificate holds.
        "hostAliases": [{"ip": "127.0.0.1", "hostnames": ["kubernetes"]}],
        "containers": [container],
        "volumes": [{"name": "kubeconfig", "hostPath": {"path": paths.KUBE_VIP_CONF, "type": "File"}}],
    }
    labels = {"app.kubernetes.io/name": "kube-vip"}
    metadata = {"name": "kube-vip", "namespace": NAMESPACE, "labels": labels}
    return document({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})


def rbac() -> list[dict[str, t.Any]]:
    """What lets kube-vip hold its Lease, and nothing else. Making it cannot be limited to a name in RBAC."""
    metadata = {"name": _ROLE, "namespace": NAMESPACE}
    leases = {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"]}
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": metadata,
        "rules": [
            {**leases, "resourceNames": [LEASE], "verbs": ["get", "update", "patch"]},
            {**leases, "verbs": ["create"]},
        ],
    }
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": metadata,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": _ROLE},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": KUBE_VIP_USER}],
    }
    return [role, binding]


def interface_of(addresses: str, node_ip: str) -> str | None:
    """The interface that carries an address, from C(ip -json address). Pure."""
    for link in json.loads(addresses or "[]"):
        if any(item.get("local") == node_ip for item in link.get("addr_info", ())):
            return str(link["ifname"])
    return None


def addresses_on(addresses: str, interface: str) -> set[str]:
    """The addresses of one interface, from C(ip -json address). Pure."""
    return {
        str(item.get("local"))
        for link in json.loads(addresses or "[]")
        if link.get("ifname") == interface
        for item in link.get("addr_info", ())
    }
