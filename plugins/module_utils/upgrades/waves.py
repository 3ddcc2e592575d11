# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""In which waves clusters are upgraded, by the strategies of OCM. Pure. Private to the collection."""

from __future__ import annotations

import typing as t
from dataclasses import asdict, dataclass

from ..declaration import Reader
from ..delivery.rollout.model import BLOCKS, Strategy, read_strategy
from ..delivery.rollout.stages import missing_groups, stages
from ..errors import InvalidInput, Problem
from ..placement.groups import Group, divide

Object = t.Mapping[str, t.Any]
KEY = "upgrade_rollout"


@dataclass(frozen=True)
class Wave:
    """Clusters that are upgraded side by side. It begins when all of the wave before have ended.

    :param name: for people.
    :param clusters: those that have something left, and C(refused) ones, which have failed.
    :param first_turn: the turn, counted over all waves, in which the turn 0 of its clusters is.
    :param stage: waves of one number share the limit.
    :param failures: how many clusters of the stage may fail before no further wave is begun, and C(limit) what says so.
    :param soak: seconds that its clusters must stay well before the next wave begins.
    """

    name: str
    clusters: tuple[str, ...]
    first_turn: int
    stage: int
    failures: int
    limit: str
    soak: int
    refused: tuple[str, ...] = ()


def read(rollout: t.Any) -> Strategy:
    """C(upgrade_rollout), typed; without any all clusters are taken at once.

    :raises InvalidInput: with every problem.
    """
    reader = Reader()
    if rollout is not None and not isinstance(rollout, t.Mapping):
        reader.problem(KEY, type(rollout).__name__, "is not a mapping", "write it with type: Progressive, for example")
    strategy = read_strategy({"rollout": rollout or None}, reader, KEY) if not reader.problems else None
    if strategy is not None and strategy.deadline is not None:
        where = f"{KEY}.{BLOCKS[strategy.type]}.progressDeadline"
        reason = "does not limit an upgrade, whose steps have deadlines of their own"
        reader.problem(where, f"{strategy.deadline}s", reason, "remove it")
    if reader.problems:
        raise InvalidInput(reader.problems)
    return strategy or Strategy()


def waves(
    strategy: Strategy, clusters: t.Mapping[str, Object], left: t.Mapping[str, Object], refused: t.Collection[str] = ()
) -> list[Wave]:
    """The waves of an upgrade, in their order.

    :param clusters: the workload clusters of the run, with their C(labels), by name: groups are made of all of them,
        so that a cluster stays in its group while others are done.
    :param left: by cluster, C(turns) and whether it is C(settled), as an upgrade is decided.
    :param refused: clusters whose upgrade was refused.
    :raises InvalidInput: a mandatory group has no cluster.
    """
    groups = _groups(strategy, clusters)
    acting = {*refused, *(name for name, entry in left.items() if not entry["settled"])}
    found: list[Wave] = []
    turn = 0
    for number, stage in enumerate(stages(strategy, groups)):
        waiting = [name for name in stage.clusters if name in acting]
        size = max(1, stage.at_once)
        parts = [tuple(waiting[start : start + size]) for start in range(0, len(waiting), size)]
        for place, part in enumerate(parts, 1):
            name = stage.name if len(parts) == 1 else f"{stage.name}, {place} of {len(parts)}"
            out = tuple(one for one in part if one in refused)
            found.append(Wave(name, part, turn, number, stage.failures, stage.limit, strategy.soak, out))
            turn += max(int(left[one]["turns"]) if one in left else 0 for one in part) + 1
    return found


def _groups(strategy: Strategy, clusters: t.Mapping[str, Object]) -> list[Group]:
    known = [{"metadata": {"name": name, "labels": item.get("labels") or {}}} for name, item in clusters.items()]
    groups, wrong = divide({"spec": {"decisionStrategy": {"groupStrategy": strategy.groups}}}, known)
    problems = [Problem(f"{KEY}.groupStrategy", strategy.groups, wrong, "Correct it")] if wrong else []
    if not wrong and clusters:
        where = f"{KEY}.{BLOCKS[strategy.type]}.mandatoryDecisionGroups"
        problems = [
            Problem(where, group, "has no cluster in this run", "Give clusters its labels, or run without --limit")
            for group in missing_groups(strategy, groups)
        ]
    if problems:
        raise InvalidInput(problems)
    return groups


def plain(found: t.Sequence[Wave]) -> list[dict[str, t.Any]]:
    """The waves as data."""
    return [{**asdict(wave), "clusters": list(wave.clusters), "refused": list(wave.refused)} for wave in found]


def lines(found: t.Sequence[Wave]) -> list[str]:
    """The waves for people; nothing where all clusters are taken together."""
    if len(found) < 2:
        return []
    limits = [f", at most {wave.failures} may fail" if wave.limit else "" for wave in found]
    named = zip(found, limits, strict=True)
    return [
        f"wave {place}: {', '.join(wave.clusters)} ({wave.name}{text})" for place, (wave, text) in enumerate(named, 1)
    ]


def stop(found: t.Sequence[Object], begins: int, failed: t.Mapping[str, str]) -> str:
    """Why a wave must not begin; empty where it may.

    :param found: of :func:`plain`.
    :param begins: the place of the wave.
    :param failed: by cluster of an earlier wave what is wrong with it.
    """
    for number in dict.fromkeys(wave["stage"] for wave in found[:begins]):
        of_stage = [wave for wave in found[:begins] if wave["stage"] == number]
        broken = [name for wave in of_stage for name in wave["clusters"] if name in failed]
        allowed = of_stage[0]["failures"]
        if len(broken) > allowed:
            told = "; ".join(f"{name}: {failed[name]}" for name in broken)
            rest = [name for wave in found[begins:] for name in wave["clusters"]]
            limit = f"{allowed} may be ({of_stage[0]['limit'] or 'all clusters'})"
            text = f"{len(broken)} cluster(s) of {of_stage[0]['name']} are not well, and {limit}: {told}"
            return f"{text}. Not begun: {', '.join(rest)}"
    return ""
