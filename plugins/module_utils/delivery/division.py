# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Replicas of one workload on several clusters. Pure. Private to the collection."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..errors import InvalidInput, Problem
from ..kube.quantity import parse
from ..tenancy.budget import divide

#: As declared on every cluster; or so many in all, by declared weights or by what the clusters' nodes can hold.
DIVISIONS = ("duplicate", "weighted", "capacity")
#: Kinds whose C(spec.replicas) says how many pods there are.
SCALED = (("apps/v1", "Deployment"), ("apps/v1", "StatefulSet"), ("apps/v1", "ReplicaSet"))
#: What is compared of clusters: their nodes' CPUs.
_MEASURE = "cpu"

Object = dict[str, t.Any]


@dataclass(frozen=True)
class Division:
    """How replicas are divided over clusters.

    :param way: one of :data:`DIVISIONS`.
    :param weights: by cluster, for C(weighted).
    """

    way: str = DIVISIONS[0]
    weights: t.Mapping[str, int] = field(default_factory=dict)


def is_scaled(obj: t.Mapping[str, t.Any]) -> bool:
    """True for a workload whose replicas can be divided."""
    return (obj.get("apiVersion"), obj.get("kind")) in SCALED


def shares(
    total: int, division: Division, clusters: t.Collection[str], allocatable: t.Mapping[str, t.Mapping[str, str]]
) -> dict[str, int]:
    """The replicas of each cluster; but for C(duplicate) they add up to the total, to the last one.

    :param allocatable: by cluster, what its nodes can hold, as the hub records it; needed for C(capacity). A cluster
        without a record gets nothing while another one has one.
    """
    names = sorted(clusters)
    if division.way == "duplicate":
        return dict.fromkeys(names, total)
    if division.way == "weighted":
        return dict(zip(names, divide(total, [division.weights[name] for name in names]), strict=True))
    held = [parse((allocatable.get(name) or {}).get(_MEASURE)) or 0 for name in names]
    return dict(zip(names, divide(total, held), strict=True))


def unweighted(name: str, division: Division, clusters: t.Collection[str]) -> None:
    """Refuses weights that say nothing about a cluster to which a placement has decided.

    :param name: of the delivery.
    :raises InvalidInput: naming the clusters.
    """
    if division.way != "weighted":
        return
    lacking = sorted(set(clusters) - set(division.weights))
    if lacking:
        reason = f"say nothing about {', '.join(lacking)}, where the placement puts it"
        remedy = "Add a weight for each cluster that the placement may decide, or divide by capacity"
        raise InvalidInput([Problem(f"deliveries[{name}].replicas.weights", sorted(division.weights), reason, remedy)])


def unmeasured(
    division: Division, clusters: t.Collection[str], allocatable: t.Mapping[str, t.Mapping[str, str]]
) -> list[str]:
    """The clusters of which nobody knows what they can hold, where that is asked for."""
    if division.way != "capacity":
        return []
    return [name for name in sorted(clusters) if parse((allocatable.get(name) or {}).get(_MEASURE)) is None]


def replicas_of(obj: t.Mapping[str, t.Any]) -> int:
    """How many replicas a workload declares.

    :raises InvalidInput: something else than a number is declared.
    """
    value = (obj.get("spec") or {}).get("replicas")
    if value is None:
        return 1
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        name = (obj.get("metadata") or {}).get("name")
        remedy = "Write a number without quotes"
        raise InvalidInput([Problem(f"{obj.get('kind')} {name}: spec.replicas", value, "is no number", remedy)])
    return value


def with_replicas(obj: Object, replicas: int) -> Object:
    """The workload with so many replicas."""
    return {**obj, "spec": {**(obj.get("spec") or {}), "replicas": replicas}}
