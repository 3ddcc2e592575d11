# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operation behind C(machine_preflight): judges what machines reported. Private to the collection."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t
from pathlib import Path

from ...errors import InvalidInput, Problem
from ...operation import Context, Operation
from ...output import write_report
from ...plan import Plan
from . import judge
from .facts import PATHS
from .model import Limits

_DEFAULTS = Limits()
_NUMBERS = (
    "control_plane_cpus",
    "worker_cpus",
    "control_plane_memory_mib",
    "worker_memory_mib",
    "low_mib",
    "inodes_percent",
)
_FRACTIONS = ("time_skew", "etcd_latency_ms", "latency_ms")


def limits(given: t.Mapping[str, t.Any]) -> Limits:
    """The limits from the module's argument.

    :raises InvalidInput: a path is none where Kubernetes writes, or a number is not one.
    """
    free = given["free_mib"]
    problems = [
        Problem(f"free_mib.{path}", value, "is no path where Kubernetes writes", f"Use {', '.join(PATHS)}")
        for path, value in free.items()
        if path not in PATHS
    ]
    problems += [
        Problem(f"free_mib.{path}", value, "must be a whole number of MiB", "Correct it")
        for path, value in free.items()
        if not str(value).isdigit()
    ]
    if problems:
        raise InvalidInput(problems)
    return dataclasses.replace(_DEFAULTS, **{**given, "free_mib": {path: int(value) for path, value in free.items()}})


def plan(params: t.Mapping[str, t.Any], context: Context) -> Plan:
    """There is never anything to do. The file is output rather than state, so it is no step."""
    fleet = params["fleet"]
    machines = fleet["machines"]
    subjects = [
        judge.subject(fleet["clusters"][machines[name]["cluster"]], machines[name], look)
        for name, look in (params["looks"] or {}).items()
        if name in machines
    ]
    found = judge.findings(subjects, limits(params["limits"]))
    now = datetime.datetime.now(datetime.UTC)
    report = judge.document(subjects, found, now.strftime("%Y-%m-%dT%H:%M:%SZ"))
    path = params["report_path"]
    outputs = {
        "report": report,
        "table": judge.tables(subjects, found, params["show_all"]),
        "problems": judge.problems(found),
    }
    return Plan(outputs=outputs, finish=lambda: write_report(Path(path), report) if path else {})


OPERATION = Operation(
    arguments={
        "fleet": {"type": "dict", "required": True},
        "looks": {"type": "dict"},
        "limits": {
            "type": "dict",
            "apply_defaults": True,
            "options": {
                **{name: {"type": "int", "default": getattr(_DEFAULTS, name)} for name in _NUMBERS},
                **{name: {"type": "float", "default": getattr(_DEFAULTS, name)} for name in _FRACTIONS},
                "free_mib": {"type": "dict", "default": dict(_DEFAULTS.free_mib)},
            },
        },
        "show_all": {"type": "bool", "default": False},
        "report_path": {"type": "path"},
    },
    plan=plan,
)
