# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of names, routes and resolvers. Pure. Private to the collection."""

from __future__ import annotations

import ipaddress
import re
import typing as t

from . import parse
from .facts import Facts
from .model import ERROR, WARNING, Check, Limits, Run, Subject, Verdict, local

_HOSTNAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*")
_MACHINE_ID = re.compile(r"[0-9a-f]{32}")


def _hostname(subject: Subject, facts: Facts, limits: Limits) -> Verdict:
    name = facts.hostname
    passed = _HOSTNAME.fullmatch(name) is not None and not name.startswith("localhost")
    remedy = "Set one with hostnamectl"
    return Verdict(passed, name or "none", "lowercase letters, digits and hyphens (RFC 1123), not localhost", remedy)


def _machine_id(subject: Subject, facts: Facts, limits: Limits) -> Verdict:
    passed = _MACHINE_ID.fullmatch(facts.machine_id) is not None
    remedy = "Remove /etc/machine-id and run systemd-machine-id-setup"
    return Verdict(passed, facts.machine_id or "none", "32 hexadecimal digits in /etc/machine-id", remedy)


def _default_route(subject: Subject, facts: Facts, limits: Limits) -> Verdict:
    version = ipaddress.ip_address(subject.machine["node_ip"]).version
    seen = ", ".join(f"IPv{item}" for item in facts.default_routes) or "none"
    needed = f"a default route of IPv{version}, without which no socket to a Service's address can be opened"
    return Verdict(version in facts.default_routes, seen, needed, "Add one; it may lead nowhere")


def _resolver(subject: Subject, facts: Facts, limits: Limits) -> Verdict:
    path, loops = facts.resolver["path"], facts.resolver["loopback"]
    seen = f"{path} names {', '.join(loops)}" if loops else f"{path}"
    if not facts.resolver["exists"]:
        seen = f"{path} does not exist"
    remedy = "Set resolvConf in kubelet_config to a file with the real nameservers"
    needed = "a file without loopback nameservers: CoreDNS would forward to itself"
    return Verdict(bool(facts.resolver["exists"]) and not loops, seen, needed, remedy)


def _endpoint(subject: Subject, facts: Facts, limits: Limits) -> Verdict | None:
    name = subject.cluster["endpoint"]["address"]
    if facts.endpoint_addresses is None:
        return None
    seen = f"{name} is {', '.join(facts.endpoint_addresses)}" if facts.endpoint_addresses else f"{name} is unknown"
    remedy = "Add it to DNS or /etc/hosts of every machine"
    return Verdict(bool(facts.endpoint_addresses), seen, "a name that the machine can resolve", remedy)


def own_network(subject: Subject, facts: Facts) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """The network of the machine's C(node_ip), C(None) when it has no such address."""
    for item in facts.addresses:
        if item["address"] == subject.machine["node_ip"]:
            return ipaddress.ip_network(f"{item['address']}/{item['prefix']}", strict=False)
    return None


def _vip(subject: Subject, facts: Facts, limits: Limits) -> Verdict | None:
    endpoint = subject.cluster["endpoint"]
    network = own_network(subject, facts)
    if not subject.is_control_plane or endpoint["provider"] != "kube_vip" or network is None:
        return None
    inside = parse.is_address(endpoint["address"]) and ipaddress.ip_address(endpoint["address"]) in network
    remedy = "Choose an address of that network, or endpoint.provider: external with a load balancer"
    needed = f"an address of {network}, where kube-vip announces it by ARP"
    return Verdict(inside, f"endpoint {endpoint['address']}", needed, remedy)


def _subnets(subject: Subject, run: Run) -> Verdict | None:
    network = own_network(subject, subject.facts) if subject.facts is not None else None
    others = run.others(subject, same_cluster=True)
    if network is None or not others:
        return None
    outside = [other.name for other in others if ipaddress.ip_address(other.machine["node_ip"]) not in network]
    seen = f"{', '.join(outside)} in another subnet than {network}" if outside else f"all in {network}"
    remedy = "Let IP protocol 4 (IP in IP) through between these subnets; it is not probed. Then skip this check"
    return Verdict(not outside, seen, "one subnet, or a way for kube-router's tunnels between them", remedy)


def _same(subject: Subject, run: Run, value: t.Callable[[Facts], str], same_cluster: bool) -> list[str]:
    """Other machines with the same value; of two that belong to clusters already, nothing is said."""
    if subject.facts is None or not value(subject.facts):
        return []
    return [
        other.name
        for other in run.others(subject, same_cluster)
        if other.facts is not None
        and value(other.facts) == value(subject.facts)
        and not (other.member and subject.member)
    ]


def _unique_hostname(subject: Subject, run: Run) -> Verdict | None:
    if subject.facts is None:
        return None
    twins = _same(subject, run, lambda facts: facts.hostname, same_cluster=True)
    seen = f"{subject.facts.hostname}" + (f", also of {', '.join(twins)}" if twins else "")
    return Verdict(
        not twins, seen, "a hostname that no other machine of the cluster has", "Set another with hostnamectl"
    )


def _unique_machine_id(subject: Subject, run: Run) -> Verdict | None:
    if subject.facts is None:
        return None
    twins = _same(subject, run, lambda facts: facts.machine_id, same_cluster=False)
    seen = f"{subject.facts.machine_id}" + (f", also of {', '.join(twins)}" if twins else "")
    remedy = "On the clone, remove /etc/machine-id, run systemd-machine-id-setup and boot"
    return Verdict(not twins, seen, "a machine-id that no other machine has", remedy)


_CLONES = "kubeadm documentation: unique hostname and machine identity"
CHECKS = (
    local("hostname", WARNING, "The hostname follows the rules", "RFC 1123; kubeadm Hostname", _hostname),
    Check(
        "hostname-unique",
        ERROR,
        "No other machine of the cluster has the hostname",
        _CLONES,
        _unique_hostname,
        always=True,
    ),
    local("machine-id", ERROR, "The machine has an identity", "machine-id(5)", _machine_id),
    Check(
        "machine-id-unique",
        ERROR,
        "No other machine of the run has the identity",
        _CLONES,
        _unique_machine_id,
        always=True,
    ),
    local("default-route", ERROR, "There is a default route", "kubelet and kube-proxy", _default_route),
    local("resolver", ERROR, "Pods get no loopback resolver", "CoreDNS plugin loop", _resolver, always=True),
    local("endpoint-name", ERROR, "The endpoint's name resolves", "kubeadm join", _endpoint),
    local("endpoint-subnet", WARNING, "kube-vip can announce the endpoint", "ARP reaches one network", _vip),
    Check("subnet", WARNING, "The cluster's machines are in one subnet", "kube-router, overlay type subnet", _subnets),
)
