# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One budget for all clusters of a tenant, divided to the last unit."""

from __future__ import annotations

import random
import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.declaration import Reader
from ansible_collections.lodestar.platform.plugins.module_utils.kube.quantity import same
from ansible_collections.lodestar.platform.plugins.module_utils.tenancy import divide as division
from ansible_collections.lodestar.platform.plugins.module_utils.tenancy.budget import amount, divide, spell
from ansible_collections.lodestar.platform.plugins.module_utils.tenancy.shares import of_fleet, over_committed, spread
from ansible_collections.lodestar.platform.plugins.module_utils.tenancy.validate import read_all, validate

CLUSTERS = {name: {"name": name, "role": "workload", "labels": {}} for name in ("east", "north", "west")}
CLUSTERS["hub"] = {"name": "hub", "role": "global", "labels": {}}


def tenant(budget: t.Any, **changes: t.Any) -> dict[str, t.Any]:
    return {"name": "shop", "namespaces": ["shop"], "budget": budget, **changes}


def shares(item: dict[str, t.Any], allocatable: t.Any = None) -> dict[str, dict[str, int]]:
    """The tenant's shares by cluster; nothing may be wrong."""
    reader = Reader()
    found = of_fleet([item], read_all([item], CLUSTERS), CLUSTERS, allocatable, reader)
    assert reader.problems == []
    return {name: parts["shop"] for name, parts in found.items() if parts}


def keys(item: dict[str, t.Any]) -> list[str]:
    return [problem.key for problem in validate([item], CLUSTERS)]


def test_parts_add_up_and_stay_within_one_unit_of_their_proportion() -> None:
    generator = random.Random(7)
    for _round in range(500):
        weights = [generator.randint(0, 9) for _at in range(generator.randint(1, 12))]
        units = generator.choice([0, 1, generator.randint(0, 50), generator.randint(0, 2**70)])
        parts = divide(units, weights)
        assert sum(parts) == units
        whole = sum(weights) or len(weights)
        exact = [units * weight / whole if sum(weights) else units / whole for weight in weights]
        assert all(abs(part - value) <= max(1, value / 2**50) for part, value in zip(parts, exact, strict=True))
        assert parts == divide(units, weights)


@pytest.mark.parametrize(
    ("resource", "text", "units", "spelt"),
    [
        ("requests.cpu", "1.5", 1500, "1500m"),
        ("limits.cpu", "2000m", 2000, "2"),
        ("requests.memory", "1024Mi", 1024**3, "1Gi"),
        ("memory", "1G", 10**9, "1000000000"),
        ("requests.storage", "3Ti", 3 * 1024**4, "3Ti"),
        ("pods", "20", 20, "20"),
        ("requests.nvidia.com/gpu", "4096", 4096, "4096"),
        ("cpu", "1u", None, None),
        ("pods", "500m", None, None),
        ("memory", "0.5", None, None),
    ],
)
def test_amounts_are_whole_units_and_are_spelt_back(
    resource: str, text: str, units: int | None, spelt: str | None
) -> None:
    assert amount(resource, text) == units
    if units is not None:
        assert spell(resource, units) == spelt
        assert same(spelt, text)


def test_an_even_split_serves_the_first_when_something_is_left_over() -> None:
    assert shares(tenant({"total": {"pods": 10, "requests.cpu": "1"}})) == {
        "east": {"pods": 4, "requests.cpu": 334},
        "north": {"pods": 3, "requests.cpu": 333},
        "west": {"pods": 3, "requests.cpu": 333},
    }


def test_a_weighted_and_an_explicit_split() -> None:
    weights = {"east": 3, "north": 1, "west": 1}
    found = shares(tenant({"total": {"pods": 11}, "split": "weighted", "weights": weights}))
    assert {name: part["pods"] for name, part in found.items()} == {"east": 7, "north": 2, "west": 2}
    explicit = {"east": {"pods": 8}, "north": {"pods": 2}, "west": {"pods": 1}}
    found = shares(tenant({"total": {"pods": 12}, "split": "explicit", "shares": explicit}))
    assert {name: part["pods"] for name, part in found.items()} == {"east": 8, "north": 2, "west": 1}


def test_a_split_by_capacity_follows_what_nodes_hold_and_cpus_where_they_do_not_say() -> None:
    item = tenant({"total": {"requests.cpu": 10, "limits.memory": "9Gi", "services": 4}, "split": "capacity"})
    allocatable = {"east": {"cpu": "3", "memory": "1Gi"}, "north": {"cpu": "1000m", "memory": "2Gi"}}
    found = shares(item, allocatable)
    assert found["east"] == {"requests.cpu": 7500, "limits.memory": 3 * 1024**3, "services": 3}
    assert found["north"] == {"requests.cpu": 2500, "limits.memory": 6 * 1024**3, "services": 1}
    assert set(found["west"].values()) == {0}
    # Before a hub is asked nothing is divided, and what is divided without it would be wrong.
    assert shares(item, None) == {}


def test_a_cluster_without_a_namespace_of_the_tenant_has_no_share() -> None:
    spaces = [{"name": "shop", "clusters": {"names": ["east", "west"]}}]
    assert set(shares(tenant({"total": {"pods": 2}}, namespaces=spaces))) == {"east", "west"}


WEIGHTED = {"total": {"pods": 9}, "split": "weighted"}
EXPLICIT = {"total": {"pods": 9}, "split": "explicit"}


@pytest.mark.parametrize(
    ("item", "key"),
    [
        (tenant({}), "tenants[shop].budget.total"),
        (tenant({"total": {"pods": "0.5"}}), "tenants[shop].budget.total.pods"),
        (tenant({"total": {"pods": 1}, "split": "fair"}), "tenants[shop].budget.split"),
        (tenant({"total": {"requests.cpu": 2, "limits.cpu": 1}}), "tenants[shop].budget.total.requests.cpu"),
        (tenant({"total": {"pods": 9}, "weights": {"east": 1}}), "tenants[shop].budget.weights"),
        (tenant({**WEIGHTED, "weights": {"east": 0, "north": 1, "west": 1}}), "tenants[shop].budget.weights.east"),
        (tenant({**WEIGHTED, "weights": {"east": True, "north": 1, "west": 1}}), "tenants[shop].budget.weights.east"),
        (tenant({**WEIGHTED, "weights": {"east": 1, "north": 1}}), "tenants[shop].budget.weights"),
        (
            tenant({**WEIGHTED, "weights": {"east": 1, "north": 1, "west": 1, "hub": 1}}),
            "tenants[shop].budget.weights",
        ),
        (
            tenant({**EXPLICIT, "shares": {name: {"pods": 4} for name in ("east", "north", "west")}}),
            "tenants[shop].budget.shares",
        ),
        (
            tenant({**EXPLICIT, "shares": {"east": {"pods": 1, "services": 1}}}, clusters={"names": ["east"]}),
            "tenants[shop].budget.shares.east.services",
        ),
        (tenant({"total": {"pods": 9}}, quota={"pods": 4}), "tenants[shop].budget"),
        (
            tenant({"total": {"pods": 9}}, namespaces=["a", "b", {"name": "c", "quota": {"pods": 3}}]),
            "tenants[shop].budget",
        ),
    ],
)
def test_wrong_budgets_are_refused_with_the_key(item: dict[str, t.Any], key: str) -> None:
    assert key in keys(item)


def test_a_sum_that_is_too_much_is_told_with_its_parts() -> None:
    declared = {"total": {"requests.cpu": 4}, "split": "explicit"}
    parts = {"east": {"requests.cpu": "2500m"}, "west": {"requests.cpu": 2}}
    (problem,) = validate([tenant({**declared, "shares": parts}, clusters={"names": ["east", "west"]})], CLUSTERS)
    assert "4500m, more than the total 4: 2500m (east) + 2 (west)" in str(problem)


def test_quotas_of_namespaces_add_up_to_the_share() -> None:
    item = tenant(
        {"total": {"pods": 10, "requests.memory": "1Gi"}},
        namespaces=["a", {"name": "b", "quota": {"pods": 3, "services": 1}}, "c"],
    )
    (read,) = read_all([item])
    reader = Reader()
    spaces = spread(read, {"pods": 10, "requests.memory": 1024**3}, "east", reader).namespaces
    assert reader.problems == []
    assert [space.quota["pods"] for space in spaces] == ["4", "3", "3"]
    assert sum(amount("requests.memory", space.quota["requests.memory"]) or 0 for space in spaces) == 1024**3
    assert spaces[1].quota["services"] == "1"


def test_over_commitment_is_told_with_figures() -> None:
    declared = [
        {"name": "a", "namespaces": ["a", "b"], "quota": {"requests.cpu": 3, "limits.cpu": 100, "pods": 5}},
        {"name": "c", "namespaces": ["c"], "quota": {"cpu": "1500m", "requests.memory": "1Gi"}},
    ]
    found = over_committed(read_all(declared), {"cpu": "5", "memory": "2Gi", "pods": "10"}, "east")
    assert found == [
        "east is over-committed: the quotas of its tenants promise 7500m of cpu, and its nodes hold 5 (150 %)"
    ]
    assert over_committed(read_all(declared), {}, "east") == []


def test_nothing_for_a_cluster_and_an_unknown_capacity_are_told() -> None:
    item = tenant({"total": {"pods": 2}})
    found = division.warnings(
        read_all([item]), {n: {"shop": s} for n, s in shares(item).items()}, {key: {} for key in CLUSTERS}
    )
    assert found == ["tenant shop: its share of pods on west is nothing"]
    item = tenant({"total": {"pods": 2}, "split": "capacity"})
    known = {key: {} for key in CLUSTERS} | {"east": {"cpu": "1", "pods": "9"}}
    found = division.warnings(read_all([item]), {n: {"shop": s} for n, s in shares(item, known).items()}, known)
    assert "north, west, so they get nothing of it yet" in found[0]
