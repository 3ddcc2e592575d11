# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How OCM divides decided clusters into groups, and groups into PlacementDecisions. Pure. Private to the collection."""

from __future__ import annotations

import math
import re
import typing as t
from dataclasses import dataclass

from ..labels import holds
from .inputs import name_of
from .selection import Misconfigured, Object, claims_of, labels_of, requirements

#: How many clusters a PlacementDecision holds.
PAGE = 100
_PERCENT = re.compile(r"(\d+(?:\.\d*)?|\.\d+)%")


@dataclass(frozen=True)
class Group:
    """Clusters that are decided together.

    :param name: as declared, empty for clusters that no declared group takes; a large group is cut, keeping its name.
    :param clusters: in their order.
    :param pages: names of its PlacementDecisions.
    """

    index: int
    name: str
    clusters: tuple[str, ...]
    pages: tuple[str, ...]


def divide(placement: Object, clusters: t.Sequence[Object]) -> tuple[list[Group], str]:
    """The groups of the decided clusters, and what is wrong with the strategy; empty where nothing is.

    What is wrong keeps the groups before it, as OCM does: the clusters of the others are decided for no more.
    """
    strategy = ((placement.get("spec") or {}).get("decisionStrategy") or {}).get("groupStrategy") or {}
    found: list[tuple[str, list[str]]] = []
    left = {name_of(cluster): cluster for cluster in clusters}
    try:
        length = _length(strategy.get("clustersPerDecisionGroup", 0), len(clusters))
        for item in strategy.get("decisionGroups") or ():
            taken = _matching(item.get("groupClusterSelector") or {}, left)
            found += [(item.get("groupName") or "", part) for part in _cut(taken, length)]
            for name in taken:
                del left[name]
    except Misconfigured as exc:
        return _numbered(name_of(placement), found), str(exc)
    found += [("", part) for part in _cut(list(left), length)]
    return _numbered(name_of(placement), found or [("", [])]), ""


def _length(value: t.Any, total: int) -> int:
    if isinstance(value, str):
        match = _PERCENT.fullmatch(value)
        if match is None:
            raise Misconfigured(f"clustersPerDecisionGroup is {value!r}, which is no percentage and no number")
        length = math.ceil(float(match.group(1)) / 100 * float(total))
    else:
        length = int(value or 0)
    return length if 0 < length <= total else total


def _matching(selector: Object, clusters: t.Mapping[str, Object]) -> list[str]:
    labels = requirements(selector.get("labelSelector"))
    claims = requirements({"matchExpressions": (selector.get("claimSelector") or {}).get("matchExpressions")})
    return [
        name
        for name, cluster in clusters.items()
        if all(holds(item, labels_of(cluster)) for item in labels)
        and all(holds(item, claims_of(cluster)) for item in claims)
    ]


def _cut(names: list[str], length: int) -> list[list[str]]:
    ordered = sorted(names)
    return [ordered[start : start + length] for start in range(0, len(ordered), max(length, 1))]


def _numbered(placement: str, found: t.Sequence[tuple[str, list[str]]]) -> list[Group]:
    groups, page = [], 1
    for index, (name, clusters) in enumerate(found):
        pages = max(1, math.ceil(len(clusters) / PAGE))
        names = tuple(f"{placement}-decision-{page + place}" for place in range(pages))
        groups.append(Group(index, name, tuple(clusters), names))
        page += pages
    return groups
