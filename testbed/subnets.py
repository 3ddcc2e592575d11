# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which addresses a fleet gets. Pure, except for asking the host what it uses."""

from __future__ import annotations

import json
import subprocess
import typing as t
from ipaddress import IPv4Network, ip_network

from .errors import TestbedError

#: Where the /24 of each fleet is taken from, unless told otherwise.
POOL = "10.89.0.0/16"


def choose(pool: str, taken: t.Iterable[IPv4Network]) -> IPv4Network:
    """The first /24 of the pool that overlaps nothing that is taken."""
    try:
        network = ip_network(pool)
        candidates = list(network.subnets(new_prefix=24)) if isinstance(network, IPv4Network) else []
    except ValueError as exc:
        raise TestbedError(f"pool {pool!r} is no IPv4 network of /24 or larger: {exc}") from exc
    occupied = list(taken)
    for candidate in candidates:
        if not any(candidate.overlaps(other) for other in occupied):
            return candidate
    raise TestbedError(f"pool {pool}: no free /24 is left; take fleets down, or give another pool with --pool")


def used_by_host() -> list[IPv4Network]:
    """The IPv4 networks that the host has routes to, the default route left out."""
    done = subprocess.run(
        ["ip", "-json", "-4", "route", "show", "table", "all"], capture_output=True, text=True, check=True
    )
    return parse_routes(done.stdout)


def parse_routes(text: str) -> list[IPv4Network]:
    """Reads the JSON of ``ip route``."""
    destinations = [route.get("dst", "default") for route in json.loads(text or "[]")]
    return [IPv4Network(item, strict=False) for item in destinations if item != "default"]
