# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a Placement is decided from. Pure. Private to the collection."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .selection import Object

#: On PlacementDecisions: whose they are.
PLACEMENT_LABEL = "cluster.open-cluster-management.io/placement"


@dataclass(frozen=True)
class Inputs:
    """What is on the hub when a Placement is decided, as its API returns it.

    :param placement: the Placement.
    :param clusters: ManagedClusters.
    :param sets: ManagedClusterSets.
    :param bindings: ManagedClusterSetBindings, of any namespace.
    :param scores: AddOnPlacementScores.
    :param decisions: PlacementDecisions of all Placements, as they stand.
    :param now: nanoseconds since 1970.
    """

    placement: Object
    clusters: t.Sequence[Object] = ()
    sets: t.Sequence[Object] = ()
    bindings: t.Sequence[Object] = ()
    scores: t.Sequence[Object] = ()
    decisions: t.Sequence[Object] = ()
    now: int = 0


def name_of(item: Object) -> str:
    """An object's name."""
    return str((item.get("metadata") or {}).get("name") or "")


def is_own(decision: Object, placement: Object) -> bool:
    """True for a PlacementDecision of the Placement."""
    theirs, ours = decision.get("metadata") or {}, placement.get("metadata") or {}
    labels = theirs.get("labels") or {}
    return theirs.get("namespace") == ours.get("namespace") and labels.get(PLACEMENT_LABEL, "") == ours.get("name")


def decided(known: Inputs) -> set[str]:
    """The clusters in the Placement's decisions as they stand."""
    return {
        item.get("clusterName", "")
        for decision in known.decisions
        if is_own(decision, known.placement)
        for item in (decision.get("status") or {}).get("decisions") or ()
    }
