# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module fleet_overview: reads the fleet once, and writes what it is as HTML, JSON and Markdown. Private to the
collection.
"""

from __future__ import annotations

import datetime
import re
import typing as t
from pathlib import Path

from ...errors import InvalidInput, Problem
from ...kube import connection
from ...kube.client import Client
from ...operation import Context, Operation
from ...output import aligned, printable
from ...plan import Plan
from . import collect, files, render
from .document import document
from .words import when

Object = t.Mapping[str, t.Any]
#: How many findings the table shows; all of them are in the result and in the files.
_SHOWN = 40
_MODE = re.compile(r"0?[0-7]{3}")
ARGUMENTS: dict[str, t.Any] = {
    "names": {"type": "list", "elements": "str", "default": []},
    "label_selector": {"type": "str"},
    "live": {"type": "bool", "default": True},
    "deadline": {"type": "int", "default": 10},
    "at_once": {"type": "int", "default": 16},
    "fleet": {"type": "dict"},
    "placements": {"type": "list", "elements": "dict", "default": []},
    "drift_report": {"type": "path"},
    "run_reports": {"type": "list", "elements": "path", "default": []},
    "title": {"type": "str", "default": "Fleet report"},
    "at": {"type": "str"},
    **{form: {"type": "path"} for form in render.FORMATS},
    "mode": {"type": "str", "default": "0600"},
    **connection.ARGUMENTS,
}


def plan(params: Object, context: Context) -> Plan:
    """Reads all that the report is made of. What is written are the files that were asked for."""
    _check(params)
    at = when(params["at"]) or datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    drift = collect.drift_report(params["drift_report"]) if params["drift_report"] else None
    runs = [collect.run_report(path) for path in params["run_reports"]]
    hub = context.enter(Client(connection.resolve(params, context.environ)))
    known = collect.read(hub, params)
    known.fleet, known.drift, known.explained = _chosen(params), drift, params["placements"]
    known.runs = sorted(runs, key=lambda item: (when(item["at"]), bool(item.get("planned"))), reverse=True)
    report = document(known, at, params["title"])
    texts = {form: (Path(params[form]), render.text_of(report, form)) for form in render.FORMATS if params[form]}
    missing = [name for name in params["names"] if name not in {item["name"] for item in known.views}]
    outputs = {
        "summary": report["summary"],
        "findings": report["findings"],
        "problems": [_line(item) for item in report["findings"] if item["severity"] != "notice"],
        "table": table(report),
        "paths": {form: str(path) for form, (path, _text) in texts.items()},
    }
    return Plan(
        steps=files.steps(texts, int(params["mode"], 8)),
        outputs=outputs,
        warnings=[f"the hub has no record of {', '.join(missing)}"] if missing else [],
    )


def _chosen(params: Object) -> Object | None:
    """The declaration, of the clusters that were asked for. By labels only the hub chooses, and by what it records."""
    fleet, names = params["fleet"], params["names"]
    if fleet is None or not (names or params["label_selector"]):
        return t.cast("Object | None", fleet)
    clusters = {name: item for name, item in (fleet.get("clusters") or {}).items() if name in names}
    return {**fleet, "clusters": clusters}


def _check(params: Object) -> None:
    problems = [
        Problem(key, params[key], "must be at least 1", f"Give a number, or leave {key} away")
        for key in ("deadline", "at_once")
        if params[key] < 1
    ]
    if params["at"] and when(params["at"]) is None:
        reason = "is not a moment in RFC 3339"
        problems.append(Problem("at", params["at"], reason, "Write it like 2026-01-31T12:00:00Z, or leave it away"))
    told = {"namespace", "name", "decisions", "clusters", "misconfigured", "difference"}
    for place, item in enumerate(params["placements"]):
        if not told <= set(item):
            reason = f"is no placement as lodestar.platform.placement_info tells it: it lacks {min(told - set(item))}"
            problems.append(Problem(f"placements[{place}]", sorted(item), reason, "Give its placements as they are"))
    if _MODE.fullmatch(params["mode"]) is None:
        reason = "is no mode of a file: three octal digits, with or without a leading 0"
        problems.append(Problem("mode", params["mode"], reason, 'Write it quoted, like "0640"'))
    named = [params[form] for form in render.FORMATS if params[form]]
    if len(set(named)) < len(named):
        reason = "two formats cannot be one file"
        problems.append(Problem(", ".join(render.FORMATS), named[0], reason, "Name a file for each"))
    if problems:
        raise InvalidInput(problems)


def table(report: Object) -> list[str]:
    """The report in a terminal: how many are well, and what needs attention first."""
    health, found = report["summary"]["health"], report["findings"]
    count = report["summary"]["clusters"]
    lines = [f"{count} cluster{'s' if count != 1 else ''}: " + ", ".join(f"{n} {key}" for key, n in health.items())]
    rows = [(item["severity"], item["cluster"] or "fleet", item["text"]) for item in found[:_SHOWN]]
    if rows:
        lines += ["", *aligned([("SEVERITY", "CLUSTER", "WHAT"), *rows])]
    left = len(found) - len(rows)
    return [*lines, f"... and {left} more"] if left else lines


def _line(item: Object) -> str:
    return printable(f"{item['severity']}: {item['cluster'] or 'fleet'}: {item['text']}")


OPERATION = Operation(arguments=ARGUMENTS, plan=plan, constraints=connection.CONSTRAINTS)
