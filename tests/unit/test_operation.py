# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an operation answers: when it plans, acts, refuses, fails half-way, and closes what it opened."""

from __future__ import annotations

import contextlib
import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.errors import (
    InvalidInput,
    PlatformError,
    Problem,
)
from ansible_collections.lodestar.platform.plugins.module_utils.operation import Context, Operation
from ansible_collections.lodestar.platform.plugins.module_utils.plan import Plan, Step


class World:
    """Something that an operation changes."""

    def __init__(self) -> None:
        self.things: list[str] = []
        self.closed = 0
        self.guarded = 0

    def make(self, name: str) -> None:
        if name == "impossible":
            raise PlatformError("it cannot be", where="here")
        self.things.append(name)

    @contextlib.contextmanager
    def open(self) -> t.Iterator[World]:
        try:
            yield self
        finally:
            self.closed += 1

    @contextlib.contextmanager
    def guard(self, _params: t.Mapping[str, t.Any]) -> t.Iterator[None]:
        self.guarded += 1
        yield

    def plan(self, params: t.Mapping[str, t.Any], context: Context) -> Plan:
        context.enter(self.open())
        names = params["names"]
        if "wrong" in names:
            raise InvalidInput([Problem("names", "wrong", "is wrong", "Leave it out")])
        missing = [name for name in names if name not in self.things]
        steps = [
            Step(name, "create", "here", f"make {name}", None, name, lambda n=name: self.make(n)) for name in missing
        ]
        return Plan(
            steps=steps,
            outputs={"wanted": names, "count": None},
            finish=self.finish if "unfinished" not in names else fail,
            warnings=["a warning"] if names else [],
        )

    def finish(self) -> dict[str, t.Any]:
        return {"count": len(self.things)}

    def run(self, *names: str, check_mode: bool = False) -> dict[str, t.Any]:
        operation = Operation(arguments={}, plan=self.plan, guard=self.guard)
        return operation.execute({"names": list(names)}, Context(environ={}), check_mode)


def fail() -> t.NoReturn:
    raise PlatformError("not ready")


def test_check_mode_predicts_the_run_and_changes_nothing() -> None:
    world = World()
    predicted = world.run("a", "b", check_mode=True)
    assert (world.things, world.guarded) == ([], 0)
    done = world.run("a", "b")
    assert (world.things, world.guarded) == (["a", "b"], 1)
    assert done["plan"] == predicted["plan"]
    assert done["diff"] == predicted["diff"]
    assert predicted["changed"] is done["changed"] is True
    assert (predicted["count"], done["count"]) == (None, 2)
    assert done["warnings"] == ["a warning"]
    again = world.run("a", "b")
    assert (again["changed"], again["plan"], again["diff"]) == (False, [], [])


def test_a_refusal_is_a_failure_without_a_change_and_with_its_problems() -> None:
    answer = World().run("wrong")
    assert (answer["failed"], answer["changed"], answer["plan"]) == (True, False, [])
    assert answer["problems"] == [{"key": "names", "value": "wrong", "reason": "is wrong", "remedy": "Leave it out"}]


def test_a_failure_half_way_tells_plan_done_and_details() -> None:
    answer = World().run("a", "impossible", "b")
    assert (answer["failed"], answer["changed"], answer["done"], answer["step"]) == (True, True, ["a"], "impossible")
    assert [step["id"] for step in answer["plan"]] == ["a", "impossible", "b"]
    assert len(answer["diff"]) == 1
    assert answer["where"] == "here"


def test_a_failure_after_the_last_step_still_says_changed() -> None:
    answer = World().run("unfinished")
    assert (answer["failed"], answer["changed"], answer["msg"]) == (True, True, "not ready")
    assert len(answer["diff"]) == 1


def test_what_was_opened_is_closed_however_it_ends() -> None:
    world = World()
    for count, names in enumerate((["a"], ["wrong"], ["impossible"], ["unfinished"]), start=1):
        world.run(*names)
        assert world.closed == count


@pytest.mark.parametrize(
    ("check_mode", "diff", "told"),
    [(True, False, True), (True, True, True), (False, True, True), (False, False, False)],
)
def test_what_a_step_found_and_made_is_told_where_nothing_was_done_or_a_diff_is_asked_for(
    check_mode: bool, diff: bool, told: bool
) -> None:
    operation = Operation(arguments={}, plan=World().plan)
    answer = operation.execute({"names": ["a", "impossible"]}, Context(environ={}, diff=diff), check_mode)
    assert [step["id"] for step in answer["plan"]] == ["a", "impossible"]
    assert [{"before", "after"} <= set(step) for step in answer["plan"]] == [told, told]
    assert len(answer["diff"]) == (0 if not diff else 2 if check_mode else 1)
