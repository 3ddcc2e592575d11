# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ports that Kubernetes needs between machines. Pure. Private to the collection.

See "Ports and Protocols" in the Kubernetes documentation for what its components use; NodePorts are for clients and no
need of the cluster itself. kube-router, as this collection runs it, speaks BGP between all nodes on TCP 179 and needs
no UDP: it routes within a subnet, and between subnets it wraps packets in IP (protocol 4).
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .. import kubeadm

ETCD_PORTS = (2379, 2380)
KUBELET_PORT = 10250
BGP_PORT = 179
#: Only on the machine itself, so nobody else needs to reach them, but they must be free.
_LOCAL_PORTS = {"kube-proxy": (10249, 10256), "kube-router": (20244,)}
_LOCAL_CONTROL_PLANE_PORTS = {"kube-controller-manager": (10257,), "kube-scheduler": (10259,), "etcd": (2381,)}
_KUBELET_LOCAL = {"kubelet": (10248,)}


@dataclass(frozen=True)
class Port:
    """A TCP port of a machine.

    :param purpose: the component that serves it.
    """

    port: int
    purpose: str


def reached(cluster: t.Mapping[str, t.Any], source: t.Mapping[str, t.Any], target: t.Mapping[str, t.Any]) -> list[Port]:
    """Ports of one machine of a cluster that another one must reach."""
    ports = [Port(KUBELET_PORT, "kubelet"), Port(BGP_PORT, "kube-router (BGP)")]
    if target["role"] == "control_plane":
        ports.insert(0, Port(kubeadm.bind_port(cluster), "API server"))
        if source["role"] == "control_plane":
            ports += [Port(port, "etcd") for port in ETCD_PORTS]
    return ports


def open_ports(cluster: t.Mapping[str, t.Any], machine: t.Mapping[str, t.Any]) -> list[Port]:
    """Ports of a machine that any other one of its cluster may have to reach."""
    return reached(cluster, {"role": machine["role"]}, machine)


def served(cluster: t.Mapping[str, t.Any], machine: t.Mapping[str, t.Any]) -> list[Port]:
    """Every port that must be free on a machine which joins."""
    local = {**_KUBELET_LOCAL, **_LOCAL_PORTS}
    if machine["role"] == "control_plane":
        local.update(_LOCAL_CONTROL_PLANE_PORTS)
    own = [Port(port, component) for component, ports in local.items() for port in ports]
    return sorted([*open_ports(cluster, machine), *own], key=lambda item: item.port)
