# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A number, or a part of a whole in percent. Pure. Private to the collection."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

LARGEST = 100_000
_PERCENT = re.compile(r"(100|[0-9]{1,2})%")


@dataclass(frozen=True)
class Amount:
    """A number of things, or a part of them in percent."""

    number: int = 0
    percent: bool = False

    def of(self, total: int) -> int:
        """How many of so many; a part is rounded up, so that it stands in nobody's way where there are few."""
        return -(-total * self.number // 100) if self.percent else self.number

    def __str__(self) -> str:
        return f"{self.number}%" if self.percent else str(self.number)


def read(value: t.Any) -> Amount | None:
    """A number up to :data:`LARGEST`, or text such as C(25%) from 0% to 100%; None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST:
        return Amount(value)
    if isinstance(value, str) and _PERCENT.fullmatch(value):
        return Amount(int(value[:-1]), percent=True)
    return None
