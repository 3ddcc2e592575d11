# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What people read of what became of deliveries."""

from __future__ import annotations

from ansible_collections.lodestar.platform.plugins.filter.delivery_lines import delivery_lines


def test_what_was_done_or_could_not_be_has_a_line_each() -> None:
    unchanged, silent = {"state": "unchanged"}, {"state": "unreachable", "reason": "no answer"}
    outcome = {
        "shop": {"east": {"state": "delivered"}, "north": unchanged, "south": unchanged, "west": silent},
        "tools": {f"c{index}": unchanged for index in range(9)},
        "nowhere": {},
    }
    assert delivery_lines(outcome) == [
        "shop on east: delivered",
        "shop on west: unreachable: no answer",
        "shop on north, south: unchanged",
        "tools on 9 clusters: unchanged",
    ]
