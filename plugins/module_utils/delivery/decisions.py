# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where deliveries go: by name, by label, or by what OCM has decided. Private to the collection."""

from __future__ import annotations

import datetime
import time
import typing as t
from dataclasses import dataclass

from ..fleet.records import CLUSTER_API
from ..fleet.selectors import concerns, why_left_out
from ..kube.client import Client
from ..placement.cel_selector import Unknown
from ..placement.evaluate import Evaluation, evaluate
from ..placement.inputs import Inputs, decided, name_of
from ..placement.taints import nanoseconds
from .model import Delivery, Placed

Object = t.Mapping[str, t.Any]
Clusters = t.Mapping[str, Object]

PLACEMENT_API = "cluster.open-cluster-management.io/v1beta1"
SET_API = "cluster.open-cluster-management.io/v1beta2"
SCORE_API = "cluster.open-cluster-management.io/v1alpha1"
_INTERVAL = 0.5


@dataclass(frozen=True)
class Decision:
    """Where a delivery goes.

    :param clusters: names, sorted.
    :param unknown: why nobody can say where it goes; it is left as it is then. Empty where it is known.
    :param moving: OCM may be about to decide otherwise.
    """

    clusters: tuple[str, ...] = ()
    unknown: str = ""
    moving: bool = False


def decide(deliveries: t.Sequence[Delivery], clusters: Clusters, hub: Client, seconds: float) -> dict[str, Decision]:
    """Where each delivery goes, by its name. Costs nothing where no placement is asked, else five requests.

    :param clusters: those of the fleet, by name.
    :param seconds: how long OCM may take until it has decided what the hub's objects say now.
    """
    found = {one.name: _declared(one, clusters) for one in deliveries if one.placement is None}
    asked = {one.name: one.placement for one in deliveries if one.placement is not None}
    if asked:
        found |= _placed(asked, clusters, hub, seconds)
    return {one.name: found[one.name] for one in deliveries}


def _declared(delivery: Delivery, clusters: Clusters) -> Decision:
    return Decision(tuple(sorted(name for name, cluster in clusters.items() if concerns(delivery.item, cluster))))


def _placed(asked: t.Mapping[str, Placed], clusters: Clusters, hub: Client, seconds: float) -> dict[str, Decision]:
    until = time.monotonic() + seconds
    while True:
        look = _Look(hub)
        found = {name: look.decision(placed, clusters) for name, placed in asked.items()}
        if not any(one.moving for one in found.values()) or time.monotonic() + _INTERVAL > until:
            return found
        time.sleep(_INTERVAL)


class _Look:
    """What the hub says of placements at one moment."""

    def __init__(self, hub: Client) -> None:
        self._placements = {
            (item["metadata"].get("namespace"), name_of(item)): item for item in hub.list(PLACEMENT_API, "Placement")
        }
        self._held: dict[str, t.Any] = {
            "decisions": hub.list(PLACEMENT_API, "PlacementDecision"),
            "scores": hub.list(SCORE_API, "AddOnPlacementScore"),
            "bindings": hub.list(SET_API, "ManagedClusterSetBinding"),
            "sets": hub.list(SET_API, "ManagedClusterSet"),
            "clusters": hub.list(CLUSTER_API, "ManagedCluster"),
            "now": nanoseconds(datetime.datetime.now(datetime.UTC)),
        }

    def decision(self, placed: Placed, clusters: Clusters) -> Decision:
        """What OCM has decided, if it is what it decides from what is there now."""
        placement = self._placements.get((placed.namespace, placed.name))
        if placement is None:
            return Decision(unknown=f"the hub has no Placement {placed}")
        known = Inputs(placement, **self._held)
        names = decided(known)
        try:
            unknown = _unsettled(evaluate(known), names)
        except Unknown:
            unknown = ""  # Nobody but OCM can judge its expression.
        if unknown:
            return Decision(unknown=f"the Placement {placed} is not settled: {unknown}", moving=True)
        return Decision(tuple(sorted(names)), _unfit(names, clusters))


def _unsettled(found: Evaluation, names: t.Collection[str]) -> str:
    """Why the decisions are not the last word, empty where they are."""
    wrong = found.misconfigured or found.failed
    if wrong:
        return f"OCM refuses it ({wrong})"
    if found.idle:
        return f"OCM does nothing about it ({found.idle})"
    lacking, surplus = sorted(set(found.chosen) - set(names)), sorted(set(names) - set(found.chosen))
    parts = [f"{word} {', '.join(some)}" for word, some in (("will add", lacking), ("will drop", surplus)) if some]
    return f"OCM {' and '.join(parts)}" if parts else ""


def _unfit(names: t.Collection[str], clusters: Clusters) -> str:
    """Decided clusters that cannot hold anything of ours."""
    strange = sorted(set(names) - set(clusters))
    if strange:
        return f"{', '.join(strange)} is decided, and is no cluster of the inventory"
    lines = [f"{name} is decided, and {why}" for name in sorted(names) if (why := why_left_out(clusters[name]))]
    return "; ".join(lines)
