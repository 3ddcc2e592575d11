# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module drift: one report of what differs in all clusters, as a table and as JSON. Private to the collection."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ..errors import PlatformError
from ..kube.token import stamp
from ..operation import Context, Operation
from ..output import aligned, write_report
from ..plan import Plan
from . import drift

#: Of the shape of the report.
SCHEMA = 1
ARGUMENTS: dict[str, t.Any] = {
    "sets": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "cluster": {"type": "str", "required": True},
            "set": {"type": "str", "required": True},
            "enforced": {"type": "bool", "default": False},
            "result": {"type": "dict", "required": True},
        },
    },
    "report_path": {"type": "path"},
}


def plan(params: t.Mapping[str, t.Any], context: Context) -> Plan:
    """What differs. The file is output rather than state, so it is no step."""
    found = [
        difference
        for item in params["sets"]
        for difference in drift.differences(item["cluster"], item["set"], item["result"], item["enforced"])
    ]
    counts = drift.counted(found)
    compared = [{key: item[key] for key in ("cluster", "set", "enforced")} for item in params["sets"]]
    report = {"schema": SCHEMA, "at": stamp(), "compared": compared, "counts": counts, "drift": found}
    clusters = len({item["cluster"] for item in compared})
    end = f"{len(compared)} set(s) of {clusters} cluster(s) compared: " + ", ".join(
        f"{count} {state}" for state, count in counts.items()
    )
    outputs = {
        "report": report,
        "drift": found,
        "table": [*(aligned(drift.rows(found)) if found else []), end],
        "problems": [_problem(item) for item in found if item["state"] != drift.REPAIRED],
    }

    def finish() -> dict[str, t.Any]:
        path = params["report_path"]
        try:
            return write_report(Path(path), report) if path else {}
        except PlatformError as exc:
            raise PlatformError(str(exc), **outputs) from exc  # the table is shown all the same

    return Plan(outputs=outputs, finish=finish)


def _problem(item: t.Mapping[str, t.Any]) -> str:
    what = f"{item['cluster']}: {item['set']}: {item['object']}".rstrip(": ")
    fields = f" {', '.join(item['fields'])}" if item["fields"] else ""
    by = f" by {', '.join(item['managers'])}" if item["managers"] else ""
    why = f" ({item['reason']})" if item["reason"] and item["difference"] in (drift.FAILED, drift.CONFLICT) else ""
    return f"{what}: {item['difference']}{fields}{by}{why}"


OPERATION = Operation(arguments=ARGUMENTS, plan=plan)
