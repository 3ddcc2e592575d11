# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Away from clusters that do not answer: how much moves in one run, and what becomes of what was left there.

OCM decides that a cluster is replaced, by the tolerations of the Placement. What is here holds that back where it would
be too much at once, or a second copy that must not be. Pure. Private to the collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import replace

from .amount import Amount
from .decisions import Decision
from .failover_rule import Mark, Rule
from .look import CLEAR, LEAVE, Work
from .model import Delivery
from .record import Records


def bounded(
    deliveries: t.Sequence[Delivery],
    decisions: t.Mapping[str, Decision],
    records: Records,
    limit: Amount,
    presumed: t.Collection[str],
) -> dict[str, Decision]:
    """The decisions, less what may not move in this run: for each place that may not, a new cluster of it waits.

    :param presumed: clusters of which an operator says that they are lost; their places may always move.
    """
    placed = [one for one in deliveries if one.placement is not None]
    total = sum(len(records.clusters(one.name)) for one in placed)
    left = limit.of(total)
    found = dict(decisions)
    for one in placed:
        decision = decisions[one.name]
        if decision.unknown:
            continue
        waiting: dict[str, str] = {}
        for cluster in _moving(one.name, decision, records):
            if cluster in presumed:
                continue
            if one.failover.forbids:
                waiting[cluster] = (
                    "it does not answer, and nobody can prove that nothing of the delivery runs there: it is not "
                    f"started elsewhere (duplicates: forbid) unless delivery_presume_lost={cluster} says so"
                )
            elif left > 0:
                left -= 1
            else:
                waiting[cluster] = (
                    f"it does not answer, and is not replaced in this run: no more than {limit.of(total)} of {total} "
                    f"places may move away at once (delivery_failover_limit={limit})"
                )
        if waiting:
            found[one.name] = _held_back(one, decision, waiting, records.clusters(one.name))
    return found


def _moving(name: str, decision: Decision, records: Records) -> list[str]:
    """The clusters that are to be replaced, and were not yet."""
    done = records.lost(name)
    return [cluster for cluster in records.clusters(name) if cluster in decision.lost and cluster not in done]


def _held_back(
    delivery: Delivery, decision: Decision, waiting: t.Mapping[str, str], recorded: t.Collection[str]
) -> Decision:
    """The decision without so many of its new clusters as others wait for."""
    new = [cluster for cluster in decision.clusters if cluster not in recorded]
    back = new[max(0, len(new) - len(waiting)) :]
    others, weights = ", ".join(sorted(waiting)), delivery.division.weights
    held = tuple(cluster for cluster in decision.clusters if cluster not in back)
    groups = [replace(group, clusters=tuple(one for one in group.clusters if one in held)) for group in decision.groups]
    return replace(
        decision,
        clusters=held,
        groups=tuple(group for group in groups if group.clusters),
        waiting={
            **waiting,
            **dict.fromkeys(back, f"it is not started there while {others} may not be replaced"),
        },
        stays=tuple(name for name in sorted(waiting) if not weights or name in weights),
    )


def sorted_out(works: t.Iterable[Work], marks: t.Mapping[str, Mark], rule: Rule) -> tuple[list[Work], list[str]]:
    """Works by what the rule says of clusters that were replaced and answer again, and those that keep their copy.

    :param marks: of the delivery, by cluster.
    """
    found, kept = [], []
    for work in works:
        mark = marks.get(work.cluster)
        if work.what != LEAVE or mark is None or not work.steps:
            found.append(work)
        elif mark.presumed or rule.forbids:
            found.append(replace(work, what=CLEAR))
        elif rule.surplus == "remove":
            found.append(work)
        else:
            kept.append(work.cluster)
    return found, kept


def marked(
    before: t.Mapping[str, Mark],
    silent: t.Collection[str],
    decision: Decision,
    presumed: t.Collection[str],
    now: str,
) -> dict[str, Mark]:
    """The marks of a delivery from now on.

    :param before: as they are.
    :param silent: clusters that it leaves, and that do not answer.
    :param presumed: those of which an operator says that nothing of it runs there.
    """
    kept = {name: mark for name, mark in before.items() if name not in decision.clusters}
    for name in silent:
        known = kept.get(name)
        if known is None and (name in decision.lost or name in presumed):
            kept[name] = Mark(now, name in presumed)
        elif known is not None and name in presumed and not known.presumed:
            kept[name] = replace(known, presumed=True)
    return kept
