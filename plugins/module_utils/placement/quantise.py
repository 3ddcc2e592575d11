# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scores that move only when what they measure has moved for good. Pure. Private to the collection."""

from __future__ import annotations

LOWEST, HIGHEST = -100, 100


def bounded(value: float) -> float:
    """A score within what OCM takes."""
    return max(float(LOWEST), min(float(HIGHEST), value))


def quantised(previous: int | None, value: float, step: int) -> int:
    """The score to be written: a multiple of C(step), or the previous one while the new value is nearer than a step.

    A written score is at most half a step from its value, so that it takes a change of at least another half to write
    again; and it is never a whole step from the value, so that a change that lasts is written.

    :param previous: the score that is written, None where there is none.
    :param step: 1 for scores that are declared and not measured, which are exact.
    """
    value = bounded(value)
    if step > 1 and previous is not None and LOWEST <= previous <= HIGHEST and abs(value - previous) < step:
        return previous
    return int(bounded(step * round(value / step)))
