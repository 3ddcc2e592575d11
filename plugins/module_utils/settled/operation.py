# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module fleet_settled. Private to the collection."""

from __future__ import annotations

import typing as t
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from ..delivery.addons import read_all as read_addons
from ..delivery.held import Held
from ..delivery.record import Records
from ..errors import InvalidInput, PlatformError, Problem
from ..fleet.access_info import HUB_ARGUMENTS, hub_uid
from ..fleet.hub_snapshot import HubSnapshot
from ..kube.connection import resolve
from ..kube.transport import one_look
from ..operation import Context, Operation
from ..plan import Plan
from ..tenancy.divide import OPERATION as BUDGETS
from . import told
from .look import Finding, look

Object = t.Mapping[str, t.Any]


def plan(params: t.Mapping[str, t.Any], context: Context) -> Plan:
    """Looks at the clusters of C(names), at created ones if asked to. There is never anything to do.

    Whatever goes wrong with the hub or with a cluster leaves clusters out: their own tasks say what it is.
    """
    if params["at_once"] < 1:
        remedy = "Give a number, or leave it out"
        raise InvalidInput([Problem("at_once", params["at_once"], "must be at least 1", remedy)])
    fleet, options = params["fleet"], params["options"]
    modes = ("attach", "create") if params["created"] else ("attach",)
    declared = [fleet["clusters"][name] for name in params["names"] if name != fleet["hub"]]
    clusters = [cluster for cluster in declared if cluster["mode"] in modes]
    nothing = Plan(outputs={"settled": {}, "at_rest": {}, "looked": {}})
    if not clusters or not params.get("hub_access"):
        return nothing
    try:
        context.enter(one_look())
        hub = context.enter(HubSnapshot(resolve({"access": params["hub_access"]}, {})))
        hub_uid(hub, {**params, "hub": fleet["hub"] or "hub"})  # All looks want to know it: it is asked for here, once.
        fleet, warnings = _with_budgets({**fleet, "hub_access": params["hub_access"]}, context)
        names = {name: given["addons_names"] for name, given in options.items() if given.get("addons_names")}
        fleet["held"] = Held(read_addons(params["addons"], fleet["clusters"], names), Records(hub))
    except PlatformError:
        return nothing
    shared = replace(context, hub=hub)
    # What depends on records of clusters that are not looked at is left to its tasks, and not asked here before.
    looked, sharing = {str(cluster["name"]) for cluster in clusters}, _sharing(fleet)
    tied = {name for name in looked if sharing[name] - looked}

    def one(cluster: Object) -> Finding | None:
        given = None if cluster["name"] in tied else _options(options.get(cluster["name"]) or {})
        return look(cluster, fleet, given, shared)

    with ThreadPoolExecutor(max_workers=min(params["at_once"], len(clusters))) as pool:
        found = dict(zip((str(cluster["name"]) for cluster in clusters), pool.map(one, clusters), strict=True))
    return _told(fleet, sharing, {name: finding for name, finding in found.items() if finding is not None}, warnings)


def _with_budgets(fleet: Object, context: Context) -> tuple[dict[str, t.Any], list[str]]:
    """The fleet with C(shares) and C(allocatable), and what is to be said of them."""
    if not any("budget" in tenant or "quota" in tenant for tenant in fleet["tenants"]):
        return {**fleet, "shares": {}, "allocatable": {}}, []
    asked = {key: fleet[key] for key in ("tenants", "clusters", "hub", "hub_access")}
    divided = BUDGETS.plan({**asked, "hub": fleet["hub"] or "hub"}, context)
    return {**fleet, **divided.outputs}, divided.warnings


def _options(given: Object) -> Object | None:
    """The options of a cluster; None where a role is told something that the fleet does not say."""
    return None if set(given) - set(told.OPTIONS) else given


def _told(
    fleet: Object, sharing: t.Mapping[str, set[str]], found: t.Mapping[str, Finding], warnings: t.Sequence[str]
) -> Plan:
    idle = {name: finding for name, finding in found.items() if finding.entry is not None}
    for name in _doubled(found):
        idle.pop(name, None)
    # One that has something to do may get another record, by which a budget is divided otherwise.
    rest = {name: one for name, one in idle.items() if sharing[name] <= idle.keys()}
    created = {name for name in idle if fleet["clusters"][name]["mode"] == "create"}
    waits = {name: sorted(created & {name, *sharing[name]}) for name in rest}
    outputs = {
        "settled": {name: _entry(one) for name, one in rest.items() if not waits[name]},
        "at_rest": {name: {**_entry(one), "created": waits[name]} for name, one in rest.items() if waits[name]},
        "looked": {name: one.access for name, one in found.items() if name not in rest or waits[name]},
    }
    said = [*warnings, *(line for one in rest.values() for line in one.warnings)]
    # Where other clusters have something to do, the task that divides the budgets says the same of them once more.
    return Plan(outputs=outputs, warnings=list(dict.fromkeys(said)) if rest else [])


def _entry(finding: Finding) -> dict[str, t.Any]:
    return {"uid": finding.access["uid"], "entry": finding.entry}


def _doubled(found: t.Mapping[str, Finding]) -> list[str]:
    """Clusters behind which there is another one's identity, or the hub's."""
    count = Counter(one.access["uid"] for one in found.values())
    count.update({one.access["hub_uid"] for one in found.values()})
    return [name for name, one in found.items() if count[one.access["uid"]] > 1]


def _sharing(fleet: Object) -> dict[str, set[str]]:
    """By cluster, the others on whose records it depends what it gets of a budget."""
    clusters, found = fleet["clusters"], {str(name): set[str]() for name in fleet["clusters"]}
    for tenant in fleet["tenants"]:
        if (tenant.get("budget") or {}).get("split") == "capacity":
            names = [str(name) for name, cluster in clusters.items() if tenant["name"] in cluster["tenants"]]
            for name in names:
                found[name].update(names)
    return {name: others - {name} for name, others in found.items()}


OPERATION = Operation(
    arguments={
        "fleet": {"type": "dict", "required": True},
        "names": {"type": "list", "elements": "str", "required": True},
        "options": {"type": "dict", "default": {}},
        "created": {"type": "bool", "default": False},
        "addons": {"type": "list", "elements": "dict", "default": []},
        "at_once": {"type": "int", "default": 8},
        **HUB_ARGUMENTS,
    },
    plan=plan,
    sensitive=True,
)
