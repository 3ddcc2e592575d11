# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which machine this is: its addresses, and whether it is the one that is meant. Private to the collection."""

from __future__ import annotations

import json
import os
import typing as t

from ..errors import InvalidInput, PlatformError, Problem
from . import host

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def architecture() -> str:
    """The machine's architecture as Go and OCI name it."""
    machine = os.uname().machine
    return _ARCHITECTURES.get(machine, machine)


def cgroup_version() -> int:
    """1 or 2; a hybrid hierarchy counts as 1, as the kubelet counts it."""
    return 2 if os.path.exists("/sys/fs/cgroup/cgroup.controllers") else 1


def interfaces() -> list[dict[str, t.Any]]:
    """The IP addresses of this machine: C(address), C(prefix) (its length) and C(interface)."""
    listed = json.loads(host.run(["ip", "-json", "address"]).stdout or "[]")
    return [
        {"address": str(item["local"]), "prefix": int(item["prefixlen"]), "interface": str(link.get("ifname"))}
        for link in listed
        for item in link.get("addr_info", ())
    ]


def addresses() -> set[str]:
    """The IP addresses of this machine."""
    return {item["address"] for item in interfaces()}


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


def require_root() -> None:
    """Stops where files of root cannot be read.

    :raises PlatformError: this is another user.
    """
    if os.geteuid() != 0:
        raise PlatformError("this must run as root; set ansible_become for the machine")
