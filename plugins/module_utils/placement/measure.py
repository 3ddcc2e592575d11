# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was seen of a cluster -> its scores, from -100 to 100, by the formulas of docs/placement.md. Pure.

A score is of one cluster alone, so that another cluster never changes it; but for the declared cost, which compares.
Private to the collection.
"""

from __future__ import annotations

import math
import typing as t
from dataclasses import dataclass, field
from fractions import Fraction

from ..declaration import TENANT_LABEL
from ..fleet.overview import requested
from ..kube import quantity, wait
from .quantise import HIGHEST, LOWEST, bounded

Object = t.Mapping[str, t.Any]

CPU, MEMORY, PODS = "cpuAvailable", "memAvailable", "podsAvailable"
LATENCY, COST, BUDGET = "latency", "cost", "budget"
#: What can be asked for: the names of scores; of C(budget) there is one a tenant.
SCORES = (CPU, MEMORY, PODS, LATENCY, COST, BUDGET)
#: Scores that need the cluster's pods, by the resource that each is about.
OF_PODS = {CPU: "cpu", MEMORY: "memory", PODS: "pods"}
_STEPS = {CPU: 10, MEMORY: 10, PODS: 10, BUDGET: 10, LATENCY: 25, COST: 1}
#: Seconds of an answer that is as good as it gets, and of one that is as bad. What is faster differs by the moment.
_FAST, _SLOW = 0.05, 2.0
_NOT_HERE = ("NoSchedule", "NoExecute")
#: By resource, for people: the unit, its size, and how many digits are told.
_UNITS = {"cpu": ("CPUs", 1, 1), "memory": ("GiB of memory", 1024**3, 1), "pods": ("places of pods", 1, 0)}


@dataclass(frozen=True)
class Value:
    """A score before it is quantised.

    :param text: what was measured, for people.
    """

    score: float
    text: str


@dataclass(frozen=True)
class Measured:
    """What scores are made of.

    :param pods: None where they were not asked for; C(quotas) of tenants likewise.
    :param seconds: of the fastest answer of the cluster's API.
    :param left_out: by part (C(pods), C(quotas)), why it may not be seen.
    :param missed: by part, why it could not be seen this time; scores of it stay as they are.
    """

    nodes: t.Sequence[Object] = ()
    pods: t.Sequence[Object] | None = None
    quotas: t.Sequence[Object] | None = None
    seconds: float | None = None
    left_out: t.Mapping[str, str] = field(default_factory=dict)
    missed: t.Mapping[str, str] = field(default_factory=dict)


def budget_score(tenant: str) -> str:
    """The name of the score of a tenant's budget."""
    return f"{BUDGET}-{tenant}"


def step_of(score: str) -> int:
    """How coarse a score is."""
    return _STEPS[BUDGET] if score.startswith(f"{BUDGET}-") else _STEPS[score]


def values(wanted: t.Collection[str], seen: Measured, tenants: t.Collection[str]) -> dict[str, Value]:
    """The scores that were measured, by name; but for the cost, which :func:`costs` tells.

    :param wanted: out of :data:`SCORES`.
    :param tenants: names of the tenants of the cluster.
    """
    found: dict[str, Value] = {}
    if seen.pods is not None:
        found |= {name: _free(part, seen.nodes, seen.pods) for name, part in OF_PODS.items() if name in wanted}
    if LATENCY in wanted and seen.seconds is not None:
        found[LATENCY] = Value(latency(seen.seconds), f"the API's fastest answer took {_milliseconds(seen.seconds)}")
    if BUDGET in wanted and seen.quotas is not None:
        for tenant in sorted(tenants):
            own = [item for item in seen.quotas if (item["metadata"].get("labels") or {}).get(TENANT_LABEL) == tenant]
            value = budget(own)
            if value is not None:
                found[budget_score(tenant)] = value
    return found


def _milliseconds(seconds: float) -> str:
    return f"{max(1, round(seconds * 1000))} ms"


def fraction_score(free: Fraction, whole: Fraction) -> float:
    """What is free of a whole: -100 for nothing, 100 for all of it."""
    return bounded(float(200 * max(free, Fraction(0)) / whole - 100)) if whole > 0 else float(LOWEST)


def _free(resource: str, nodes: t.Sequence[Object], pods: t.Sequence[Object]) -> Value:
    """What is not requested yet of the nodes that take pods; pods that wait for a node want some of it."""
    open_nodes = {str(node["metadata"]["name"]): node for node in nodes if takes_pods(node)}
    whole = sum((_allocatable(node, resource) for node in open_nodes.values()), Fraction(0))
    sums = requested.by_node(pods)
    taken = sum((amounts[resource] for name, amounts in sums.items() if not name or name in open_nodes), Fraction(0))
    free = max(whole - taken, Fraction(0))
    return Value(fraction_score(free, whole), _told(resource, free, whole))


def takes_pods(node: Object) -> bool:
    """True for a Node on which pods are started that ask for nothing special."""
    spec = node.get("spec") or {}
    taints = [item for item in spec.get("taints") or () if item.get("effect") in _NOT_HERE]
    return wait.is_ready(node) and not spec.get("unschedulable") and not taints


def _allocatable(node: Object, resource: str) -> Fraction:
    return quantity.parse(((node.get("status") or {}).get("allocatable") or {}).get(resource)) or Fraction(0)


def _told(resource: str, free: Fraction, whole: Fraction) -> str:
    unit, size, digits = _UNITS[resource]
    return f"{float(free / size):.{digits}f} of {float(whole / size):.{digits}f} {unit} are free"


def latency(seconds: float) -> float:
    """100 up to 50 ms, -100 from 2 s on, and in between by the logarithm: every doubling costs 38."""
    share = math.log(max(seconds, _FAST) / _FAST) / math.log(_SLOW / _FAST)
    return bounded(HIGHEST - 2 * HIGHEST * share)


def costs(declared: t.Mapping[str, float]) -> dict[str, Value]:
    """By cluster of which a cost is declared: 100 for the cheapest, -100 for the dearest, 100 where all cost the same.

    :param declared: of all clusters of the fleet.
    """
    least, most = min(declared.values(), default=0.0), max(declared.values(), default=0.0)
    return {
        name: Value(
            HIGHEST - 2 * HIGHEST * (cost - least) / (most - least) if most > least else float(HIGHEST),
            f"costs {cost:g}, in the fleet {least:g} to {most:g}",
        )
        for name, cost in declared.items()
    }


def budget(quotas: t.Iterable[Object]) -> Value | None:
    """What is left to a tenant of the scarcest of what its quotas allow here; None where it has no quota."""
    sums: dict[str, list[Fraction]] = {}
    for item in quotas:
        used = (item.get("status") or {}).get("used") or {}
        for resource, text in ((item.get("spec") or {}).get("hard") or {}).items():
            pair = sums.setdefault(str(resource), [Fraction(0), Fraction(0)])
            pair[0] += quantity.parse(text) or 0
            pair[1] += quantity.parse(used.get(resource)) or 0
    if not sums:
        return None
    scores = {name: fraction_score(whole - taken, whole) for name, (whole, taken) in sums.items()}
    scarcest = min(scores, key=lambda name: (scores[name], name))
    whole, taken = sums[scarcest]
    part = float(100 * max(whole - taken, Fraction(0)) / whole) if whole else 0.0
    return Value(scores[scarcest], f"{part:.0f} % are left of {scarcest}, the scarcest of its quotas")
