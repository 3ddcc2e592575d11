# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A machine becomes a control plane, and stays one. Private to the collection."""

from __future__ import annotations

from ...operation import Context, Operation
from ...plan import Plan
from .. import control_plane, place
from .common import COMMON, Params, exclusive, finished


def _control_plane(params: Params, context: Context) -> Plan:
    place.require_place(params["machine"])
    return finished(
        control_plane.plan(
            params["cluster"],
            params["machine"],
            params["images"],
            params["state"],
            params["material"] or None,
            params["recovered"],
            params["share"],
            params["retires"],
            params["network"],
        )
    )


CONTROL_PLANE = Operation(
    arguments={
        **COMMON,
        "state": {"type": "str", "choices": ["found", "join", "present"], "default": "present"},
        "images": {"type": "dict", "required": True},
        "material": {"type": "dict", "no_log": True},
        "recovered": {"type": "list", "elements": "str", "default": []},
        "share": {"type": "bool", "default": False},
        "retires": {"type": "str"},
        "network": {"type": "list", "elements": "dict", "default": []},
    },
    plan=_control_plane,
    guard=exclusive,
)
