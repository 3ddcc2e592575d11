# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Control planes act one at a time, workers join all at once and are mended in batches."""

from __future__ import annotations

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.errors import InvalidInput
from ansible_collections.lodestar.platform.plugins.module_utils.machine.decide import Decision
from ansible_collections.lodestar.platform.plugins.module_utils.machine.turns import batch_size, turns
from ansible_collections.lodestar.platform.tests.unit.machine.examples import cluster


def order(max_unavailable: str = "1", **actions: str) -> dict[str, int]:
    workers = [f"w{number}" for number in range(1, 6)]
    """The turns, where a join of e3 was interrupted."""
    decisions = {name: Decision(action, "") for name, action in actions.items()}
    return turns(cluster(workers=workers), {"e3": {"etcd_data": True}}, decisions, max_unavailable)


def test_whoever_founds_is_first() -> None:
    assert order(e1="found", e2="join", w1="join", w2="join") == {"e1": 0, "e2": 1, "w1": 0, "w2": 0}


def test_a_join_that_was_interrupted_goes_on_before_another_begins() -> None:
    assert order(e1="repair", e2="join", e3="join") == {"e1": 0, "e2": 2, "e3": 1}


def test_one_control_plane_at_a_time() -> None:
    assert order(e1="repair", e2="repair", e3="repair") == {"e1": 0, "e2": 1, "e3": 2}


def test_whoever_joins_finds_what_was_mended_before() -> None:
    assert order(e1="join", e2="repair", e3="repair") == {"e1": 2, "e2": 0, "e3": 1}


def test_workers_are_mended_in_batches_and_join_at_once() -> None:
    assert order("2", w1="repair", w2="present", w3="repair", w4="repair", w5="join") == {
        "w1": 0,
        "w2": 0,
        "w3": 0,
        "w4": 1,
        "w5": 0,
    }


@pytest.mark.parametrize(("given", "size"), [("1", 1), ("3", 3), ("10%", 1), ("25%", 2), ("100%", 10)])
def test_size_of_a_batch(given: str, size: int) -> None:
    assert batch_size(given, 10) == size


@pytest.mark.parametrize("given", ["0", "", "-1", "x", "101%", "1.5", "0%"])
def test_what_is_no_size(given: str) -> None:
    with pytest.raises(InvalidInput, match="node_max_unavailable"):
        batch_size(given, 10)
