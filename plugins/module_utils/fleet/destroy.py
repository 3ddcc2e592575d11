# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a created cluster, as far as the hub has a part in it. Private to the collection.

The hub's objects of the cluster are marked first and removed last; in between, its machines are reset. So whoever looks
sees what is under way, and a run that was killed is run again.
"""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ..errors import Refused
from ..kube.absent import AbsentCluster
from ..kube.client import Client
from ..kube.token import stamp
from ..operation import Context, Operation
from ..plan import Plan, Step
from . import destroy_look, records, tombstone
from .access_info import HUB_ARGUMENTS, hub_client, hub_uid
from .destroy_judge import Case, judge, told
from .destroy_look import Seen
from .detach_steps import Known, hub_steps, known, mark_step
from .identity import CLUSTER_LABEL, UID_LABEL, guard_name

Object = dict[str, t.Any]

DESTROYING, ABSENT = "destroying", "absent"


def plan(params: t.Mapping[str, t.Any], context: Context) -> Plan:
    """The steps that mark the cluster, or those that make the hub forget it."""
    name = str(params["cluster"])
    guard_name(name)
    hub = context.enter(hub_client(params, context))
    if isinstance(hub, AbsentCluster):
        raise Refused(
            f"{name}: only the hub knows what it has of it, and there is no access to it. Nothing was changed."
        )
    hub_uid(hub, params)
    found = _ours(known(hub, name, str(params["hub"])))
    ending = tombstone.read_ending(found.secret, found.record, found.namespace)
    case = _case(params, hub, found, ending)
    case.guard()
    outputs: Object = {"known": case.known, "since": ending.since if ending else None}
    removal = hub_steps(hub, found, params["timeout"])
    if params["state"] == ABSENT:
        if ending is None:
            # Check mode foresees it before there is a mark; without one nothing is removed.
            removal = [replace(step, perform=lambda: _refuse_unmarked(name)) for step in removal]
        return Plan(steps=removal, outputs=outputs, parallel=4)
    seen = Seen(reason="the hub does not know it")
    if case.known and not case.reset:
        seen = destroy_look.ask(found, str(found.labels.get(UID_LABEL) or ""))
    warnings = judge(case, seen)
    removed = [step.description.removeprefix("delete ") for step in removal]
    outputs.update(runs=seen.outputs(), removed=removed, told=told(case, seen, removed))
    return Plan(steps=_mark(hub, found, ending), outputs=outputs, warnings=warnings)


def _refuse_unmarked(cluster: str) -> None:
    raise Refused(f"{cluster}: the hub does not have it as being destroyed, which state=destroying is for.")


def _ours(found: Known) -> Known:
    """What this platform made of it: somebody else may have a record or a Secret of that name."""
    return Known(
        found.name,
        found.hub_name,
        found.record if records.MODE_LABEL in found.labels else None,
        found.namespace if found.ours else None,
        found.secret if _label(found.secret) == found.name else None,
    )


def _label(obj: Object | None) -> str | None:
    labels: Object = ((obj or {}).get("metadata") or {}).get("labels") or {}
    return labels.get(CLUSTER_LABEL)


def _case(params: t.Mapping[str, t.Any], hub: Client, found: Known, ending: tombstone.Ending | None) -> Case:
    cluster = params["declared"] or None
    is_hub = params["cluster"] == params["hub"] or (cluster or {}).get("role") == "global"
    listed = hub.list(records.CLUSTER_API, "ManagedCluster") if is_hub else []
    machines = {
        str(name): str(item["node_name"])
        for name, item in params["machines"].items()
        if item["cluster"] == params["cluster"]
    }
    leaving = tombstone.read(found.namespace) or tombstone.read(found.secret)
    return Case(
        name=str(params["cluster"]),
        is_hub=is_hub,
        declared=None if cluster is None else str(cluster["mode"]),
        recorded="attach" if leaving else str(found.labels.get(records.MODE_LABEL) or ""),
        known=any(item is not None for item in (found.record, found.namespace, found.secret)),
        # Records go last, after every machine: without one, none is left to be reset.
        reset=ending is not None and found.record is None,
        machines=machines,
        unreachable=tuple(str(name) for name in params["unreachable"]),
        forget=bool(params["forget"]),
        others=tuple(
            sorted(str(item["metadata"]["name"]) for item in listed if item["metadata"]["name"] != found.name)
        ),
    )


def _mark(hub: Client, found: Known, ending: tombstone.Ending | None) -> list[Step]:
    """The access first, by which site runs see it."""
    metadata = (ending or tombstone.Ending(stamp())).metadata()
    objects = (found.secret, found.record, found.namespace)
    return [
        mark_step(hub, found, obj, metadata, {"destroying": False}, {"destroying": True})
        for obj in objects
        if obj is not None and tombstone.DESTROYING not in (obj["metadata"].get("annotations") or {})
    ]


OPERATION = Operation(
    arguments={
        "cluster": {"type": "str", "required": True},
        "state": {"type": "str", "choices": [DESTROYING, ABSENT], "default": DESTROYING},
        "declared": {"type": "dict", "default": {}},
        "machines": {"type": "dict", "default": {}},
        "unreachable": {"type": "list", "elements": "str", "default": []},
        "forget": {"type": "bool", "default": False},
        "timeout": {"type": "int", "default": 300},
        **HUB_ARGUMENTS,
    },
    plan=plan,
)
