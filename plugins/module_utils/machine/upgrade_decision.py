# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operation behind C(upgrade_decision). Private to the collection."""

from __future__ import annotations

import typing as t

from ..errors import InvalidInput
from ..operation import Context, Operation
from ..plan import Plan
from . import upgrade_announce, upgrade_rules
from .upgrade_decide import DRAINS, Options, decide


def _plan(params: t.Mapping[str, t.Any], context: Context) -> Plan:
    cluster = params["cluster"]
    if cluster["mode"] == "attach":
        return _attached(params)
    options = Options(
        params["max_unavailable"],
        params["drain"],
        tuple(params["allow_webhooks"]),
        tuple(params["allow_removed_apis"]),
        {key: value or None for key, value in params["hub"].items()} if params["hub"] else None,
    )
    decision = decide(cluster, params["node_names"], params["probes"], options)
    outputs = {
        "machines": decision.machines,
        "turns": max((entry["turn"] for entry in decision.machines.values()), default=0),
        "snapshot": decision.snapshot,
        "settled": decision.settled,
        "waits_for_hub": decision.waits_for_hub,
        "table": upgrade_announce.lines(cluster, decision),
    }
    return Plan(outputs=outputs, warnings=decision.warnings)


def _attached(params: t.Mapping[str, t.Any]) -> Plan:
    cluster = params["cluster"]
    problem = upgrade_rules.attached(cluster["name"], cluster["version"], params["running"])
    if problem is not None:
        raise InvalidInput([problem])
    outputs = {"machines": {}, "turns": 0, "snapshot": None, "settled": True, "waits_for_hub": False}
    return Plan(outputs={**outputs, "table": [f"{cluster['name']}: attached, left alone"]})


OPERATION = Operation(
    arguments={
        "cluster": {"type": "dict", "required": True},
        "node_names": {"type": "dict", "default": {}},
        "probes": {"type": "dict", "default": {}},
        "running": {"type": "str"},
        "hub": {
            "type": "dict",
            "options": {
                "name": {"type": "str", "required": True},
                "running": {"type": "str"},
                "planned": {"type": "str"},
            },
        },
        "max_unavailable": {"type": "str", "default": "1"},
        "drain": {"type": "str", "choices": list(DRAINS), "default": "auto"},
        "allow_webhooks": {"type": "list", "elements": "str", "default": []},
        "allow_removed_apis": {"type": "list", "elements": "str", "default": []},
    },
    plan=_plan,
)
