# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which clusters may leave a run, by what a look at each has found."""

from __future__ import annotations

import contextlib
import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.errors import InvalidInput
from ansible_collections.lodestar.platform.plugins.module_utils.operation import Context
from ansible_collections.lodestar.platform.plugins.module_utils.plan import Plan
from ansible_collections.lodestar.platform.plugins.module_utils.settled import operation
from ansible_collections.lodestar.platform.plugins.module_utils.settled.look import Finding

Object = dict[str, t.Any]
HUB = {"server": "https://192.0.2.1:6443", "token": "t"}


class Looks:
    """What the looks find, by cluster; and the options with which each was looked at."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **found: Finding | None) -> None:
        self.found, self.options = found, dict[str, t.Any]()
        monkeypatch.setattr(operation, "HubSnapshot", lambda connection: contextlib.nullcontext())
        monkeypatch.setattr(operation, "Records", lambda hub: None)
        monkeypatch.setattr(operation, "hub_uid", lambda hub, params: "hub-uid")
        monkeypatch.setattr(operation, "look", self.look)

    def look(self, cluster: Object, _fleet: Object, options: t.Any, _context: Context) -> Finding | None:
        self.options[cluster["name"]] = options
        return self.found[cluster["name"]]

    def plan(
        self,
        tenants: t.Sequence[Object] = (),
        of_created: t.Sequence[str] = (),
        hub_tenants: t.Sequence[str] | None = None,
        of_attached: t.Mapping[str, t.Sequence[str]] | None = None,
        **params: t.Any,
    ) -> Plan:
        clusters = {
            name: {
                "name": name,
                "mode": "attach",
                "tenants": (of_attached or {}).get(name, [tenant["name"] for tenant in tenants]),
            }
            for name in self.found
        }
        on_hub = of_created if hub_tenants is None else hub_tenants
        for name, those in (("made", of_created), ("hub", on_hub)):
            clusters[name] = {"name": name, "mode": "create", "tenants": list(those)}
        fleet = {"hub": "hub", "clusters": clusters, "tenants": list(tenants)}
        given = {"names": list(clusters), "options": {}, "at_once": 2, "hub": "hub", "hub_access": HUB, **params}
        given = {"created": False, "addons": [], **given}
        return operation.plan({"fleet": fleet, **given}, Context(environ={}))


def finding(uid: str, settled: bool = True, *warnings: str) -> Finding:
    access = {"uid": uid, "hub_uid": "hub-uid", "state": "usable", "access": {"token": "t"}}
    return Finding(access, {"name": uid} if settled else None, warnings)


def test_the_settled_are_told_from_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = Looks(monkeypatch, a=finding("1", True, "said", "said of a"), b=finding("2", False, "unsaid"), c=None)
    made = looks.plan()
    assert made.outputs["settled"] == {"a": {"uid": "1", "entry": {"name": "1"}}}
    assert set(made.outputs["looked"]) == {"b"}
    assert made.warnings == ["said", "said of a"]
    assert made.steps == []


def test_what_several_say_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Looks(monkeypatch, a=finding("1", True, "x"), b=finding("2", True, "x")).plan().warnings == ["x"]


@pytest.mark.parametrize("uid", ["1", "hub-uid"])
def test_a_cluster_that_is_another_one_too_is_not_settled(monkeypatch: pytest.MonkeyPatch, uid: str) -> None:
    made = Looks(monkeypatch, a=finding("1"), b=finding(uid), c=finding("3")).plan()
    assert "b" in made.outputs["looked"]
    assert "c" in made.outputs["settled"]
    assert ("a" in made.outputs["settled"]) == (uid != "1")


@pytest.mark.parametrize(("split", "settled"), [("capacity", []), ("even", ["a"])])
def test_a_share_that_another_clusters_record_decides_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, split: str, settled: list[str]
) -> None:
    monkeypatch.setattr(operation, "BUDGETS", type("", (), {"plan": staticmethod(lambda *_: Plan())}))
    looks = Looks(monkeypatch, a=finding("1"), b=finding("2", False))
    made = looks.plan([{"name": "team", "budget": {"split": split}}])
    assert list(made.outputs["settled"]) == settled


@pytest.mark.parametrize(("split", "options"), [("capacity", None), ("even", {})])
def test_what_depends_on_a_created_cluster_is_left_to_its_tasks(
    monkeypatch: pytest.MonkeyPatch, split: str, options: Object | None
) -> None:
    monkeypatch.setattr(operation, "BUDGETS", type("", (), {"plan": staticmethod(lambda *_: Plan())}))
    looks = Looks(monkeypatch, a=finding("1"))
    looks.plan([{"name": "team", "budget": {"split": split}}], of_created=["team"])
    assert looks.options == {"a": options}


def test_created_clusters_but_for_the_hub_depend_on_their_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = Looks(monkeypatch, a=finding("1"), made=finding("2", True, "said of made"))
    made = looks.plan(created=True)
    assert set(looks.options) == {"a", "made"}
    assert (set(made.outputs["settled"]), set(made.outputs["looked"])) == ({"a"}, {"made"})
    assert made.outputs["at_rest"] == {"made": {"uid": "2", "entry": {"name": "2"}, "created": ["made"]}}
    assert made.warnings == ["said of made"]
    # Elsewhere their own tasks look at them.
    assert looks.plan().outputs["at_rest"] == {}


CAPACITY = {"name": "team", "budget": {"split": "capacity"}}


def test_what_shares_a_budget_with_a_created_cluster_depends_on_its_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operation, "BUDGETS", type("", (), {"plan": staticmethod(lambda *_: Plan())}))
    looks = Looks(monkeypatch, a=finding("1"), made=finding("2"))
    looks.found["other"] = finding("3")
    made = looks.plan([CAPACITY], of_created=["team"], hub_tenants=[], created=True)
    waits = {name: one["created"] for name, one in made.outputs["at_rest"].items()}
    assert waits == {name: ["made"] for name in looks.found}
    assert set(made.outputs["looked"]) == set(looks.found)
    # One of them has something to do, and may get another record.
    looks.found["other"] = finding("3", False)
    made = looks.plan([CAPACITY], of_created=["team"], hub_tenants=[], created=True)
    assert (made.outputs["settled"], made.outputs["at_rest"]) == ({}, {})


def test_machines_count_of_a_created_cluster_that_is_not_at_rest_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operation, "BUDGETS", type("", (), {"plan": staticmethod(lambda *_: Plan())}))
    looks = Looks(monkeypatch, a=finding("1"), made=finding("2"), busy=finding("3", False))
    tenants = [CAPACITY, {**CAPACITY, "name": "other"}]
    shared = {"a": ["team"], "busy": ["other"]}
    made = looks.plan(tenants, of_created=["team", "other"], hub_tenants=[], of_attached=shared, created=True)
    assert {name: one["created"] for name, one in made.outputs["at_rest"].items()} == {"a": ["made"]}


def test_what_shares_a_budget_with_the_hub_is_left_to_its_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operation, "BUDGETS", type("", (), {"plan": staticmethod(lambda *_: Plan())}))
    looks = Looks(monkeypatch, made=finding("2"))
    looks.plan([CAPACITY], of_created=["team"], created=True)
    assert looks.options == {"made": None}


def test_a_cluster_whose_roles_are_told_something_else_is_asked_for_its_access_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks = Looks(monkeypatch, a=finding("1"), b=finding("2"), c=finding("3"))
    looks.plan(options={"a": {"tenancy_tenants": None}, "b": {"tenancy_force": True}})
    assert looks.options == {"a": None, "b": {"tenancy_force": True}, "c": {}}


def test_without_a_hub_nothing_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Looks(monkeypatch, a=finding("1")).plan(hub_access=None)
    assert made.outputs == {"settled": {}, "at_rest": {}, "looked": {}}


def test_a_number_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidInput, match="at_once = 0"):
        Looks(monkeypatch, a=finding("1")).plan(at_once=0)
