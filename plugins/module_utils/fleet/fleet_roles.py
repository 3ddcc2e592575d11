# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Roles of people in the fleet: what an item of C(fleet_roles) is, and which clusters it is for. Pure. Private to the
collection.

The shapes are explained for operators in docs/access.md.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..declaration import DNS_LABEL, DNS_LABEL_RULE, SUBJECT, Reader, item_key
from ..errors import Problem
from ..labels import matches
from . import cluster_choice
from .selectors import runs_workloads, tier_of, why_left_out

Item = t.Mapping[str, t.Any]
Clusters = cluster_choice.Clusters

KEYS = ("name", "description", "role", "members", "clusters")
PLATFORM_ADMIN, CLUSTER_ADMIN, AUDITOR = "platform-admin", "cluster-admin", "auditor"
ROLES = (PLATFORM_ADMIN, CLUSTER_ADMIN, AUDITOR)
#: Roles that give everything on a cluster.
_ADMINS = (PLATFORM_ADMIN, CLUSTER_ADMIN)
_MEMBER_KEYS, MEMBER_KINDS = ("kind", "name"), ("Group", "User")
#: Names of users and groups: printable, without blanks at the ends and control characters.


@dataclass(frozen=True)
class FleetRole:
    """Who gets a role.

    :param members: kind and name of each.
    """

    name: str
    role: str
    members: tuple[tuple[str, str], ...]


def judge(items: t.Any, clusters: Clusters | None = None) -> list[Problem]:
    """Every problem of the platform-wide list C(fleet_roles).

    :param clusters: the fleet's clusters by name; without it the choice of clusters is not compared with the fleet.
    """
    return read(items, clusters)[1]


def read(items: t.Any, clusters: Clusters | None = None) -> tuple[list[FleetRole], list[Problem]]:
    """The roles in the list's order, and every problem. The roles are usable only where there is none."""
    reader, found = Reader(), []
    seen: set[str] = set()
    for place, item in enumerate(reader.sequence(items, "fleet_roles")):
        if not isinstance(item, dict):
            reader.problem(f"fleet_roles[{place}]", item, "is not a mapping", "write it with name, role, members")
            continue
        key = item_key("fleet_roles", item, place)
        role = _read(item, reader, key)
        if role.name and role.name in seen:
            reader.problem(f"{key}.name", role.name, "is the name of two items", "give each its own name")
        seen.add(role.name)
        _check_clusters(item, role.role, reader, key, clusters)
        found.append(role)
    return found, reader.problems


def _read(item: dict[str, t.Any], reader: Reader, key: str) -> FleetRole:
    item = reader.mapping(item, key, KEYS)
    description = item.get("description", "")
    if not isinstance(description, str):
        reader.problem(f"{key}.description", description, "is not text", "quote it")
    return FleetRole(
        name=reader.text(item.get("name"), f"{key}.name", DNS_LABEL, DNS_LABEL_RULE, 63),
        role=reader.choice(item.get("role"), f"{key}.role", ROLES),
        members=tuple(_members(item.get("members"), reader, f"{key}.members")),
    )


def _members(value: t.Any, reader: Reader, key: str) -> t.Iterator[tuple[str, str]]:
    entries = reader.sequence(value, key)
    if not entries:
        reader.problem(key, value, "gives the role to nobody", "list groups or users, or remove the item")
    for place, entry in enumerate(entries):
        where = f"{key}[{place}]"
        entry = reader.mapping(entry, where, _MEMBER_KEYS)
        kind = reader.choice(entry.get("kind"), f"{where}.kind", MEMBER_KINDS)
        rule = "names are printable text without blanks at their ends"
        name = reader.text(entry.get("name"), f"{where}.name", SUBJECT, rule)
        if name.startswith("system:"):
            reason = "is a name of Kubernetes itself, and would give the role to more than people"
            reader.problem(f"{where}.name", name, reason, "name a group or user of your identity provider")
        yield kind, name


def _check_clusters(item: Item, role: str, reader: Reader, key: str, clusters: Clusters | None) -> None:
    chosen, where = item.get("clusters"), f"{key}.clusters"
    cluster_choice.check(chosen, reader, where, clusters, workloads_only=False)
    if role == PLATFORM_ADMIN and chosen is not None:
        remedy = f"remove clusters, or use the role {CLUSTER_ADMIN}"
        reader.problem(where, chosen, "a platform-admin is one on every cluster", remedy)
    if role == CLUSTER_ADMIN and chosen is None:
        reason = "a cluster-admin is one of chosen clusters"
        reader.problem(where, None, reason, f"say names or a selector, or use the role {PLATFORM_ADMIN}")
    names = chosen.get("names") if isinstance(chosen, dict) else None
    for place, name in enumerate(names if isinstance(names, list) else ()):
        cluster = (clusters or {}).get(name) if isinstance(name, str) else None
        # That it is observed only has been told.
        why = why_not(role, cluster) if cluster is not None and not why_left_out(cluster) else ""
        if why:
            reader.problem(f"{where}.names[{place}]", name, f"cannot hold it: {why}", _REMEDY)


_REMEDY = "give the platform cluster_access: {tier: lifecycle} there, with a kubeconfig, or leave the cluster out"


def why_not(role: str, cluster: Item) -> str:
    """Why nobody can be given a role on a cluster, empty where that is possible.

    Who may give C(cluster-admin) to others may give it to himself: that is more than the tier C(tenant) is.
    """
    why = why_left_out(cluster)
    if why or role not in _ADMINS or tier_of(cluster) in ("", "lifecycle"):
        return why
    return f"the tier of our access to it is {tier_of(cluster)}, which may give nobody {CLUSTER_ADMIN}"


def concerns(item: Item, cluster: Item) -> bool:
    """True when an item is for a cluster.

    :param item: one without problems.
    :param cluster: as in :func:`selectors.concerns`. Without C(clusters) an item is for the global cluster as well.
    """
    names = (item.get("clusters") or {}).get("names")
    if names is not None:
        return cluster["name"] in names
    return _wanted(item, cluster) and not why_not(item["role"], cluster)


def _wanted(item: Item, cluster: Item) -> bool:
    selector = (item.get("clusters") or {}).get("selector")
    return selector is None or (runs_workloads(cluster) and matches(selector, cluster.get("labels") or {}))


def warnings(items: t.Sequence[Item], clusters: Clusters) -> list[str]:
    """Which clusters an item would be for, and cannot be, and which item is for none."""
    found = []
    for item in items:
        if (item.get("clusters") or {}).get("names") is not None:
            continue
        left = {
            name: why for name, one in clusters.items() if _wanted(item, one) and (why := why_not(item["role"], one))
        }
        found += [f"{name}: is left out of fleet_roles[{item['name']}]: {why}" for name, why in left.items()]
        if not left and not any(concerns(item, cluster) for cluster in clusters.values()):
            found.append(f"fleet_roles: {item['name']} is for no cluster, since no cluster fits its clusters")
    return found
