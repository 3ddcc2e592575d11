# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module delivery: sets of objects on the clusters that are decided for them. Private to the collection."""

from __future__ import annotations

import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from ..errors import InvalidInput, PlatformError, Problem
from ..fleet.access_info import HUB_ARGUMENTS, hub_uid
from ..fleet.hub_snapshot import HubSnapshot
from ..fleet.records import CLUSTER_API
from ..kube.absent import AbsentCluster
from ..kube.client import Client
from ..kube.connection import resolve
from ..kube.desired import Normal
from ..kube.transport import one_look
from ..operation import Context, Operation
from ..plan import Plan
from . import act, addons
from .addons import Addon, AddonContent
from .assemble import Assembly
from .content import Content, read_content
from .decisions import Decision, decide
from .division import unmeasured
from .failover import bounded
from .failover_rule import read_limit
from .look import Asked, Found, known, look
from .model import Delivery, read_all
from .record import Records
from .rendering import Rendering, open_chart
from .rollout.stages import missing_groups
from .rollout.way import Returning, Ways

Object = t.Mapping[str, t.Any]

ARGUMENTS: dict[str, t.Any] = {
    "deliveries": {"type": "list", "elements": "dict", "required": True},
    "clusters": {"type": "dict", "required": True},
    "names": {"type": "list", "elements": "str", "default": []},
    "withdraw": {"type": "list", "elements": "str", "default": []},
    "resume": {"type": "list", "elements": "str", "default": []},
    "rollback": {"type": "list", "elements": "str", "default": []},
    "failover_limit": {"type": "str", "default": "25%"},
    "presume_lost": {"type": "list", "elements": "str", "default": []},
    "decision_timeout": {"type": "int", "default": 60},
    "at_once": {"type": "int", "default": 8},
    "addons": {"type": "list", "elements": "dict"},
    "addon_names": {"type": "dict", "default": {}},
    "founding": {"type": "list", "elements": "str", "default": []},
    "only": {"type": "list", "elements": "str", "default": []},
    "settled": {"type": "list", "elements": "str", "default": []},
    **HUB_ARGUMENTS,
}


def plan(params: t.Mapping[str, t.Any], context: Context) -> Plan:
    """The steps that make every cluster hold its deliveries, and take them away where they are no longer decided.

    A cluster that cannot be reached, or refuses, is a problem that is told, and stops no other one.

    :raises InvalidInput: the declaration is wrong, or asks for more than our identity may do somewhere.
    :raises PlatformError: the hub cannot be asked.
    """
    clusters = params["clusters"]
    limit = read_limit(params["failover_limit"])
    deliveries = _chosen([*_addons(params), *read_all(params["deliveries"], clusters)], params)
    contents, charts = _contents(deliveries, context)
    writer, hub = _hub(params, context)
    records = Records(hub)
    deliveries, params = _settled(deliveries, params, records)
    decided = decide(deliveries, clusters, writer, params["decision_timeout"])
    decisions = bounded(deliveries, decided, records, limit, params["presume_lost"])
    allocatable = _allocatable(hub)
    ways = Ways(params, deliveries, contents, records.standing, writer, charts)
    made: dict[str, Content | Returning] = {
        one.name: AddonContent(one)
        if isinstance(one, Addon)
        else Content(one, contents[one.name], decisions[one.name].places, allocatable, charts.get(one.name))
        for one in deliveries
        if not decisions[one.name].unknown
    }
    made |= {name: way.returning for name, way in ways.found.items() if way.returning is not None}
    assembly = Assembly(params, deliveries, decisions, records, ways)
    found = _look(_asked(assembly, made), params, replace(context, hub=hub))
    for one in found.values():
        if one.client is not None:
            context.enter(one.client)
    _refuse_invalid(made, found)
    moves = assembly.moves(writer, found)
    told = [line for content in made.values() for line in content.warnings()]
    told += _warnings(deliveries, decisions, allocatable) + assembly.warnings
    return _told(params, assembly, moves, made, found, told)


def _refuse_invalid(made: t.Mapping[str, Content | Returning], found: t.Mapping[str, Found]) -> None:
    """:raises InvalidInput: with what the looks at clusters have shown to be wrong with the declaration."""
    invalid = [problem for one in found.values() for problem in one.invalid]
    invalid += [problem for content in made.values() for problem in content.problems()]
    # A chart that cannot be rendered is wrong in the same words on many clusters.
    each = {str(problem): problem for problem in invalid}
    if each:
        raise InvalidInput(list(each.values()))


def _addons(params: t.Mapping[str, t.Any]) -> list[Addon]:
    if params["addons"] is None:
        return []
    return addons.read_all(params["addons"], params["clusters"], params["addon_names"])


def _settled(
    deliveries: t.Sequence[Delivery], params: t.Mapping[str, t.Any], records: Records
) -> tuple[list[Delivery], t.Mapping[str, t.Any]]:
    """Without add-ons that are for no cluster and are on none; those that are to be absent are withdrawn."""
    known = set(records.names)
    left = [
        one for one in deliveries if not isinstance(one, Addon) or one.item["clusters"]["names"] or one.name in known
    ]
    absent = [one.name for one in left if isinstance(one, Addon) and one.absent]
    if params["only"]:
        return [one for one in left if one.name not in absent], params
    return left, {**params, "withdraw": [*params["withdraw"], *absent]}


def _hub(params: t.Mapping[str, t.Any], context: Context) -> tuple[Client, Client]:
    """Two clients of the hub: what is decided changes while it is waited for, and what is recorded is written, so
    neither belongs to the one look that all clusters share.

    :raises PlatformError: there is no access to it, or it is another cluster.
    """
    if not params.get("hub_access") and params["hub"] in params["founding"]:
        absent = context.enter(AbsentCluster(params["hub"]))
        return absent, absent
    if not params.get("hub_access"):
        raise PlatformError(
            "There is no access to the global cluster, which keeps where deliveries are: run the playbook site first."
        )
    connection = resolve({"access": params["hub_access"]}, {})
    writer = context.enter(Client(connection))
    context.enter(one_look())
    hub = context.enter(HubSnapshot(connection))
    hub_uid(hub, params)
    return writer, hub


def _told(
    params: t.Mapping[str, t.Any],
    assembly: Assembly,
    moves: t.Sequence[act.Move],
    made: t.Mapping[str, Content | Returning],
    found: t.Mapping[str, Found],
    warnings: t.Sequence[str],
) -> Plan:
    outputs = {
        "deliveries": assembly.summary(moves),
        "replicas": {name: shares for name, content in made.items() if (shares := content.replicas())},
        "rollouts": assembly.rollouts(moves),
        "problems": assembly.problems,
    }

    def requests() -> dict[str, t.Any]:
        clients = [one.client for one in found.values() if one.client is not None]
        return {"requests": {way: sum(getattr(one, way) for one in clients) for way in ("reads", "writes")}}

    conduct = act.Conduct(moves, params["at_once"])
    return Plan(
        steps=[step for move in moves for step in move.steps()],
        outputs=outputs,
        finish=requests,
        rehearse=lambda: act.rehearsed(moves, params["at_once"]),
        outcome=lambda done, failures: act.told(moves, assembly.left, conduct.reasons, done, failures),
        warnings=list(warnings),
        conduct=conduct.run,
    )


def _chosen(deliveries: t.Sequence[Delivery], params: t.Mapping[str, t.Any]) -> list[Delivery]:
    """The deliveries of this run.

    :raises InvalidInput: an argument is wrong.
    """
    declared = [one.name for one in deliveries]
    problems = [
        Problem(key, params[key], f"must be at least {low}", "Give a number, or leave it out")
        for key, low in (("at_once", 1), ("decision_timeout", 0))
        if params[key] < low
    ]
    known = ", ".join(declared) or "none"
    problems += [
        Problem("names", name, f"is no declared delivery; there are {known}", "Correct the name")
        for name in params["names"]
        if name not in declared
    ]
    problems += [
        Problem("presume_lost", name, "is no cluster of the fleet", "Correct the name")
        for name in params["presume_lost"]
        if name not in params["clusters"]
    ]
    if problems:
        raise InvalidInput(problems)
    return [one for one in deliveries if not params["names"] or one.name in params["names"]]


def _contents(deliveries: t.Sequence[Delivery], context: Context) -> tuple[dict[str, Normal], dict[str, Rendering]]:
    """What is declared, read once for all clusters: objects, and what renders charts.

    :raises InvalidInput: with every problem of all deliveries.
    :raises PlatformError: a program is missing.
    """
    found: dict[str, Normal] = {}
    charts: dict[str, Rendering] = {}
    problems: list[Problem] = []
    for one in deliveries:
        if isinstance(one, Addon):
            continue
        try:
            found[one.name] = read_content(one, context.environ)
            if one.chart is not None:
                charts[one.name] = open_chart(one.name, one.chart, context)
        except InvalidInput as exc:
            problems += exc.problems
    if problems:
        raise InvalidInput(problems)
    return found, charts


def _allocatable(hub: Client) -> dict[str, dict[str, str]]:
    """By cluster, what its nodes can hold, as the hub records it."""
    return {
        str(item["metadata"]["name"]): (item.get("status") or {}).get("allocatable") or {}
        for item in hub.list(CLUSTER_API, "ManagedCluster")
    }


def _asked(assembly: Assembly, made: t.Mapping[str, Content | Returning]) -> list[Asked]:
    """What each cluster is asked."""
    by_name = {one.name: one for one in assembly.deliveries}
    by_name |= {name: one.delivery for name, one in made.items() if isinstance(one, Returning)}
    names = sorted({name for part in (assembly.hold, assembly.leave) for some in part.values() for name in some})
    everywhere = assembly.clusters if assembly.unrecorded else ()
    return [
        Asked(
            name,
            assembly.clusters.get(name),
            tuple((by_name[one], made[one]) for one, places in assembly.hold.items() if name in places),
            tuple(one for one, places in assembly.leave.items() if name in places),
            # Without a record only the clusters know where a delivery is.
            tuple(one for one in assembly.unrecorded if name not in assembly.hold.get(one, ())),
        )
        for name in dict.fromkeys([*names, *everywhere])
    ]


def _look(asked: t.Sequence[Asked], params: t.Mapping[str, t.Any], context: Context) -> dict[str, Found]:
    if not asked:
        return {}

    def one(item: Asked) -> Found:
        settled = item.name in params["settled"] and not (item.leave or item.ledgers)
        return known(item) if settled else look(item, params, context)

    with ThreadPoolExecutor(max_workers=min(params["at_once"], len(asked))) as pool:
        return {found.name: found for found in pool.map(one, asked)}


def _warnings(
    deliveries: t.Sequence[Delivery],
    decisions: t.Mapping[str, Decision],
    allocatable: t.Mapping[str, t.Mapping[str, str]],
) -> list[str]:
    found = []
    for one in deliveries:
        names = decisions[one.name].clusters
        absent = missing_groups(one.rollout, decisions[one.name].groups) if one.rollout is not None and names else []
        if absent:
            what = "so nothing comes before the others for them"
            found.append(
                f"delivery {one.name}: no cluster of the mandatory group(s) {', '.join(absent)} is decided, {what}"
            )
        unknown = unmeasured(one.division, names, allocatable)
        if unknown:
            what = "they get no replicas yet" if len(unknown) < len(names) else "replicas are divided evenly for now"
            found.append(
                f"delivery {one.name}: the hub has no record of the capacity of {', '.join(unknown)}, so {what}"
            )
    return found


OPERATION = Operation(arguments=ARGUMENTS, plan=plan)
