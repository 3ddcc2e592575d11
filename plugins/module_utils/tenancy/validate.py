# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with the declared tenants, all of it at once. Pure. Private to the collection."""

from __future__ import annotations

import typing as t

from ..declaration import Reader, item_key
from ..errors import InvalidInput, Problem
from ..fleet import cluster_choice
from ..kube.quantity import parse
from . import places
from .model import Namespace, Tenant, read
from .shares import of_fleet


def validate(tenants: t.Any, clusters: cluster_choice.Clusters | None = None) -> list[Problem]:
    """Every problem of the platform-wide list C(tenants).

    :param clusters: C(fleet.clusters), by name; without it the list is not compared with the fleet.
    """
    return _read_all(tenants, clusters)[1]


def read_all(tenants: t.Any, clusters: cluster_choice.Clusters | None = None) -> list[Tenant]:
    """The tenants of the list, typed and in its order.

    :raises InvalidInput: with every problem.
    """
    read_ones, problems = _read_all(tenants, clusters)
    if problems:
        raise InvalidInput(problems)
    return read_ones


def _read_all(tenants: t.Any, clusters: cluster_choice.Clusters | None) -> tuple[list[Tenant], list[Problem]]:
    reader = Reader()
    read_ones = []
    items = reader.sequence(tenants, "tenants")
    for place, item in enumerate(items):
        if not isinstance(item, dict):
            reader.problem(f"tenants[{place}]", item, "is not a mapping", "write it with name, namespaces, ...")
            continue
        key = item_key("tenants", item, place)
        read_ones.append(read(item, reader, key))
        cluster_choice.check(item.get("clusters"), reader, f"{key}.clusters", clusters, workloads_only=True)
        _check_namespace_clusters(item, reader, key, clusters)
    _check_owners(read_ones, reader)
    known = places.settings_of(clusters or {}, reader)
    if clusters is not None and not reader.problems:
        places.check(items, read_ones, clusters, known, reader)
        of_fleet(items, read_ones, clusters, None, reader)
    return read_ones, reader.problems


def _check_namespace_clusters(
    item: dict[str, t.Any], reader: Reader, key: str, clusters: cluster_choice.Clusters | None
) -> None:
    """A namespace's own choice of clusters, which only ever narrows the tenant's."""
    entries = item.get("namespaces")
    for place, entry in enumerate(entries if isinstance(entries, list) else ()):
        if isinstance(entry, dict) and "clusters" in entry:
            where = f"{key}.namespaces[{place}].clusters"
            cluster_choice.check(entry["clusters"], reader, where, clusters, workloads_only=True)


def _check_owners(tenants: t.Sequence[Tenant], reader: Reader) -> None:
    """A tenant's name is used once, and a namespace has one owner in the whole fleet, whatever the clusters."""
    owners: dict[str, str] = {}
    seen: set[str] = set()
    for tenant in tenants:
        key = f"tenants[{tenant.name}]"
        if tenant.name and tenant.name in seen:
            reader.problem(f"{key}.name", tenant.name, "is the name of two tenants", "give each its own name")
        seen.add(tenant.name)
        for namespace in tenant.namespaces:
            if namespace.name and namespace.name in owners:
                reason = (
                    f"belongs to the tenant {owners[namespace.name]!r} already; a namespace has one owner in the fleet"
                )
                reader.problem(f"{key}.namespaces", namespace.name, reason, "name it once")
            owners.setdefault(namespace.name, tenant.name)


def warnings(tenants: t.Sequence[Tenant]) -> list[str]:
    """What is allowed but hardly meant: a quota under which a pod without own settings can never start."""
    return [
        f"tenant {tenant.name}, namespace {namespace.name}: {line}"
        for tenant in tenants
        for namespace in tenant.namespaces
        for line in _quota_warnings(namespace)
    ]


def _quota_warnings(namespace: Namespace) -> t.Iterator[str]:
    limits = namespace.limits
    for key, hard in namespace.quota.items():
        side, _dot, resource = key.rpartition(".")
        if resource not in ("cpu", "memory", "ephemeral-storage") or side not in ("", "requests", "limits"):
            continue
        limited = limits.default.get(resource) or limits.max.get(resource)
        given = limited if side == "limits" else limits.default_request.get(resource) or limited
        if given is None:
            yield (
                f"the quota {key} refuses every pod whose containers do not say {side or 'requests'}.{resource}; "
                f"a default under limits.default.{resource} would fill it in"
            )
        elif (parse(given) or 0) > (parse(hard) or 0):
            yield f"a container gets {resource} {given} by default, which is more than the whole quota {key} = {hard}"
