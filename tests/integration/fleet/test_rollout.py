# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rollouts of deliveries: cluster by cluster and group by group, until too many have failed."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import access_info

from ..harness.apiserver import ApiServer
from .conftest import take_us_away
from .many import Many, states

Object = dict[str, t.Any]
#: The third pair, by name, is where sets break.
NAMES = ("a1", "a2", "b1", "b2", "c1", "c2")
BROKEN = "web:broken"


def progressive(**changes: t.Any) -> Object:
    """One cluster after the other, two at a time, without patience."""
    block = {"maxConcurrency": 2, "progressDeadline": "3s", **changes}
    return {"rollout": {"type": "Progressive", "progressive": block}}


@pytest.fixture(scope="module")
def there(
    tmp_path_factory: pytest.TempPathFactory, tools: dict[str, Path], hub: ApiServer, hub_access: Object
) -> t.Iterator[Many]:
    """Six members."""
    with ApiServer(tmp_path_factory.mktemp("members"), tools) as server:
        with Many(hub, hub_access, server, {name: {"pair": name[0]} for name in NAMES}) as many:
            yield many
        take_us_away([], hub)


@pytest.fixture
def fleet(there: Many, prefix: str, monkeypatch: pytest.MonkeyPatch) -> t.Iterator[Many]:
    there.begin(prefix)
    monkeypatch.setattr(access_info.judge, "__defaults__", (2.0,))
    there.controllers.broken = lambda member, image: image == BROKEN and member.startswith("b")
    yield there
    there.members.silent.clear()
    there.controllers.broken = lambda member, image: False
    there.forget()


def test_so_many_clusters_are_under_way_at_once_and_a_failure_stops_it(fleet: Many) -> None:
    fleet.controllers.look(fleet.name)
    first = fleet.done(fleet.item(**progressive()))
    assert states(first) == {"delivered": list(NAMES)}
    assert fleet.controllers.under_way == 2
    assert [step["target"] for step in first["plan"] if step["action"] == "create" and "Deployment" in step["id"]] == [
        *NAMES
    ]
    again = fleet.done(fleet.item(**progressive()))
    assert (again["changed"], fleet.written()) == (False, {})

    fleet.controllers.look(fleet.name)
    stopped = fleet(fleet.item(BROKEN, **progressive()))
    assert stopped["failed"]
    assert states(stopped) == {"delivered": ["a1", "a2"], "failed": ["b1", "b2"], "not_begun": ["c1", "c2"]}
    assert "in all clusters 2 failed (b1, b2), and 0 may (maxFailures: 0)" in stopped["msg"]
    assert "2 cluster(s) were not begun: c1, c2" in stopped["msg"]
    assert "in all clusters 2 failed" in stopped["outcome"][fleet.name]["c1"]["reason"]
    assert fleet.controllers.under_way == 2
    assert not {"c1", "c2"} & set(fleet.written())
    assert fleet.images() == {**dict.fromkeys(NAMES, BROKEN), "c1": "web:1", "c2": "web:1"}


@pytest.mark.full
def test_failures_within_the_budget_do_not_stop_it(fleet: Many) -> None:
    fleet.done(fleet.item(**progressive()))
    answer = fleet(fleet.item(BROKEN, **progressive(maxFailures="30%")))
    assert states(answer) == {"delivered": ["a1", "a2", "c1", "c2"], "failed": ["b1", "b2"]}
    assert answer["failed"]
    assert "rollout" not in answer["msg"]


def test_groups_come_one_after_the_other_and_mandatory_ones_first(fleet: Many) -> None:
    groups = [
        {"groupName": name * 2, "groupClusterSelector": {"labelSelector": {"matchLabels": {"pair": name}}}}
        for name in "abc"
    ]
    block = {"mandatoryDecisionGroups": [{"groupName": "cc"}], "progressDeadline": "3s"}
    rollout = {
        "type": "ProgressivePerGroup",
        "progressivePerGroup": block,
        "groupStrategy": {"decisionGroups": groups},
    }
    fleet.done(fleet.item(rollout=rollout))
    fleet.controllers.look(fleet.name)
    planned = fleet.done(fleet.item(BROKEN, rollout=rollout), check=True)
    assert [stage["name"] for stage in planned["rollouts"][fleet.name]["stages"]] == [
        "mandatory group 2 (cc)", "group 0 (aa)", "group 1 (bb)",
    ]  # fmt: skip
    assert fleet.written() == {}
    assert states(fleet(fleet.item(BROKEN, rollout=rollout))) == {
        "delivered": ["a1", "a2", "c1", "c2"], "failed": ["b1", "b2"],
    }  # fmt: skip
    order = list(dict.fromkeys(name[0] for some in fleet.controllers.seen for name in sorted(some)))
    assert order == ["c", "a", "b"]
    # The mandatory group tolerates none, and nothing comes after it.
    fleet.controllers.broken = lambda member, image: image == "web:3" and member == "c1"
    answer = fleet(fleet.item("web:3", rollout={**rollout, "progressivePerGroup": {**block, "maxFailures": 2}}))
    assert states(answer) == {"delivered": ["c2"], "failed": ["c1"], "not_begun": ["a1", "a2", "b1", "b2"]}


@pytest.mark.full
def test_a_cluster_must_stay_ready(fleet: Many) -> None:
    item = fleet.item(**progressive(maxConcurrency=1, minSuccessTime="2s"), clusters={"names": ["a1", "a2"]})
    fleet.done(item)
    ready = iter([True])
    answer: Object = {}

    def flaps(member: str, image: str) -> bool:
        return image == "web:2" and member == "a1" and not next(ready, False)

    fleet.controllers.broken = flaps
    with fleet.restarting("a1", after=1.0):
        answer = fleet(fleet.item("web:2", **{**item, "objects": fleet.item("web:2")["objects"]}))
    assert states(answer) == {"failed": ["a1"], "not_begun": ["a2"]}
    assert "is no more after 2 s (minSuccessTime)" in answer["msg"]


@pytest.mark.full
def test_a_cluster_that_cannot_be_reached_fails_when_its_turn_comes(fleet: Many) -> None:
    fleet.done(fleet.item(**progressive()))
    fleet.members.silent.add("b1")
    answer = fleet(fleet.item("web:2", **progressive(maxConcurrency=1)))
    assert states(answer) == {
        "delivered": ["a1", "a2"], "not_begun": ["b2", "c1", "c2"], "unreachable": ["b1"],
    }  # fmt: skip
    fleet.members.silent.clear()
    # That says nothing about the set, so the next run goes on.
    assert states(fleet.done(fleet.item("web:2", **progressive()))) == {
        "delivered": ["b1", "b2", "c1", "c2"], "unchanged": ["a1", "a2"],
    }  # fmt: skip
