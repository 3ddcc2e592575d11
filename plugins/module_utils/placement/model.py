# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a declared placement is: read from plain data in OCM's field names, every problem named. Pure. Private to the
collection.

Whatever OCM would refuse is refused here, since it empties the decisions of a Placement that it refuses; and so is what
it takes and does not do. The shapes are explained for operators in docs/placement.md.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..declaration import DNS_LABEL, DNS_LABEL_RULE, Reader, item_key
from ..errors import InvalidInput, Problem
from ..fleet import cluster_choice
from ..fleet.identity import CLUSTER_LABEL
from . import model_parts as parts

DEFAULT_SET = "default"
_OWN = ("name", "description")
_SPEC = ("clusterSets", "numberOfClusters", "predicates", "prioritizerPolicy", "tolerations", "decisionStrategy")
KEYS = (*_OWN, *_SPEC, "spreadPolicy")
_MOST = 2**31 - 1


@dataclass(frozen=True)
class Placement:
    """One declared placement.

    :param spec: of the Placement, with what OCM's API would fill in where a decision depends on it.
    """

    name: str
    description: str = ""
    spec: dict[str, t.Any] = field(default_factory=dict)


def validate(placements: t.Any, clusters: cluster_choice.Clusters | None = None) -> list[Problem]:
    """Every problem of the platform-wide list C(placements).

    :param clusters: C(fleet.clusters), by name; without it names of clusters are not compared with the fleet.
    """
    return _read_all(placements, clusters)[1]


def read_all(placements: t.Any) -> list[Placement]:
    """The placements of the list, typed and in its order.

    :raises InvalidInput: with every problem.
    """
    found, problems = _read_all(placements, None)
    if problems:
        raise InvalidInput(problems)
    return found


def _read_all(placements: t.Any, clusters: cluster_choice.Clusters | None) -> tuple[list[Placement], list[Problem]]:
    reader, found = Reader(), []
    seen: set[str] = set()
    for place, item in enumerate(reader.sequence(placements, "placements")):
        if not isinstance(item, dict):
            reader.problem(f"placements[{place}]", item, "is not a mapping", "write it with name, predicates, ...")
            continue
        key = item_key("placements", item, place)
        placement = read(item, reader, key)
        if placement.name and placement.name in seen:
            reader.problem(f"{key}.name", placement.name, "is the name of two placements", "give each its own name")
        seen.add(placement.name)
        if clusters is not None:
            _check_names(item, reader, key, clusters)
        found.append(placement)
    return found, reader.problems


def read(item: t.Any, reader: Reader, key: str) -> Placement:
    """An item of C(placements) as a :class:`Placement`. Problems are left with the reader, under C(key)."""
    item = reader.mapping(item, key, KEYS)
    readers: dict[str, t.Callable[[t.Any, Reader, str], t.Any]] = {
        "clusterSets": _cluster_sets,
        "numberOfClusters": _number,
        "predicates": parts.predicates,
        "prioritizerPolicy": parts.prioritizer_policy,
        "tolerations": parts.tolerations,
        "decisionStrategy": parts.decision_strategy,
    }
    if "spreadPolicy" in item:
        reason = "is taken by OCM's API and not looked at by its scheduler, so nothing would be spread"
        remedy = "declare a placement for each zone with a predicate of it, or count on the prioritizer Balance"
        reader.problem(f"{key}.spreadPolicy", item["spreadPolicy"], reason, remedy)
    description = item.get("description", "")
    if not isinstance(description, str):
        reader.problem(f"{key}.description", description, "is not text", "quote it")
    return Placement(
        name=reader.text(item.get("name"), f"{key}.name", DNS_LABEL, DNS_LABEL_RULE, 63),
        description=str(description),
        spec={name: readers[name](item[name], reader, f"{key}.{name}") for name in _SPEC if item.get(name) is not None},
    )


def _cluster_sets(value: t.Any, reader: Reader, key: str) -> list[str]:
    names = reader.texts(value, key, DNS_LABEL, DNS_LABEL_RULE, 63)
    for place, name in enumerate(names):
        if name and name != DEFAULT_SET:
            reason = f"is not a set of the platform, whose clusters are all in the set {DEFAULT_SET}"
            remedy = "remove it, and choose among clusters by their labels"
            reader.problem(f"{key}[{place}]", name, reason, remedy)
    return names


def _number(value: t.Any, reader: Reader, key: str) -> int:
    return parts.whole(value, reader, key, 0, _MOST, "leave it away to decide for every cluster that fits")


def _check_names(item: t.Mapping[str, t.Any], reader: Reader, key: str, clusters: cluster_choice.Clusters) -> None:
    """Notes clusters that a predicate names and the inventory does not have."""
    for place, predicate in enumerate(_items(item.get("predicates"))):
        selector = _get(_get(predicate, "requiredClusterSelector"), "labelSelector")
        where = f"{key}.predicates[{place}].requiredClusterSelector.labelSelector"
        named = [(f"{where}.matchLabels", _get(selector, "matchLabels").get(CLUSTER_LABEL))]
        for number, entry in enumerate(_items(selector.get("matchExpressions"))):
            if isinstance(entry, dict) and entry.get("key") == CLUSTER_LABEL:
                named += [(f"{where}.matchExpressions[{number}].values", name) for name in _items(entry.get("values"))]
        for found, name in named:
            if isinstance(name, str) and name not in clusters:
                reason = f"is not a cluster of the inventory; there are {', '.join(sorted(clusters))}"
                reader.problem(found, name, reason, "correct the name")


def _get(value: t.Any, name: str) -> dict[str, t.Any]:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def _items(value: t.Any) -> list[t.Any]:
    return value if isinstance(value, list) else []
