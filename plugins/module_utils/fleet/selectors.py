# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which clusters an item of a platform-wide list is for. Pure. Private to the collection.

An item names its clusters by C(clusters.names), selects them by C(clusters.selector), or says nothing and means every
workload cluster. A selector has the semantics of a Kubernetes LabelSelector (apimachinery, labels.Requirement.Matches).
Selectors look at clusters that run workloads: a dedicated global cluster is chosen by name only.
"""

from __future__ import annotations

import typing as t

OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")


def matches(selector: t.Mapping[str, t.Any], labels: t.Mapping[str, str]) -> bool:
    """True when all requirements of the LabelSelector hold. An empty selector matches everything.

    C(NotIn) and C(DoesNotExist) hold for labels without the key, as in Kubernetes.

    :raises ValueError: for an operator that LabelSelectors do not have.
    """
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    return all(_requirement_holds(item, labels) for item in selector.get("matchExpressions") or [])


def _requirement_holds(requirement: t.Mapping[str, t.Any], labels: t.Mapping[str, str]) -> bool:
    key, operator = requirement["key"], requirement["operator"]
    values = requirement.get("values") or []
    if operator == "In":
        return key in labels and labels[key] in values
    if operator == "NotIn":
        return key not in labels or labels[key] not in values
    if operator == "Exists":
        return key in labels
    if operator == "DoesNotExist":
        return key not in labels
    raise ValueError(f"{operator!r} is not an operator of a label selector: {', '.join(OPERATORS)}")


def runs_workloads(cluster: t.Mapping[str, t.Any]) -> bool:
    """True for workload clusters, and for a global cluster that is co-located."""
    return cluster.get("role", "workload") != "global" or bool(cluster.get("colocated"))


def concerns(item: t.Mapping[str, t.Any], cluster: t.Mapping[str, t.Any]) -> bool:
    """True when the item is for this cluster.

    :param item: an item of C(tenants) or C(policies) that passed the fleet's checks.
    :param cluster: ``name``, ``labels``, ``role`` and ``colocated`` as in the fleet; without a role it is a workload
        cluster.
    """
    chosen = item.get("clusters") or {}
    if chosen.get("names") is not None:
        return cluster["name"] in chosen["names"]
    return runs_workloads(cluster) and matches(chosen.get("selector") or {}, cluster.get("labels") or {})


def clusters_of(item: t.Mapping[str, t.Any], fleet: t.Mapping[str, t.Any]) -> list[str]:
    """Names of the clusters of the fleet that the item is for, in the fleet's order."""
    return [name for name, cluster in fleet["clusters"].items() if concerns(item, cluster)]
