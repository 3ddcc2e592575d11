# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module fleet_report: makes the report and writes it as JSON. Private to the collection."""

from __future__ import annotations

import datetime
import typing as t
from pathlib import Path

from ..errors import InvalidInput, PlatformError, Problem
from ..operation import Context, Operation
from ..output import write_report
from ..plan import Plan
from . import report

ARGUMENTS: dict[str, t.Any] = {
    "clusters": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "cluster": {"type": "str", "required": True},
            "joined": {"type": "str", "choices": list(report.JOINED)},
            "version": {"type": "str"},
            "nodes": {
                "type": "dict",
                "options": {"ready": {"type": "int", "required": True}, "total": {"type": "int", "required": True}},
            },
            "capacity": {"type": "dict"},
            "tenants": {"type": "list", "elements": "str", "default": []},
            "policies": {"type": "list", "elements": "str", "default": []},
            "certificate_expiry": {"type": "str"},
            "access_expiry": {"type": "str"},
            "surplus": {"type": "list", "elements": "str", "default": []},
            "changed": {"type": "raw", "default": []},
            "access_warning": {"type": "str"},
            "problem": {"type": "str"},
        },
    },
    "fleet": {"type": "dict"},
    "hosts": {"type": "list", "elements": "str", "default": []},
    "failed_hosts": {"type": "list", "elements": "str", "default": []},
    "outcome": {"type": "dict"},
    "detachments": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {key: {"type": "str", "required": True} for key in ("cluster", "since", "reason")},
    },
    "report_path": {"type": "path"},
}


def plan(params: t.Mapping[str, t.Any], context: Context) -> Plan:
    """The report of a run that only plans, and at its end the report of a run. The file is output rather than state, so
    it is no step."""
    _check(params["clusters"])
    hosts, failed = params["hosts"], params["failed_hosts"]
    entries = report.complete(params["clusters"], params["fleet"], hosts, failed, params["outcome"])
    now = datetime.datetime.now(datetime.UTC)

    def outputs(planned: bool) -> dict[str, t.Any]:
        found = report.document(entries, now, planned, params["detachments"])
        table = report.table(entries, now, planned, params["detachments"])
        return {"report": found, "table": table.splitlines(), "problems": found["problems"]}

    def finish() -> dict[str, t.Any]:
        done = outputs(planned=False)
        path = params["report_path"]
        try:
            return {**done, **(write_report(Path(path), done["report"]) if path else {})}
        except PlatformError as exc:
            raise PlatformError(str(exc), **done) from exc  # the report is shown all the same

    return Plan(
        outputs=outputs(planned=True), finish=finish, warnings=[*report.surplus(entries), *report.fading(entries)]
    )


def _check(entries: t.Iterable[t.Mapping[str, t.Any]]) -> None:
    wrong = [
        Problem(
            f"{entry['cluster']}: {key}",
            entry[key],
            "is not a moment in RFC 3339",
            "Write it like 2026-01-31T12:00:00Z",
        )
        for entry in entries
        for key in ("certificate_expiry", "access_expiry")
        if entry.get(key) and not report.is_moment(entry[key])
    ]
    if wrong:
        raise InvalidInput(wrong)


OPERATION = Operation(arguments=ARGUMENTS, plan=plan)
