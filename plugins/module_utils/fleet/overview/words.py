# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Amounts and times for people, and in one spelling. Pure. Private to the collection."""

from __future__ import annotations

import datetime
import typing as t
from fractions import Fraction

from ...errors import PlatformError
from ...kube import quantity
from ...kube.token import moment

_BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_BYTES = ("memory", "storage")


def spelled(resource: str, amount: Fraction | None) -> str | None:
    """An amount as a quantity: thousandths of CPUs where needed, Ki of memory; None stays None."""
    if amount is None:
        return None
    if resource.endswith("cpu") and amount.denominator != 1:
        return f"{round(amount * 1000)}m"
    if resource.endswith(_BYTES) and amount >= 1024 and amount % 1024 == 0:
        return f"{amount // 1024}Ki"
    return str(amount // 1)


def shown(resource: str, text: t.Any) -> str:
    """A quantity for people: C(12.5) cores, C(64 GiB); a dash for what is none."""
    amount = quantity.parse(text)
    if amount is None:
        return "–"  # noqa: RUF001
    if not resource.endswith(_BYTES):
        return f"{float(amount):.1f}".removesuffix(".0") if amount < 1000 else f"{round(amount)}"
    value, place = float(amount), 0
    while value >= 1024 and place < len(_BINARY) - 1:
        value, place = value / 1024, place + 1
    return f"{value:.1f}".removesuffix(".0") + f" {_BINARY[place]}"


def share(part: t.Any, whole: t.Any) -> float | None:
    """How much of the whole a part is, rounded so that noise is not seen; None where nobody knows."""
    one, other = quantity.parse(part), quantity.parse(whole)
    return None if one is None or not other else round(float(one / other), 3)


def when(text: t.Any) -> datetime.datetime | None:
    """The moment of RFC 3339 text; None for anything else."""
    try:
        return moment(text) if isinstance(text, str) and text else None
    except PlatformError:
        return None


def first(texts: t.Iterable[t.Any]) -> str | None:
    """The earliest of texts in RFC 3339; what is none does not count."""
    known = [(moment_of, str(text)) for text in texts if (moment_of := when(text)) is not None]
    return min(known)[1] if known else None


def span(seconds: float) -> str:
    """A length of time in its largest unit: C(3 d), C(5 h), C(12 min)."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size or (size == 60 and seconds >= size):
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


def ago(text: t.Any, at: datetime.datetime) -> str:
    """How long something has been so, in words; empty where nobody knows."""
    since = when(text)
    return "" if since is None else span(max(0.0, (at - since).total_seconds()))


def until(text: t.Any, at: datetime.datetime) -> str:
    """How long something lasts: C(12 d), or C(ended); empty where nobody knows."""
    end = when(text)
    if end is None:
        return ""
    left = (end - at).total_seconds()
    return span(left) if left > 0 else "ended"


def minute(text: t.Any) -> str:
    """A moment in UTC to the minute, C(2026-01-31 12:00); what is none as it is."""
    found = when(text)
    return str(text or "") if found is None else found.astimezone(datetime.UTC).strftime("%Y-%m-%d %H:%M")


def listed(names: t.Sequence[str], most: int = 5) -> str:
    """Names in one line, and how many more."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
