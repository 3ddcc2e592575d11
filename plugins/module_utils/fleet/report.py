# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the fleet stands at the end of a run, as a table and as data. Pure. Private to the collection.

An *entry* is what the report knows about one cluster: ``cluster``, ``joined`` (created, attached or hub), ``version``,
``nodes`` (``ready``, ``total``), ``tenants``, ``policies``, ``certificate_expiry`` and ``access_expiry`` (RFC 3339 or
null), ``surplus`` (names of Nodes that no machine of the inventory stands for), ``changed`` (ids of the steps of this
run, or counts by phase), ``access_warning`` (text or null) and ``problem`` (text or null).
"""

from __future__ import annotations

import datetime
import typing as t

from ..output import aligned

Entry = dict[str, t.Any]
#: C(cluster), C(since) (RFC 3339) and C(reason) of a detachment that could not be finished.
Detachment = t.Mapping[str, t.Any]

JOINED = ("hub", "created", "attached")
_COLUMNS = ("CLUSTER", "JOINED", "VERSION", "NODES", "TENANTS", "POLICIES", "CERTIFICATES", "ACCESS")
#: Days before the end from which on a date is marked.
_SOON = {"certificate_expiry": 30, "access_expiry": 0}
_NAMES_WIDTH = 28
_EMPTY: Entry = {
    "joined": None,
    "version": None,
    "nodes": None,
    "tenants": [],
    "policies": [],
    "certificate_expiry": None,
    "access_expiry": None,
    "surplus": [],
    "changed": [],
    "access_warning": None,
    "problem": None,
}


def complete(
    entries: t.Iterable[t.Mapping[str, t.Any]],
    fleet: t.Mapping[str, t.Any] | None,
    hosts: t.Sequence[str],
    failed: t.Sequence[str],
    outcome: t.Mapping[str, t.Mapping[str, t.Any]] | None = None,
) -> list[Entry]:
    """The entries with their gaps filled, in the fleet's order, the hub first.

    :param fleet: the fleet that the run was about; without it, entries stay in their order.
    :param hosts: the hosts of the run. A cluster among them without an entry gets one that says so.
    :param failed: hosts that failed or were unreachable in this run; the cluster of each has a problem.
    :param outcome: by host of the run, what its tasks left behind: ``changes`` (counts by phase) and ``certificates``
        (RFC 3339 ends). That of a machine counts for its cluster.
    """
    answer = {entry["cluster"]: {"cluster": entry["cluster"], **_EMPTY, **entry} for entry in entries}
    clusters = dict((fleet or {}).get("clusters") or {})
    machines = dict((fleet or {}).get("machines") or {})
    for name in [host for host in (*hosts, *failed) if host in clusters and host not in answer]:
        answer[name] = _gap(clusters[name], "the run did not get as far as this cluster, see its failed task above")
    for host in failed:
        if host in answer:
            answer[host]["problem"] = answer[host]["problem"] or "a task failed for this cluster, see it above"
        elif host in machines:
            name = machines[host]["cluster"]
            entry = answer.setdefault(name, _gap(clusters[name], None))
            _add_problem(entry, f"machine {host} failed or was unreachable, see its failed task above")
    for name, entry in answer.items():
        for left in (left for host, left in (outcome or {}).items() if _cluster_of(host, machines) == name):
            _add_outcome(entry, left)
    order = {name: (clusters[name]["role"] != "global", place) for place, name in enumerate(clusters)}
    return sorted(answer.values(), key=lambda entry: order.get(entry["cluster"], (True, len(order))))


def _cluster_of(host: str, machines: t.Mapping[str, t.Any]) -> str:
    return str(machines[host]["cluster"]) if host in machines else host


def _add_problem(entry: Entry, text: str) -> None:
    entry["problem"] = f"{entry['problem']}; {text}" if entry["problem"] else text


def _add_outcome(entry: Entry, left: t.Mapping[str, t.Any]) -> None:
    known = entry["changed"]
    total = dict(known) if isinstance(known, t.Mapping) else {"other": len(known)} if known else {}
    for phase, count in (left.get("changes") or {}).items():
        total[phase] = int(total.get(phase, 0)) + int(count)
    entry["changed"] = total or known
    entry["certificate_expiry"] = earliest([entry["certificate_expiry"], *(left.get("certificates") or ())])


def _gap(cluster: t.Mapping[str, t.Any], problem: str | None) -> Entry:
    return {**_EMPTY, **declared(cluster), "problem": problem}


def declared(cluster: t.Mapping[str, t.Any]) -> Entry:
    """What the declaration alone says about a cluster of the fleet."""
    joined = "hub" if cluster["role"] == "global" else "attached" if cluster["mode"] == "attach" else "created"
    fields = {"tenants": list(cluster["tenants"]), "policies": list(cluster["policies"])}
    return {"cluster": cluster["name"], "joined": joined, "version": cluster["version"], **fields}


def problems(entries: t.Iterable[Entry]) -> list[str]:
    """One line for each cluster that has a problem."""
    return [f"{entry['cluster']}: {entry['problem']}" for entry in entries if entry["problem"]]


def surplus(entries: t.Iterable[Entry]) -> list[str]:
    """One line for each cluster with Nodes that no machine of the inventory stands for. They are left alone."""
    return [
        f"{entry['cluster']}: {', '.join(entry['surplus'])}: in the cluster, and not in the inventory. Add the machine,"
        " or remove the Node with lodestar.platform.remove_node"
        for entry in entries
        if entry["surplus"]
    ]


def fading(entries: t.Iterable[Entry]) -> list[str]:
    """One line for each cluster to which our access ends soon, and was not renewed."""
    return [f"{entry['cluster']}: {entry['access_warning']}" for entry in entries if entry["access_warning"]]


def waiting(detachments: t.Iterable[Detachment]) -> list[str]:
    """One line for each detachment that could not be finished."""
    return [f"{item['cluster']}: since {item['since']}: {item['reason']}" for item in detachments]


def document(
    entries: t.Sequence[Entry], now: datetime.datetime, planned: bool, detachments: t.Sequence[Detachment] = ()
) -> dict[str, t.Any]:
    """The report as data."""
    expiries = [entry["certificate_expiry"] for entry in entries if entry["certificate_expiry"]]
    return {
        "schema": 1,
        "at": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "planned": planned,
        "clusters": list(entries),
        "changes": sum(changes(entry["changed"]) for entry in entries),
        "earliest_certificate_expiry": min(expiries, key=_moment, default=None),
        "detachments": [dict(item) for item in detachments],
        "problems": problems(entries),
    }


def changes(changed: t.Any) -> int:
    """How many steps a list of ids, or counts by phase, stand for."""
    if isinstance(changed, t.Mapping):
        return sum(int(count) for count in changed.values())
    return len(changed or [])


def table(
    entries: t.Sequence[Entry], now: datetime.datetime, planned: bool, detachments: t.Sequence[Detachment] = ()
) -> str:
    """The report for people: a line a cluster, and below it what is wrong.

    :param planned: the run only planned (check mode).
    :param detachments: those that could not be finished.
    """
    if not entries:
        return "The run was about no cluster of the fleet."
    rows: list[tuple[str, ...]] = [(*_COLUMNS, "WOULD CHANGE" if planned else "CHANGED")]
    rows += [_row(entry, now) for entry in entries]
    lines = aligned(rows)
    for title, found in (
        ("Surplus nodes:", surplus(entries)),
        ("Access that ends soon:", fading(entries)),
        ("Detachments that wait for their cluster:", waiting(detachments)),
    ):
        if found:
            lines += ["", title, *(f"- {line}" for line in found)]
    found = problems(entries)
    if found:
        lines += ["", f"{len(found)} of {len(entries)} clusters with a problem:", *(f"- {line}" for line in found)]
    return "\n".join(lines)


def _row(entry: Entry, now: datetime.datetime) -> tuple[str, ...]:
    nodes = entry["nodes"]
    count = changes(entry["changed"])
    return (
        entry["cluster"],
        entry["joined"] or "-",
        (entry["version"] or "-").removeprefix("v"),
        f"{nodes['ready']}/{nodes['total']}" if nodes else "-",
        _names(entry["tenants"]),
        _names(entry["policies"]),
        _expiry(entry["certificate_expiry"], now, _SOON["certificate_expiry"]),
        _expiry(entry["access_expiry"], now, _SOON["access_expiry"]),
        _changed(entry["changed"]) if count else "nothing",
    )


def _names(names: t.Sequence[str]) -> str:
    text = ", ".join(names)
    return text if 0 < len(text) <= _NAMES_WIDTH else str(len(names)) if names else "-"


def _changed(changed: t.Any) -> str:
    if isinstance(changed, t.Mapping):
        return ", ".join(f"{phase} {count}" for phase, count in changed.items() if count)
    return f"{len(changed)} step{'s' if len(changed) > 1 else ''}"


def _expiry(text: str | None, now: datetime.datetime, soon: int) -> str:
    if not text:
        return "-"
    left = _moment(text) - now
    if left <= datetime.timedelta(0):
        return "EXPIRED"
    shown = f"{left.days} d" if left.days >= 2 else f"{int(left.total_seconds() // 3600)} h"
    return f"{shown} (soon)" if left < datetime.timedelta(days=soon) else shown


def _moment(text: str) -> datetime.datetime:
    """The moment of an RFC 3339 text; without an offset it is UTC."""
    moment = datetime.datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)


def earliest(moments: t.Iterable[str | None]) -> str | None:
    """The earliest of RFC 3339 texts, ``None`` when there is none."""
    return min((text for text in moments if text), key=_moment, default=None)


def is_moment(text: t.Any) -> bool:
    """True for an RFC 3339 text."""
    try:
        return isinstance(text, str) and bool(_moment(text))
    except ValueError:
        return False
