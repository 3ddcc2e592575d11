# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""In which order clusters get a changed delivery: what OCM's strategies mean for the groups that are decided. Pure.

Private to the collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ...placement.groups import Group
from ..amount import Amount
from .model import ALL, PER_GROUP, Strategy


@dataclass(frozen=True)
class Stage:
    """Clusters that are served together; the next ones come after all of them.

    :param name: for people.
    :param clusters: all that belong to it, in the order in which they are begun.
    :param at_once: how many of them may be under way.
    :param failures: how many of them may fail before nothing more is begun, and C(limit) what sets that.
    """

    name: str
    clusters: tuple[str, ...]
    at_once: int
    failures: int
    limit: str


def stages(strategy: Strategy, groups: t.Sequence[Group]) -> list[Stage]:
    """The stages of a rollout to the decided clusters.

    Mandatory groups come first, whole and one after the other, and tolerate no failure. Clusters go by name.
    """
    there = sorted((group for group in groups if group.clusters), key=lambda group: group.index)
    total = sum(len(group.clusters) for group in there)
    if strategy.type == ALL:
        return [Stage("all clusters", _names(there), total, total, "")] if there else []
    first = [group for group in there if is_mandatory(strategy, group)]
    others = [group for group in there if group not in first]
    found = [
        Stage(f"mandatory {called(group)}", _names([group]), len(group.clusters), 0, "mandatoryDecisionGroups")
        for group in first
    ]
    if strategy.type == PER_GROUP:
        sizes = [(group, len(group.clusters)) for group in others]
        return found + [
            Stage(called(group), _names([group]), size, _part(strategy.failures, size, 0), _limit(strategy))
            for group, size in sizes
        ]
    left = _names(others)
    at_once = _part(strategy.concurrency, len(left), len(left))
    name = "the other clusters" if first else "all clusters"
    return found + ([Stage(name, left, at_once, _part(strategy.failures, total, 0), _limit(strategy))] if left else [])


def is_mandatory(strategy: Strategy, group: Group) -> bool:
    """True for a group that comes first."""
    return (bool(group.name) and group.name in strategy.mandatory) or group.index in strategy.mandatory


def missing_groups(strategy: Strategy, groups: t.Sequence[Group]) -> list[str]:
    """The mandatory groups of which no cluster is decided."""
    held = [group for group in groups if group.clusters]
    known: set[str | int] = {group.name for group in held} | {group.index for group in held}
    return [str(one) for one in strategy.mandatory if one not in known]


def called(group: Group) -> str:
    """A group for people."""
    return f"group {group.index}" + (f" ({group.name})" if group.name else "")


def _names(groups: t.Iterable[Group]) -> tuple[str, ...]:
    return tuple(sorted(name for group in groups for name in group.clusters))


def _limit(strategy: Strategy) -> str:
    return f"maxFailures: {strategy.failures}"


def _part(amount: Amount, total: int, default: int) -> int:
    """How many of so many clusters that is. As with OCM nothing, and more than there are, means the default."""
    found = amount.of(total)
    return found if 0 < found <= total else default
