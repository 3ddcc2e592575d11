# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a cluster is founded with and keeps for life: its address and its ranges. Private to the collection.

Every certificate, kubeconfig and Service holds a part of it, so a declaration that says something else is refused.
"""

from __future__ import annotations

import ipaddress
import re
import typing as t

from ..errors import Problem
from . import host, kubeadm, paths

_CONTROLLER = f"{paths.MANIFESTS}/kube-controller-manager.yaml"
_FLAGS = {"pod_cidr": "cluster-cidr", "service_cidr": "service-cluster-ip-range"}
_ENDPOINT = "endpoint"

Lasting = dict[str, str]


def seen() -> Lasting:
    """What kubeadm wrote on this control plane, as far as it came: C(endpoint), C(pod_cidr), C(service_cidr)."""
    return parsed(host.read(_CONTROLLER) or "", host.read(paths.ADMIN_CONF) or "")


def parsed(controller_manager: str, admin_conf: str) -> Lasting:
    """Reads the manifest of the controller manager and the administrator's kubeconfig. Pure."""
    found = {key: re.search(rf"--{flag}=([^\s\"']+)", controller_manager) for key, flag in _FLAGS.items()}
    found[_ENDPOINT] = re.search(r"^\s*server: [\"']?https://([^\s\"'/]+)", admin_conf, re.MULTILINE)
    return {key: match[1] for key, match in found.items() if match}


def declared(cluster: t.Mapping[str, t.Any]) -> Lasting:
    """The same as the cluster's declaration has it. Pure."""
    return {_ENDPOINT: kubeadm.endpoint(cluster), **{key: str(cluster["network"][key]) for key in _FLAGS}}


def problems(cluster: t.Mapping[str, t.Any], machine: str, found: t.Mapping[str, str]) -> list[Problem]:
    """Where the declaration contradicts what a control plane of the cluster holds. Pure."""
    wanted = declared(cluster)
    names = {_ENDPOINT: "endpoint", **{key: f"cluster_network.{key}" for key in _FLAGS}}
    return [
        Problem(
            f"{cluster['name']}: {names[key]}",
            wanted[key],
            f"{machine} holds this cluster, which was founded with {value} and keeps it for life",
            f"Set it back to {value}, or found another cluster beside it",
        )
        for key, value in found.items()
        if _normal(value) != _normal(wanted[key])
    ]


def version_problem(cluster: t.Mapping[str, t.Any], machine: str, running: str) -> Problem | None:
    """What is wrong when a Node runs another Kubernetes than is declared: a site run never upgrades. Pure."""
    if running == cluster["version"]:
        return None
    return Problem(
        f"{cluster['name']}: kubernetes_version",
        cluster["version"],
        f"{machine} is a Node of {running}, and a site run never upgrades a cluster",
        f"Set it back to {running!r}, or run the playbook lodestar.platform.upgrade, which takes the cluster there",
    )


def _normal(value: str) -> str:
    """Ranges of one meaning alike; anything else as it is."""
    try:
        return ",".join(str(ipaddress.ip_network(part, strict=False)) for part in value.split(","))
    except ValueError:
        return value
