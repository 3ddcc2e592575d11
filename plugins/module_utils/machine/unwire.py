# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes a cluster's network off a machine: addresses, interfaces, routes, packet filter. Private to the collection.

What is not recognised as the cluster's is left alone, so the connection over which this is asked for stays.
"""

from __future__ import annotations

import ipaddress
import json
import re
import typing as t

from ..errors import PlatformError
from . import before, host, kubevip, netfilter
from .node import Steps

_TUNNEL = re.compile(r"tun-[0-9a-f]+")
#: iptables speaks to one of two parts of the kernel, and machines have either or both.
_BACKENDS = ("iptables-nft", "ip6tables-nft", "iptables-legacy", "ip6tables-legacy")
_PLAIN = ("iptables", "ip6tables")
_FAMILIES = {"iptables": "ip", "ip6tables": "ip6"}


def add(steps: Steps, cluster: t.Mapping[str, t.Any], noted: before.Before | None) -> list[str]:
    """Adds the steps. Returns warnings about what cannot be taken away."""
    _add_addresses(steps, cluster)
    _add_routes(steps, cluster)
    warnings = _add_ipvs(steps)
    _add_interfaces(steps)
    for command in _commands():
        _add_rules(steps, command)
    _add_sets(steps)
    _add_tables(steps, noted)
    return warnings


def _add(
    steps: Steps, step_id: str, description: str, found: t.Callable[[], list[str]], act: t.Callable[[str], object]
) -> None:
    """A step that takes away what is found when its turn comes, if there is anything now."""
    now = found()
    if now:
        steps.add(step_id, "delete", description, lambda: [act(item) for item in found()], before=now)


# -- addresses, interfaces, routes


def _add_addresses(steps: Steps, cluster: t.Mapping[str, t.Any]) -> None:
    endpoint = cluster["endpoint"]
    if endpoint["provider"] != "kube_vip":
        return
    _add(
        steps,
        "addresses",
        "take the endpoint's address off this machine",
        lambda: carriers(host.run(["ip", "-json", "address"]).stdout, endpoint["address"]),
        lambda item: host.run(["ip", "address", "del", *item.split()], check=False),
    )


def carriers(addresses: str, wanted: str) -> list[str]:
    """Where an address is, as C(ADDRESS/LENGTH dev NAME), from C(ip -json address). Pure."""
    return [
        f"{item['local']}/{item['prefixlen']} dev {link['ifname']}"
        for link in json.loads(addresses or "[]")
        if "ifname" in link
        for item in link.get("addr_info", ())
        if item.get("local") == wanted and item.get("prefixlen") in (32, 128)
    ]


def _add_interfaces(steps: Steps) -> None:
    _add(
        steps,
        "interfaces",
        "remove the network interfaces of pods and Services",
        lambda: own_links(host.run(["ip", "-json", "-details", "link"]).stdout),
        lambda name: host.run(["ip", "link", "del", name], check=False),
    )


def own_links(links: str) -> list[str]:
    """The interfaces that a cluster makes, from C(ip -json -details link). Pure.

    Pods' interfaces hang on the bridge; kube-router's tunnels are recognised by their names.
    """
    own = []
    for link in json.loads(links or "[]"):
        kind = (link.get("linkinfo") or {}).get("info_kind")
        name = str(link.get("ifname", ""))
        pod = kind == "veth" and link.get("master") == "kube-bridge"
        tunnel = kind in ("ipip", "ip6tnl", "sit") and _TUNNEL.fullmatch(name)
        if name in netfilter.INTERFACES or pod or tunnel:
            own.append(name)
    return sorted(own)


def _add_routes(steps: Steps, cluster: t.Mapping[str, t.Any]) -> None:
    ranges = str(cluster["network"]["pod_cidr"]).split(",")

    def found() -> list[str]:
        answer: list[str] = []
        for family in ("-4", "-6"):
            routes = host.run(["ip", family, "-json", "route", "show", "table", "all"], check=False).stdout
            rules = host.run(["ip", family, "-json", "rule"], check=False).stdout
            answer += [f"{family} route del {route}" for route in pod_routes(routes, ranges)]
            answer += [f"{family} rule del {rule}" for rule in pod_rules(rules, ranges)]
        return answer

    _add(
        steps,
        "routes",
        "remove the routes to pods",
        found,
        lambda item: host.run(["ip", *item.split()], check=False),
    )


def _of_pods(address: t.Any, ranges: t.Sequence[str]) -> str:
    """The network, if it is one of pods, else C("")."""
    try:
        target = ipaddress.ip_network(str(address))
    except ValueError:
        return ""
    pods = [ipaddress.ip_network(item.strip()) for item in ranges]
    inside = any(target.version == pod.version and target.subnet_of(pod) for pod in pods)  # type: ignore[arg-type]
    return str(target) if inside else ""


def pod_rules(rules: str, ranges: t.Sequence[str]) -> list[str]:
    """Rules by which kube-router routes what comes from pods, as C(ip rule del) takes them, from C(ip -json rule).
    Pure.
    """
    found = []
    for rule in json.loads(rules or "[]"):
        source = _of_pods(f"{rule.get('src')}/{rule.get('srclen', '')}".rstrip("/"), ranges)
        if source:
            found.append(f"from {source} table {rule['table']} priority {rule['priority']}")
    return found


def pod_routes(routes: str, ranges: t.Sequence[str]) -> list[str]:
    """Routes to pods of other nodes, as C(ip route del) takes them, from C(ip -json route). Pure.

    Those of this node's own pods go with their interface.

    :param ranges: the cluster's pod ranges.
    """
    found = []
    for route in json.loads(routes or "[]"):
        target = _of_pods(route.get("dst"), ranges)
        of_others = route.get("dev") not in netfilter.INTERFACES and route.get("type", "unicast") == "unicast"
        if target and of_others:
            table = route.get("table")
            found.append(target + (f" table {table}" if table else ""))
    return found


# -- IPVS: kube-proxy can use it instead of rules


def _add_ipvs(steps: Steps) -> list[str]:
    there = _virtual_services()
    if there and not host.has_command("ipvsadm"):
        return [f"{len(there)} virtual servers of kube-proxy stay until the next boot: ipvsadm is not installed"]
    _add(
        steps,
        "ipvs",
        "remove the virtual servers of kube-proxy",
        _virtual_services,
        lambda item: host.run(["ipvsadm", "--delete-service", *item.split()], check=False),
    )
    return []


def _virtual_services() -> list[str]:
    mine = kubevip.addresses_on(host.run(["ip", "-json", "address"]).stdout, "kube-ipvs0")
    return virtual_services(host.read("/proc/net/ip_vs") or "", mine) if mine else []


def virtual_services(table: str, addresses: t.Collection[str]) -> list[str]:
    """Virtual servers at these addresses, as C(ipvsadm) takes them, from C(/proc/net/ip_vs). Pure."""
    found = []
    for line in table.splitlines():
        words = line.split()
        if len(words) < 2 or words[0] not in ("TCP", "UDP"):
            continue
        place, _colon, port = words[1].rpartition(":")
        if place.startswith("["):
            address = str(ipaddress.ip_address(place.strip("[]")))
            where = f"[{address}]:{int(port, 16)}"
        else:
            address = str(ipaddress.ip_address(int(place, 16)))
            where = f"{address}:{int(port, 16)}"
        if address in addresses:
            found.append(f"--{words[0].lower()}-service {where}")
    return found


# -- the packet filter


def _commands() -> list[str]:
    present = [name for name in _BACKENDS if host.has_command(f"{name}-save")]
    return present or [name for name in _PLAIN if host.has_command(f"{name}-save")]


def _tables(command: str) -> list[netfilter.Table]:
    if "legacy" in command:
        # To ask for tables that are not there would load them into the kernel.
        proc = "/proc/net/ip6_tables_names" if command.startswith("ip6") else "/proc/net/ip_tables_names"
        if not (host.read(proc) or "").split():
            return []
    return netfilter.parse(host.run([f"{command}-save"]).stdout)


def _add_rules(steps: Steps, command: str) -> None:
    found = netfilter.own(_tables(command))
    if found:
        steps.add(
            f"rules:{command}",
            "delete",
            f"remove the cluster's chains and the rules that lead into them from {command}",
            lambda: _undo(command),
            before=found,
        )


def _undo(command: str) -> None:
    script = netfilter.undoing(_tables(command))
    if script:
        host.run([f"{command}-restore", "--noflush"], stdin=script)


def _sets() -> list[str]:
    if not host.has_command("ipset"):
        return []
    listed = host.run(["ipset", "list", "-name"], check=False).stdout.splitlines()
    return sorted(name for name in listed if netfilter.is_own_set(name))


def _add_sets(steps: Steps) -> None:
    there = _sets()
    if there:
        steps.add("sets", "delete", "remove the cluster's address sets", _destroy_sets, before=there)


def _destroy_sets() -> None:
    left = _sets()
    while left:
        # A set that is listed in another one can only go after that.
        for name in left:
            host.run(["ipset", "destroy", name], check=False)
        remaining = _sets()
        if remaining == left:
            raise PlatformError(f"address sets of the cluster are in use: {', '.join(left)}")
        left = remaining


def _add_tables(steps: Steps, noted: before.Before | None) -> None:
    _add(
        steps,
        "tables",
        "remove the tables and chains of nftables that nobody else uses",
        lambda: _own_tables(noted),
        lambda item: host.run(["nft", "delete", "table" if item.count(" ") == 1 else "chain", *item.split()]),
    )


def _own_tables(noted: before.Before | None) -> list[str]:
    """kube-proxy's, and what iptables made for the cluster's rules and what holds nothing else."""
    there = before.packet_filter() or []
    own = {item for item in there if item.count(" ") == 1 and netfilter.is_own_table(item)}
    if noted is not None and noted.packet_filter is not None:
        for command in (name for name in _commands() if "legacy" not in name):
            family = _FAMILIES[command.removesuffix("-nft")]
            own |= set(made_for_rules(family, _tables(command), noted.packet_filter)) & set(there)
    return sorted(own)


def made_for_rules(family: str, tables: t.Iterable[netfilter.Table], noted: t.Collection[str]) -> list[str]:
    """Tables, and chains of tables that were there before, that were not, and that hold nothing of others. Pure.

    :param noted: what was there before.
    """
    found = []
    for table in tables:
        name = f"{family} {table.name}"
        if name in noted:
            found += [f"{name} {chain}" for chain in table.empty_chains()]
        elif not table.foreign():
            found.append(name)
    return [item for item in found if item not in noted]
