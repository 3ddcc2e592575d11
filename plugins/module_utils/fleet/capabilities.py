# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the platform can do with a cluster, by how it joined the fleet and the tier of our identity on it.

Recorded on the hub, and what the declaration asks for beyond it is refused with the reason. Pure. Private to the
collection.
"""

from __future__ import annotations

_MACHINES = "it is attached, and its machines are not in the inventory"
#: What takes the machines of a cluster, and is done over SSH.
_ON_MACHINES = ("certificates", "etcd-snapshots", "node-lifecycle", "reconfiguration", "upgrades")
#: What takes more rights than looking.
_WRITING = ("cluster-properties", "policies", "tenants")
_OBSERVED = "the tier of our access to it is observe, which writes nothing"
_UNADMINISTERED = "the tier of our access to it is not lifecycle"

ALL = tuple(sorted(("add-ons", "drains", *_ON_MACHINES, *_WRITING)))


def lacking(mode: str, tier: str) -> dict[str, str]:
    """What the platform cannot do with a cluster, and why.

    :param mode: C(create) or C(attach).
    :param tier: of :data:`access.TIERS`; empty where it is not known, which limits nothing.
    """
    found = dict.fromkeys(_ON_MACHINES, _MACHINES) if mode == "attach" else {}
    if mode == "attach":
        found["add-ons"] = "it is attached, and whoever made it brings its add-ons"
    if tier not in ("", "lifecycle"):
        found["drains"] = _UNADMINISTERED
    if tier == "observe":
        found.update(dict.fromkeys(_WRITING, _OBSERVED))
    return dict(sorted(found.items()))


def able(mode: str, tier: str) -> list[str]:
    """What it can do, by name."""
    gone = lacking(mode, tier)
    return [name for name in ALL if name not in gone]
