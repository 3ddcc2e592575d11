# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks across clusters and machines of the declaration. Pure. Private to the collection."""

from __future__ import annotations

import typing as t
from itertools import combinations

from ..declaration import shown
from ..errors import Problem
from .inventory_fields import suggestion
from .inventory_hosts import Address, IPNetwork, address_of, network_of
from .model import Cluster, Machine

#: Group suffix of each role of a machine.
SUFFIXES = {"control_plane": "_control_plane", "worker": "_workers"}
_ALL = "_machines"
# kubeadm refuses more than 20 bits of Services (IPv4 and IPv6 alike) and more than 16 bits of nodes' pod ranges.
_SERVICE_BITS, _NODE_RANGE_BITS = 20, 16
_NODE_MASK = {4: 24, 6: 64}

Groups = t.Mapping[str, t.Sequence[str]]


def check_groups(clusters: t.Sequence[str], groups: Groups, problems: list[Problem]) -> None:
    """Every cluster has its groups, every such group its cluster, and they contain each other as they should."""
    prefixes: dict[str, str] = {}
    for name in clusters:
        prefix = name.replace("-", "_")
        if prefix in prefixes:
            reason = f"its groups would be those of {prefixes[prefix]}, both begin with {prefix}_"
            problems.append(Problem("clusters", shown(name), reason, "Rename one of them"))
        prefixes.setdefault(prefix, name)
        if name in groups:
            problems.append(Problem("clusters", shown(name), "a group has the same name", "Rename one of them"))
    _check_orphans(prefixes, groups, problems)
    for prefix in prefixes:
        _check_group_of(prefix, groups, problems)


def _check_orphans(prefixes: t.Mapping[str, str], groups: Groups, problems: list[Problem]) -> None:
    suffixes = (_ALL, *SUFFIXES.values())
    expected = [prefix + suffix for prefix in prefixes for suffix in suffixes]
    for group, hosts in groups.items():
        if hosts and group.endswith(suffixes) and group not in expected:
            reason = "a group of this name holds the machines of a cluster, and no cluster fits"
            close = suggestion(group, expected)
            remedy = close if close.startswith("Did you") else "Add the host to the group clusters, or rename the group"
            problems.append(Problem("groups", shown(group), reason, remedy))


def _check_group_of(prefix: str, groups: Groups, problems: list[Problem]) -> None:
    everyone = set(groups.get(prefix + _ALL, ()))
    parts = {host for suffix in SUFFIXES.values() for host in groups.get(prefix + suffix, ())}
    for suffix in SUFFIXES.values():
        if set(groups.get(prefix + suffix, ())) - everyone:
            reason = f"must be a child of {prefix}{_ALL}, so that a run can be limited to the cluster's machines"
            problems.append(Problem("groups", prefix + suffix, reason, f"Make it a child of {prefix}{_ALL}"))
    for host in groups.get(prefix + _ALL, ()):
        if host not in parts:
            reason = f"is in {prefix}{_ALL} without a role"
            remedy = f"Put it into {prefix}_control_plane or {prefix}_workers"
            problems.append(Problem("groups", shown(host), reason, remedy))


def check_membership(
    owners: t.Mapping[str, t.Sequence[tuple[str, str]]],
    clusters: t.Sequence[str],
    groups: Groups,
    problems: list[Problem],
) -> None:
    """A machine has one role in one cluster, is a host of its own, and is in the group C(machines).

    :param owners: the (cluster, role) pairs of each machine.
    """
    everyone = set(groups.get("machines", ()))
    for host, places in owners.items():
        names = list(dict.fromkeys(cluster for cluster, _role in places))
        if len(names) > 1:
            reason = f"the machine is in {len(names)} clusters: {', '.join(names)}"
            problems.append(Problem("groups", shown(host), reason, "Leave it in one"))
        elif len(places) > 1:
            reason = f"the machine is a control plane and a worker of {names[0]}"
            problems.append(Problem("groups", shown(host), reason, "Leave it in one group"))
        if host in clusters:
            reason = "stands for a cluster and cannot be a machine too"
            problems.append(Problem("groups", shown(host), reason, "Give the machine a host of its own"))
        if host not in everyone:
            reason = "is not in the group machines, so that a run would pass it over"
            problems.append(Problem("groups", shown(host), reason, f"Make {names[0]}'s groups children of machines"))
    for host in groups.get("machines", ()):
        if host not in owners and not any(host in groups.get(c.replace("-", "_") + _ALL, ()) for c in clusters):
            reason = "is in the group machines, but in no cluster"
            problems.append(Problem("groups", shown(host), reason, "Put it into a cluster's group, or out of machines"))


def check_roles(clusters: t.Mapping[str, Cluster], problems: list[Problem]) -> None:
    """One global cluster; machines where they are needed, and only there."""
    hubs = [cluster.name for cluster in clusters.values() if cluster.role == "global"]
    if len(hubs) != 1:
        reason = "a fleet has exactly one global cluster"
        remedy = "Set cluster_role: global for one cluster" + (", and workload for the others" if hubs else "")
        problems.append(Problem("cluster_role", hubs or None, reason, remedy))
    for cluster in clusters.values():
        if cluster.mode == "create" and not cluster.control_plane:
            reason = "a cluster that is created needs at least one control plane"
            remedy = "Put machines into it, or use cluster_mode: attach"
            problems.append(
                Problem(f"{shown(cluster.name)}: groups", f"{cluster.prefix}_control_plane", reason, remedy)
            )
        if cluster.mode == "attach" and cluster.machines:
            reason = "the machines of an attached cluster are not the platform's"
            remedy = "Remove them from the inventory, or use cluster_mode: create"
            problems.append(Problem(f"{shown(cluster.name)}: groups", cluster.machines, reason, remedy))


def creation_problems(cluster: Cluster) -> list[Problem]:
    """What speaks against creating the cluster, but is tolerable where it exists: a dead member may have left."""
    count = len(cluster.control_plane)
    if cluster.mode != "create" or count % 2 or not count:
        return []
    reason = (
        f"an even number of control planes tolerates no more failures than {count - 1}, and loses quorum more easily"
    )
    remedy = f"Use {count - 1} or {count + 1}"
    return [Problem(f"{cluster.name}: groups", f"{cluster.prefix}_control_plane has {count} machines", reason, remedy)]


def check_endpoints(
    clusters: t.Mapping[str, Cluster], machines: t.Mapping[str, Machine], problems: list[Problem], warnings: list[str]
) -> None:
    """No two clusters share an endpoint, and no endpoint that kube-vip carries is a machine's own address."""
    created = [cluster for cluster in clusters.values() if cluster.endpoint is not None]
    for first, second in combinations(created, 2):
        one, two = t.cast(t.Any, first.endpoint), t.cast(t.Any, second.endpoint)
        shared = "kube_vip" in (one.provider, two.provider) or one.port == two.port
        if one.address == two.address and shared:
            reason = f"is the endpoint of {first.name} too"
            problems.append(
                Problem(f"{second.name}: endpoint.address", f"{two.address}:{two.port}", reason, "Give each its own")
            )
    by_address = {machine.node_ip: machine for machine in machines.values() if machine.node_ip}
    for cluster in created:
        endpoint = t.cast(t.Any, cluster.endpoint)
        machine = by_address.get(endpoint.address)
        if machine is None:
            continue
        reason = (
            f"is the address of the machine {machine.name}, so that the cluster could never become highly available"
        )
        if endpoint.provider == "kube_vip":
            remedy = "Use a free address of the machines' network, or provider: external to accept that"
            problems.append(Problem(f"{cluster.name}: endpoint.address", endpoint.address, reason, remedy))
        else:
            warnings.append(f"{cluster.name}: endpoint.address = {endpoint.address} {reason}")


def check_networks(
    clusters: t.Mapping[str, Cluster], machines: t.Mapping[str, Machine], problems: list[Problem]
) -> None:
    """Ranges of a created cluster keep clear of each other, its machines and its endpoint, and are large enough."""
    for cluster in clusters.values():
        if cluster.mode != "create":
            continue
        ranges = {
            "pod_cidr": t.cast(IPNetwork, network_of(cluster.network.pod_cidr)),
            "service_cidr": t.cast(IPNetwork, network_of(cluster.network.service_cidr)),
        }
        if _overlap(ranges["pod_cidr"], ranges["service_cidr"]):
            reason = f"overlaps service_cidr {ranges['service_cidr']}"
            _range_problem(cluster, "pod_cidr", ranges["pod_cidr"], reason, problems)
        for key, found in ranges.items():
            for what, address in _addresses(cluster, machines):
                if address in found:
                    _range_problem(cluster, key, found, f"holds {address}, the address of {what}", problems)
                elif address.version != found.version:
                    reason = f"is IPv{found.version}, while the address of {what} is IPv{address.version}"
                    _range_problem(cluster, key, found, reason, problems)
                    break
        _check_sizes(cluster, ranges["pod_cidr"], ranges["service_cidr"], problems)


def _overlap(one: IPNetwork, two: IPNetwork) -> bool:
    return one.version == two.version and one.overlaps(t.cast(t.Any, two))


def _range_problem(cluster: Cluster, key: str, value: IPNetwork, reason: str, problems: list[Problem]) -> None:
    remedy = "Use a range that is free wherever the cluster's machines reach"
    problems.append(Problem(f"{cluster.name}: cluster_network.{key}", str(value), reason, remedy))


def _addresses(cluster: Cluster, machines: t.Mapping[str, Machine]) -> list[tuple[str, Address]]:
    found = [(name, address_of(machines[name].node_ip)) for name in cluster.machines if name in machines]
    if cluster.endpoint is not None:
        found.append(("the endpoint", address_of(cluster.endpoint.address)))
    return [(what, address) for what, address in found if address is not None]


def _check_sizes(cluster: Cluster, pods: IPNetwork, services: IPNetwork, problems: list[Problem]) -> None:
    bits = services.max_prefixlen - services.prefixlen
    if not 4 <= bits <= _SERVICE_BITS:
        low, high = services.max_prefixlen - _SERVICE_BITS, services.max_prefixlen - 4
        reason = f"must have a prefix from /{low} to /{high}"
        _range_problem(cluster, "service_cidr", services, reason, problems)
    mask = _NODE_MASK[pods.version]
    if not 0 <= mask - pods.prefixlen <= _NODE_RANGE_BITS:
        reason = f"must have a prefix from /{mask - _NODE_RANGE_BITS} to /{mask}, since each node gets a /{mask} of it"
        _range_problem(cluster, "pod_cidr", pods, reason, problems)
    elif len(cluster.machines) > 2 ** (mask - pods.prefixlen):
        room = 2 ** (mask - pods.prefixlen)
        reason = f"has room for {room} nodes of a /{mask} each, but there are {len(cluster.machines)}"
        _range_problem(cluster, "pod_cidr", pods, reason, problems)


def check_nodes(
    machines: t.Mapping[str, Machine],
    hostvars: t.Mapping[str, t.Mapping[str, t.Any]],
    problems: list[Problem],
) -> None:
    """Names and addresses of nodes are unique in their cluster, and no machine stands twice in the inventory."""
    seen: dict[tuple[str, ...], Machine] = {}
    for machine in machines.values():
        own = hostvars.get(machine.name, {})
        login = tuple(str(own.get(key)) for key in ("ansible_host", "ansible_port", "ansible_ssh_common_args"))
        keys: list[tuple[str, tuple[str, ...]]] = [("node_name", ("name", machine.cluster, machine.node_name))]
        if machine.node_ip:
            keys.append(("node_ip", ("ip", machine.cluster, machine.node_ip)))
        if own.get("ansible_host"):
            keys.append(("ansible_host", ("login", *login)))
        for key, identity in keys:
            other = seen.setdefault(identity, machine)
            if other is machine:
                continue
            reason = f"is that of {other.name}, a machine of {other.cluster}, too"
            value = identity[2] if key != "ansible_host" else own["ansible_host"]
            problems.append(Problem(f"{machine.name}: {key}", shown(value), reason, "Give each machine its own"))
            break


def check_replacements(machines: t.Mapping[str, Machine], problems: list[Problem]) -> None:
    """A machine that replaces another is a control plane, and the other one has left the inventory.

    Whether the cluster knows the other one is seen when its machines are looked at.
    """
    taken: dict[tuple[str, str], str] = {}
    for machine in machines.values():
        if machine.replaces is None:
            continue
        found = _replacement_problem(machine, machines)
        other = taken.setdefault((machine.cluster, machine.replaces), machine.name)
        if found is None and other != machine.name:
            found = (
                f"is replaced by {other} already",
                "Let one machine replace it, and add the other one without replaces",
            )
        if found is not None:
            problems.append(Problem(f"{machine.name}: replaces", machine.replaces, *found))


def _replacement_problem(machine: Machine, machines: t.Mapping[str, Machine]) -> tuple[str, str] | None:
    """Reason and remedy."""
    if machine.role != "control_plane":
        return (
            "is set for a worker, and only a control plane takes another's place",
            "Remove it, and take the old worker out with the playbook lodestar.platform.remove_node",
        )
    if machine.replaces in (machine.name, machine.node_name):
        return (
            "is the machine itself, and an empty machine under a known name takes that one's place anyway",
            "Remove it",
        )
    own = [item for item in machines.values() if item.cluster == machine.cluster]
    still = next((item for item in own if machine.replaces in (item.name, item.node_name)), None)
    if still is not None:
        return (
            f"is still a machine of {still.cluster} in the inventory ({still.name})",
            f"Take {still.name} out of the inventory, or remove replaces",
        )
    return None


def check_clusters(clusters: t.Mapping[str, Cluster], problems: list[Problem], warnings: list[str]) -> None:
    """What two clusters must not share besides their endpoint, and settings without an effect."""
    files: dict[str, str] = {}
    for cluster in clusters.values():
        path = cluster.recovery_file
        if path and files.setdefault(path, cluster.name) != cluster.name:
            reason = f"is that of {files[path]} too, and would be overwritten"
            problems.append(Problem(f"{cluster.name}: cluster_recovery_file", path, reason, "Give each its own"))
        if cluster.colocated and cluster.mode != "create":
            warnings.append(f"{cluster.name}: cluster_colocated has no effect on an attached cluster")


def check_versions(
    clusters: t.Mapping[str, Cluster], versions: t.Sequence[str] | None, problems: list[Problem]
) -> None:
    """The bundle has what created clusters run. ``None`` means that there is no bundle to ask."""
    for cluster in clusters.values():
        if versions is None or cluster.mode != "create" or cluster.version is None or cluster.version in versions:
            continue
        reason = f"the bundle has no such version, it has {', '.join(versions) or 'none'}"
        remedy = "Use one of these, or run the playbook lodestar.platform.bundle with this version"
        problems.append(Problem(f"{cluster.name}: kubernetes_version", cluster.version, reason, remedy))


def check_skipped(
    hosts: t.Iterable[Cluster | Machine], known: t.Collection[str] | None, problems: list[Problem]
) -> None:
    """Ids of checks that are skipped exist; one that stands in a group is told once.

    :param known: all ids, ``None`` when they are not known.
    """
    where: dict[str, list[str]] = {}
    for host in hosts:
        for name in host.preflight_skip:
            if known is not None and name not in known:
                where.setdefault(name, []).append(host.name)
    for name, found in where.items():
        key = f"{found[0]}: preflight_skip" + (f" (and of {len(found) - 1} more)" if found[1:] else "")
        reason = "no check has this id; docs/preflight.md lists them"
        problems.append(Problem(key, shown(name), reason, suggestion(name, known or ())))
