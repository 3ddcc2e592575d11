# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Taints of clusters and tolerations of Placements, as OCM weighs them. Pure. Private to the collection."""

from __future__ import annotations

import datetime
import typing as t
from dataclasses import dataclass

from .selection import Misconfigured, Object

PLUGIN = "TaintToleration"
NO_SELECT, PREFER, IF_NEW = "NoSelect", "PreferNoSelect", "NoSelectIfNew"
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
#: What Go reads where no time is given.
_NEVER = "0001-01-01T00:00:00Z"
_SECOND = 10**9


def nanoseconds(moment: datetime.datetime) -> int:
    """A moment as nanoseconds since 1970, in which times are compared."""
    return (moment - _EPOCH) // datetime.timedelta(microseconds=1) * 1000


def read_time(text: t.Any) -> int:
    """An RFC 3339 time as nanoseconds since 1970; nothing is the year 1, as in Go.

    :raises ValueError: for what is no time.
    """
    moment = datetime.datetime.fromisoformat(str(text or _NEVER))
    return nanoseconds(moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC))


def spell_time(moment: int) -> str:
    """Nanoseconds since 1970 as RFC 3339, by the second."""
    return (_EPOCH + datetime.timedelta(seconds=moment // _SECOND)).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Tolerated:
    """How a cluster's taints are taken.

    :param why_not: the taint that keeps the cluster out and why nothing tolerates it; empty where all are tolerated.
    :param until: when the first toleration ends, in nanoseconds since 1970.
    """

    why_not: str = ""
    until: int | None = None


def check(tolerations: t.Iterable[Object]) -> None:
    """Refuses tolerations that OCM refuses.

    :raises Misconfigured: one without a key that is not for all keys, or with a value that C(Exists) cannot have.
    """
    for item in tolerations:
        if not item.get("key") and item.get("operator") != "Exists":
            raise Misconfigured("a toleration without a key must have the operator Exists", PLUGIN)
        if item.get("operator") == "Exists" and item.get("value"):
            raise Misconfigured("a toleration with the operator Exists takes no value", PLUGIN)


def tolerated(cluster: Object, tolerations: t.Sequence[Object], decided: bool, now: int) -> Tolerated:
    """How the cluster's taints are taken by a Placement with these tolerations.

    :param decided: the Placement's decisions hold the cluster already, which C(NoSelectIfNew) lets stay.
    :param now: nanoseconds since 1970.
    """
    until: int | None = None
    for taint in (cluster.get("spec") or {}).get("taints") or ():
        one = _tolerated(taint, tolerations, decided, now)
        if one.why_not:
            return one
        until = earlier(until, one.until)
    return Tolerated(until=until)


def _tolerated(taint: Object, tolerations: t.Sequence[Object], decided: bool, now: int) -> Tolerated:
    effect = taint.get("effect")
    if effect == PREFER or (effect == IF_NEW and decided):
        return Tolerated()
    expired = ""
    for item in tolerations:
        if not _fits(item, taint):
            continue
        seconds = item.get("tolerationSeconds")
        if seconds is None:
            return Tolerated()
        # Go's durations are 64 bits wide, and wrap.
        span = (int(seconds) * _SECOND + 2**63) % 2**64 - 2**63
        end = read_time(taint.get("timeAdded")) + span
        if now < end:
            return Tolerated(until=end)
        expired = f"it was tolerated for {seconds} s, until {spell_time(end)}" if end > 0 else "it was never tolerated"
    return Tolerated(f"{spell_taint(taint)}: {expired or 'no toleration fits it'}")


def _fits(toleration: Object, taint: Object) -> bool:
    if toleration.get("effect") and toleration["effect"] != taint.get("effect"):
        return False
    if toleration.get("key") and toleration["key"] != taint.get("key"):
        return False
    operator = toleration.get("operator") or "Equal"
    return operator == "Exists" or (
        operator == "Equal" and (toleration.get("value") or "") == (taint.get("value") or "")
    )


def spell_taint(taint: Object) -> str:
    """A taint in the usual spelling, C(key=value:effect)."""
    value = f"={taint['value']}" if taint.get("value") else ""
    return f"taint {taint.get('key')}{value}:{taint.get('effect')}"


def earlier(left: int | None, right: int | None) -> int | None:
    """The earlier of two moments that may not be there."""
    known = [moment for moment in (left, right) if moment is not None]
    return min(known, default=None)
