# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operations behind C(machine_promote) and C(promotion_check). Private to the collection."""

from __future__ import annotations

import typing as t

from ...errors import PlatformError
from ...operation import Context, Operation
from ...plan import Plan
from .. import place
from ..operations.common import COMMON, Params, exclusive, finished
from . import adopt, judge, look
from .differences import differences
from .model import Case


def _machine_promote(params: Params, context: Context) -> Plan:
    place.require_root()
    place.require_place(params["machine"])
    seen = look.look(params["cluster"], params["machine"])
    try:
        plan = adopt.plan(params["cluster"], params["machine"], params["uid"])
    except PlatformError as exc:
        exc.details["seen"] = seen
        raise
    plan.outputs["seen"] = seen
    return finished(plan)


MACHINE_PROMOTE = Operation(
    arguments={**COMMON, "uid": {"type": "str", "default": ""}},
    plan=_machine_promote,
    guard=exclusive,
)


def _check(params: Params, context: Context) -> Plan:
    """There is never anything to do."""
    case = _case(params)
    found = judge.findings(case)
    differs = {name: differences(params["site_looks"].get(name) or {}) for name in case.facts}
    told = [] if judge.problems(found) else ["What is adopted:", *judge.adopted(case), ""]
    rows = judge.differences_table(differs)
    table = [*judge.table(found), *told]
    if rows:
        table += ["What differs, and is changed by a site run, not by the promotion:", *rows]
    outputs = {
        "findings": [item.as_dict() for item in found],
        "problems": judge.problems(found),
        "differs": differs,
        "table": table,
    }
    return Plan(outputs=outputs)


def _case(params: Params) -> Case:
    cluster = params["cluster"]
    names = [*cluster["control_plane"], *cluster["workers"]]
    sites = {name: params["site_looks"].get(name) or {} for name in names}
    looks = {name: params["looks"].get(name) or {} for name in names}
    return Case(
        cluster=cluster,
        machines={name: params["machines"][name] for name in names},
        facts={name: look["seen"] for name, look in looks.items() if look.get("seen")},
        untold={name: _trouble(item) for name, item in sites.items() if item.get("failed") or "plan" not in item},
        troubles={name: _trouble(look) for name, look in looks.items() if not look.get("seen")},
        record=params["record"],
        hub_uid=params["hub_uid"],
        addons=params["addons"],
    )


def _trouble(look: t.Mapping[str, t.Any]) -> str:
    lines = str(look.get("msg") or "").strip().splitlines()
    return lines[0].rstrip(".") if lines else "it was not looked at in this run"


PROMOTION_CHECK = Operation(
    arguments={
        "cluster": {"type": "dict", "required": True},
        "machines": {"type": "dict", "required": True},
        "looks": {"type": "dict", "required": True},
        "site_looks": {"type": "dict", "default": {}},
        "record": {"type": "dict", "default": {}},
        "hub_uid": {"type": "str", "default": ""},
        "addons": {"type": "list", "elements": "str", "default": []},
    },
    plan=_check,
)
