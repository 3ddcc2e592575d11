# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the add-ons of a created cluster have in common: their settings, and small objects. Pure.

CoreDNS and kube-proxy come from kubeadm. Private to the collection.
"""

from __future__ import annotations

import ipaddress
import typing as t
from dataclasses import dataclass, field

Object = dict[str, t.Any]
RBAC = "rbac.authorization.k8s.io"
NAMESPACE = "kube-system"
IMAGE_REPOSITORY = "lodestar.platform/bundle"


@dataclass(frozen=True)
class Settings:
    """What the add-ons of one cluster depend on.

    :param endpoint_host: address at which every node reaches the API server, before any service works.
    :param endpoint_port: its port.
    :param pod_cidr: one range, or an IPv4 and an IPv6 range with a comma between them.
    :param service_cidr: likewise.
    :param images: name -> reference, where another than the bundle's is wanted.
    """

    endpoint_host: str
    endpoint_port: int = 6443
    pod_cidr: str = "10.244.0.0/16"
    service_cidr: str = "10.96.0.0/12"
    images: t.Mapping[str, str] = field(default_factory=dict)

    def image(self, name: str) -> str:
        """The image reference of an add-on."""
        return self.images.get(name) or DEFAULT_IMAGES[name]


DEFAULT_IMAGES = {"kube-router": f"{IMAGE_REPOSITORY}/kube-router:v2.2.1"}


def families(cidrs: str) -> set[int]:
    """The IP versions of ranges with commas between them.

    :raises ValueError: for what is no range.
    """
    return {ipaddress.ip_network(cidr.strip()).version for cidr in cidrs.split(",")}


def budget(name: str, labels: Object) -> Object:
    """A PodDisruptionBudget by which one pod at a time may be evicted, and ill ones at any time."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "maxUnavailable": 1,
            "selector": {"matchLabels": labels},
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
    }


def subject(account: str) -> Object:
    """A ServiceAccount as the subject of a binding."""
    return {"kind": "ServiceAccount", "name": account, "namespace": NAMESPACE}


def service_account(name: str) -> Object:
    """A ServiceAccount."""
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": NAMESPACE}}


def cluster_role(name: str, rules: t.Sequence[Object]) -> Object:
    """A ClusterRole with rules."""
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": [dict(item) for item in rules],
    }


def cluster_role_binding(name: str, role: str, account: str) -> Object:
    """A ClusterRoleBinding of a role to a ServiceAccount."""
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
        "subjects": [subject(account)],
    }
