# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a machine that is to be a control plane is asked to do, and what it holds. Private to the collection."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from . import kubeadm, kubeapi, node, probe


@dataclass
class Task:
    """What is asked, and what was found.

    :param images: references of the bundle's images by name.
    :param recovered: names of the keys that a recovery file holds, for founding; the keys are in the material.
    :param retires: node name of the living control plane that leaves once this one has joined.
    :param network: objects of the cluster's network, which the control plane that founds it applies.
    """

    cluster: t.Mapping[str, t.Any]
    machine: t.Mapping[str, t.Any]
    images: t.Mapping[str, str]
    material: t.Mapping[str, t.Any] | None
    found: probe.Holding
    recovered: t.Sequence[str] = ()
    retires: str | None = None
    network: t.Sequence[t.Mapping[str, t.Any]] = ()

    @property
    def kube_vip(self) -> bool:
        """The endpoint's address is carried by the control planes themselves."""
        return bool(self.cluster["endpoint"]["provider"] == "kube_vip")

    @property
    def member(self) -> node.Member:
        """The machine, once it belongs to the cluster."""
        return node.Member(self.cluster, self.machine, self.images)

    def api(self) -> kubeapi.Api:
        """The local API server as administrator.

        :raises PlatformError: this machine holds no admin.conf.
        """
        return kubeapi.require_local_admin(self.machine["node_ip"], kubeadm.bind_port(self.cluster))
