# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole declaration at once: variables and groups of the inventory -> fleet, or every problem of it.

Pure, and private to the collection. The order of problems is that of the inventory, so two runs say the same.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import typing as t

from ..errors import InvalidInput, Problem
from . import fleet_roles
from . import inventory_checks as checks
from .inventory_checks import SUFFIXES
from .inventory_credential import SECRET_KEYS
from .inventory_hosts import CLUSTER_KEYS, MACHINE_KEYS, read_cluster, read_machine
from .model import Cluster, Fleet, Machine
from .selectors import clusters_of, why_left_out

#: Variables that hold platform-wide lists.
LIST_KEYS = ("tenants", "policies", "fleet_roles", "placements", "deliveries", "platform_addons")
#: All variables that the declaration is made of. Of credentials only whether they are there.
KNOWN_KEYS = (*CLUSTER_KEYS, *MACHINE_KEYS, *LIST_KEYS, *SECRET_KEYS)

HostVars = t.Mapping[str, t.Mapping[str, t.Any]]
#: Judges a platform-wide list; is given the list as declared and the clusters by name, as plain data. That of
#: policies also gets the names of the declared C(tenants), ``None`` when they cannot be read.
Judge = t.Callable[..., t.Sequence[Problem]]
Judges = t.Mapping[str, Judge]


def hosts_of(groups: checks.Groups) -> tuple[list[str], list[str]]:
    """Names of the cluster hosts, and of the hosts in any cluster's machine groups, in the inventory's order."""
    clusters = list(groups.get("clusters", ()))
    machines = [
        host
        for name in clusters
        for suffix in SUFFIXES.values()
        for host in groups.get(name.replace("-", "_") + suffix, ())
    ]
    return clusters, list(dict.fromkeys(machines))


@functools.lru_cache(maxsize=4096)
def resembles(name: str) -> str | None:
    """The known variable that an unknown one is probably meant to be."""
    if name in KNOWN_KEYS or name.startswith("ansible_"):
        return None
    close = difflib.get_close_matches(name, KNOWN_KEYS, 1, 0.9)
    return close[0] if close else None


def read(
    hostvars: HostVars,
    groups: checks.Groups,
    versions: t.Sequence[str] | None = None,
    judges: Judges | None = None,
    preflight: t.Collection[str] | None = None,
) -> Fleet:
    """Reads and checks the declaration.

    :param hostvars: variables by host, as plain data; at least the known ones of clusters and machines. C(kubeconfig)
        may be any true value.
    :param groups: hosts by group, with those of child groups.
    :param versions: Kubernetes versions of the bundle, ``None`` when it is not known.
    :param judges: by the name of a platform-wide list, what finds the problems of its items.
    :param preflight: ids of the preflight checks, ``None`` when they are not known.
    :raises InvalidInput: with every problem that was found.
    """
    fleet, problems = examine(hostvars, groups, versions, judges, preflight)
    if problems:
        raise InvalidInput(problems)
    return fleet


def examine(
    hostvars: HostVars,
    groups: checks.Groups,
    versions: t.Sequence[str] | None = None,
    judges: Judges | None = None,
    preflight: t.Collection[str] | None = None,
) -> tuple[Fleet, list[Problem]]:
    """Like :func:`read`, but returns the problems. The fleet is meaningful only where there is none."""
    problems: list[Problem] = []
    warnings: list[str] = []
    names, _machines = hosts_of(groups)
    if not names:
        remedy = "Add a host for each cluster to the group clusters"
        return Fleet(None, {}, {}), [Problem("groups", "clusters", "there is no cluster in the inventory", remedy)]
    clusters, machines = _read_hosts(names, hostvars, groups, problems)
    checks.check_skipped([*clusters.values(), *machines.values()], preflight, problems)
    machines = {name: _with_skipped(machine, clusters) for name, machine in machines.items()}
    checks.check_roles(clusters, problems)
    checks.check_clusters(clusters, problems, warnings)
    checks.check_versions(clusters, versions, problems)
    checks.check_endpoints(clusters, machines, problems, warnings)
    checks.check_networks(clusters, machines, problems)
    checks.check_nodes(machines, hostvars, problems)
    checks.check_replacements(machines, problems)
    hub = next((cluster.name for cluster in clusters.values() if cluster.role == "global"), None)
    lists = {key: _platform_list(key, hub or names[0], clusters, hostvars, problems) for key in LIST_KEYS}
    bare, judges = Fleet(hub, clusters, machines), dict(judges or {})
    if "policies" in judges:
        judges["policies"] = functools.partial(judges["policies"], tenants=_tenant_names(lists["tenants"]))
    chosen = {key: _choose(key, lists[key], bare, judges, problems, warnings) for key in ("tenants", "policies")}
    chosen["fleet_roles"] = _choose_roles(lists["fleet_roles"], bare, problems, warnings)
    problems += _judge_placements(lists["placements"], bare, judges or {})
    for key in ("deliveries", "platform_addons"):
        problems += _judge_deliveries(key, lists[key], bare, judges)
    clusters = {name: _with_items(cluster, chosen) for name, cluster in clusters.items()}
    warnings += _creation_warnings(clusters) + _misspelt(hostvars)
    declared = {key: lists[key] or [] for key in LIST_KEYS}
    declared |= {key: _without_content(declared[key]) for key in ("deliveries", "platform_addons")}
    return Fleet(hub, clusters, machines, **declared, warnings=warnings), problems


def _read_hosts(
    names: t.Sequence[str], hostvars: HostVars, groups: checks.Groups, problems: list[Problem]
) -> tuple[dict[str, Cluster], dict[str, Machine]]:
    checks.check_groups(names, groups, problems)
    owners = _owners(names, groups)
    checks.check_membership(owners, names, groups, problems)
    clusters = {name: read_cluster(name, hostvars.get(name, {}), problems) for name in names}
    machines = _read_machines(owners, hostvars, problems)
    return {name: _with_machines(cluster, machines) for name, cluster in clusters.items()}, machines


def _with_skipped(machine: Machine, clusters: t.Mapping[str, Cluster]) -> Machine:
    skipped = {*machine.preflight_skip, *clusters[machine.cluster].preflight_skip}
    return dataclasses.replace(machine, preflight_skip=sorted(skipped))


def _choose(
    key: str, items: t.Any, fleet: Fleet, judges: Judges, problems: list[Problem], warnings: list[str]
) -> dict[str, list[str]]:
    """The names of the clusters that each item is for, by the item's name; nothing while the list has problems."""
    view = fleet.as_dict()
    found = judges[key](items, view["clusters"]) if key in judges and items is not None else ()
    problems.extend(found)
    if found or not isinstance(items, list):
        return {}
    chosen = {item["name"]: clusters_of(item, view) for item in items}
    for name, places in chosen.items():
        if not places:
            warnings.append(f"{key}: {name} is for no cluster, since no cluster of the inventory fits its clusters")
    everywhere = [item["name"] for item in items if not (item.get("clusters") or {}).get("names")]
    warnings.extend(
        f"{name}: is left out of the {key} that select clusters: {why}"
        for name, cluster in view["clusters"].items()
        if everywhere and (why := why_left_out(cluster))
    )
    return chosen


def _tenant_names(tenants: t.Any) -> list[str] | None:
    """The names of the declared tenants as far as they can be read; a list that is none has problems of its own."""
    if tenants is not None and not isinstance(tenants, list):
        return None
    return [str(item["name"]) for item in tenants or () if isinstance(item, dict) and "name" in item]


def _choose_roles(items: t.Any, fleet: Fleet, problems: list[Problem], warnings: list[str]) -> dict[str, list[str]]:
    """Like :func:`_choose`, for people's roles, which are for the global cluster as well."""
    clusters = fleet.as_dict()["clusters"]
    found = fleet_roles.judge(items, clusters)
    problems.extend(found)
    if found or not items:
        return {}
    warnings += fleet_roles.warnings(items, clusters)
    return {
        item["name"]: [name for name, cluster in clusters.items() if fleet_roles.concerns(item, cluster)]
        for item in items
    }


def _judge_placements(items: t.Any, fleet: Fleet, judges: Judges) -> list[Problem]:
    """What is wrong with the placements, which choose clusters by OCM's own rules."""
    if items is None or "placements" not in judges:
        return []
    if fleet.hub is None:
        remedy = "Give one cluster cluster_role: global, or remove the placements"
        return [
            Problem("placements", len(items), "placements are decided on a global cluster, and there is none", remedy)
        ]
    return list(judges["placements"](items, fleet.as_dict()["clusters"]))


def _judge_deliveries(key: str, items: t.Any, fleet: Fleet, judges: Judges) -> t.Sequence[Problem]:
    """What is wrong with deliveries, or add-ons, of which the global cluster keeps where they are."""
    if not items or key not in judges:
        return []
    if fleet.hub is None:
        reason, remedy = "there is no global cluster, which keeps where they are", "Give one cluster_role: global"
        return [Problem(key, f"{len(items)} items", reason, remedy)]
    return judges[key](items, fleet.as_dict()["clusters"])


def _without_content(items: t.Any) -> list[dict[str, t.Any]]:
    """Deliveries without what may hold secrets, since the fleet holds none."""
    shown = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    return [{key: value for key, value in item.items() if key not in ("objects", "patches", "chart")} for item in shown]


def _owners(names: t.Sequence[str], groups: checks.Groups) -> dict[str, list[tuple[str, str]]]:
    owners: dict[str, list[tuple[str, str]]] = {}
    for name in names:
        for role, suffix in SUFFIXES.items():
            for host in groups.get(name.replace("-", "_") + suffix, ()):
                owners.setdefault(host, []).append((name, role))
    return owners


def _read_machines(
    owners: t.Mapping[str, t.Sequence[tuple[str, str]]], hostvars: HostVars, problems: list[Problem]
) -> dict[str, Machine]:
    ranks: dict[tuple[str, str], int] = {}
    machines = {}
    for host, places in owners.items():
        cluster, role = places[0]
        rank = ranks.setdefault((cluster, role), 0)
        ranks[cluster, role] += 1
        machines[host] = read_machine(host, cluster, role, rank, hostvars.get(host, {}), problems)
    return machines


def _with_machines(cluster: Cluster, machines: t.Mapping[str, Machine]) -> Cluster:
    own = [machine for machine in machines.values() if machine.cluster == cluster.name]
    grown = dataclasses.replace(
        cluster,
        control_plane=[machine.name for machine in own if machine.role == "control_plane"],
        workers=[machine.name for machine in own if machine.role == "worker"],
    )
    return dataclasses.replace(grown, creation_problems=[dict(vars(item)) for item in checks.creation_problems(grown)])


def _with_items(cluster: Cluster, chosen: t.Mapping[str, t.Mapping[str, list[str]]]) -> Cluster:
    return dataclasses.replace(
        cluster,
        tenants=[name for name, places in chosen["tenants"].items() if cluster.name in places],
        policies=[name for name, places in chosen["policies"].items() if cluster.name in places],
        fleet_roles=[name for name, places in chosen["fleet_roles"].items() if cluster.name in places],
    )


def _platform_list(
    key: str, home: str, clusters: t.Iterable[str], hostvars: HostVars, problems: list[Problem]
) -> t.Any:
    """The list as the host ``home`` sees it; that another cluster sees another one is a problem."""
    found = hostvars.get(home, {}).get(key)
    for name in clusters:
        own = hostvars.get(name, {}).get(key)
        if own is not found and own != found:
            reason = f"the list is another than that of {home}, but there is one for the whole platform"
            remedy = "Declare it once in group_vars/all, and choose clusters in the items"
            problems.append(Problem(f"{name}: {key}", f"{len(own or ())} items", reason, remedy))
    return found


def _creation_warnings(clusters: t.Mapping[str, Cluster]) -> list[str]:
    return [
        f"{item['key']}: {item['value']}: {item['reason']}"
        for cluster in clusters.values()
        for item in cluster.creation_problems
    ]


def _misspelt(hostvars: HostVars) -> list[str]:
    where: dict[str, str] = {}
    for host, variables in hostvars.items():
        for name in variables:
            if resembles(name):
                where.setdefault(name, host)
    return [
        f"{host}: {name} is no variable of the platform, did you mean {resembles(name)}?"
        for name, host in where.items()
    ]
