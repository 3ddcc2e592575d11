# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A machine becomes a member of a cluster, and leaves it. Private to the collection."""

from __future__ import annotations

from ...operation import Context, Operation
from ...plan import Plan
from .. import claims, control_plane, material, place, removal, request, reset, worker
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


def _worker(params: Params, context: Context) -> Plan:
    place.require_place(params["machine"])
    return finished(worker.plan(params["cluster"], params["machine"], params["material"] or None, params["rejoin"]))


def _join_material(params: Params, context: Context) -> Plan:
    place.require_place(params["machine"])
    cluster, machine, owner = params["cluster"], params["machine"], params["owner"]
    if params["state"] == "absent":
        return finished(material.removal(cluster, machine, params["joiner"], owner, params["supersedes"]))
    joiner = params["joiner"] or {}
    claims.check(claims.load(), joiner, owner, params["supersedes"])
    standing = request.Standing(params["joiner_etcd_data"], params["gone"], params["removed"], params["control_planes"])
    planned = material.plan(cluster, machine, joiner, standing, params["images"])
    return finished(claims.claiming(planned, joiner, owner))


def _machine_reset(params: Params, context: Context) -> Plan:
    place.require_place(params["machine"])
    return finished(
        reset.plan(params["cluster"], params["machine"], params["confirm"], params["state"], params["stopped"])
    )


def _node_removal(params: Params, context: Context) -> Plan:
    place.require_place(params["machine"])
    return finished(removal.plan(params["cluster"], params["machine"], params["leaving"]))


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

WORKER = Operation(
    arguments={
        **COMMON,
        "material": {"type": "dict", "no_log": True},
        "rejoin": {"type": "bool", "default": False},
    },
    plan=_worker,
    guard=exclusive,
)

JOIN_MATERIAL = Operation(
    arguments={
        **COMMON,
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "joiner": {"type": "dict"},
        "joiner_etcd_data": {"type": "bool", "default": False},
        "gone": {"type": "list", "elements": "str", "default": []},
        "removed": {"type": "list", "elements": "str", "default": []},
        "control_planes": {"type": "dict", "default": {}},
        "supersedes": {"type": "str"},
        "claimed": {"type": "dict"},
        "images": {"type": "dict", "default": {}},
    },
    plan=_join_material,
    constraints={"required_if": [("state", "present", ["joiner"])]},
    sensitive=True,
    guard=exclusive,
)

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
