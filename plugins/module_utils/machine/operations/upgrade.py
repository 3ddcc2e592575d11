# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A machine comes to another version. Private to the collection."""

from __future__ import annotations

from ...errors import InvalidInput, Problem
from ...operation import Context, Operation
from ...plan import Plan
from .. import lock, place, snapshots, upgrade, upgrade_stage
from .common import BUNDLED, COMMON, PURPOSES, Params, exclusive, finished
from .seen import looked_at


def _machine_stage(params: Params, context: Context) -> Plan:
    def made() -> Plan:
        return upgrade_stage.plan(
            params["cluster"], params["machine"], params["artifacts"], params["staging"], params["api_patience"]
        )

    return finished(looked_at(params, made))


def _machine_upgrade(params: Params, context: Context) -> Plan:
    place.require_place(params["machine"])
    task = upgrade.Task(params["cluster"], params["machine"], params["first"], params["held"])
    return finished(upgrade.plan(task, params["part"]))


def _etcd_snapshot(params: Params, context: Context) -> Plan:
    if params["keep"] < 1:
        raise InvalidInput([Problem("keep", params["keep"], "must be at least 1", "Give a number of snapshots")])
    place.require_place(params["machine"])
    plan = snapshots.plan(params["cluster"], params["machine"], params["artifacts"], params["staging"], params["keep"])
    plan.outputs["busy"] = lock.busy()
    return finished(plan)


MACHINE_STAGE = Operation(
    arguments={**BUNDLED, **PURPOSES, "api_patience": {"type": "int", "default": 90}},
    plan=_machine_stage,
    guard=exclusive,
)

MACHINE_UPGRADE = Operation(
    arguments={
        **COMMON,
        "part": {"type": "str", "choices": list(upgrade.PARTS), "required": True},
        "first": {"type": "bool", "default": False},
        "held": {"type": "dict", "required": True},
    },
    plan=_machine_upgrade,
    guard=exclusive,
)

ETCD_SNAPSHOT = Operation(
    arguments={**BUNDLED, "keep": {"type": "int", "default": 5}},
    plan=_etcd_snapshot,
    guard=exclusive,
)
