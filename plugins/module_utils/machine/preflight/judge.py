# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Holds all machines of a run against all checks, and tells what was found. Pure. Private to the collection."""

from __future__ import annotations

import typing as t

from ...output import aligned
from . import across
from .facts import Facts
from .model import ERROR, FAILED, PASSED, SKIPPED, Finding, Limits, Run, Subject
from .registry import CHECKS

_MACHINES = ("MACHINE", "CLUSTER", "STATE", "PASSED", "ERRORS", "WARNINGS", "SKIPPED")
_FINDINGS = ("SEVERITY", "CHECK", "MACHINES", "SEEN", "NEEDED")


def subject(cluster: t.Mapping[str, t.Any], machine: t.Mapping[str, t.Any], look: t.Mapping[str, t.Any]) -> Subject:
    """A machine from what its look left behind.

    :param look: C(preflight) as the module C(machine) returns it, C(trouble) and C(message) of a failed one,
        C(listening) and C(probes) of the module C(machine_reach). All may be missing.
    """
    seen = look.get("preflight") or {}
    offset = seen.get("offset")
    listening, probes = look.get("listening"), look.get("probes")
    return Subject(
        cluster=cluster,
        machine=machine,
        facts=Facts.from_dict(seen["facts"]) if seen.get("facts") else None,
        trouble=look.get("trouble") or "",
        message=look.get("message") or "",
        offset=(float(offset[0]), float(offset[1])) if offset else None,
        bundle_architecture=seen.get("bundle_architecture"),
        listening=None if listening is None else tuple(listening),
        probes=None if probes is None else tuple(probes),
    )


def findings(subjects: t.Sequence[Subject], limits: Limits) -> list[Finding]:
    """What every check says of every machine that it has something to say about."""
    run = Run({item.name: item for item in subjects}, limits)
    answer = []
    for item in subjects:
        skipped = set(item.machine.get("preflight_skip") or ())
        for check in CHECKS:
            if item.member and not check.always:
                continue
            if check.id in skipped:
                answer.append(Finding(item.name, check.id, check.severity, SKIPPED))
                continue
            verdict = check.examine(item, run)
            if verdict is not None:
                status = PASSED if verdict.passed else FAILED
                told = (verdict.seen, verdict.needed, verdict.remedy)
                answer.append(Finding(item.name, check.id, check.severity, status, *told))
    return answer


def failed(found: t.Iterable[Finding], severity: str | None = None) -> list[Finding]:
    """Those that say no, errors first; with a severity, only those."""
    bad = [item for item in found if item.status == FAILED and severity in (None, item.severity)]
    return sorted(bad, key=lambda item: item.severity != ERROR)


def document(subjects: t.Sequence[Subject], found: t.Sequence[Finding], at: str) -> dict[str, t.Any]:
    """All of it as data.

    :param at: the moment, in RFC 3339.
    """
    return {
        "schema": 1,
        "at": at,
        "errors": len(failed(found, ERROR)),
        "warnings": len(failed(found)) - len(failed(found, ERROR)),
        "machines": {
            item.name: {
                "cluster": item.cluster["name"],
                "state": _state(item),
                "latency_ms": across.latencies(item),
                "checks": [_without_machine(one) for one in found if one.machine == item.name],
            }
            for item in subjects
        },
    }


def _without_machine(finding: Finding) -> dict[str, str]:
    return {key: value for key, value in finding.as_dict().items() if key != "machine"}


def _state(item: Subject) -> str:
    if item.facts is None:
        return "not seen"
    return "member" if item.member else "to join"


def problems(found: t.Iterable[Finding]) -> list[str]:
    """A line for each error."""
    return [
        f"{item.machine}: {item.check}: {item.seen}; needed: {item.needed}. {item.remedy}."
        for item in failed(found, ERROR)
    ]


def tables(subjects: t.Sequence[Subject], found: t.Sequence[Finding], whole: bool) -> list[str]:
    """Lines for people: what failed, machines with the same trouble together.

    :param whole: also a line for each machine; otherwise nothing when nothing has failed.
    """
    bad = failed(found)
    lines = [*aligned(_machine_rows(subjects, found)), ""] if whole and subjects else []
    if bad:
        lines += aligned(_finding_rows(bad))
        lines += ["", *dict.fromkeys(f"{item.check}: {item.remedy}." for item in bad)]
    elif whole:
        lines.append("Nothing stands in the way." if subjects else "There is no machine in this run.")
    return lines


def _machine_rows(subjects: t.Sequence[Subject], found: t.Sequence[Finding]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [_MACHINES]
    for item in subjects:
        own = [one for one in found if one.machine == item.name]
        bad = failed(own)
        errors = sum(1 for one in bad if one.severity == ERROR)
        passed = sum(1 for one in own if one.status == PASSED)
        skipped = [one.check for one in own if one.status == SKIPPED]
        counts = (str(passed), str(errors or "-"), str(len(bad) - errors or "-"))
        rows.append((item.name, item.cluster["name"], _state(item), *counts, ", ".join(skipped) or "-"))
    return rows


def _finding_rows(bad: t.Sequence[Finding]) -> list[tuple[str, ...]]:
    grouped: dict[tuple[str, ...], list[str]] = {}
    for item in bad:
        grouped.setdefault((item.severity, item.check, item.seen, item.needed), []).append(item.machine)
    rows = [
        (severity, check, ", ".join(names), seen, needed) for (severity, check, seen, needed), names in grouped.items()
    ]
    return [_FINDINGS, *rows]
