# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tenants ask of their clusters, compared with what these are. Pure. Private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ..declaration import Reader
from ..fleet.cluster_choice import Clusters
from ..fleet.selectors import concerns, tier_of
from . import extras, settings
from .model import Tenant
from .render import cluster_roles
from .settings import Address, Settings
from .shares import narrowed

#: Stands for the addresses of a created cluster's control planes, which its machines tell later.
_WITHIN = (Address("192.0.2.0/32", 6443),)


def settings_of(clusters: Clusters, reader: Reader) -> dict[str, Settings]:
    """The settings of each cluster; problems of those that stand in a group are named once."""
    seen: list[tuple[t.Any, Settings]] = []
    found = {}
    for name, cluster in clusters.items():
        declared = cluster.get("tenant_settings")
        known = next((one for value, one in seen if value == declared), None)
        if known is None:
            known = settings.read(declared, reader, f"{name}: tenant_settings")
            seen.append((declared, known))
        found[name] = known
    return found


def check(
    items: t.Sequence[t.Any],
    tenants: t.Sequence[Tenant],
    clusters: Clusters,
    known: t.Mapping[str, Settings],
    reader: Reader,
) -> None:
    """Notes what tenants ask for that their clusters do not have, or that no cluster of theirs is.

    :param items: the tenants as declared.
    :param known: of :func:`settings_of`.
    """
    views = [{**cluster, "name": name} for name, cluster in clusters.items()]
    for item, tenant in zip(items, tenants, strict=True):
        own = [cluster for cluster in views if concerns(item, cluster)]
        _check_names(tenant, {cluster["name"] for cluster in own}, reader)
        if any(cluster.get("role") == "global" for cluster in own):
            _check_hub_namespaces(tenant, clusters, reader)
        for cluster in own:
            there = known[cluster["name"]]
            if not there.api_server and cluster.get("mode") == "create":
                there = dataclasses.replace(there, api_server=_WITHIN)
            check_one(narrowed(tenant, cluster), cluster, there, reader)


def _check_names(tenant: Tenant, own: t.Collection[str], reader: Reader) -> None:
    """Clusters that are named below a tenant are among its own."""
    key = f"tenants[{tenant.name}]"
    named = [(f"{key}.state", name) for name in tenant.states]
    for namespace in tenant.namespaces:
        where = f"{key}.namespaces[{namespace.name}]"
        named += [(f"{where}.state", name) for name in namespace.states]
        named += [(f"{where}.clusters", name) for name in (namespace.clusters or {}).get("names") or ()]
    for where, name in named:
        if name and name not in own:
            reader.problem(where, name, "is none of the tenant's clusters", "add it there, or remove it here")


def _check_hub_namespaces(tenant: Tenant, clusters: Clusters, reader: Reader) -> None:
    """The hub keeps each cluster's access in a namespace of the cluster's name, which no tenant may read."""
    for namespace in tenant.namespaces:
        if namespace.name in clusters:
            reason = "is the name of a cluster, whose access the global cluster keeps in a namespace of that name"
            reader.problem(f"tenants[{tenant.name}].namespaces", namespace.name, reason, "choose another name")


def check_one(tenant: Tenant, cluster: t.Mapping[str, t.Any], known: Settings, reader: Reader) -> None:
    """Notes what a tenant asks for that one of its clusters does not have.

    :param tenant: with the namespaces and objects that it has there.
    :param cluster: C(name), C(tier) or C(access), and C(access.grants).
    """
    key, name = f"tenants[{tenant.name}]", str(cluster["name"])
    grants = (cluster.get("access") or {}).get("grants") or {}
    for namespace in tenant.namespaces:
        if known.reserves(namespace.name):
            reason = f"is reserved on {name}, by tenant_settings.reserved_namespaces"
            reader.problem(f"{key}.namespaces", namespace.name, reason, "choose another name")
    for role in cluster_roles(tenant):
        if role not in (grants.get("cluster_roles") or ()):
            reason = f"is a ClusterRole that our identity may not bind on {name}"
            remedy = f"add it to cluster_access.grants.cluster_roles of {name}, or choose a role"
            reader.problem(f"{key}.members.cluster_role", role, reason, remedy)
    for resource in extras.unmanaged(tenant.objects, tier_of(cluster), grants):
        reason = f"are objects that our identity may not manage on {name}"
        remedy = f"add {resource} to cluster_access.grants.resources of {name}"
        reader.problem(f"{key}.objects", resource, reason, remedy)
    needed = {"allow_ingress": "ingress_namespaces", "allow_monitoring": "monitoring_namespaces"}
    for switch, setting in {**needed, "allow_api_server": "api_server"}.items():
        if tenant.isolation != "none" and getattr(tenant.network, switch) and not getattr(known, setting):
            reason = f"needs to know what that is on {name}, which nothing says"
            reader.problem(f"{key}.network.{switch}", True, reason, f"set tenant_settings.{setting} for {name}")
