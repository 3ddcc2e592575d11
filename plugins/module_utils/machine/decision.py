# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operation behind C(bootstrap_decision). Private to the collection."""

from __future__ import annotations

import typing as t

from ..errors import Refused
from ..operation import Context, Operation
from ..plan import Plan
from . import joining, recovery
from .decide import PRESENT, Decision, decide
from .turns import turns


def _plan(params: t.Mapping[str, t.Any], context: Context) -> Plan:
    if params["destroying"]:
        raise Refused(params["destroying"])
    decisions = decide(
        params["cluster"],
        params["probes"],
        params["recorded_uid"],
        params["recreate"],
        params["hub_asked"],
    )
    decisions = joining.checked(params["cluster"], params["probes"], decisions, params["control_planes"])
    writer, warnings = recovery.decide(params["cluster"], params["probes"], decisions, params["recovery"])
    warnings += _unpredictable(params["cluster"]["name"], decisions)
    order = turns(params["cluster"], params["probes"], decisions, params["max_unavailable"])
    idle = {
        name
        for name, decision in decisions.items()
        if decision.action == PRESENT and name != writer and not params["probes"][name]["claims"]
    }
    machines = {
        name: {**decision.as_dict(), "turn": order[name], "recovery": name == writer, "idle": name in idle}
        for name, decision in decisions.items()
    }
    return Plan(outputs={"machines": machines}, warnings=warnings)


def _unpredictable(cluster: str, decisions: t.Mapping[str, Decision]) -> list[str]:
    broken = sorted(name for name, decision in decisions.items() if decision.breaks)
    if not broken:
        return []
    return [
        f"{cluster}: its API is down, and the manifests on {', '.join(broken)} are not as declared: they are mended"
        " first. Until then nobody can look into the cluster, so check mode shows its objects as if there were none"
    ]


OPERATION = Operation(
    arguments={
        "cluster": {"type": "dict", "required": True},
        "probes": {"type": "dict", "required": True},
        "recorded_uid": {"type": "str"},
        "recreate": {"type": "str"},
        "hub_asked": {"type": "bool", "default": True},
        "max_unavailable": {"type": "str", "default": "1"},
        "destroying": {"type": "str"},
        "control_planes": {"type": "dict", "default": {}},
        "recovery": {"type": "dict", "default": {}},
    },
    plan=_plan,
)
