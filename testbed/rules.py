# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What leaves a fleet's network is answered with "unreachable" at once.

Docker would drop it without a word. Whatever asks for a service address before kube-proxy knows it, CoreDNS for one,
would then wait for 30 seconds rather than try again.
"""

from __future__ import annotations

import json
import subprocess
import typing as t
from pathlib import Path

#: Marks our routing rules among those of others.
PRIORITY = 20089


def bridge(network_id: str) -> str:
    """The interface that Docker makes for a bridge network."""
    return f"br-{network_id[:12]}"


def ensure(interface: str) -> None:
    """Makes the rule for a network's interface unless it is there."""
    if interface not in _interfaces():
        _ip("rule", "add", "pref", str(PRIORITY), "iif", interface, "unreachable")


def remove(interface: str | None) -> None:
    """Removes the rule for an interface, and those whose interface is gone."""
    for name in _interfaces():
        if name == interface or not Path("/sys/class/net", name).exists():
            _ip("rule", "del", "pref", str(PRIORITY), "iif", name)


def parse(text: str) -> set[str]:
    """The interfaces of our rules in the JSON of ``ip rule``."""
    rules: list[dict[str, t.Any]] = json.loads(text or "[]")
    return {rule["iif"] for rule in rules if rule.get("priority") == PRIORITY and "iif" in rule}


def _interfaces() -> set[str]:
    return parse(_ip("-json", "-4", "rule", "show"))


def _ip(*words: str) -> str:
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout
