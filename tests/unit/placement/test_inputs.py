# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What placements decide by: formulas, scores that rest, taints of health, and what stays where it is."""

from __future__ import annotations

import random
import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.placement import health, measure, score_object
from ansible_collections.lodestar.platform.plugins.module_utils.placement.measure import Measured, Value
from ansible_collections.lodestar.platform.plugins.module_utils.placement.quantise import quantised

Object = dict[str, t.Any]
THEN, NOW = "2026-11-27T12:00:00Z", "2026-11-27T13:00:00Z"


def node(name: str, ready: str = "True", **spec: t.Any) -> Object:
    allocatable = {"cpu": "4", "memory": "8Gi", "pods": "100"}
    status = {"allocatable": allocatable, "conditions": [{"type": "Ready", "status": ready}]}
    return {"metadata": {"name": name}, "spec": spec, "status": status}


def pod(place: str, cpu: str, memory: str = "1Gi") -> Object:
    container = {"resources": {"requests": {"cpu": cpu, "memory": memory}}}
    spec: Object = {"containers": [container], **({"nodeName": place} if place else {})}
    return {"metadata": {"name": "p"}, "spec": spec, "status": {"phase": "Running" if place else "Pending"}}


def quota(tenant: str, hard: Object, used: Object) -> Object:
    labels = {"lodestar.platform/tenant": tenant}
    return {"metadata": {"labels": labels}, "spec": {"hard": hard}, "status": {"used": used}}


# -- quantising


@pytest.mark.parametrize("step", [2, 5, 10, 25])
def test_a_walk_within_the_band_writes_nothing_and_a_lasting_change_is_written(step: int) -> None:
    chance = random.Random(step)
    for _case in range(400):
        begin = chance.uniform(-130, 130)
        written = quantised(None, begin, step)
        assert abs(written - max(-100, min(100, begin))) <= step / 2
        value = float(written)
        for _move in range(60):
            # A walk that never leaves the band around what is written.
            value = max(written - step + 0.01, min(written + step - 0.01, value + chance.uniform(-step, step)))
            assert quantised(written, value, step) == written
        # What lasts is written: at once, once, and to what is near enough.
        lasting = chance.uniform(-130, 130)
        after = quantised(written, lasting, step)
        bounded = max(-100.0, min(100.0, lasting))
        assert abs(after - bounded) < step
        assert (after != written) == (abs(written - bounded) >= step)
        assert quantised(after, lasting, step) == after
        assert -100 <= after <= 100


def test_what_is_declared_is_exact_and_a_foreign_value_is_replaced() -> None:
    assert [quantised(40, value, 1) for value in (40.2, 41.0, 39.4)] == [40, 41, 39]
    assert quantised(250, 96.0, 10) == 100


# -- formulas


def test_what_is_free_counts_on_nodes_that_take_pods() -> None:
    tainted = node("t", taints=[{"key": "x", "effect": "NoSchedule"}])
    soft = node("soft", taints=[{"key": "x", "effect": "PreferNoSchedule"}])
    nodes = [node("a"), soft, node("cordoned", unschedulable=True), node("ill", ready="Unknown"), tainted]
    pods = [pod("a", "1"), pod("cordoned", "4"), pod("t", "4"), pod("", "1", "3Gi")]
    found = measure.values([measure.CPU, measure.MEMORY, measure.PODS], Measured(nodes, pods), [])
    # 8 cores on two nodes, 2 of them requested, one of these by a pod that waits for a node.
    assert found[measure.CPU] == Value(50.0, "6.0 of 8.0 CPUs are free")
    assert found[measure.MEMORY] == Value(50.0, "12.0 of 16.0 GiB of memory are free")
    assert found[measure.PODS] == Value(98.0, "198 of 200 places of pods are free")
    assert measure.values([measure.CPU], Measured([node("a")], [pod("a", "9")]), [])[measure.CPU].score == -100
    assert measure.values([measure.CPU], Measured([], []), [])[measure.CPU].score == -100
    assert measure.values([measure.CPU], Measured(nodes, None), []) == {}


def test_latency_costs_by_its_logarithm() -> None:
    assert [measure.latency(seconds) for seconds in (0.0, 0.05, 2.0, 60.0)] == [100, 100, -100, -100]
    steps = [measure.latency(0.1 * 2**power) - measure.latency(0.05 * 2**power) for power in range(5)]
    assert max(steps) - min(steps) < 1e-9
    assert steps[0] == pytest.approx(-37.58, abs=0.01)


def test_costs_are_compared_in_the_fleet() -> None:
    found = measure.costs({"a": 1.0, "b": 4.0, "c": 2.5})
    assert {name: value.score for name, value in found.items()} == {"a": 100.0, "b": -100.0, "c": 0.0}
    assert measure.costs({"a": 3.0, "b": 3.0})["b"].score == 100.0
    assert measure.costs({}) == {}


def test_a_budget_is_as_good_as_its_scarcest_part() -> None:
    quotas = [
        quota("shop", {"requests.cpu": "4", "pods": "10"}, {"requests.cpu": "1", "pods": "9"}),
        quota("shop", {"requests.cpu": "4"}, {"requests.cpu": "1"}),
        quota("other", {"pods": "10"}, {}),
        quota("none", {"pods": "0"}, {"pods": "0"}),
    ]
    found = measure.values([measure.BUDGET], Measured(quotas=quotas), ["shop", "other", "none", "quotaless"])
    assert found == {
        "budget-shop": Value(-80.0, "10 % are left of pods, the scarcest of its quotas"),
        "budget-other": Value(100.0, "100 % are left of pods, the scarcest of its quotas"),
        "budget-none": Value(-100.0, "0 % are left of pods, the scarcest of its quotas"),
    }


# -- the object


def written(
    found: Object | None, now: str, left_out: Object | None = None, kept: t.Sequence[str] = (), **scores: float
) -> t.Any:
    values = {name: Value(score, f"{score:.0f}") for name, score in scores.items()}
    return score_object.status(found, values, left_out or {}, kept, now)


def test_only_what_moves_is_written_and_keeps_the_time_of_the_others() -> None:
    first = written(None, THEN, cpuAvailable=52.0, latency=90.0)
    assert first["scores"] == [{"name": "cpuAvailable", "value": 50}, {"name": "latency", "value": 100}]
    there = {"status": first}
    assert written(there, NOW, cpuAvailable=57.0, latency=80.0) is None
    moved = written(there, NOW, cpuAvailable=61.0, latency=80.0)
    assert moved["scores"] == [{"name": "cpuAvailable", "value": 60}, {"name": "latency", "value": 100}]
    told = {item["type"]: (item["message"], item["lastTransitionTime"]) for item in moved["conditions"]}
    assert told == {"cpuAvailable": ("61", NOW), "latency": ("90", THEN)}


def test_a_score_that_cannot_be_had_goes_and_one_that_was_missed_stays() -> None:
    there = {"status": written(None, THEN, cpuAvailable=50.0, latency=90.0)}
    missed = written(there, NOW, kept=["cpuAvailable"], latency=90.0)
    assert missed is None
    gone = written(there, NOW, left_out={"cpuAvailable": "may not"}, latency=90.0)
    assert gone["scores"] == [{"name": "latency", "value": 100}]
    (told, _latency) = gone["conditions"]
    assert (told["status"], told["message"], told["lastTransitionTime"]) == ("Unknown", "may not", NOW)
    # In other words it is still the same.
    assert written({"status": gone}, NOW, left_out={"cpuAvailable": "must not"}, latency=90.0) is None
    assert written({"status": gone}, NOW, latency=90.0)["conditions"] == [gone["conditions"][1]]


# -- taints

OTHER = {"key": "maintenance", "effect": "NoSelect", "timeAdded": THEN}
THEIRS = {"key": health.UNREACHABLE, "effect": "PreferNoSelect"}


def keys(taints: t.Iterable[Object]) -> list[str]:
    return [item["key"].rpartition("/")[2] for item in taints if health.is_ours(item)]


@pytest.mark.parametrize(
    ("available", "access_lost", "expected"),
    [
        ("True", False, []),
        ("False", False, ["unavailable", "not-available"]),
        ("Unknown", False, ["unreachable", "not-available"]),
        ("Unknown", True, ["not-available"]),
    ],
)
def test_taints_follow_the_condition(available: str, access_lost: bool, expected: list[str]) -> None:
    taints = health.tainted([OTHER, THEIRS], available, access_lost, THEN)
    assert taints[:2] == [OTHER, THEIRS]
    assert keys(taints) == expected
    assert {item["timeAdded"] for item in taints if health.is_ours(item)} <= {THEN}
    # The time is written once, and nothing is written twice.
    assert health.tainted(taints, available, access_lost, NOW) == taints
    assert health.tainted(taints, "True", False, NOW) == [OTHER, THEIRS]


def test_one_that_was_unreachable_is_not_better_when_its_access_ends() -> None:
    taints = health.tainted([], "Unknown", False, THEN)
    assert health.tainted(taints, "Unknown", True, NOW) == taints
    # But its access alone says nothing of a cluster.
    assert keys(health.tainted(health.tainted([], "False", False, THEN), "Unknown", True, NOW)) == ["not-available"]


def test_a_taint_without_a_time_gets_one() -> None:
    taint = {"key": health.UNREACHABLE, "effect": "NoSelect"}
    taints = health.tainted([taint], "Unknown", False, NOW)
    assert [item["timeAdded"] for item in taints] == [NOW, NOW]


def test_nothing_moves_unless_a_time_is_declared() -> None:
    both = [{"key": key, "operator": "Exists"} for key in (health.UNREACHABLE, health.UNAVAILABLE)]
    assert health.tolerations([]) == both
    asked = {"key": health.UNREACHABLE, "operator": "Exists", "tolerationSeconds": 60}
    assert health.tolerations([asked]) == [asked, both[1]]
    everything = {"operator": "Exists", "tolerationSeconds": 60}
    assert health.tolerations([everything]) == [everything]
