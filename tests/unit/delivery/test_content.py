# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each cluster gets of a delivery: patches by label, replicas that add up, mistakes before anything is done."""

from __future__ import annotations

import random
import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.delivery.content import Content, read_content
from ansible_collections.lodestar.platform.plugins.module_utils.delivery.division import Division, shares
from ansible_collections.lodestar.platform.plugins.module_utils.delivery.model import Delivery, read_all
from ansible_collections.lodestar.platform.plugins.module_utils.delivery.patches import merged
from ansible_collections.lodestar.platform.plugins.module_utils.errors import InvalidInput

Object = dict[str, t.Any]
CLUSTERS: dict[str, Object] = {
    "east": {"name": "east", "labels": {"size": "small"}},
    "west": {"name": "west", "labels": {"size": "large"}},
}


def config(name: str = "settings", **data: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "shop"}, "data": data}


def web(replicas: t.Any) -> Object:
    metadata = {"name": "web", "namespace": "shop"}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {"replicas": replicas}}


def delivery(objects: list[Object], **changes: t.Any) -> Delivery:
    return read_all([{"name": "shop", "objects": objects, **changes}])[0]


def held(one: Delivery, capacity: t.Mapping[str, str] | None = None) -> dict[str, list[Object]]:
    allocatable = {name: {"cpu": value} for name, value in (capacity or {}).items()}
    content = Content(one, read_content(one, {}), list(CLUSTERS), allocatable)
    return {name: list(content.of(cluster)) for name, cluster in CLUSTERS.items()}


@pytest.mark.parametrize(
    ("value", "patch", "found"),
    [
        # The examples of RFC 7386, appendix A.
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patches(value: t.Any, patch: t.Any, found: t.Any) -> None:
    assert merged(value, patch) == found


def test_a_patch_changes_its_targets_on_its_clusters_alone() -> None:
    patches = [
        {"target": {"kind": "ConfigMap"}, "patch": {"data": {"all": "yes"}}},
        {
            "clusters": {"selector": {"matchLabels": {"size": "small"}}},
            "target": {"kind": "ConfigMap", "name": "sett*"},
            "patch": {"data": {"mode": None, "all": "small"}},
        },
    ]
    found = held(delivery([config(mode="x"), config("other")], patches=patches))
    assert [obj["data"] for obj in found["east"]] == [{"all": "small"}, {"all": "yes"}]
    assert [obj["data"] for obj in found["west"]] == [{"mode": "x", "all": "yes"}, {"all": "yes"}]


def test_a_patch_for_nothing_is_a_mistake() -> None:
    one = delivery([config()], patches=[{"target": {"name": "setings"}, "patch": {"data": {"a": "b"}}}])
    with pytest.raises(InvalidInput, match="fits no object"):
        read_content(one, {})


@pytest.mark.parametrize("namespace", ["lodestar-system"])
def test_the_platforms_own_namespace_takes_no_delivery(namespace: str) -> None:
    obj = config()
    obj["metadata"]["namespace"] = namespace
    for one in (delivery([obj]), delivery([config()], default_namespace=namespace)):
        with pytest.raises(InvalidInput, match="own namespace"):
            read_content(one, {})


def test_divided_replicas_add_up_whatever_the_weights() -> None:
    dice = random.Random(7)
    for _case in range(500):
        names = [f"c{place}" for place in range(dice.randint(1, 12))]
        total = dice.randint(0, 40)
        weights = {name: dice.randint(1, 9) for name in names}
        found = shares(total, Division("weighted", weights), names, {})
        assert sum(found.values()) == total
        for name in names:
            exact = total * weights[name] / sum(weights.values())
            assert abs(found[name] - exact) < 1
        known = {name: {"cpu": f"{dice.randint(0, 64000)}m"} for name in names if dice.random() < 0.8}
        assert sum(shares(total, Division("capacity"), names, known).values()) == total


def test_replicas_are_divided_by_capacity() -> None:
    one = delivery([web(9), config()], replicas={"division": "capacity"})
    found = held(one, {"east": "4", "west": "8"})
    assert {name: objects[0]["spec"]["replicas"] for name, objects in found.items()} == {"east": 3, "west": 6}
    # Who has no record gets nothing while another one has; nobody has one: evenly, and the first gets more.
    for capacity, expected in (({"west": "8"}, (0, 9)), ({}, (5, 4))):
        found = held(one, capacity)
        assert tuple(objects[0]["spec"]["replicas"] for objects in found.values()) == expected


def test_replicas_that_cannot_be_divided() -> None:
    with pytest.raises(InvalidInput, match=r"spec\.replicas"):
        held(delivery([web("many")], replicas={"division": "capacity"}))
    with pytest.raises(InvalidInput, match="nothing about west"):
        held(delivery([web(2)], replicas={"division": "weighted", "weights": {"east": 1}}))
