# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""OCM's RolloutStrategy (open-cluster-management.io/api, cluster/v1alpha1) in a delivery: typed, read from plain data,
every problem named. Pure. Private to the collection.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from ...declaration import Reader
from ...placement.model_parts import decision_strategy
from .. import amount
from ..amount import Amount

ALL, PROGRESSIVE, PER_GROUP = TYPES = ("All", "Progressive", "ProgressivePerGroup")
#: The key that holds what is declared of a type.
BLOCKS = {ALL: "all", PROGRESSIVE: "progressive", PER_GROUP: "progressivePerGroup"}
_FIELDS = {
    ALL: ("progressDeadline",),
    PROGRESSIVE: ("progressDeadline", "minSuccessTime", "maxFailures", "mandatoryDecisionGroups", "maxConcurrency"),
    PER_GROUP: ("progressDeadline", "minSuccessTime", "maxFailures", "mandatoryDecisionGroups"),
}
_KEYS = ("type", *BLOCKS.values(), "groupStrategy")
_DURATION = re.compile(r"([0-9]+[hms])+")
_PART = re.compile(r"([0-9]+)([hms])")
_SECONDS = {"h": 3600, "m": 60, "s": 1}
_LONGEST = 86400


@dataclass(frozen=True)
class Strategy:
    """How a changed delivery comes to its clusters.

    :param type: one of :data:`TYPES`.
    :param mandatory: the groups that come first and tolerate no failure: a name, or an index.
    :param concurrency: how many clusters may be under way at once, for C(Progressive); nothing means all.
    :param soak: seconds that a cluster must stay ready before it makes room for the next.
    :param deadline: seconds in which a cluster must become ready; None where the delivery says it.
    :param failures: how many clusters may fail.
    :param groups: C(groupStrategy), where no Placement says it.
    """

    type: str = ALL
    mandatory: tuple[str | int, ...] = ()
    concurrency: Amount = field(default_factory=Amount)
    soak: int = 0
    deadline: int | None = None
    failures: Amount = field(default_factory=Amount)
    groups: t.Mapping[str, t.Any] = field(default_factory=dict)

    @property
    def grouped(self) -> bool:
        """True when it matters in which group a cluster is."""
        return self.type == PER_GROUP or bool(self.mandatory)


def read_strategy(item: t.Mapping[str, t.Any], reader: Reader, key: str) -> Strategy | None:
    """C(rollout) of a delivery; None where there is none. Problems are left with the reader, under ``key``.

    :param item: the whole delivery, whose other keys it must fit.
    """
    if item.get("rollout") is None:
        return None
    part = reader.mapping(item["rollout"], key, _KEYS)
    kind = reader.choice(part.get("type", ALL), f"{key}.type", TYPES)
    for other, name in BLOCKS.items():
        if other != kind and name in part:
            reader.problem(f"{key}.{name}", part[name], f"is for type: {other}", f"remove it, or write type: {other}")
    where = f"{key}.{BLOCKS[kind]}"
    block = reader.mapping(part.get(BLOCKS[kind]), where, _FIELDS[kind])
    strategy = Strategy(
        type=kind,
        mandatory=_mandatory(block.get("mandatoryDecisionGroups"), reader, f"{where}.mandatoryDecisionGroups"),
        concurrency=_amount(block, "maxConcurrency", reader, where),
        soak=_duration(block.get("minSuccessTime", "0"), reader, f"{where}.minSuccessTime", 0) or 0,
        deadline=None
        if block.get("progressDeadline", "None") == "None"
        else _duration(block["progressDeadline"], reader, f"{where}.progressDeadline", 1),
        failures=_amount(block, "maxFailures", reader, where),
        groups=_groups(part, reader, key),
    )
    _check_wait(item, strategy, reader, key)
    _check_groups(item, strategy, reader, key)
    return strategy


def _check_wait(item: t.Mapping[str, t.Any], strategy: Strategy, reader: Reader, key: str) -> None:
    if item.get("wait") is False:
        reason = "goes on by what is ready, and wait: false looks at nothing"
        reader.problem(key, strategy.type, reason, "remove wait, or rollout")
    if strategy.deadline is not None and "wait_timeout" in item:
        where = f"{key}.{BLOCKS[strategy.type]}.progressDeadline"
        reader.problem(where, strategy.deadline, "says what wait_timeout says, too", "remove one of them")


def _check_groups(item: t.Mapping[str, t.Any], strategy: Strategy, reader: Reader, key: str) -> None:
    """Groups are those of the Placement, or of C(groupStrategy), and names that nobody declares are misspelt."""
    where, placed = f"{key}.groupStrategy", item.get("placement") is not None
    if strategy.groups and placed:
        reason = "is what the Placement says by its decisionStrategy"
        reader.problem(where, sorted(strategy.groups), reason, "remove it, and declare it of the placement")
    elif strategy.groups and not strategy.grouped:
        reason = f"makes groups, and type: {strategy.type} without mandatoryDecisionGroups does not look at them"
        reader.problem(where, sorted(strategy.groups), reason, "remove it")
    elif strategy.grouped and not strategy.groups and not placed:
        reason = "goes by groups, and neither a placement nor groupStrategy says which there are"
        remedy = "add groupStrategy: {decisionGroups: [...]} or {clustersPerDecisionGroup: ...}, or use a placement"
        reader.problem(key, strategy.type, reason, remedy)
    names = declared_names(strategy.groups)
    for place, group in enumerate(strategy.mandatory):
        if isinstance(group, str) and strategy.groups and group not in names:
            known = ", ".join(names) or "none"
            at = f"{key}.{BLOCKS[strategy.type]}.mandatoryDecisionGroups[{place}].groupName"
            reader.problem(at, group, f"is no group of groupStrategy; there are {known}", "correct the name")


def declared_names(groups: t.Mapping[str, t.Any]) -> list[str]:
    """The names of the groups of a C(groupStrategy)."""
    found = groups.get("decisionGroups")
    named = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    return [str(one.get("groupName")) for one in named]


def _groups(part: t.Mapping[str, t.Any], reader: Reader, key: str) -> dict[str, t.Any]:
    if part.get("groupStrategy") is None:
        return {}
    read = decision_strategy({"groupStrategy": part["groupStrategy"]}, reader, key).get("groupStrategy", {})
    declared = read.get("decisionGroups")
    for place, group in enumerate(declared if isinstance(declared, list) else ()):
        chosen = group.get("groupClusterSelector") if isinstance(group, dict) else None
        if isinstance(chosen, dict) and "claimSelector" in chosen:
            at = f"{key}.groupStrategy.decisionGroups[{place}].groupClusterSelector.claimSelector"
            reason = "looks at claims, which only the hub knows"
            reader.problem(at, chosen["claimSelector"], reason, "use labelSelector, or a placement")
    return t.cast("dict[str, t.Any]", read)


def _mandatory(value: t.Any, reader: Reader, key: str) -> tuple[str | int, ...]:
    found: list[str | int] = []
    for place, entry in enumerate(reader.sequence(value, key)):
        where = f"{key}[{place}]"
        item = reader.mapping(entry, where, ("groupName", "groupIndex"))
        name, index = item.get("groupName"), item.get("groupIndex")
        if len(item) != 1:
            reader.problem(where, entry, "a group is named in exactly one way", "give groupName, or groupIndex")
        elif "groupName" in item and (not isinstance(name, str) or not name):
            reader.problem(f"{where}.groupName", name, "is not the name of a group", "write a name, as text")
        elif "groupIndex" in item and not _is_count(index):
            reader.problem(f"{where}.groupIndex", index, "is not the number of a group", "write 0 for the first")
        elif (group := t.cast("str | int", name if "groupName" in item else index)) in found:
            reader.problem(where, group, "is listed twice", "list it once")
        else:
            found.append(group)
    return tuple(found)


def _amount(block: t.Mapping[str, t.Any], name: str, reader: Reader, where: str) -> Amount:
    value = block.get(name, 0)
    found = amount.read(value)
    if found is None:
        reason = f"is neither a number of clusters up to {amount.LARGEST} nor a part of them from 0% to 100%"
        reader.problem(f"{where}.{name}", value, reason, 'write such as 10 without quotes, or "20%"')
    return found or Amount()


def _is_count(value: t.Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= amount.LARGEST


def _duration(value: t.Any, reader: Reader, key: str, least: int) -> int | None:
    """Seconds of a duration as OCM writes it; what is none becomes none."""
    if value == "0" and least == 0:
        return 0
    if isinstance(value, str) and _DURATION.fullmatch(value):
        seconds = sum(int(number) * _SECONDS[unit] for number, unit in _PART.findall(value))
        if least <= seconds <= _LONGEST:
            return seconds
    reason = f"is not a duration in hours, minutes and seconds of at most {_LONGEST // 3600}h"
    reader.problem(key, value, reason, "write such as 90s, 10m or 2h, as text")
    return None
