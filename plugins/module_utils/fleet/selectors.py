# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which clusters an item of a platform-wide list is for. Pure. Private to the collection.

An item names its clusters by C(clusters.names), selects them by C(clusters.selector), or says nothing and means every
workload cluster. A selector has the semantics of a Kubernetes LabelSelector (apimachinery, labels.Requirement.Matches).
Selectors look at clusters that run workloads: a dedicated global cluster is chosen by name only. Clusters on which our
identity only observes are never selected.
"""

from __future__ import annotations

import typing as t

from ..labels import matches
from . import capabilities
from .access import TIERS

#: The arguments of a module that say which cluster it is about, as selectors look at it.
CLUSTER_ARGUMENTS: dict[str, t.Any] = {
    "cluster": {"type": "str", "required": True},
    "cluster_labels": {"type": "dict", "default": {}},
    "cluster_role": {"type": "str", "choices": ["global", "workload"], "default": "workload"},
    "cluster_colocated": {"type": "bool", "default": False},
    "tier": {"type": "str", "choices": list(TIERS)},
}


def cluster_of(params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The cluster that the arguments are about."""
    return {
        "name": params["cluster"],
        "labels": params["cluster_labels"],
        "role": params["cluster_role"],
        "colocated": params["cluster_colocated"],
        "tier": params["tier"],
    }


def runs_workloads(cluster: t.Mapping[str, t.Any]) -> bool:
    """True for workload clusters, and for a global cluster that is co-located."""
    return cluster.get("role", "workload") != "global" or bool(cluster.get("colocated"))


def tier_of(cluster: t.Mapping[str, t.Any]) -> str:
    """The tier of our access to a cluster; empty where it is not told."""
    return str(cluster.get("tier") or (cluster.get("access") or {}).get("tier") or "")


def why_left_out(cluster: t.Mapping[str, t.Any]) -> str:
    """Why a cluster cannot hold objects of the platform-wide lists, empty where it can. The same for all lists."""
    return capabilities.lacking(str(cluster.get("mode") or ""), tier_of(cluster)).get("tenants", "")


def concerns(item: t.Mapping[str, t.Any], cluster: t.Mapping[str, t.Any]) -> bool:
    """True when the item is for this cluster.

    :param item: an item of C(tenants) or C(policies) that passed the fleet's checks.
    :param cluster: ``name``, ``labels``, ``role``, ``colocated`` and ``access`` (or ``tier``) as in the fleet; without
        a role it is a workload cluster, without a tier it holds everything.
    """
    chosen = item.get("clusters") or {}
    if chosen.get("names") is not None:
        return cluster["name"] in chosen["names"]
    if not runs_workloads(cluster) or why_left_out(cluster):
        return False
    return matches(chosen.get("selector") or {}, cluster.get("labels") or {})


def clusters_of(item: t.Mapping[str, t.Any], fleet: t.Mapping[str, t.Any]) -> list[str]:
    """Names of the clusters of the fleet that the item is for, in the fleet's order."""
    return [name for name, cluster in fleet["clusters"].items() if concerns(item, cluster)]
