# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which clusters a Placement can be decided among. Pure. Private to the collection."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..labels import matches
from .inputs import Inputs, name_of
from .selection import Misconfigured, Object, labels_of, requirements

SET_LABEL = "cluster.open-cluster-management.io/clusterset"


@dataclass(frozen=True)
class Reach:
    """Which clusters a Placement can be decided among.

    :param bound: the sets that are there and bound to the Placement's namespace.
    :param eligible: of these, the ones that the Placement names, or all where it names none.
    :param clusters: the members of eligible sets that are not being removed.
    :param outside: by cluster that is not among them, why.
    """

    bound: tuple[str, ...]
    eligible: tuple[str, ...]
    clusters: tuple[Object, ...]
    outside: t.Mapping[str, str] = field(default_factory=dict)


def reach(known: Inputs) -> Reach:
    """Which clusters the Placement can be decided among.

    :raises Misconfigured: the selector of an eligible set is wrong; OCM then decides nothing and changes nothing.
    """
    namespace = (known.placement.get("metadata") or {}).get("namespace")
    there = {name_of(item): item for item in known.sets}
    bound = sorted(
        {
            name_of(item)
            for item in known.bindings
            if (item.get("metadata") or {}).get("namespace") == namespace and name_of(item) in there
        }
    )
    named = (known.placement.get("spec") or {}).get("clusterSets") or ()
    eligible = [name for name in bound if not named or name in named]
    members = {name: _members(there[name], known.clusters) for name in eligible}
    found, outside = [], {}
    for cluster in known.clusters:
        name = name_of(cluster)
        sets = [item for item in eligible if name in members[item]]
        if not sets:
            outside[name] = _why_outside(cluster, bound, eligible)
        elif (cluster.get("metadata") or {}).get("deletionTimestamp"):
            outside[name] = "is being removed from the hub"
        else:
            found.append(cluster)
    return Reach(tuple(bound), tuple(eligible), tuple(found), outside)


def _members(item: Object, clusters: t.Sequence[Object]) -> set[str]:
    selector = (item.get("spec") or {}).get("clusterSelector") or {}
    kind = selector.get("selectorType") or "ExclusiveClusterSetLabel"
    if kind == "ExclusiveClusterSetLabel":
        return {name_of(cluster) for cluster in clusters if labels_of(cluster).get(SET_LABEL) == name_of(item)}
    if kind != "LabelSelector":
        raise Misconfigured(f"the ManagedClusterSet {name_of(item)} has the unknown selectorType {kind!r}")
    wanted = selector.get("labelSelector")
    if wanted is None:
        return set()
    try:
        requirements(wanted)
    except Misconfigured as exc:
        raise Misconfigured(f"the selector of the ManagedClusterSet {name_of(item)}: {exc}") from exc
    return {name_of(cluster) for cluster in clusters if matches(wanted, labels_of(cluster))}


def _why_outside(cluster: Object, bound: t.Sequence[str], eligible: t.Sequence[str]) -> str:
    own = labels_of(cluster).get(SET_LABEL)
    member = f"is in the set {own}" if own else "has no set of its own"
    if not bound:
        return f"{member}, and no set is bound to the Placement's namespace"
    if not eligible:
        return f"{member}, and the Placement names no set that is bound to its namespace: {', '.join(bound)} are"
    return f"{member}, and the Placement chooses among {', '.join(eligible)}"
