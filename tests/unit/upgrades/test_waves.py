# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""In which waves clusters are upgraded, and when the next one must not begin."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.errors import InvalidInput
from ansible_collections.lodestar.platform.plugins.module_utils.operation import Context
from ansible_collections.lodestar.platform.plugins.module_utils.upgrades import waves
from ansible_collections.lodestar.platform.plugins.module_utils.upgrades.operations import plan_waves

Object = dict[str, t.Any]
CANARY = {"groupName": "canary", "groupClusterSelector": {"labelSelector": {"matchLabels": {"canary": "true"}}}}
GROUPS = {"decisionGroups": [CANARY]}
CLUSTERS: dict[str, Object] = {name: {"labels": {}, "mode": "create"} for name in ("a", "b", "c", "d")}
CLUSTERS["c"]["labels"] = {"canary": "true"}
LEFT: dict[str, Object] = {name: {"turns": 2, "settled": False} for name in CLUSTERS}


def made(rollout: Object, left: dict[str, Object] = LEFT, refused: t.Collection[str] = ()) -> list[Object]:
    return waves.plain(waves.waves(waves.read(rollout), CLUSTERS, left, refused))


def begins(found: list[Object]) -> list[tuple[int, list[str]]]:
    return [(wave["first_turn"], wave["clusters"]) for wave in found]


PROGRESSIVE = {
    "type": "Progressive",
    "progressive": {
        "mandatoryDecisionGroups": [{"groupName": "canary"}],
        "maxConcurrency": 2,
        "maxFailures": 1,
        "minSuccessTime": "5m",
    },
    "groupStrategy": GROUPS,
}


def test_without_a_strategy_all_are_taken_at_once() -> None:
    assert begins(made({})) == [(0, ["a", "b", "c", "d"])]


def test_the_canary_first_then_two_at_a_time() -> None:
    found = made(PROGRESSIVE)
    assert begins(found) == [(0, ["c"]), (3, ["a", "b"]), (6, ["d"])]
    assert [(wave["stage"], wave["failures"], wave["soak"]) for wave in found] == [
        (0, 0, 300),
        (1, 1, 300),
        (1, 1, 300),
    ]


def test_groups_one_after_the_other() -> None:
    found = made({"type": "ProgressivePerGroup", "groupStrategy": {**GROUPS, "clustersPerDecisionGroup": 2}})
    assert begins(found) == [(0, ["c"]), (3, ["a", "b"]), (6, ["d"])]


def test_what_is_done_costs_no_turn_and_changes_no_group() -> None:
    left = {**LEFT, "a": {"turns": 0, "settled": True}, "c": {"turns": 0, "settled": True}}
    found = made({"type": "ProgressivePerGroup", "groupStrategy": {**GROUPS, "clustersPerDecisionGroup": 2}}, left)
    assert begins(found) == [(0, ["b"]), (3, ["d"])]


def test_a_wave_lasts_as_long_as_its_longest_cluster() -> None:
    left = {**LEFT, "c": {"turns": 7, "settled": False}}
    assert begins(made(PROGRESSIVE, left)) == [(0, ["c"]), (8, ["a", "b"]), (11, ["d"])]


def test_a_failure_of_the_canary_stops_all_others() -> None:
    found = made(PROGRESSIVE)
    assert waves.stop(found, 1, {}) == ""
    told = waves.stop(found, 1, {"c": "n1 not upgraded"})
    assert "1 cluster(s) of mandatory group 0 (canary) are not well" in told
    assert "0 may be (mandatoryDecisionGroups): c: n1 not upgraded" in told
    assert told.endswith("Not begun: a, b, d")


def test_as_many_may_fail_as_are_allowed_over_the_waves_of_a_stage() -> None:
    found = made({**PROGRESSIVE, "progressive": {"maxConcurrency": 1, "maxFailures": 1}, "groupStrategy": None})
    assert begins(found) == [(0, ["a"]), (3, ["b"]), (6, ["c"]), (9, ["d"])]
    assert waves.stop(found, 2, {"a": "x"}) == ""
    assert "2 cluster(s)" in waves.stop(found, 2, {"a": "x", "b": "y"})


def test_a_refused_cluster_has_its_place_and_has_failed() -> None:
    params = {"rollout": PROGRESSIVE, "clusters": {**CLUSTERS, "hub": CLUSTERS["a"]}, "hub": "hub"}
    left = {name: entry for name, entry in LEFT.items() if name != "c"}
    outputs = plan_waves({**params, "left": {**left, "hub": LEFT["a"]}, "refused": ["c"]}, Context({})).outputs
    assert begins(outputs["waves"]) == [(0, ["c"]), (1, ["a", "b"]), (4, ["d"])]
    assert [wave["refused"] for wave in outputs["waves"]] == [["c"], [], []]
    assert outputs["table"][0] == "wave 1: c (mandatory group 0 (canary), at most 0 may fail)"


def test_attached_clusters_are_of_no_wave() -> None:
    clusters = {**CLUSTERS, "legacy": {"labels": {}, "mode": "attach"}}
    left = {**LEFT, "legacy": {"turns": 0, "settled": True}}
    rollout = {"type": "Progressive", "progressive": {"maxConcurrency": "50%"}}
    params = {"rollout": rollout, "clusters": clusters, "left": left, "refused": [], "hub": None}
    assert begins(plan_waves(params, Context({})).outputs["waves"]) == [(0, ["a", "b"]), (3, ["c", "d"])]


@pytest.mark.parametrize(
    ("rollout", "told"),
    [
        ({"type": "Slow"}, "upgrade_rollout.type"),
        ({"type": "Progressive", "progressive": {"progressDeadline": "5m"}}, "steps have deadlines of their own"),
        ({"type": "ProgressivePerGroup"}, "neither a placement nor groupStrategy"),
        (
            {
                "type": "Progressive",
                "progressive": {"mandatoryDecisionGroups": [{"groupIndex": 9}]},
                "groupStrategy": GROUPS,
            },
            "9: has no cluster in this run",
        ),
    ],
)
def test_what_is_wrong_is_named(rollout: Object, told: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        made(rollout)
    assert told in str(caught.value).replace("'", "").replace("=", ": ")
