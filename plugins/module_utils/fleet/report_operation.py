# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module fleet_report: shows the report and writes it as JSON. Private to the collection."""

from __future__ import annotations

import contextlib
import datetime
import json
import typing as t
import uuid
from pathlib import Path

from ..errors import InvalidInput, PlatformError, Problem
from ..operation import Context, Operation
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
            "changed": {"type": "raw", "default": []},
            "problem": {"type": "str"},
        },
    },
    "fleet": {"type": "dict"},
    "hosts": {"type": "list", "elements": "str", "default": []},
    "failed_hosts": {"type": "list", "elements": "str", "default": []},
    "outcome": {"type": "dict"},
    "planned": {"type": "bool", "default": False},
    "report_path": {"type": "path"},
}


def plan(params: t.Mapping[str, t.Any], context: Context) -> Plan:
    """Shows the table. The file is output rather than state, so it is no step."""
    _check(params["clusters"])
    hosts, failed = params["hosts"], params["failed_hosts"]
    entries = report.complete(params["clusters"], params["fleet"], hosts, failed, params["outcome"])
    now = datetime.datetime.now(datetime.UTC)
    found = report.document(entries, now, params["planned"])
    table = report.table(entries, now, params["planned"])
    context.progress(table)
    path = params["report_path"]
    outputs = {"report": found, "table": table.splitlines(), "problems": found["problems"]}
    return Plan(outputs=outputs, finish=lambda: write(Path(path), found) if path else {})


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


def write(path: Path, document: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Puts the report at the path, readable by all, in one step, so that a reader never sees half of it.

    :raises PlatformError: when it cannot be written.
    """
    text = json.dumps(document, indent=2, sort_keys=True) + "\n"
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, encoding="utf-8")
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as exc:
        with contextlib.suppress(OSError):
            temporary.unlink()
        reason = f"the report cannot be written to {path}: {exc.strerror}"
        raise PlatformError(f"{reason}. Set report_path to another place") from exc
    return {"report_path": str(path)}


OPERATION = Operation(arguments=ARGUMENTS, plan=plan)
