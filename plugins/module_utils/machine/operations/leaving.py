# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A machine leaves its cluster. Private to the collection."""

from __future__ import annotations

from ...operation import Context, Operation
from ...plan import Plan
from .. import place, removal, reset
from .common import COMMON, Params, exclusive, finished


def _machine_reset(params: Params, context: Context) -> Plan:
    place.require_place(params["machine"])
    return finished(
        reset.plan(params["cluster"], params["machine"], params["confirm"], params["state"], params["stopped"])
    )


def _node_removal(params: Params, context: Context) -> Plan:
    place.require_place(params["machine"])
    return finished(removal.plan(params["cluster"], params["machine"], params["leaving"]))


MACHINE_RESET = Operation(
    arguments={
        **COMMON,
        "confirm": {"type": "str"},
        "state": {"type": "str", "choices": ["stopped", "absent"], "default": "absent"},
        "stopped": {"type": "bool", "default": False},
    },
    plan=_machine_reset,
    guard=exclusive,
)


NODE_REMOVAL = Operation(
    arguments={
        **COMMON,
        "leaving": {"type": "list", "elements": "dict", "required": True},
    },
    plan=_node_removal,
    guard=exclusive,
)
