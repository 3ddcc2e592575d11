# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster's share of a budget as quotas of its namespaces, and what the cluster's nodes say to that. Pure.

Kubernetes has no quota over several namespaces, so the share is kept by quotas that add up to it. Private to the
collection.
"""

from __future__ import annotations

import dataclasses
import typing as t
from fractions import Fraction

from ..declaration import Reader
from ..fleet.cluster_choice import Clusters
from ..fleet.selectors import concerns
from ..kube.quantity import parse
from . import budget as budgets
from .budget import Amounts
from .model import Namespace, Tenant
from .states import combined

#: By cluster and tenant.
Shares = dict[str, dict[str, Amounts]]


def of_fleet(
    items: t.Sequence[t.Any],
    tenants: t.Sequence[Tenant],
    clusters: Clusters,
    allocatable: t.Mapping[str, t.Mapping[str, str]] | None,
    reader: Reader,
) -> Shares:
    """The share of every cluster in every budget. Checks that the quotas of namespaces fit into it.

    :param items: the tenants as declared.
    :param clusters: C(fleet.clusters), by name.
    :param allocatable: by cluster, of what the hub records; None leaves out budgets that are split by capacity.
    """
    found: Shares = {name: {} for name in clusters}
    for item, tenant in zip(items, tenants, strict=True):
        if tenant.budget is None:
            continue
        places = {
            name: narrowed(tenant, {**one, "name": name}) for name, one in clusters.items() if _in(item, name, one)
        }
        places = {name: one for name, one in places.items() if one.namespaces}
        key = f"tenants[{tenant.name}].budget"
        before = len(reader.problems)
        budgets.check_clusters(tenant.budget, places, reader, key)
        if len(reader.problems) > before or (tenant.budget.split == "capacity" and allocatable is None):
            continue
        for name, share in budgets.divided(tenant.budget, list(places), allocatable or {}).items():
            found[name][tenant.name] = share
            spread(places[name], share, name, reader)
    return found


def _in(item: t.Mapping[str, t.Any], name: str, cluster: t.Mapping[str, t.Any]) -> bool:
    return concerns(item, {**cluster, "name": name})


def narrowed(tenant: Tenant, cluster: t.Mapping[str, t.Any]) -> Tenant:
    """The tenant with the namespaces and objects that it has in one of its clusters."""
    kept = [one for one in tenant.namespaces if one.clusters is None or concerns({"clusters": one.clusters}, cluster)]
    names = {one.name for one in kept}
    name = str(cluster["name"])
    return dataclasses.replace(
        tenant,
        namespaces=tuple(dataclasses.replace(one, state=combined(name, tenant.states, one.states)) for one in kept),
        objects=tuple(obj for obj in tenant.objects if obj["metadata"]["namespace"] in names),
    )


def spread(tenant: Tenant, share: t.Mapping[str, int], cluster: str, reader: Reader) -> Tenant:
    """The tenant with quotas that add up to its share: declared ones count, the others divide what is left evenly.

    :param tenant: with the namespaces that it has in the cluster.
    """
    quotas = {one.name: dict(one.quota) for one in tenant.namespaces}
    for resource, units in share.items():
        declared = {
            one.name: budgets.amount(resource, one.quota[resource])
            for one in tenant.namespaces
            if resource in one.quota
        }
        rest = units - sum(part or 0 for part in declared.values())
        key = f"tenants[{tenant.name}].budget"
        if rest < 0:
            listed = " + ".join(f"{budgets.spell(resource, part or 0)} ({name})" for name, part in declared.items())
            reason = (
                f"of {cluster} is {budgets.spell(resource, units)}, less than the quotas of its namespaces: {listed}"
            )
            reader.problem(key, resource, reason, "lower a quota, or give the cluster more")
            continue
        others = [one.name for one in tenant.namespaces if resource not in one.quota]
        parts = budgets.divide(rest, [1] * len(others))
        for name, part in zip(others, parts, strict=True):
            quotas[name][resource] = budgets.spell(resource, part)
        empty = [name for name, part in zip(others, parts, strict=True) if not part]
        if empty and units:
            reason = f"of {cluster} is {budgets.spell(resource, units)}, which leaves nothing for {', '.join(empty)}"
            reader.problem(key, resource, reason, "give the cluster more, or these namespaces a quota of their own")
    return dataclasses.replace(
        tenant, namespaces=tuple(dataclasses.replace(one, quota=quotas[one.name]) for one in tenant.namespaces)
    )


def over_committed(tenants: t.Sequence[Tenant], allocatable: t.Mapping[str, str], cluster: str) -> list[str]:
    """A warning for each resource of which the tenants' quotas promise more than the cluster's nodes can hold.

    :param tenants: with the namespaces, and their quotas, that they have in the cluster.
    """
    promised: dict[str, Fraction] = {}
    for tenant in tenants:
        for namespace in tenant.namespaces:
            for resource, value in _requested(namespace).items():
                promised[resource] = promised.get(resource, Fraction(0)) + value
    found = []
    for resource, value in sorted(promised.items()):
        there = parse(allocatable.get(resource))
        if there is None or value <= there:
            continue
        share = f" ({int(value * 100 / there)} %)" if there else ""
        have = budgets.spell(resource, int(there * (1000 if resource == "cpu" else 1)))
        promise = budgets.spell(resource, int(value * (1000 if resource == "cpu" else 1)))
        found.append(
            f"{cluster} is over-committed: the quotas of its tenants promise {promise} of {resource}, and its nodes "
            f"hold {have}{share}"
        )
    return found


def _requested(namespace: Namespace) -> dict[str, Fraction]:
    """What the quota of a namespace lets its pods request, by the resource of nodes."""
    found: dict[str, Fraction] = {}
    for resource, text in namespace.quota.items():
        base = budgets.base_of(resource)
        if base is not None and not resource.startswith("limits."):
            value = parse(text) or Fraction(0)
            found[base] = min(found.get(base, value), value)
    return found
