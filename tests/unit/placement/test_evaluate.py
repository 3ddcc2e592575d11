# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an evaluation says of each cluster, in words. That OCM decides the same, tests/integration/placement proves."""

from __future__ import annotations

import datetime
import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.placement import cel_selector, scores
from ansible_collections.lodestar.platform.plugins.module_utils.placement.evaluate import DISABLED, Evaluation, evaluate
from ansible_collections.lodestar.platform.plugins.module_utils.placement.inputs import Inputs
from ansible_collections.lodestar.platform.plugins.module_utils.placement.reach import SET_LABEL
from ansible_collections.lodestar.platform.plugins.module_utils.placement.taints import nanoseconds, spell_time

Object = dict[str, t.Any]
NOW = datetime.datetime(2026, 11, 27, 12, tzinfo=datetime.UTC)
TAINT = {"key": "gone", "value": "x", "effect": "NoSelect", "timeAdded": "2026-11-27T11:59:00Z"}


def cluster(name: str, labels: Object | None = None, taints: list[Object] | None = None, **status: t.Any) -> Object:
    return {
        "metadata": {"name": name, "labels": {SET_LABEL: "default", **(labels or {})}},
        "spec": {"taints": taints or []},
        "status": status,
    }


def decision(placement: str, *names: str) -> Object:
    labels = {"cluster.open-cluster-management.io/placement": placement}
    return {
        "metadata": {"name": f"{placement}-decision-1", "namespace": "apps", "labels": labels},
        "status": {"decisions": [{"clusterName": name} for name in names]},
    }


def evaluated(spec: Object, clusters: list[Object], metadata: Object | None = None, **others: t.Any) -> Evaluation:
    there: Object = {
        "sets": [{"metadata": {"name": "default"}}],
        "bindings": [{"metadata": {"name": "default", "namespace": "apps"}}],
        **others,
    }
    placement = {"metadata": {"name": "shop", "namespace": "apps", **(metadata or {})}, "spec": spec}
    return evaluate(Inputs(placement, clusters, now=nanoseconds(NOW), **there))


def why(found: Evaluation, name: str) -> tuple[str, tuple[str, ...]]:
    return found.verdicts[name].stage, found.verdicts[name].reasons


def predicates(**selector: t.Any) -> Object:
    return {"predicates": [{"requiredClusterSelector": selector}]}


def test_a_cluster_that_no_predicate_fits_is_told_what_it_lacks_for_each() -> None:
    spec = {
        "predicates": [
            {"requiredClusterSelector": {"labelSelector": {"matchLabels": {"region": "eu"}}}},
            {
                "requiredClusterSelector": {
                    "claimSelector": {"matchExpressions": [{"key": "gpu", "operator": "Exists"}]}
                }
            },
            {"requiredClusterSelector": {"celSelector": {"celExpressions": ["managedCluster.spec.x == 1"]}}},
        ]
    }
    found = evaluated(spec, [cluster("a", {"region": "us"}), cluster("b", {"region": "eu"})])
    assert found.chosen == ["b"]
    assert why(found, "a") == (
        "Predicate",
        (
            "predicates[0]: label region is 'us', not one of: eu",
            "predicates[1]: there is no claim gpu",
            "predicates[2]: the expression 'managedCluster.spec.x == 1' fails: no such key: x",
        ),
    )


def test_a_taint_is_told_with_the_time_its_toleration_ended_or_will_end() -> None:
    short, long = ({"tolerations": [{"key": "gone", "operator": "Exists", "tolerationSeconds": n}]} for n in (30, 90))
    tainted = [cluster("a", taints=[TAINT])]
    stage, (reason,) = why(evaluated(short, tainted), "a")
    assert stage == "TaintToleration"
    assert reason == "taint gone=x:NoSelect: it was tolerated for 30 s, until 2026-11-27T11:59:30Z"
    assert why(evaluated({}, tainted), "a")[1] == ("taint gone=x:NoSelect: no toleration fits it",)
    later = evaluated(long, tainted, decisions=[decision("shop", "a")])
    assert later.chosen == ["a"]
    assert spell_time(later.look_again or 0) == "2026-11-27T12:00:30Z"


def test_a_cluster_that_is_there_stays_under_a_taint_for_new_ones_only() -> None:
    taint = {**TAINT, "effect": "NoSelectIfNew"}
    tainted = [cluster("a", taints=[taint]), cluster("b", taints=[taint])]
    found = evaluated({}, tainted, decisions=[decision("shop", "a")])
    assert found.chosen == ["a"]
    assert why(found, "b")[0] == "TaintToleration"


def test_who_ranks_too_low_is_told_by_whom_it_was_beaten() -> None:
    clusters = [cluster(name) for name in "abc"]
    found = evaluated({"numberOfClusters": 1}, clusters, decisions=[decision("shop", "b"), decision("other", "a")])
    assert found.ranked == ("b", "c", "a")
    assert [(found.verdicts[name].rank, found.verdicts[name].score) for name in "abc"] == [
        (3, -100),
        (1, 200),
        (2, 100),
    ]
    assert why(found, "c") == (
        "NumberOfClusters",
        ("ranks 2 with 100, and numberOfClusters is 1: the last that is chosen is b with 200",),
    )
    tied = evaluated({"numberOfClusters": 1}, clusters)
    assert why(tied, "b")[1][0].endswith("a with 100, by name")


def test_a_score_that_is_missing_or_old_is_told() -> None:
    coordinate = {"type": "AddOn", "addOn": {"resourceName": "usage", "scoreName": "cpu"}}
    spec = {"prioritizerPolicy": {"configurations": [
        {"scoreCoordinate": coordinate, "weight": 2},
        {"scoreCoordinate": {"type": "BuiltIn", "builtIn": "ResourceAllocatableCPU"}, "weight": 1},
    ]}}  # fmt: skip
    held = [
        {"metadata": {"name": "usage", "namespace": name}, "status": {"scores": [{"name": "cpu", "value": 40}], **more}}
        for name, more in (("a", {}), ("b", {"validUntil": "2026-11-27T11:00:00Z"}))
    ]
    amounts = {"allocatable": {"cpu": "4"}, "capacity": {"cpu": "4"}}
    found = evaluated(spec, [cluster(name, **amounts) for name in "ab"] + [cluster("c")], scores=held)
    assert [found.verdicts[name].score for name in "abc"] == [280, 200, 100]
    assert found.verdicts["b"].reasons == ("the AddOnPlacementScore usage of it was valid until 2026-11-27T11:00:00Z",)
    assert found.verdicts["c"].reasons == (
        "there is no AddOnPlacementScore usage of it",
        "its status tells no allocatable and no capacity cpu",
    )


def test_where_a_cluster_is_out_of_reach_the_sets_are_named() -> None:
    other = cluster("a", {SET_LABEL: "east"})
    assert why(evaluated({}, [other]), "a")[1] == ("is in the set east, and the Placement chooses among default",)
    unbound = evaluated({}, [cluster("a")], bindings=[])
    assert (unbound.reason, unbound.satisfied) == ("NoManagedClusterSetBindings", False)
    assert why(unbound, "a")[1] == ("is in the set default, and no set is bound to the Placement's namespace",)
    leaving = cluster("b")
    leaving["metadata"]["deletionTimestamp"] = "2026-11-27T11:00:00Z"
    assert why(evaluated({}, [leaving]), "b")[1] == ("is being removed from the hub",)


def test_what_ocm_refuses_empties_the_decisions_and_says_so_for_each_cluster() -> None:
    found = evaluated({"tolerations": [{"operator": "Equal", "value": "x"}]}, [cluster("a")])
    assert found.misconfigured == "TaintToleration: a toleration without a key must have the operator Exists"
    assert found.groups[0].clusters == ()
    assert why(found, "a")[0] == "Misconfigured"


@pytest.mark.parametrize(
    ("spec", "metadata", "words"),
    [
        ({}, {"annotations": {DISABLED: "true"}}, "is true"),
        ({}, {"deletionTimestamp": "2026-11-27T11:00:00Z"}, "being deleted"),
        ({"numberOfClusters": -1}, {}, "numberOfClusters is -1"),
        ({}, {"name": "x" * 64}, "no label value"),
    ],
)
def test_what_ocm_leaves_alone_is_told(spec: Object, metadata: Object, words: str) -> None:
    assert words in evaluated(spec, [cluster("a")], metadata).idle


def test_groups_take_their_clusters_first_and_the_rest_follows() -> None:
    strategy = {
        "clustersPerDecisionGroup": "40%",
        "decisionGroups": [
            {"groupName": "canary", "groupClusterSelector": {"labelSelector": {"matchLabels": {"env": "test"}}}}
        ],
    }
    clusters = [cluster(name) for name in "edcb"] + [cluster("a", {"env": "test"})]
    found = evaluated({"decisionStrategy": {"groupStrategy": strategy}}, clusters)
    assert [(group.name, group.clusters, group.pages) for group in found.groups] == [
        ("canary", ("a",), ("shop-decision-1",)),
        ("", ("b", "c"), ("shop-decision-2",)),
        ("", ("d", "e"), ("shop-decision-3",)),
    ]


def test_an_expression_that_cannot_be_judged_here_is_never_guessed() -> None:
    spec = predicates(celSelector={"celExpressions": ["managedCluster.scores('usage').exists(s, s.value > 1)"]})
    with pytest.raises(cel_selector.Unknown, match="scores"):
        evaluated(spec, [cluster("a")])


@pytest.mark.parametrize(
    ("text", "amount"),
    [("0", 0.0), ("1500m", 1.5), ("1.1Ti", 1209462790553.6), ("9Ei", 2.0**63), ("0.0000000001", 1e-9), (7, 7.0)],
)
def test_amounts_are_those_of_kubernetes(text: t.Any, amount: float) -> None:
    assert scores.approximate(text) == amount
