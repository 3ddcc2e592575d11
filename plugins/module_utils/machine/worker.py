# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan that joins a worker. Private to the collection."""

from __future__ import annotations

import typing as t

from ..errors import PlatformError
from ..plan import Plan
from . import host, kubeadm, node, paths, probe


def plan(
    cluster: t.Mapping[str, t.Any], machine: t.Mapping[str, t.Any], material: t.Mapping[str, t.Any] | None, rejoin: bool
) -> Plan:
    """What makes this machine a worker of the cluster.

    :param material: from C(join_material); ``None`` while it is only predicted.
    :param rejoin: leave a cluster that no longer exists: the operator said C(recreate).
    """
    found = probe.holding(cluster, machine)
    steps = node.Steps(machine["name"])
    join = rejoin or not found.kubelet_final
    if join:
        node.add_cleaning(steps, found)
        steps.add(
            "kubeadm:join",
            "run",
            f"join {cluster['name']} as the worker {machine['node_name']}",
            lambda: _join(cluster, machine, material),
            after={"cluster": cluster["name"], "node": machine["node_name"], "endpoint": kubeadm.endpoint(cluster)},
        )
        node.add_file_mode(steps, paths.KUBELET_CONFIG, 0o600)
    uid = (material or {}).get("uid")
    seen = probe.Holding(**{**vars(found), "recorded": {}}) if join else found
    node.add_record(steps, cluster, seen, lambda: uid or found.recorded.get("uid"))
    return Plan(steps=steps.items)


def _join(
    cluster: t.Mapping[str, t.Any], machine: t.Mapping[str, t.Any], material: t.Mapping[str, t.Any] | None
) -> None:
    if not material:
        raise PlatformError("there is no join material; a control plane of the cluster must be healthy to give it")
    node.run_join(kubeadm.join_documents(cluster, machine, material))
    host.wait_for("the kubelet has joined", node.kubelet_healthy, 60)
