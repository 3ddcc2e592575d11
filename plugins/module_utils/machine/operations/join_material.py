# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a control plane gives to a machine that joins. Private to the collection."""

from __future__ import annotations

from ...operation import Context, Operation
from ...plan import Plan
from .. import claims, material, place, request
from .common import COMMON, Params, exclusive, finished


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
