# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Taints that keep placements away from clusters which do not answer. Pure. Private to the collection.

Two of them are those of OCM's own registration, from the condition that tells whether a cluster answers, so that both
can run on one hub. The third keeps new decisions away while old ones are let stay.
"""

from __future__ import annotations

import typing as t

from .selection import Object

UNAVAILABLE = "cluster.open-cluster-management.io/unavailable"
UNREACHABLE = "cluster.open-cluster-management.io/unreachable"
#: Whatever is wrong with the cluster or with our access to it: what it holds may stay there, and nothing else comes.
NOT_AVAILABLE = "lodestar.platform/not-available"
#: By key, the effect of each taint of ours. One with another effect is somebody else's.
EFFECTS = {UNAVAILABLE: "NoSelect", UNREACHABLE: "NoSelect", NOT_AVAILABLE: "NoSelectIfNew"}
#: The taints after which a placement may move.
LOST = (UNREACHABLE, UNAVAILABLE)


def wanted(available: str, access_lost: bool, there: t.Collection[str]) -> tuple[str, ...]:
    """The keys of our taints that a cluster is to have.

    :param available: the status of C(ManagedClusterConditionAvailable).
    :param access_lost: it is our access that has ended, which says nothing about the cluster: nothing moves for that.
    :param there: the keys of our taints that it has.
    """
    if available == "True":
        return ()
    if available == "False":
        return UNAVAILABLE, NOT_AVAILABLE
    # One that was unreachable before its access ended is not better for that.
    return (UNREACHABLE, NOT_AVAILABLE) if not access_lost or UNREACHABLE in there else (NOT_AVAILABLE,)


def is_ours(taint: Object) -> bool:
    """True for a taint that is kept by its cluster's health."""
    return EFFECTS.get(str(taint.get("key"))) == taint.get("effect")


def tainted(taints: t.Sequence[Object], available: str, access_lost: bool, now: str) -> list[Object]:
    """The taints of a cluster as they are to be; those of others are kept, and so is the time of ours.

    :param taints: as they are, C(spec.taints) of the ManagedCluster.
    :param now: RFC 3339.
    """
    ours = {str(item["key"]): item for item in taints if is_ours(item)}
    keys = wanted(available, access_lost, ours)
    kept = [
        # Without a time every toleration has ended already.
        {**item, "timeAdded": now} if is_ours(item) and not item.get("timeAdded") else item
        for item in taints
        if not is_ours(item) or item["key"] in keys
    ]
    return [*kept, *({"key": key, "effect": EFFECTS[key], "timeAdded": now} for key in keys if key not in ours)]


def tolerations(declared: t.Sequence[Object]) -> list[Object]:
    """A placement's tolerations with those that let decisions stay on clusters which do not answer, for as long as it
    takes. Whoever wants them replaced says after which time, and gets no such toleration of that taint.
    """
    named = {str(item.get("key") or "") for item in declared}
    added = [] if "" in named else [key for key in LOST if key not in named]
    return [*declared, *({"key": key, "operator": "Exists"} for key in added)]
