# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster and its machines, as the fleet has them."""

from __future__ import annotations

import typing as t

IMAGES = {
    name: f"lodestar.platform/bundle/{name}:{tag}"
    for name, tag in (
        ("kube-apiserver", "v1.36.3"),
        ("etcd", "3.6.16-0"),
        ("coredns", "v1.14.6"),
        ("pause", "3.10.2"),
        ("kube-vip", "v0.9.1"),
    )
}


def cluster(**changes: t.Any) -> dict[str, t.Any]:
    """Three control planes and two workers."""
    return {
        "name": "east",
        "role": "workload",
        "version": "1.36.3",
        "endpoint": {"address": "192.0.2.10", "port": 6443, "provider": "kube_vip", "interface": None},
        "network": {"pod_cidr": "10.244.0.0/16", "service_cidr": "10.96.0.0/12", "dns_domain": "cluster.local"},
        "colocated": False,
        "control_plane": ["e1", "e2", "e3"],
        "workers": ["w1", "w2"],
        "creation_problems": [],
        **changes,
    }


def machine(name: str = "e1", role: str = "control_plane", **changes: t.Any) -> dict[str, t.Any]:
    """A machine of it."""
    return {
        "name": name,
        "node_name": name,
        "node_ip": "192.0.2.11",
        "role": role,
        "labels": {},
        "taints": [],
        **changes,
    }


def empty(**changes: t.Any) -> dict[str, t.Any]:
    """The probe of a machine that holds nothing."""
    return {
        "empty": True,
        "kubelet_identity": False,
        "kubelet_final": False,
        "etcd_data": False,
        "half_joined": False,
        "founding": False,
        "static_pods": [],
        "ca_sha256": None,
        "recorded": {"name": None, "uid": None},
        "api_healthy": False,
        "uid": None,
        "pending": [],
        "shared": [],
        "lacks": [],
        "unknown_arguments": {},
        "refused_authentication": "",
        "claims": {},
        "lasting": {},
        "endpoint": {"answers": False, "ca_sha256": None},
        **changes,
    }


def member(**changes: t.Any) -> dict[str, t.Any]:
    """The probe of a healthy control plane."""
    return empty(
        **{
            "empty": False,
            "kubelet_identity": True,
            "kubelet_final": True,
            "etcd_data": True,
            "static_pods": ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-vip"],
            "ca_sha256": "aa",
            "recorded": {"name": "east", "uid": "uid-1"},
            "api_healthy": True,
            "uid": "uid-1",
            "endpoint": {"answers": True, "ca_sha256": "aa"},
            **changes,
        }
    )


def joined_worker(**changes: t.Any) -> dict[str, t.Any]:
    """The probe of a worker that belongs to the cluster."""
    return member(**{"etcd_data": False, "static_pods": [], "api_healthy": False, "uid": None, **changes})


def half_founded(**changes: t.Any) -> dict[str, t.Any]:
    """The probe of a machine on which C(kubeadm init) was killed after etcd had begun."""
    return member(
        **{
            "kubelet_final": False,
            "founding": True,
            "api_healthy": True,
            "recorded": {"name": None, "uid": None},
            **changes,
        }
    )
