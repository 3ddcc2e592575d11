# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module fleet_info: the clusters that the hub records, and how they answer now. Private to the collection."""

from __future__ import annotations

import datetime
import typing as t
from dataclasses import asdict

from ..errors import InvalidInput, Problem
from ..kube import connection
from ..kube.client import Client
from ..operation import Context, Operation
from ..plan import Plan
from . import hub_view, look, status


def plan(params: t.Mapping[str, t.Any], context: Context) -> Plan:
    """Reads the hub, and with C(live) every cluster of it. There is never anything to do."""
    problems = [
        Problem(key, params[key], "must be at least 1", f"Give a number, or leave {key} away")
        for key in ("deadline", "at_once")
        if params[key] < 1
    ]
    if problems:
        raise InvalidInput(problems)
    hub = context.enter(Client(connection.resolve(params, context.environ)))
    clusters = hub_view.read(hub, params["names"], params["label_selector"])
    known = {item["name"] for item in clusters}
    missing = [name for name in params["names"] if name not in known]
    warnings = [f"the hub has no record of {', '.join(missing)}"] if missing else []
    if params["live"]:
        names = [str(item["name"]) for item in clusters]
        answers = look.live_all(hub, names, float(params["deadline"]), params["at_once"])
        clusters = [{**item, "live": answers[item["name"]]} for item in clusters]
    leaving = hub_view.detachments(hub, clusters, params["names"])
    now = datetime.datetime.now(datetime.UTC)
    outputs = {
        "clusters": clusters,
        "detachments": [{"name": name, **asdict(stone)} for name, stone in leaving],
        "table": status.table(clusters, now, leaving),
        "problems": status.problems(clusters, now, leaving),
    }
    return Plan(outputs=outputs, warnings=warnings)


OPERATION = Operation(
    arguments={
        "names": {"type": "list", "elements": "str", "default": []},
        "label_selector": {"type": "str"},
        "live": {"type": "bool", "default": False},
        "deadline": {"type": "int", "default": 10},
        "at_once": {"type": "int", "default": 16},
        **connection.ARGUMENTS,
    },
    plan=plan,
    constraints=connection.CONSTRAINTS,
)
