# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module placement_inputs: what placements decide by, kept true for all clusters at once. Private to the
collection.
"""

from __future__ import annotations

import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from ..errors import InvalidInput, PlatformError, Problem
from ..fleet import records_plan
from ..fleet.access_info import HUB_ARGUMENTS, hub_uid
from ..fleet.hub_snapshot import HubSnapshot
from ..fleet.records import CLUSTER_API, CLUSTER_SET_LABEL, UNAVAILABLE, Declared
from ..fleet.tombstone import DESTROYING, DETACHING
from ..kube.client import Client
from ..kube.connection import resolve
from ..kube.errors import NONSENSE
from ..kube.token import stamp
from ..operation import Context, Operation
from ..plan import Plan, Step
from . import measure, score_object
from .input_look import FAILED, LEAVING, LOST, USABLE, Seen, see
from .input_steps import end_step, score_step, taint_step
from .inputs import name_of

Object = t.Mapping[str, t.Any]

ARGUMENTS: dict[str, t.Any] = {
    "clusters": {"type": "dict", "required": True},
    "scores": {"type": "list", "elements": "str", "choices": list(measure.SCORES), "default": list(measure.SCORES)},
    "taints": {"type": "bool", "default": True},
    "at_once": {"type": "int", "default": 8},
    **HUB_ARGUMENTS,
}


@dataclass(frozen=True)
class _Hub:
    """What the hub holds of all clusters.

    :param writer: reads what is there now, and writes.
    :param scores: by namespace, the objects with the name of ours.
    :param costs: by cluster of which one is declared, its score.
    """

    params: Object
    snapshot: HubSnapshot
    writer: Client
    scores: t.Mapping[str, Object]
    costs: t.Mapping[str, measure.Value]
    now: str = field(default_factory=stamp)

    @property
    def name(self) -> str:
        """The hub's name, for the steps."""
        return str(self.params["hub"])


@dataclass
class _One:
    """What is done about one cluster, and what is told of it."""

    seen: Seen
    steps: list[Step] = field(default_factory=list)
    told: dict[str, t.Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def plan(params: Object, context: Context) -> Plan:
    """The steps that make the hub say of every cluster what is seen of it: records, taints and scores.

    :raises InvalidInput: an argument is wrong.
    :raises PlatformError: the hub cannot be asked.
    """
    if params["at_once"] < 1:
        remedy = "Give a number, or leave it out"
        raise InvalidInput([Problem("at_once", params["at_once"], "must be at least 1", remedy)])
    hub = _hub(params, context)
    clusters = [cluster for _name, cluster in sorted(params["clusters"].items())]
    recorded = [cluster for cluster in clusters if _record(hub, cluster["name"]) is not None]
    if recorded:
        with ThreadPoolExecutor(max_workers=min(params["at_once"], len(recorded))) as pool:
            found = list(pool.map(lambda one: see(one, params, hub.snapshot, params["scores"]), recorded))
    else:
        found = []
    done = [_one(hub, cluster, seen) for cluster, seen in zip(recorded, found, strict=True)]
    return Plan(
        steps=[step for one in done for step in one.steps],
        outputs={
            "clusters": {one.seen.name: one.told for one in done},
            "unrecorded": [cluster["name"] for cluster in clusters if cluster not in recorded],
        },
        warnings=[line for one in done for line in one.warnings],
        parallel=hub.writer.at_once,
    )


def _hub(params: Object, context: Context) -> _Hub:
    if not params.get("hub_access"):
        raise PlatformError("There is no access to the global cluster, which records the clusters: run site first.")
    connection = resolve({"access": params["hub_access"]}, {})
    snapshot = context.enter(HubSnapshot(connection))
    hub_uid(snapshot, params)
    there = snapshot.list(score_object.SCORE_API, score_object.KIND)
    declared = {
        name: float(cluster["cost"]) for name, cluster in params["clusters"].items() if cluster.get("cost") is not None
    }
    return _Hub(
        params,
        snapshot,
        context.enter(Client(connection)),
        {item["metadata"]["namespace"]: item for item in there if name_of(item) == score_object.NAME},
        measure.costs(declared) if measure.COST in params["scores"] else {},
    )


def _record(hub: _Hub, name: str) -> Object | None:
    return hub.snapshot.get(CLUSTER_API, "ManagedCluster", name)


def _one(hub: _Hub, cluster: Object, seen: Seen) -> _One:
    record = _record(hub, seen.name) or {}
    one = _One(seen)
    if {DETACHING, DESTROYING} & set(record["metadata"].get("labels") or {}):
        one.seen = seen = Seen(seen.name, LEAVING, "it is being detached or destroyed")
    if seen.state in (USABLE, *LOST):
        try:
            one.steps += _records(hub, cluster, record, seen)
            one.steps += _health(hub, record, seen)
            one.steps += _scores(hub, cluster, one)
        except (PlatformError, *NONSENSE) as exc:
            reason = str(exc) if isinstance(exc, PlatformError) else f"{type(exc).__name__}: {exc}"
            one.seen, one.steps = Seen(seen.name, FAILED, reason), []
    one.told.update(state=one.seen.state, reason=one.seen.reason)
    if one.seen.state not in (USABLE, LEAVING):
        one.warnings.insert(0, f"{seen.name}: {one.seen.state}: {one.seen.reason}")
    return one


def _records(hub: _Hub, cluster: Object, record: Object, seen: Seen) -> list[Step]:
    if seen.observed is None:
        return records_plan.unreachable_steps(hub.snapshot, hub.name, seen.name, seen.reason, seen.state)
    records_plan.guard_identity(hub.snapshot, seen.name, seen.observed.uid, record)
    declared = Declared(
        name=seen.name,
        mode=cluster["mode"],
        role=cluster["role"],
        labels=cluster["labels"],
        # The set is told to the role that attaches, and not in the inventory.
        cluster_set=str((record["metadata"].get("labels") or {}).get(CLUSTER_SET_LABEL) or Declared.cluster_set),
        tier=cluster["access"]["tier"],
    )
    return records_plan.recorded_steps(hub.snapshot, hub.name, declared, seen.observed, record)


def _health(hub: _Hub, record: Object, seen: Seen) -> list[Step]:
    if not hub.params["taints"]:
        return []
    available = "True" if seen.state == USABLE else "False" if seen.state == UNAVAILABLE else "Unknown"
    access_lost = seen.state in ("refused", "expired")
    step = taint_step(hub.writer, hub.name, record, available, access_lost, hub.now)
    return [] if step is None else [step]


def _scores(hub: _Hub, cluster: Object, one: _One) -> list[Step]:
    """Scores of a cluster that cannot be looked at stay as they are, unless none are wanted."""
    seen, found = one.seen, hub.scores.get(one.seen.name)
    if found is not None and not score_object.is_ours(found):
        one.warnings.append(
            f"{seen.name}: the hub has an AddOnPlacementScore {seen.name}/{score_object.NAME} of somebody else, so no "
            "scores are kept of it: rename that one"
        )
        return []
    one.told.update(scores=score_object.values_of(found), left_out={})
    if not hub.params["scores"]:
        one.told["scores"] = {}
        return [end_step(hub.writer, hub.name, found)] if found is not None else []
    if seen.state != USABLE:
        return []
    return _measured(hub, cluster, one, found)


def _measured(hub: _Hub, cluster: Object, one: _One, found: Object | None) -> list[Step]:
    seen, wanted = one.seen, hub.params["scores"]
    if found is None and hub.snapshot.get("v1", "Namespace", seen.name) is None:
        one.told["left_out"] = dict.fromkeys(wanted, f"the hub has no namespace {seen.name}: run attach or site first")
        return []
    values = measure.values(wanted, seen.measured, cluster["tenants"])
    values |= {measure.COST: hub.costs[seen.name]} if seen.name in hub.costs else {}
    left_out = _by_score(seen.measured.left_out, wanted, cluster["tenants"])
    missed = _by_score(seen.measured.missed, wanted, cluster["tenants"])
    one.warnings += [f"{seen.name}: {part} could not be seen: {why}" for part, why in seen.measured.missed.items()]
    status = score_object.status(found, values, left_out, missed, hub.now)
    if status is not None:
        one.told["scores"] = {item["name"]: item["value"] for item in status["scores"]}
    one.told["left_out"] = {**left_out, **missed}
    step = score_step(hub.writer, hub.name, seen.name, found, status)
    return [] if step is None else [step]


def _by_score(parts: t.Mapping[str, str], wanted: t.Collection[str], tenants: t.Collection[str]) -> dict[str, str]:
    """What is wrong with parts, by the scores that are made of them."""
    found = {name: parts["pods"] for name in measure.OF_PODS if name in wanted} if "pods" in parts else {}
    if "quotas" in parts and measure.BUDGET in wanted:
        found |= {measure.budget_score(tenant): parts["quotas"] for tenant in sorted(tenants)}
    return found


OPERATION = Operation(arguments=ARGUMENTS, plan=plan)
