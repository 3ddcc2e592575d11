# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet's state as a table: a line a cluster, and below it what is wrong. Pure. Private to the collection."""

from __future__ import annotations

import datetime
import typing as t

from ..kube.token import moment
from ..output import aligned, printable
from . import tombstone
from .hub_view import View
from .records import ACCESS
from .tombstone import Tombstone, waiting

_COLUMNS = ("CLUSTER", "MODE", "SET", "VERSION", "RECORDED", "NOW", "NODES", "LATENCY", "ACCESS")
_ENDED = "ended"
#: Detachments that are not finished, by the cluster's name.
Leaving = t.Sequence[tuple[str, Tombstone]]
#: States of a live answer in which the cluster can be worked with.
GOOD = ("usable", "ageing")


def table(clusters: t.Sequence[View], now: datetime.datetime, leaving: Leaving = ()) -> list[str]:
    """The lines for people.

    :param clusters: views of :mod:`hub_view`, with C(live) where the cluster was asked.
    :param leaving: detachments that are not finished.
    """
    lines = ["The hub records no such cluster."]
    if clusters:
        lines = aligned([_COLUMNS, *(_row(item, now) for item in clusters)])
    found = problems(clusters, now, leaving)
    return [*lines, "", *(f"- {printable(line)}" for line in found)] if found else lines


def problems(clusters: t.Iterable[View], now: datetime.datetime, leaving: Leaving = ()) -> list[str]:
    """What an operator should look at, a line each."""
    found = []
    for item in clusters:
        if item["destroying"]:
            found.append(tombstone.destroying(item["name"], tombstone.Ending(str(item["destroying_since"]))))
            continue
        live = item.get("live") or {"state": GOOD[0]}
        nodes = live.get("nodes") or {"ready": 0, "total": 0}
        if live["state"] not in GOOD:
            found.append(f"{item['name']}: {live['state']}: {live['reason']}")
        if nodes["ready"] < nodes["total"]:
            found.append(f"{item['name']}: {nodes['total'] - nodes['ready']} of {nodes['total']} nodes are not ready")
        found += _access_problem(item, now)
    return [*found, *(waiting(name, stone) for name, stone in leaving)]


def _access_problem(item: View, now: datetime.datetime) -> list[str]:
    """What the hub has recorded of an access that is good no more; of a cluster that was asked, its answer tells."""
    if item.get("live"):
        return []
    condition = item["conditions"].get(ACCESS) or {}
    if condition.get("status") == "False":
        return [f"{item['name']}: {condition.get('message')}"]
    if _left(item["access_expires"], now) == _ENDED:
        return [f"{item['name']}: the access ended at {item['access_expires']}"]
    return []


def _row(item: View, now: datetime.datetime) -> tuple[str, ...]:
    live = item.get("live") or {}
    nodes, seconds = live.get("nodes"), live.get("seconds")
    return (
        item["name"],
        item["mode"] or "-",
        item["cluster_set"] or "-",
        live.get("version") or item["version"] or "-",
        _recorded(item),
        live.get("state") or "-",
        f"{nodes['ready']}/{nodes['total']}" if nodes else "-",
        f"{seconds * 1000:.0f} ms" if seconds else "-",
        _left(live.get("expires") or item["access_expires"], now),
    )


def _recorded(item: View) -> str:
    if item["destroying"]:
        return "destroying"
    return {"True": "available", "False": "unavailable"}.get(item["available"], "unknown")


def _left(expires: str | None, now: datetime.datetime) -> str:
    if not expires:
        return "-"
    left = moment(expires) - now
    if left <= datetime.timedelta():
        return _ENDED
    return f"{left.days} d" if left.days >= 2 else f"{left.total_seconds() / 3600:.1f} h"
