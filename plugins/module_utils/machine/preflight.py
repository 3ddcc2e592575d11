# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What would keep Kubernetes from running here, found before anything is changed. Private to the collection."""

from __future__ import annotations

import ipaddress
import json
import os
import typing as t

from ..errors import InvalidInput, Problem
from . import host

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_COMMANDS = ("conntrack", "iptables", "ip", "mount", "nsenter", "ethtool", "modprobe")
_DIRECTORIES = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")


def architecture() -> str:
    """The machine's architecture as Go and OCI name it."""
    machine = os.uname().machine
    return _ARCHITECTURES.get(machine, machine)


def cgroup_version() -> int:
    """1 or 2; a hybrid hierarchy counts as 1, as the kubelet counts it."""
    return 2 if os.path.exists("/sys/fs/cgroup/cgroup.controllers") else 1


def loopback_nameservers(resolv_conf: str) -> list[str]:
    """The nameservers of a resolv.conf that are loopback addresses: CoreDNS would ask itself. Pure."""
    answer = []
    for line in resolv_conf.splitlines():
        fields = line.split()
        if len(fields) < 2 or fields[0] != "nameserver":
            continue
        try:
            if ipaddress.ip_address(fields[1].split("%", 1)[0]).is_loopback:
                answer.append(fields[1])
        except ValueError:
            continue
    return answer


def reached_wrong_machine(machine: t.Mapping[str, t.Any], addresses: t.Collection[str]) -> Problem | None:
    """The machine that answers does not have the address that the inventory gives it. Pure.

    Delegation makes this mistake easy: an C(ansible_host) that is a template of C(inventory_hostname) then names the
    delegating host.
    """
    if machine["node_ip"] in addresses:
        return None
    return Problem(
        f"{machine['name']}: node_ip",
        machine["node_ip"],
        f"the machine that was reached as {machine['name']} has only {', '.join(sorted(addresses))}",
        "Correct node_ip or ansible_host, which must not be made of inventory_hostname: that differs under delegation",
    )


def require_place(machine: t.Mapping[str, t.Any]) -> None:
    """Stops where the wrong machine was reached.

    :raises InvalidInput: it was.
    """
    problem = reached_wrong_machine(machine, addresses())
    if problem is not None:
        raise InvalidInput([problem])


def addresses() -> set[str]:
    """The IP addresses of this machine."""
    listed = json.loads(host.run(["ip", "-json", "address"]).stdout or "[]")
    return {str(item["local"]) for link in listed for item in link.get("addr_info", ())}


def _swap_devices() -> list[str]:
    lines = (host.read("/proc/swaps") or "").splitlines()[1:]
    return [line.split()[0] for line in lines if line.strip()]


def _resolver_problem(name: str, kubelet: t.Mapping[str, t.Any]) -> Problem | None:
    chosen = kubelet.get("resolvConf")
    if chosen:
        if os.path.exists(str(chosen)):
            return None
        return Problem(
            f"{name}: kubelet_config.resolvConf",
            chosen,
            "this file does not exist on the machine",
            "Name a file that does",
        )
    if os.path.exists("/run/systemd/resolve/resolv.conf"):
        return None
    loops = loopback_nameservers(host.read("/etc/resolv.conf") or "")
    if not loops:
        return None
    return Problem(
        f"{name}: kubelet_config.resolvConf",
        None,
        f"/etc/resolv.conf names {', '.join(loops)}, and CoreDNS would forward to itself",
        "Set resolvConf to a file with the real nameservers",
    )


def check(cluster: t.Mapping[str, t.Any], machine: t.Mapping[str, t.Any]) -> list[str]:
    """Looks for what cannot work. Returns warnings.

    :raises InvalidInput: names everything that is wrong.
    """
    kubelet = cluster.get("kubelet_config") or {}
    found = [
        reached_wrong_machine(machine, addresses()),
        *_system_problems(machine["name"], kubelet),
        _resolver_problem(machine["name"], kubelet),
    ]
    problems = [problem for problem in found if problem is not None]
    if problems:
        raise InvalidInput(problems)
    return []


def _system_problems(name: str, kubelet: t.Mapping[str, t.Any]) -> t.Iterator[Problem]:
    if not os.path.isdir("/run/systemd/system"):
        yield Problem(name, None, "systemd does not run here", "Use a machine with systemd as its first process")
    swap = _swap_devices()
    if swap and kubelet.get("failSwapOn", True):
        remedy = "Turn it off, or set failSwapOn: false"
        yield Problem(f"{name}: swap", swap, "the kubelet does not start with swap on", remedy)
    if cgroup_version() == 1 and kubelet.get("failCgroupV1", True):
        remedy = "Boot with cgroup v2, or set failCgroupV1: false"
        yield Problem(f"{name}: cgroup", "v1", "the kubelet needs cgroup v2", remedy)
    lacking = [
        command for command in _COMMANDS if not any(os.access(f"{where}/{command}", os.X_OK) for where in _DIRECTORIES)
    ]
    if lacking:
        remedy = "Install the packages that hold them"
        yield Problem(f"{name}: commands", lacking, "Kubernetes calls these commands", remedy)
