# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module placement_info: the hub's placements, decided and explained. Private to the collection."""

from __future__ import annotations

import datetime
import time
import typing as t

from ..errors import InvalidInput, Problem
from ..fleet.records import CLUSTER_API
from ..kube import connection
from ..kube.client import Client
from ..operation import Context, Operation
from ..plan import Plan
from . import explain
from .cel_selector import Unknown
from .evaluate import evaluate
from .inputs import Inputs, name_of
from .model import DEFAULT_SET, read_all
from .render import NAMESPACE, PLACEMENT_API, SET_API, objects
from .score_object import SCORE_API
from .selection import Object
from .taints import nanoseconds

_INTERVAL = 0.5

ARGUMENTS: dict[str, t.Any] = {
    "names": {"type": "list", "elements": "str", "default": []},
    "namespace": {"type": "str", "default": NAMESPACE},
    "cluster_set": {"type": "str", "default": DEFAULT_SET},
    "placements": {"type": "list", "elements": "dict"},
    "wait_timeout": {"type": "int", "default": 0},
    **connection.ARGUMENTS,
}


def plan(params: t.Mapping[str, t.Any], context: Context) -> Plan:
    """Reads the hub until its decisions are settled, or the time is over. There is never anything to do.

    :raises InvalidInput: an argument is wrong, or one of C(placements).
    """
    if params["wait_timeout"] < 0:
        remedy = "Give seconds, or leave it away not to wait"
        raise InvalidInput([Problem("wait_timeout", params["wait_timeout"], "must not be negative", remedy)])
    asked = None if params["placements"] is None else read_all(params["placements"])
    declared = None if asked is None else objects(asked, params["namespace"], params["cluster_set"])
    hub = context.enter(Client(connection.resolve(params, context.environ)))
    until = time.monotonic() + params["wait_timeout"]
    while True:
        items, warnings = _look(hub, params, declared)
        waits = declared is None and any(item["difference"] for item in items)
        if not waits or time.monotonic() + _INTERVAL > until:
            break
        time.sleep(_INTERVAL)
    known = {item["name"] for item in items}
    missing = [name for name in params["names"] if name not in known]
    warnings += [f"the hub has no placement {name} in the namespace {params['namespace']}" for name in missing]
    outputs = {
        "placements": items,
        "settled": declared is None and all(item["settled"] for item in items) and not missing,
        "table": explain.table(items),
        "problems": explain.problems(items),
    }
    return Plan(outputs=outputs, warnings=warnings)


def _look(
    hub: Client, params: t.Mapping[str, t.Any], declared: t.Sequence[Object] | None
) -> tuple[list[explain.Data], list[str]]:
    """One look at the hub: every Placement with what becomes of it."""
    there: t.Sequence[Object] = [item for item in declared or () if item["kind"] == "Placement"]
    if declared is None:
        there = hub.list(PLACEMENT_API, "Placement", namespace=params["namespace"])
    wanted = [item for item in there if not params["names"] or name_of(item) in params["names"]]
    held: dict[str, t.Any] = {
        "decisions": hub.list(PLACEMENT_API, "PlacementDecision"),
        "scores": hub.list(SCORE_API, "AddOnPlacementScore"),
        "bindings": [
            *hub.list(SET_API, "ManagedClusterSetBinding"),
            # What is written together with those that are asked about.
            *(item for item in declared or () if item["kind"] == "ManagedClusterSetBinding"),
        ],
        "sets": hub.list(SET_API, "ManagedClusterSet"),
        "clusters": hub.list(CLUSTER_API, "ManagedCluster"),
        "now": nanoseconds(datetime.datetime.now(datetime.UTC)),
    }
    items, warnings = [], []
    for placement in sorted(wanted, key=name_of):
        known = Inputs(placement, **held)
        try:
            items.append(explain.as_data(known, evaluate(known), declared is not None))
        except Unknown as exc:
            warnings.append(f"{name_of(placement)}: cannot be explained: {exc}")
    return items, warnings


OPERATION = Operation(arguments=ARGUMENTS, plan=plan, constraints=connection.CONSTRAINTS)
