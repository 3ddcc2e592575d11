# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What may happen to a delivery whose cluster does not answer: read from plain data, every problem named. Pure.

Private to the collection.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import asdict, dataclass

from ..declaration import Reader, shown
from ..errors import InvalidInput, Problem
from . import amount
from .amount import Amount

SURPLUS, DUPLICATES = ("keep", "remove"), ("allow", "forbid")
_NUMBER = re.compile(r"[0-9]{1,6}")


@dataclass(frozen=True)
class Rule:
    """What a delivery declares as C(failover).

    :param surplus: what becomes of the copy on a cluster that was replaced, when that answers again.
    :param duplicates: whether it may start elsewhere before its end on a cluster that does not answer is proven.
    """

    surplus: str = SURPLUS[0]
    duplicates: str = DUPLICATES[0]

    @property
    def forbids(self) -> bool:
        """True when there must not be two."""
        return self.duplicates == "forbid"


def read_rule(value: t.Any, reader: Reader, key: str, placed: bool) -> Rule:
    """C(failover) of a delivery. Problems are left with the reader, under ``key``.

    :param placed: a Placement says where it goes, without which nothing is ever replaced.
    """
    if value is None:
        return Rule()
    part = reader.mapping(value, key, ("surplus", "duplicates"))
    if not placed:
        reason = "is for a delivery with a placement, whose tolerations say after which time a cluster is replaced"
        reader.problem(key, sorted(part), reason, "remove it, or give placement in place of clusters")
    return Rule(
        reader.choice(part.get("surplus", SURPLUS[0]), f"{key}.surplus", SURPLUS),
        reader.choice(part.get("duplicates", DUPLICATES[0]), f"{key}.duplicates", DUPLICATES),
    )


def read_limit(value: t.Any) -> Amount:
    """The argument C(failover_limit): how many places may move in one run.

    :raises InvalidInput: it is none.
    """
    text = str(value).strip()
    found = amount.read(int(text) if _NUMBER.fullmatch(text) else text)
    if found is None:
        reason = f"is neither a number of places up to {amount.LARGEST} nor a part of them from 0% to 100%"
        raise InvalidInput([Problem("failover_limit", shown(value), reason, "Give for example 3, 25% or 0")])
    return found


@dataclass(frozen=True)
class Mark:
    """What the hub's record says of a cluster that did not answer when its place was filled elsewhere.

    :param since: when that was, RFC 3339.
    :param presumed: an operator has said that nothing of it runs there any more, so it is removed first of all.
    """

    since: str
    presumed: bool = False


def render_marks(marks: t.Mapping[str, Mark]) -> dict[str, t.Any]:
    """Marks by cluster, as plain data."""
    return {name: asdict(mark) for name, mark in sorted(marks.items())}


def read_marks(found: t.Any) -> dict[str, Mark]:
    """Marks out of plain data.

    :raises ValueError: it is something else.
    """
    if not isinstance(found, dict) or not all(isinstance(item, dict) for item in found.values()):
        raise ValueError("no marks by cluster")
    return {str(name): Mark(str(item.get("since") or ""), item.get("presumed") is True) for name, item in found.items()}
