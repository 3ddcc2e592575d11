# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is accepted as a placement, and how each mistake is named."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.errors import InvalidInput
from ansible_collections.lodestar.platform.plugins.module_utils.placement.model import read_all, validate

Object = dict[str, t.Any]
CLUSTERS = {
    "hub": {"name": "hub", "role": "global", "labels": {}},
    "east": {"name": "east", "role": "workload", "labels": {"env": "prod"}},
}


def placement(**changes: t.Any) -> Object:
    """A placement without a mistake, and with the changes."""
    return {"name": "shop", **changes}


def predicate(**selector: t.Any) -> Object:
    return placement(predicates=[{"requiredClusterSelector": selector}])


def ranked(coordinate: t.Any, **more: t.Any) -> Object:
    return placement(prioritizerPolicy={"configurations": [{"scoreCoordinate": coordinate, **more}]})


def tolerating(**toleration: t.Any) -> Object:
    return placement(tolerations=[toleration])


def grouped(**strategy: t.Any) -> Object:
    return placement(decisionStrategy={"groupStrategy": strategy})


ADDON = {"type": "AddOn", "addOn": {"resourceName": "usage", "scoreName": "cpu"}}


@pytest.mark.parametrize(
    "item",
    [
        placement(),
        placement(description="two of them", numberOfClusters=0, clusterSets=["default"]),
        predicate(labelSelector={"matchLabels": {"lodestar.platform/cluster": "east"}}),
        predicate(claimSelector={"matchExpressions": [{"key": "id.k8s.io", "operator": "Exists"}]}),
        predicate(celSelector={"celExpressions": ["managedCluster.metadata.name == 'east'"]}),
        ranked({"builtIn": "Steady"}, weight=10),
        ranked(ADDON, weight=-3),
        tolerating(operator="Exists"),
        tolerating(key="example.org/gone", value="x", effect="NoSelectIfNew", tolerationSeconds=0),
        grouped(clustersPerDecisionGroup="25%", decisionGroups=[{"groupName": "g1", "groupClusterSelector": {}}]),
        grouped(clustersPerDecisionGroup=5),
    ],
)
def test_accepts(item: Object) -> None:
    assert validate([item], CLUSTERS) == []


@pytest.mark.parametrize(
    ("item", "key", "words"),
    [
        (placement(name="Shop"), "placements[Shop].name", "63 characters"),
        (placement(numberofClusters=1), "placements[shop].numberofClusters", "not a known key"),
        (placement(numberOfClusters=-1), "placements[shop].numberOfClusters", "from 0"),
        (placement(numberOfClusters=True), "placements[shop].numberOfClusters", "whole number"),
        (placement(clusterSets=["blue"]), "placements[shop].clusterSets[0]", "not a set"),
        (placement(spreadPolicy={}), "placements[shop].spreadPolicy", "nothing would be spread"),
        (predicate(labelSelector={"matchLabels": {"a b": "c"}}), ".labelSelector.matchLabels.a b", "valid key"),
        (
            predicate(labelSelector={"matchExpressions": [{"key": "a", "operator": "Near"}]}),
            ".operator",
            "not a choice",
        ),
        (
            predicate(claimSelector={"matchExpressions": [{"key": "a", "operator": "In", "values": ["b, c"]}]}),
            ".claimSelector",
            "no label value",
        ),
        (predicate(claimSelector={"matchLabels": {"a": "b"}}), ".claimSelector.matchLabels", "not a known key"),
        (
            predicate(celSelector={"celExpressions": ["managedCluster.scores('x') == []"]}),
            ".celExpressions[0]",
            "scores",
        ),
        (predicate(celSelector={"celExpressions": ["managedCluster =="]}), ".celExpressions[0]", "cannot be judged"),
        (
            predicate(labelSelector={"matchLabels": {"lodestar.platform/cluster": "est"}}),
            ".labelSelector.matchLabels",
            "not a cluster of the inventory",
        ),
        (
            predicate(
                labelSelector={
                    "matchExpressions": [
                        {"key": "lodestar.platform/cluster", "operator": "In", "values": ["east", "west"]}
                    ]
                }
            ),
            ".matchExpressions[0].values",
            "not a cluster of the inventory",
        ),
        (ranked(None), ".scoreCoordinate", "is missing"),
        (ranked({"builtIn": "Luck"}), ".builtIn", "not a choice"),
        (ranked({"builtIn": "Steady"}, weight=-1), ".weight", "without end"),
        (ranked({"builtIn": "Balance"}, weight=11), ".weight", "from -10 to 10"),
        (ranked({**ADDON, "builtIn": "Steady"}), ".builtIn", "means nothing"),
        (
            placement(prioritizerPolicy={"configurations": [{"scoreCoordinate": ADDON}] * 2}),
            ".configurations[1].scoreCoordinate",
            "listed twice",
        ),
        (placement(prioritizerPolicy={"mode": "Random"}), ".mode", "not a choice"),
        (tolerating(value="x"), ".tolerations[0]", "no key"),
        (tolerating(key="a", operator="Exists", value="x"), ".value", "means nothing"),
        (tolerating(key="a", effect="NoExecute"), ".effect", "not a choice"),
        (tolerating(key="a", tolerationSeconds=-1), ".tolerationSeconds", "from 0"),
        (grouped(clustersPerDecisionGroup="120%"), ".clustersPerDecisionGroup", "neither"),
        (grouped(clustersPerDecisionGroup=0), ".clustersPerDecisionGroup", "neither"),
        (grouped(decisionGroups=[{"groupName": "a"}]), ".groupName", "2 to 63"),
        (grouped(decisionGroups=[{"groupName": "aa"}] * 2), ".groupName", "two groups"),
    ],
)
def test_names_each_mistake(item: Object, key: str, words: str) -> None:
    problems = validate([item], CLUSTERS)
    assert [problem for problem in problems if problem.key.endswith(key) and words in str(problem)], problems
    assert all(problem.remedy for problem in problems)


@pytest.mark.parametrize("value", ["x", {"a": 1}, [1], [[]], [None]])
def test_any_shape_is_a_problem_and_no_crash(value: t.Any) -> None:
    assert validate(value, CLUSTERS)


def test_odd_parts_of_any_shape_are_problems() -> None:
    for odd in ("x", 1, ["x"], {"x": 1}, [{"x": 1}], {"matchLabels": 3}, [[]]):
        for name in ("predicates", "prioritizerPolicy", "tolerations", "decisionStrategy", "clusterSets"):
            assert validate([placement(**{name: odd})], CLUSTERS), (name, odd)
        for name in ("labelSelector", "claimSelector", "celSelector"):
            assert validate([predicate(**{name: odd})], CLUSTERS), (name, odd)


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(InvalidInput) as caught:
        read_all([placement(name="A"), placement(), placement(numberOfClusters=-1)])
    assert {problem.key for problem in caught.value.problems} == {
        "placements[A].name",
        "placements[shop].name",
        "placements[shop].numberOfClusters",
    }


def test_what_decisions_depend_on_is_written_out() -> None:
    (found,) = read_all([ranked({"builtIn": "Balance"})])
    assert found.spec == {
        "prioritizerPolicy": {
            "configurations": [{"scoreCoordinate": {"type": "BuiltIn", "builtIn": "Balance"}, "weight": 1}]
        }
    }
