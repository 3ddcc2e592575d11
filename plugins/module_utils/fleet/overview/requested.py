# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the pods of a cluster request, by the rules of its scheduler. Pure. Private to the collection.

A pod needs the larger of what its containers need together and what its start needs; init containers that keep running
(sidecars) count from their start on. What a pod says of itself as a whole comes first.
"""

from __future__ import annotations

import typing as t
from fractions import Fraction

from ...kube import quantity

Object = t.Mapping[str, t.Any]
RESOURCES = ("cpu", "memory")
Amounts = dict[str, Fraction]


def by_node(pods: t.Iterable[Object]) -> dict[str, Amounts]:
    """By Node, the sum of what its pods request: cores, bytes and C(pods). Those that have ended count for nothing, and
    those that no Node has yet are under the empty name."""
    found: dict[str, Amounts] = {}
    for pod in pods:
        if (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
            continue
        name = str((pod.get("spec") or {}).get("nodeName") or "")
        sums = found.setdefault(name, dict.fromkeys((*RESOURCES, "pods"), Fraction(0)))
        for resource, amount in requests(pod).items():
            sums[resource] += amount
        sums["pods"] += 1
    return found


def requests(pod: Object) -> Amounts:
    """What one pod requests."""
    spec = pod.get("spec") or {}
    whole, overhead = (spec.get("resources") or {}).get("requests") or {}, spec.get("overhead") or {}
    found = {}
    for resource in RESOURCES:
        said = quantity.parse(whole.get(resource))
        amount = _containers(spec, resource) if said is None else said
        found[resource] = amount + (quantity.parse(overhead.get(resource)) or 0)
    return found


def _containers(spec: Object, resource: str) -> Fraction:
    running, peak = Fraction(0), Fraction(0)
    for item in spec.get("initContainers") or ():
        amount = _amount(item, resource)
        peak = max(peak, running + amount)
        if item.get("restartPolicy") == "Always":
            running += amount
    return max(peak, running + sum((_amount(item, resource) for item in spec.get("containers") or ()), Fraction(0)))


def _amount(container: Object, resource: str) -> Fraction:
    asked = ((container.get("resources") or {}).get("requests") or {}).get(resource)
    return quantity.parse(asked) or Fraction(0)
