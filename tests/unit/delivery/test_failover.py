# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much moves away from clusters that do not answer, and what waits."""

from __future__ import annotations

import json
import random
import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.delivery import failover
from ansible_collections.lodestar.platform.plugins.module_utils.delivery.decisions import Decision
from ansible_collections.lodestar.platform.plugins.module_utils.delivery.failover_rule import Mark, read_limit
from ansible_collections.lodestar.platform.plugins.module_utils.delivery.model import Delivery, read_all
from ansible_collections.lodestar.platform.plugins.module_utils.delivery.record import Records, render
from ansible_collections.lodestar.platform.plugins.module_utils.errors import InvalidInput, PlatformError

Object = dict[str, t.Any]
PLACED = {"namespace": "default", "name": "gold"}


class Hub:
    """A hub that holds records."""

    def __init__(self, *records: Object) -> None:
        self.records = list(records)

    def list(self, *_kind: str, **_options: t.Any) -> list[Object]:
        return self.records


def delivery(name: str = "shop", **changes: t.Any) -> Delivery:
    objects = [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": "x"}}]
    (found,) = read_all([{"name": name, "objects": objects, "placement": PLACED, **changes}])
    return found


def records(**places: str) -> Records:
    return Records(t.cast(t.Any, Hub(*(render(name, names.split()) for name, names in places.items()))))


def decision(clusters: str, lost: str = "") -> Decision:
    return Decision(tuple(sorted(clusters.split())), lost=frozenset(lost.split()))


def bounded(
    one: Delivery, decided: Decision, known: Records, limit: str = "25%", presumed: t.Sequence[str] = ()
) -> Decision:
    return failover.bounded([one], {one.name: decided}, known, read_limit(limit), presumed)[one.name]


def test_for_each_place_that_may_not_move_a_new_cluster_waits() -> None:
    known = records(shop="a b c d")
    found = bounded(delivery(), decision("c d x y", lost="a b"), known)
    assert found.clusters == ("c", "d", "x")
    assert set(found.waiting) == {"b", "y"}
    # Its part of what is divided is kept where it may still run.
    assert found.places == ("b", "c", "d", "x")
    assert bounded(delivery(), decision("c d x y", lost="a b"), known, "2").waiting == {}
    assert bounded(delivery(), decision("c d x y", lost="a b"), known, "0").clusters == ("c", "d")
    # Fewer new ones than lost ones, and none at all.
    assert bounded(delivery(), decision("c d x", lost="a b"), known, "0").clusters == ("c", "d")
    assert bounded(delivery(), decision("c d", lost="a b"), known, "0").clusters == ("c", "d")


def test_what_moves_for_another_reason_or_has_moved_is_not_counted() -> None:
    assert bounded(delivery(), decision("x y"), records(shop="a b"), "0").waiting == {}
    moved = Records(t.cast(t.Any, Hub(render("shop", ["a", "x"], lost={"a": Mark("then")}))))
    assert bounded(delivery(), decision("x", lost="a"), moved, "0").waiting == {}
    elsewhere = Delivery("shop")
    assert bounded(elsewhere, decision("x", lost="a"), records(shop="a"), "0").waiting == {}


def test_duplicates_wait_for_the_word_of_an_operator() -> None:
    solo = delivery(failover={"duplicates": "forbid"})
    found = bounded(solo, decision("x", lost="a"), records(shop="a"), "100%")
    assert (found.clusters, set(found.waiting)) == ((), {"a", "x"})
    assert "delivery_presume_lost=a" in found.waiting["a"]
    assert bounded(solo, decision("x", lost="a"), records(shop="a"), "0", ["a"]).clusters == ("x",)


def test_never_more_than_the_limit_moves_and_all_of_it_in_the_end() -> None:
    chance = random.Random(7)
    for _case in range(200):
        names = [f"c{number:02}" for number in range(chance.randint(2, 30))]
        items = [delivery(f"d{number}") for number in range(chance.randint(1, 4))]
        places = {one.name: chance.sample(names, chance.randint(1, len(names))) for one in items}
        lost = set(chance.sample(names, chance.randint(1, len(names))))
        decisions = {}
        for one in items:
            gone = [name for name in places[one.name] if name in lost]
            free = [name for name in names if name not in lost and name not in places[one.name]]
            kept = [name for name in places[one.name] if name not in lost]
            decisions[one.name] = Decision(tuple(sorted(kept + free[: len(gone)])), lost=frozenset(lost))
        limit = read_limit(chance.choice(["1", "3", "10%", "25%", "100%"]))
        marks: dict[str, dict[str, Mark]] = {one.name: {} for one in items}
        for _run in range(200):
            there = [render(one.name, places[one.name], lost=marks[one.name]) for one in items]
            known = Records(t.cast(t.Any, Hub(*there)))
            found = failover.bounded(items, decisions, known, limit, ())
            moved, total = 0, sum(map(len, places.values()))
            for one in items:
                gone = {name for name in places[one.name] if name in lost} - set(marks[one.name])
                left = gone - set(found[one.name].waiting)
                moved += len(left)
                # No more new ones than places that are left, and nothing that is decided and held is given up.
                new = set(found[one.name].clusters) - set(places[one.name])
                wanted = set(decisions[one.name].clusters) - set(places[one.name])
                assert len(wanted - new) == min(len(wanted), len(gone - left))
                marks[one.name] |= {name: Mark("now") for name in left}
                places[one.name] = sorted({*places[one.name], *new})
            assert moved <= limit.of(total)
            if not any(found[one.name].waiting for one in items):
                break
        assert all(set(decisions[one.name].clusters) <= set(places[one.name]) for one in items)


@pytest.mark.parametrize(
    ("text", "places", "allowed"), [("25%", 1, 1), ("25%", 9, 3), ("0%", 9, 0), ("3", 1, 3), (0, 9, 0)]
)
def test_a_part_is_rounded_up(text: t.Any, places: int, allowed: int) -> None:
    assert read_limit(text).of(places) == allowed


@pytest.mark.parametrize("text", ["-1", "101%", "many", "1.5", "", None, "9999999"])
def test_what_is_no_limit_is_refused(text: t.Any) -> None:
    with pytest.raises(InvalidInput, match="failover_limit"):
        read_limit(text)


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"failover": {"surplus": "drop"}}, "failover.surplus"),
        ({"failover": {"duplicates": True}}, "failover.duplicates"),
        ({"failover": {"after": 3}}, "failover.after"),
        ({"failover": "keep"}, "failover"),
        ({"failover": {}, "placement": None, "clusters": {"names": ["a"]}}, "failover"),
    ],
)
def test_a_rule_that_is_none_is_named(changes: Object, key: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        delivery(**changes)
    assert caught.value.problems[0].key.endswith(key)


def test_marks_last_until_it_is_decided_there_again() -> None:
    gone, then = decision("x", lost="a b"), Mark("then")
    first = failover.marked({}, ["a", "c"], gone, ["a"], "now")
    assert first == {"a": Mark("now", presumed=True)}
    assert failover.marked({"a": then}, ["a"], gone, [], "now") == {"a": then}
    assert failover.marked({"a": then}, ["a"], gone, ["a"], "now") == {"a": Mark("then", presumed=True)}
    assert failover.marked({"a": then}, [], decision("x"), [], "now") == {"a": then}
    assert failover.marked({"a": then}, [], decision("a"), [], "now") == {}


def test_a_record_that_somebody_has_changed_is_refused() -> None:
    record = render("shop", ["a"], lost={"a": Mark("then", presumed=True), "gone": Mark("then")})
    assert Records(t.cast(t.Any, Hub(record))).lost("shop") == {"a": Mark("then", presumed=True)}
    for text in ("[]", "{", json.dumps({"a": 3})):
        record["data"]["lost"] = text
        with pytest.raises(PlatformError, match="delivery shop has moved"):
            Records(t.cast(t.Any, Hub(record))).lost("shop")
