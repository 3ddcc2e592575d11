# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is accepted as a rollout, how each mistake is named, and in which order clusters are served."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.delivery.model import read_all, validate
from ansible_collections.lodestar.platform.plugins.module_utils.delivery.rollout.model import Strategy
from ansible_collections.lodestar.platform.plugins.module_utils.delivery.rollout.stages import missing_groups, stages
from ansible_collections.lodestar.platform.plugins.module_utils.placement.groups import Group

KEY = "deliveries[shop].rollout"
CANARY = {"groupName": "canary", "groupClusterSelector": {"labelSelector": {"matchLabels": {"canary": "yes"}}}}
GROUPS = {"decisionGroups": [CANARY], "clustersPerDecisionGroup": 2}
PLACED = {"placement": {"namespace": "fleet", "name": "gold"}}
FIRST = {"mandatoryDecisionGroups": [{"groupName": "canary"}]}


def item(rollout: t.Any, **changes: t.Any) -> dict[str, t.Any]:
    return {"name": "shop", "src": ["/apps/shop"], "rollout": rollout, **changes}


def progressive(**block: t.Any) -> dict[str, t.Any]:
    return {"type": "Progressive", "progressive": block}


def per_group(**block: t.Any) -> dict[str, t.Any]:
    return {"type": "ProgressivePerGroup", "progressivePerGroup": block}


def read(rollout: t.Any, **changes: t.Any) -> Strategy:
    (one,) = read_all([item(rollout, **changes)])
    assert one.rollout is not None
    return one.rollout


@pytest.mark.parametrize(
    "one",
    [
        item({}),
        item({"type": "All", "all": {"progressDeadline": "2h"}}),
        item(progressive()),
        item(progressive(maxConcurrency="25%", maxFailures=2, minSuccessTime="1m30s", progressDeadline="None")),
        item({**progressive(**FIRST), "groupStrategy": GROUPS}),
        item({**progressive(mandatoryDecisionGroups=[{"groupIndex": 0}]), "groupStrategy": GROUPS}),
        item(per_group(**FIRST, minSuccessTime="0"), **PLACED),
        item({**per_group(maxFailures="0%"), "groupStrategy": {"clustersPerDecisionGroup": "10%"}}),
    ],
)
def test_what_is_accepted(one: dict[str, t.Any]) -> None:
    assert validate([one], {}) == []


@pytest.mark.parametrize(
    ("one", "key", "words"),
    [
        (item("fast"), KEY, "mapping"),
        (item({"typ": "All"}), f"{KEY}.typ", "did you mean 'type'"),
        (item({"type": "progressive"}), f"{KEY}.type", "Progressive"),
        (item({"type": "All", "progressive": {}}), f"{KEY}.progressive", "type: Progressive"),
        (item({"all": {"maxFailures": 1}}), f"{KEY}.all.maxFailures", "known key"),
        (item(progressive(maxConcurrency="5")), f"{KEY}.progressive.maxConcurrency", "quotes"),
        (item(progressive(maxConcurrency=-1)), f"{KEY}.progressive.maxConcurrency", "number"),
        (item(progressive(maxFailures="101%")), f"{KEY}.progressive.maxFailures", "100%"),
        (item(progressive(maxFailures=True)), f"{KEY}.progressive.maxFailures", "number"),
        (item(progressive(minSuccessTime=30)), f"{KEY}.progressive.minSuccessTime", "as text"),
        (item(progressive(minSuccessTime="25h")), f"{KEY}.progressive.minSuccessTime", "24h"),
        (item(progressive(progressDeadline="5 minutes")), f"{KEY}.progressive.progressDeadline", "10m"),
        (item(progressive(progressDeadline="0s")), f"{KEY}.progressive.progressDeadline", "10m"),
        (
            item(progressive(progressDeadline="9m"), wait_timeout=9),
            f"{KEY}.progressive.progressDeadline", "wait_timeout",
        ),
        (item(progressive(), wait=False), KEY, "wait: false"),
        (item(per_group()), KEY, "groupStrategy"),
        (item(progressive(**FIRST)), KEY, "groupStrategy"),
        (item({**progressive(), "groupStrategy": GROUPS}), f"{KEY}.groupStrategy", "does not look"),
        (item({**per_group(), "groupStrategy": GROUPS}, **PLACED), f"{KEY}.groupStrategy", "Placement"),
        (
            item({**per_group(mandatoryDecisionGroups=[{"groupName": "canari"}]), "groupStrategy": GROUPS}),
            f"{KEY}.progressivePerGroup.mandatoryDecisionGroups[0].groupName", "there are canary",
        ),
        (
            item(per_group(mandatoryDecisionGroups=[{"groupName": "a", "groupIndex": 0}]), **PLACED),
            f"{KEY}.progressivePerGroup.mandatoryDecisionGroups[0]", "one way",
        ),
        (
            item({**per_group(), "groupStrategy": {"clustersPerDecisionGroup": 0}}),
            f"{KEY}.groupStrategy.clustersPerDecisionGroup", "25%",
        ),
        (
            item({
                **per_group(),
                "groupStrategy": {"decisionGroups": [
                    {"groupName": "aa", "groupClusterSelector": {"claimSelector": {"matchExpressions": []}}}
                ]},
            }),
            f"{KEY}.groupStrategy.decisionGroups[0].groupClusterSelector.claimSelector", "labelSelector",
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_named(one: t.Any, key: str, words: str) -> None:
    problems = validate([one], {})
    assert [problem.key for problem in problems] == [key]
    assert words in str(problems[0])


def test_a_deadline_is_that_of_the_rollout_where_it_says_one() -> None:
    (one,) = read_all([item(progressive(progressDeadline="1h1m1s"))])
    assert one.patience == 3661
    (one,) = read_all([item(progressive(), wait_timeout=7)])
    assert one.patience == 7


#: Five clusters in three groups, the first of which OCM has cut from the second.
DECIDED = [
    Group(1, "canary", ("e",), ()),
    Group(0, "canary", ("a", "d"), ()),
    Group(2, "", ("c", "b"), ()),
    Group(3, "none", (), ()),
]


@pytest.mark.parametrize(
    ("rollout", "wanted"),
    [
        ({}, [("all clusters", "abcde", 5, 5)]),
        (progressive(), [("all clusters", "abcde", 5, 0)]),
        (progressive(maxConcurrency=2, maxFailures=1), [("all clusters", "abcde", 2, 1)]),
        # A part is rounded up; more than there are means the default.
        (progressive(maxConcurrency="21%", maxFailures="21%"), [("all clusters", "abcde", 2, 2)]),
        (progressive(maxConcurrency=6, maxFailures=6), [("all clusters", "abcde", 5, 0)]),
        (
            progressive(**FIRST, maxConcurrency="50%", maxFailures="40%"),
            [
                ("mandatory group 0 (canary)", "ad", 2, 0),
                ("mandatory group 1 (canary)", "e", 1, 0),
                # Failures are counted against all clusters, concurrency against the others.
                ("the other clusters", "bc", 1, 2),
            ],
        ),
        (
            per_group(mandatoryDecisionGroups=[{"groupIndex": 2}], maxFailures="50%"),
            [
                ("mandatory group 2", "bc", 2, 0),
                ("group 0 (canary)", "ad", 2, 1),
                ("group 1 (canary)", "e", 1, 1),
            ],
        ),
    ],
)
def test_the_order_is_that_of_ocm(rollout: t.Any, wanted: list[tuple[str, str, int, int]]) -> None:
    found = stages(read(rollout, **PLACED), DECIDED)
    assert [(stage.name, "".join(stage.clusters), stage.at_once, stage.failures) for stage in found] == wanted


def test_mandatory_groups_without_a_cluster_are_told() -> None:
    named = [{"groupName": "none"}, {"groupIndex": 3}, {"groupName": "canary"}]
    assert missing_groups(read(per_group(mandatoryDecisionGroups=named), **PLACED), DECIDED) == ["none", "3"]
    assert stages(read({}), []) == []
