# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a machine holds, and what it lacks. Private to the collection."""

from __future__ import annotations

import typing as t

from ...operation import Context, Operation
from ...plan import Plan
from .. import (
    access,
    authentication_file,
    claims,
    control_plane,
    health,
    kubeadm,
    kubeapi,
    node,
    prepare,
    probe,
    static_pods,
)
from .common import BUNDLED, PURPOSES, Params, exclusive, finished
from .seen import looked_at


def _look(params: Params, patience: float) -> tuple[probe.Holding, dict[str, t.Any]]:
    """What the machine holds, and what its membership has lost. A starting API server is given time."""
    cluster, machine = params["cluster"], params["machine"]
    found = probe.holding(cluster, machine)
    nothing: dict[str, t.Any] = {
        "pending": [],
        "shared": [],
        "differs": [],
        "unknown_arguments": {},
        "refused_authentication": "",
    }
    if machine["role"] == "worker":
        return found, nothing
    if found.kubelet_final and found.etcd_data and not (found.local.healthy or found.half_joined) and patience > 0:
        seen = health.patiently(lambda: _answering(cluster, machine), patience)
        found = seen or probe.holding(cluster, machine)
    if not (found.kubelet_final and found.etcd_data) or found.half_joined:
        return found, nothing
    images = prepare.image_references(params["artifacts"])
    changes = static_pods.changes(node.Member(cluster, machine, images))
    lost = control_plane.pending(cluster, machine, images, found)
    shared = control_plane.shared_pending(cluster, machine, images, found)
    changed = any(step.id == authentication_file.STEP and step.action != "delete" for step in lost)
    return found, {
        "pending": [step.id for step in lost],
        "shared": [step.id for step in shared],
        "differs": [step.as_dict() for step in (*lost, *shared)],
        "unknown_arguments": static_pods.unknown_arguments(cluster, changes),
        "refused_authentication": authentication_file.refusal(cluster) if changed else "",
    }


def _answering(cluster: Params, machine: Params) -> probe.Holding | None:
    found = probe.holding(cluster, machine)
    return found if found.local.healthy else None


def _machine(params: Params, context: Context) -> Plan:
    def made() -> Plan:
        plan = prepare.plan(params["cluster"], params["machine"], params["artifacts"], params["staging"])
        plan.outputs["machine"] = {**_report(params), "lacks": [step.id for step in plan.steps]}
        if plan.steps:
            plan.finish = lambda: {"machine": {**_report(params), "lacks": []}}
        return plan

    return finished(looked_at(params, made))


def _report(params: Params) -> dict[str, t.Any]:
    cluster, machine = params["cluster"], params["machine"]
    found, membership = _look(params, params["api_patience"])
    answer = {**probe.report(cluster, machine, found), **membership}
    answer["images"] = prepare.image_references(params["artifacts"])
    answer["holds_cluster"] = kubeapi.holds_cluster(machine["node_ip"], kubeadm.bind_port(cluster))
    answer["access_kept"] = access.is_kept()
    answer["claims"] = claims.load()
    return answer


MACHINE = Operation(
    arguments={
        **BUNDLED,
        **PURPOSES,
        "seen": {"type": "dict"},
        "api_patience": {"type": "int", "default": 90},
    },
    plan=_machine,
    guard=exclusive,
)
