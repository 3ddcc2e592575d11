# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When kube-proxy is said to run with its new configuration."""

from __future__ import annotations

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.machine.shared import not_rolled_out


@pytest.mark.parametrize(
    ("nodes", "unavailable", "desired", "updated", "available", "why"),
    [
        (2, 0, 2, 2, 2, None),
        (2, 0, 2, 1, 2, "1 of 2 pods"),
        (2, 0, 2, 2, 1, "1 of 2 pods"),
        (2, 1, 2, 1, 1, None),
        # A node leaves while it is waited for.
        (2, 0, 1, 1, 1, None),
        (2, 0, 1, 0, 1, "0 of 1 pods"),
        # It was the one without an available pod, so that the other is still waited for.
        (2, 1, 1, 0, 1, "0 of 1 pods"),
        (3, 1, 2, 2, 2, None),
        # A node comes.
        (1, 0, 2, 1, 1, "1 of 2 pods"),
    ],
)
def test_nodes_that_come_and_go_while_a_daemon_set_is_rolled_out(
    nodes: int, unavailable: int, desired: int, updated: int, available: int, why: str | None
) -> None:
    status = {
        "observedGeneration": 3,
        "desiredNumberScheduled": desired,
        "updatedNumberScheduled": updated,
        "numberAvailable": available,
    }
    found = not_rolled_out({"metadata": {"generation": 3}, "status": status}, nodes, unavailable)
    assert (found is None) if why is None else (found or "").startswith(why)


def test_what_the_controller_has_not_seen_is_not_rolled_out() -> None:
    status = {"observedGeneration": 2, "desiredNumberScheduled": 1, "updatedNumberScheduled": 1, "numberAvailable": 1}
    assert "not seen" in (not_rolled_out({"metadata": {"generation": 3}, "status": status}, 1, 0) or "")
