# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Holds a cluster that is to be promoted against all checks, and tells what was found. Pure.

Private to the collection.
"""

from __future__ import annotations

import typing as t

from ...output import aligned
from . import checks_identity, checks_settings
from .model import ERROR, Case, Check, Finding

CHECKS: tuple[Check, ...] = (*checks_identity.CHECKS, *checks_settings.CHECKS)
IDS: tuple[str, ...] = tuple(check.id for check in CHECKS)
_FINDINGS = ("SEVERITY", "CHECK", "OF", "SEEN", "NEEDED")
_DIFFERENCES = ("MACHINES", "DIFFERS", "A SITE RUN WOULD", "RESTARTS")


def findings(case: Case) -> list[Finding]:
    """What every check says of the cluster and of each machine."""
    return [Finding(check.id, check.severity, verdict) for check in CHECKS for verdict in check.examine(case)]


def failed(found: t.Iterable[Finding], severity: str | None = None) -> list[Finding]:
    """Those that say no, errors first; with a severity, only those."""
    bad = [item for item in found if not item.verdict.passed and severity in (None, item.severity)]
    return sorted(bad, key=lambda item: item.severity != ERROR)


def problems(found: t.Iterable[Finding]) -> list[str]:
    """A line for each error."""
    return [
        f"{item.verdict.subject}: {item.check}: {item.verdict.seen}; needed: {item.verdict.needed}."
        f" {item.verdict.remedy}."
        for item in failed(found, ERROR)
    ]


def table(found: t.Sequence[Finding]) -> list[str]:
    """Lines for people: what failed, machines with the same trouble together."""
    grouped: dict[tuple[str, ...], list[str]] = {}
    for item in failed(found):
        verdict = item.verdict
        grouped.setdefault((item.severity, item.check, verdict.seen, verdict.needed), []).append(verdict.subject)
    rows = [(key[0], key[1], ", ".join(names), *key[2:]) for key, names in grouped.items()]
    remedies = dict.fromkeys(f"{item.check}: {item.verdict.remedy}." for item in failed(found))
    return [*aligned([_FINDINGS, *rows]), "", *remedies] if rows else []


def adopted(case: Case) -> list[str]:
    """Lines for people: what becomes ours."""
    roles = {name: case.machines[name]["role"] for name in case.facts}
    endpoint, network = case.cluster["endpoint"], case.cluster["network"]
    return [
        f"{case.name} ({case.record.get('uid')}): Kubernetes {case.cluster['version']} at"
        f" {endpoint['address']}:{endpoint['port']} ({endpoint['provider']}), pods {network['pod_cidr']},"
        f" Services {network['service_cidr']}, domain {network['dns_domain']}",
        *(f"  {name}: Node {case.machines[name]['node_name']}, {role}" for name, role in roles.items()),
    ]


def differences_table(found: t.Mapping[str, t.Sequence[t.Mapping[str, t.Any]]]) -> list[str]:
    """Lines for people: what a site run would change, machines with the same difference together."""
    grouped: dict[tuple[str, str, str], list[str]] = {}
    for machine, items in found.items():
        for item in items:
            key = (str(item["what"]), str(item["description"]), str(item["restarts"] or "-"))
            grouped.setdefault(key, []).append(machine)
    rows = [(", ".join(names), *key) for key, names in grouped.items()]
    return aligned([_DIFFERENCES, *rows]) if rows else []
