# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One budget for all clusters of a tenant: what it is, and how it is divided to the last unit. Pure.

Amounts are whole numbers of the smallest unit that Kubernetes counts in: thousandths of a CPU, bytes, pieces. So sums
hold exactly. Private to the collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from fractions import Fraction

from ..declaration import Reader
from ..kube.quantity import parse
from .quotas import Quantities, quota

KEYS = ("total", "split", "shares", "weights")
SPLITS = ("even", "weighted", "explicit", "capacity")
#: Where each split keeps what it needs.
_NEEDS = {"weighted": "weights", "explicit": "shares"}
_HEAVIEST = 1_000_000
_CPU = ("cpu", "requests.cpu", "limits.cpu")
_BYTES = ("memory", "ephemeral-storage", "storage", "hugepages-")
_BINARY = (("Ti", 1024**4), ("Gi", 1024**3), ("Mi", 1024**2), ("Ki", 1024))

#: Resource name -> whole number of its smallest unit.
Amounts = dict[str, int]


@dataclass(frozen=True)
class Budget:
    """What a tenant may use in all of its clusters together.

    :param shares: by cluster, for the split C(explicit).
    :param weights: by cluster, for the split C(weighted).
    """

    total: Quantities
    split: str = SPLITS[0]
    shares: dict[str, Quantities] = field(default_factory=dict)
    weights: dict[str, int] = field(default_factory=dict)


def read(value: t.Any, reader: Reader, key: str) -> Budget | None:
    """The key C(budget) of a tenant; None without one."""
    if value is None:
        return None
    declared = reader.mapping(value, key, KEYS)
    split = reader.choice(declared.get("split", SPLITS[0]), f"{key}.split", SPLITS)
    for other, part in _NEEDS.items():
        if part in declared and split != other:
            reader.problem(f"{key}.{part}", declared[part], f"is for split: {other}", f"remove it, or split: {other}")
    total = _whole(declared.get("total"), reader, f"{key}.total")
    if not total:
        reader.problem(f"{key}.total", declared.get("total"), "a budget says what it holds", "name a resource")
    shares = {
        str(name): _whole(part, reader, f"{key}.shares.{name}")
        for name, part in reader.mapping(declared.get("shares"), f"{key}.shares").items()
    }
    weights = reader.mapping(declared.get("weights"), f"{key}.weights")
    for name, weight in weights.items():
        if isinstance(weight, bool) or not isinstance(weight, int) or not 1 <= weight <= _HEAVIEST:
            rule = f"is not a weight: a whole number from 1 to {_HEAVIEST}"
            reader.problem(f"{key}.weights.{name}", weight, rule, "write for example 1 or 3")
    budget = Budget(total, split, shares, {str(name): weight for name, weight in weights.items()})
    _check_shares(budget, reader, key)
    return budget


def _whole(value: t.Any, reader: Reader, key: str) -> Quantities:
    """Quantities that are whole numbers of their smallest unit."""
    found = quota(value, reader, key)
    for name, text in found.items():
        if amount(name, text) is None:
            unit = "a thousandth of a CPU" if name in _CPU else "1"
            reader.problem(f"{key}.{name}", text, f"is no whole number of {unit}", "round it")
    return {name: text for name, text in found.items() if amount(name, text) is not None}


def _check_shares(budget: Budget, reader: Reader, key: str) -> None:
    """Explicit shares name the resources of the budget, and do not add up to more than it."""
    if budget.split != "explicit":
        return
    for cluster, share in budget.shares.items():
        for name in sorted(set(budget.total) ^ set(share)):
            where = "the total" if name in share else f"the share of {cluster}"
            reader.problem(f"{key}.shares.{cluster}.{name}", share.get(name), f"is not in {where}", "name it in both")
    for name, text in budget.total.items():
        parts = {cluster: amount(name, share.get(name, "0")) or 0 for cluster, share in budget.shares.items()}
        whole = amount(name, text) or 0
        if sum(parts.values()) > whole:
            listed = " + ".join(f"{spell(name, part)} ({cluster})" for cluster, part in sorted(parts.items()))
            reason = f"add up to {spell(name, sum(parts.values()))}, more than the total {text}: {listed}"
            reader.problem(f"{key}.shares", name, reason, "lower a share or raise the total")


def check_clusters(budget: Budget, clusters: t.Collection[str], reader: Reader, key: str) -> None:
    """The clusters for which something is declared are those of the tenant, all of them.

    :param clusters: those in which the tenant has a namespace.
    """
    part = _NEEDS.get(budget.split)
    if part is None:
        return
    declared = getattr(budget, part)
    for name in sorted(set(declared) - set(clusters)):
        known = ", ".join(sorted(clusters)) or "none"
        reader.problem(
            f"{key}.{part}", name, f"is no cluster in which the tenant has a namespace ({known})", "remove it"
        )
    for name in sorted(set(clusters) - set(declared)):
        reader.problem(f"{key}.{part}", None, f"say nothing about {name}, one of the tenant's clusters", f"add {name}")


# -- exact amounts


def amount(resource: str, text: str) -> int | None:
    """A quantity in the smallest unit of its resource, None when it is no whole number of that."""
    value = parse(text)
    if value is None:
        return None
    units = value * 1000 if resource in _CPU else value
    return int(units) if units.denominator == 1 else None


def spell(resource: str, units: int) -> str:
    """An amount as Kubernetes writes it: C(1500m), C(4Gi), C(12)."""
    if resource in _CPU:
        return str(units // 1000) if units % 1000 == 0 else f"{units}m"
    if units and resource.rpartition(".")[2].startswith(_BYTES):
        for suffix, size in _BINARY:
            if units % size == 0:
                return f"{units // size}{suffix}"
    return str(units)


def divide(units: int, weights: t.Sequence[Fraction | int]) -> list[int]:
    """Parts in proportion to the weights that add up to the whole: what is left over goes to the largest remainders.

    Equal remainders are served in order. Without any weight all count alike.
    """
    whole = sum(weights)
    if not whole:
        weights, whole = [1] * len(weights), len(weights)
    exact = [Fraction(units) * weight / whole for weight in weights]
    parts = [int(value) for value in exact]
    order = sorted(range(len(parts)), key=lambda at: (parts[at] - exact[at], at))
    for at in order[: units - sum(parts)]:
        parts[at] += 1
    return parts


def divided(
    budget: Budget, clusters: t.Sequence[str], allocatable: t.Mapping[str, t.Mapping[str, str]]
) -> dict[str, Amounts]:
    """The share of each cluster.

    :param clusters: those in which the tenant has a namespace.
    :param allocatable: by cluster, what its nodes can hold as the hub records it; needed for the split C(capacity). A
        cluster without a record gets nothing while another one has one.
    """
    names = sorted(clusters)
    found: dict[str, Amounts] = {name: {} for name in names}
    for resource, text in budget.total.items():
        if budget.split == "explicit":
            parts = [amount(resource, budget.shares[name][resource]) or 0 for name in names]
        else:
            parts = divide(amount(resource, text) or 0, _weights(budget, resource, names, allocatable))
        for name, part in zip(names, parts, strict=True):
            found[name][resource] = part
    return found


def _weights(
    budget: Budget, resource: str, names: t.Sequence[str], allocatable: t.Mapping[str, t.Mapping[str, str]]
) -> list[Fraction | int]:
    if budget.split == "weighted":
        return [budget.weights[name] for name in names]
    if budget.split == "even":
        return [1] * len(names)
    return [held(resource, allocatable.get(name) or {}) or Fraction(0) for name in names]


def held(resource: str, allocatable: t.Mapping[str, str]) -> Fraction | None:
    """What the nodes of a cluster can hold of what a quota counts, None where it is not known.

    Their CPUs are the measure of what nodes do not say.
    """
    base = base_of(resource)
    return parse(allocatable.get(base or "cpu"))


def base_of(resource: str) -> str | None:
    """The resource of nodes that a key of a quota is about, None when nodes do not say it."""
    side, _dot, name = resource.rpartition(".")
    plain = name in ("cpu", "memory", "ephemeral-storage") and side in ("", "requests", "limits")
    return name if plain else "pods" if resource in ("pods", "count/pods") else None
