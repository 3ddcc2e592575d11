# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where deliveries go: by name, by label, or by what OCM has decided. Private to the collection."""

from __future__ import annotations

import datetime
import time
import typing as t
from dataclasses import dataclass, field

from ..fleet.records import CLUSTER_API
from ..fleet.selectors import concerns, why_left_out
from ..kube.client import Client
from ..placement import health
from ..placement.cel_selector import Unknown
from ..placement.evaluate import TAINT, Evaluation, evaluate
from ..placement.groups import Group, divide
from ..placement.inputs import Inputs, decided, is_own, name_of
from ..placement.score_object import SCORE_API
from ..placement.taints import nanoseconds
from .model import Delivery, Placed
from .rollout.model import declared_names

Object = t.Mapping[str, t.Any]
Clusters = t.Mapping[str, Object]

PLACEMENT_API = "cluster.open-cluster-management.io/v1beta1"
SET_API = "cluster.open-cluster-management.io/v1beta2"
_INTERVAL = 0.5
#: On PlacementDecisions: of which group they are.
_GROUP_NAME = "cluster.open-cluster-management.io/decision-group-name"
_GROUP_INDEX = "cluster.open-cluster-management.io/decision-group-index"


@dataclass(frozen=True)
class Decision:
    """Where a delivery goes.

    :param clusters: names, sorted.
    :param unknown: why nobody can say where it goes; it is left as it is then. Empty where it is known.
    :param moving: OCM may be about to decide otherwise.
    :param groups: the clusters by group, for a delivery with a rollout.
    :param lost: clusters that are not decided since they do not answer.
    :param waiting: by cluster, why what is decided of it is not done in this run.
    :param stays: those of them on which it may still run, and has its part of what is divided.
    """

    clusters: tuple[str, ...] = ()
    unknown: str = ""
    moving: bool = False
    groups: tuple[Group, ...] = ()
    lost: frozenset[str] = frozenset()
    waiting: t.Mapping[str, str] = field(default_factory=dict)
    stays: tuple[str, ...] = ()

    @property
    def places(self) -> tuple[str, ...]:
        """The clusters over which it is divided."""
        return tuple(sorted({*self.clusters, *self.stays}))


def decide(deliveries: t.Sequence[Delivery], clusters: Clusters, hub: Client, seconds: float) -> dict[str, Decision]:
    """Where each delivery goes, by its name. Costs nothing where no placement is asked, else five requests.

    :param clusters: those of the fleet, by name.
    :param seconds: how long OCM may take until it has decided what the hub's objects say now.
    """
    found = {one.name: _declared(one, clusters) for one in deliveries if one.placement is None}
    asked = [one for one in deliveries if one.placement is not None]
    if asked:
        found |= _placed(asked, clusters, hub, seconds)
    return {one.name: found[one.name] for one in deliveries}


def _declared(delivery: Delivery, clusters: Clusters) -> Decision:
    names = tuple(sorted(name for name, cluster in clusters.items() if concerns(delivery.item, cluster)))
    if delivery.rollout is None:
        return Decision(names)
    known = [{"metadata": {"name": name, "labels": clusters[name].get("labels") or {}}} for name in names]
    strategy = {"groupStrategy": delivery.rollout.groups}
    groups, wrong = divide({"spec": {"decisionStrategy": strategy}}, known)
    return Decision(names, wrong, groups=tuple(groups))


def _placed(asked: t.Sequence[Delivery], clusters: Clusters, hub: Client, seconds: float) -> dict[str, Decision]:
    until = time.monotonic() + seconds
    while True:
        look = _Look(hub)
        found = {one.name: look.decision(one, clusters) for one in asked}
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

    def decision(self, delivery: Delivery, clusters: Clusters) -> Decision:
        """What OCM has decided, if it is what it decides from what is there now."""
        placed = t.cast(Placed, delivery.placement)
        placement = self._placements.get((placed.namespace, placed.name))
        if placement is None:
            return Decision(unknown=f"the hub has no Placement {placed}")
        strange = _undeclared(delivery, placement)
        if strange:
            return Decision(unknown=f"the Placement {placed} declares no group {strange}, which its rollout names")
        known = Inputs(placement, **self._held)
        names = decided(known)
        groups = _groups(known) if delivery.rollout is not None else None
        found: Evaluation | None = None
        try:
            found = evaluate(known)
            unknown = _unsettled(found, names, groups)
        except Unknown:
            unknown = ""  # Nobody but OCM can judge its expression.
        if unknown:
            return Decision(unknown=f"the Placement {placed} is not settled: {unknown}", moving=True)
        silent = _lost(known.clusters, names, found)
        return Decision(tuple(sorted(names)), _unfit(names, clusters), groups=tuple(groups or ()), lost=silent)


def _undeclared(delivery: Delivery, placement: Object) -> str:
    """The mandatory groups that nobody declares; one of which no cluster is decided is something else."""
    strategy = ((placement.get("spec") or {}).get("decisionStrategy") or {}).get("groupStrategy") or {}
    named = delivery.rollout.mandatory if delivery.rollout is not None else ()
    known = declared_names(strategy)
    return ", ".join(group for group in named if isinstance(group, str) and group not in known)


def _groups(known: Inputs) -> list[Group]:
    """The clusters by group, as the labels of the decisions say."""
    found: dict[tuple[int, str], list[str]] = {}
    for decision in known.decisions:
        if is_own(decision, known.placement):
            labels = (decision.get("metadata") or {}).get("labels") or {}
            index = str(labels.get(_GROUP_INDEX, ""))
            group = found.setdefault((int(index) if index.isdecimal() else 0, str(labels.get(_GROUP_NAME, ""))), [])
            group += [item.get("clusterName", "") for item in (decision.get("status") or {}).get("decisions") or ()]
    return [Group(index, name, tuple(sorted(names)), ()) for (index, name), names in sorted(found.items()) if names]


def _unsettled(found: Evaluation, names: t.Collection[str], groups: t.Sequence[Group] | None) -> str:
    """Why the decisions are not the last word, empty where they are.

    :param groups: as decided; None where nobody asks in which group a cluster is.
    """
    wrong = found.misconfigured or found.failed
    if wrong:
        return f"OCM refuses it ({wrong})"
    if found.idle:
        return f"OCM does nothing about it ({found.idle})"
    lacking, surplus = sorted(set(found.chosen) - set(names)), sorted(set(names) - set(found.chosen))
    parts = [f"{word} {', '.join(some)}" for word, some in (("will add", lacking), ("will drop", surplus)) if some]
    if parts:
        return f"OCM {' and '.join(parts)}"
    wanted = {(one.index, one.name, frozenset(one.clusters)) for one in found.groups if one.clusters}
    there = wanted if groups is None else {(one.index, one.name, frozenset(one.clusters)) for one in groups}
    return "" if there == wanted else "OCM will make other groups of its clusters"


def _lost(clusters: t.Iterable[Object], names: t.Collection[str], found: Evaluation | None) -> frozenset[str]:
    """The clusters that are not decided since they do not answer.

    :param found: what OCM makes of the Placement; None where nobody but OCM knows.
    """
    silent = {
        name_of(cluster)
        for cluster in clusters
        for taint in (cluster.get("spec") or {}).get("taints") or ()
        if health.is_ours(taint) and taint["key"] in health.LOST
    }
    if found is not None:
        silent = {name for name in silent if name in found.verdicts and found.verdicts[name].stage == TAINT}
    return frozenset(silent - set(names))


def _unfit(names: t.Collection[str], clusters: Clusters) -> str:
    """Decided clusters that cannot hold anything of ours."""
    strange = sorted(set(names) - set(clusters))
    if strange:
        return f"{', '.join(strange)} is decided, and is no cluster of the inventory"
    lines = [f"{name} is decided, and {why}" for name in sorted(names) if (why := why_left_out(clusters[name]))]
    return "; ".join(lines)
