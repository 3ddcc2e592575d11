# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What OCM's placement controller decides, and why, from the same inputs. Pure. Private to the collection.

The order of the steps is that of OCM's scheduler, since a step that refuses a Placement keeps later ones from being
looked at. Where OCM leaves something to chance (which of several mistakes it names, the order of adding scores), no
decision depends on it: ties are broken by name.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..declaration import is_label_value
from . import cel_selector, taints
from .groups import PAGE, Group, divide
from .inputs import Inputs, decided, name_of
from .reach import Reach, reach
from .scores import Prioritizer, prioritizers
from .selection import Misconfigured, Object, claims_of, first_unmet, labels_of, requirements

#: With this annotation OCM leaves a Placement alone.
DISABLED = "cluster.open-cluster-management.io/experimental-scheduling-disable"
#: What keeps a cluster out, in the order in which OCM looks.
OUTSIDE, PREDICATE, TAINT, RANK = "ClusterSet", "Predicate", taints.PLUGIN, "NumberOfClusters"


@dataclass(frozen=True)
class Verdict:
    """What became of one cluster.

    :param chosen: it is decided.
    :param stage: what kept it out: C(ClusterSet), C(Predicate), C(TaintToleration) or C(NumberOfClusters), else empty.
    :param reasons: why, for people.
    :param score: the sum of scores by weight, where it was ranked.
    :param rank: its place among the ranked, from 1.
    :param until: nanoseconds since 1970 at which the first toleration of its taints ends.
    """

    name: str
    chosen: bool = False
    stage: str = ""
    reasons: tuple[str, ...] = ()
    score: int | None = None
    rank: int | None = None
    until: int | None = None


@dataclass(frozen=True)
class Evaluation:
    """What OCM makes of a Placement.

    :param idle: why it does nothing, and every decision stays as it is; empty where it decides.
    :param misconfigured: why it refuses the Placement, empty where it does not.
    :param failed: why the scheduler fails, empty where it does not.
    :param reason: of the condition C(PlacementSatisfied).
    :param groups: the decisions.
    :param ranked: the clusters that pass all predicates and taints, best first.
    :param unscheduled: how many clusters are missing to C(numberOfClusters).
    :param look_again: nanoseconds since 1970 at which OCM looks again, since a toleration ends.
    """

    idle: str = ""
    misconfigured: str = ""
    failed: str = ""
    reason: str = ""
    reach: Reach = field(default_factory=lambda: Reach((), (), ()))
    verdicts: t.Mapping[str, Verdict] = field(default_factory=dict)
    prioritizers: tuple[Prioritizer, ...] = ()
    groups: tuple[Group, ...] = ()
    ranked: tuple[str, ...] = ()
    unscheduled: int = 0
    look_again: int | None = None

    @property
    def satisfied(self) -> bool:
        """The status of the condition C(PlacementSatisfied)."""
        return self.reason == "AllDecisionsScheduled"

    @property
    def chosen(self) -> list[str]:
        """The decided clusters, by group."""
        return [name for group in self.groups for name in group.clusters]

    def pages(self) -> dict[str, list[str]]:
        """The decided clusters by the name of the PlacementDecision."""
        return {
            page: list(group.clusters[place * PAGE : (place + 1) * PAGE])
            for group in self.groups
            for place, page in enumerate(group.pages)
        }


@dataclass
class _Run:
    """The scheduler at work on one Placement."""

    known: Inputs
    spec: Object
    verdicts: dict[str, Verdict]
    prioritizers: tuple[Prioritizer, ...] = ()
    ranked: list[Object] = field(default_factory=list)
    number: int | None = None


def evaluate(known: Inputs) -> Evaluation:
    """What OCM decides for the Placement with these inputs, and what becomes of every cluster.

    :raises cel_selector.Unknown: the Placement selects by a CEL expression that cannot be judged here.
    """
    idle = _idle(known.placement)
    if idle:
        return Evaluation(idle=idle)
    try:
        found = reach(known)
    except Misconfigured as exc:
        return Evaluation(idle=str(exc))
    outside = {name: Verdict(name, stage=OUTSIDE, reasons=(why,)) for name, why in found.outside.items()}
    run = _Run(known, known.placement.get("spec") or {}, outside)
    misconfigured = failed = ""
    chosen: list[Object] = []
    try:
        chosen = _schedule(run, list(found.clusters))
    except Misconfigured as exc:
        misconfigured = f"{exc.plugin}: {exc}" if exc.plugin else str(exc)
    except _Failed as exc:
        failed = str(exc)
    refused = bool(misconfigured or failed)
    groups, wrong = divide(known.placement, chosen)
    unscheduled = 0 if refused or run.number is None else run.number - len(chosen)
    return Evaluation(
        misconfigured=wrong or misconfigured,
        failed="" if wrong else failed,
        reason=_reason(found, bool(failed and not wrong), len(chosen), unscheduled),
        reach=found,
        verdicts=run.verdicts if not refused else _refused(run, found, misconfigured or failed),
        prioritizers=() if refused else run.prioritizers,
        groups=tuple(groups),
        ranked=() if refused else tuple(map(name_of, run.ranked)),
        unscheduled=unscheduled,
        look_again=None if refused else _look_again(known, run.spec),
    )


class _Failed(Exception):
    """A part of OCM's scheduler fails, for no mistake in the Placement's spec."""


def _idle(placement: Object) -> str:
    metadata, number = placement.get("metadata") or {}, (placement.get("spec") or {}).get("numberOfClusters")
    if metadata.get("deletionTimestamp"):
        return "the Placement is being deleted"
    if (metadata.get("annotations") or {}).get(DISABLED) == "true":
        return f"the annotation {DISABLED} is true"
    if number is not None and int(number) < 0:
        return f"numberOfClusters is {number}, by which OCM's controller dies"
    if not is_label_value(name_of(placement)):
        return "the Placement's name is no label value, so its decisions cannot be written"
    return ""


def _schedule(run: _Run, clusters: list[Object]) -> list[Object]:
    """The decided clusters, best first."""
    passed = _by_predicates(run, clusters)
    passed = _by_taints(run, passed)
    run.prioritizers = tuple(prioritizers(passed, run.known))
    totals = {name_of(cluster): 0 for cluster in passed}
    for one in run.prioritizers:
        for name, score in one.scores.items():
            totals[name] += score * one.weight
    run.ranked = sorted(passed, key=lambda cluster: (-totals[name_of(cluster)], name_of(cluster)))
    number = run.spec.get("numberOfClusters")
    run.number = None if number is None else int(number)
    chosen = run.ranked if run.number is None else run.ranked[: run.number]
    for place, cluster in enumerate(run.ranked):
        _rank(run, cluster, place, len(chosen), totals)
    return chosen


def _by_predicates(run: _Run, clusters: list[Object]) -> list[Object]:
    predicates = run.spec.get("predicates") or ()
    if not predicates or not clusters:
        return clusters
    selectors = []
    for item in predicates:
        selector = item.get("requiredClusterSelector") or {}
        try:
            labels = requirements(selector.get("labelSelector"))
            claims = requirements({"matchExpressions": (selector.get("claimSelector") or {}).get("matchExpressions")})
        except Misconfigured as exc:
            raise Misconfigured(str(exc), PREDICATE) from exc
        expressions = (selector.get("celSelector") or {}).get("celExpressions") or ()
        selectors.append((labels, claims, cel_selector.compiled(expressions)))
    passed = []
    for cluster in clusters:
        name, unmet = name_of(cluster), []
        for labels, claims, expressions in selectors:
            why = (
                first_unmet(labels, labels_of(cluster), "label")
                or first_unmet(claims, claims_of(cluster), "claim")
                or cel_selector.first_unmet(expressions, cluster)
            )
            if not why:
                passed.append(cluster)
                break
            unmet.append(why)
        else:
            reasons = tuple(f"predicates[{place}]: {why}" for place, why in enumerate(unmet))
            run.verdicts[name] = Verdict(name, stage=PREDICATE, reasons=reasons)
    return passed


def _by_taints(run: _Run, clusters: list[Object]) -> list[Object]:
    if not clusters:
        return clusters
    tolerations = run.spec.get("tolerations") or ()
    taints.check(tolerations)
    there, passed = decided(run.known), []
    for cluster in clusters:
        name = name_of(cluster)
        how = taints.tolerated(cluster, tolerations, name in there, run.known.now)
        if how.why_not:
            run.verdicts[name] = Verdict(name, stage=TAINT, reasons=(how.why_not,))
        else:
            run.verdicts[name] = Verdict(name, until=how.until)
            passed.append(cluster)
    return passed


def _rank(run: _Run, cluster: Object, place: int, limit: int, totals: t.Mapping[str, int]) -> None:
    name = name_of(cluster)
    reasons = tuple(one.notes[name] for one in run.prioritizers if name in one.notes)
    out = ""
    if place >= limit:
        last = name_of(run.ranked[limit - 1]) if limit else ""
        out = f"ranks {place + 1} with {totals[name]}, and numberOfClusters is {limit}"
        out += f": the last that is chosen is {last} with {totals[last]}" if last else ""
        out += ", by name" if last and totals[last] == totals[name] else ""
    run.verdicts[name] = Verdict(
        name,
        chosen=not out,
        stage=RANK if out else "",
        reasons=((out,) if out else ()) + reasons,
        score=totals[name],
        rank=place + 1,
        until=run.verdicts[name].until,
    )


def _refused(run: _Run, found: Reach, why: str) -> dict[str, Verdict]:
    """No cluster is decided, whatever was found of it."""
    outside = {name: run.verdicts[name] for name in found.outside}
    names = [name_of(cluster) for cluster in found.clusters]
    return outside | {name: Verdict(name, stage="Misconfigured", reasons=(why,)) for name in names}


def _reason(found: Reach, failed: bool, chosen: int, unscheduled: int) -> str:
    if not found.bound:
        return "NoManagedClusterSetBindings"
    if not found.eligible:
        return "NoIntersection"
    if not found.clusters:
        return "AllManagedClusterSetsEmpty"
    if failed:
        return "NotAllDecisionsScheduled"
    if not chosen:
        return "NoManagedClusterMatched"
    return "AllDecisionsScheduled" if not unscheduled else "NotAllDecisionsScheduled"


def _look_again(known: Inputs, spec: Object) -> int | None:
    """When the first toleration of a cluster that was decided before ends."""
    there, tolerations = decided(known), spec.get("tolerations") or ()
    found = None
    for cluster in known.clusters:
        if name_of(cluster) in there:
            found = taints.earlier(found, taints.tolerated(cluster, tolerations, True, known.now).until)
    return found
