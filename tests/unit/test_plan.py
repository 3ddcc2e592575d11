# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans: their order, their parallel waves, and what a failure leaves."""

from __future__ import annotations

import threading
import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.errors import PlatformError
from ansible_collections.lodestar.platform.plugins.module_utils.plan import Plan, Step, StepFailed, carry_out
from ansible_collections.lodestar.platform.plugins.module_utils.result import step_diff


def step(name: str, perform: t.Callable[[], object] = lambda: None, wave: int = 0, action: str = "create") -> Step:
    return Step(name, action, "east", f"make {name}", before=None, after=name, perform=perform, wave=wave)


def fail() -> None:
    raise PlatformError("no space")


def test_waves_go_in_order_and_keep_the_order_within() -> None:
    done: list[str] = []
    steps = [step(name, lambda name=name: done.append(name), wave) for name, wave in (("c", 2), ("a", 1), ("b", 1))]
    assert carry_out(Plan(steps=steps)) == ["a", "b", "c"] == done


def test_a_failed_step_ends_the_run_and_tells_what_was_done() -> None:
    with pytest.raises(StepFailed) as failure:
        carry_out(Plan(steps=[step("a"), step("b", fail), step("c")]))
    assert failure.value.done == ["a"]
    assert str(failure.value) == "could not make b on east: no space"


def test_the_steps_of_a_wave_run_at_once_up_to_the_limit() -> None:
    meeting = threading.Barrier(3, timeout=10)
    steps = [step(name, meeting.wait) for name in "abc"]
    assert carry_out(Plan(steps=steps, parallel=3)) == ["a", "b", "c"]


def test_in_a_parallel_wave_the_others_end_and_later_waves_do_not_begin() -> None:
    later: list[str] = []
    steps = [step("a", fail), step("b"), step("c", lambda: later.append("c"), wave=1)]
    with pytest.raises(StepFailed) as failure:
        carry_out(Plan(steps=steps, parallel=4))
    assert failure.value.done == ["b"]
    assert later == []


def test_a_defect_is_named_by_its_type() -> None:
    with pytest.raises(StepFailed) as failure:
        carry_out(Plan(steps=[step("a", lambda: {}["missing"])]))
    assert "KeyError: 'missing'" in str(failure.value)


@pytest.mark.parametrize(
    ("action", "before", "after", "shown"),
    [
        ("create", None, {"a": 1}, ("", '{\n  "a": 1\n}\n')),
        ("update", "old", "new\n", ("old\n", "new\n")),
        ("delete", {"a": 1}, None, ('{\n  "a": 1\n}\n', "")),
        ("restart", None, None, ("", "(do it)\n")),
    ],
)
def test_the_diff_of_a_step(action: str, before: t.Any, after: t.Any, shown: tuple[str, str]) -> None:
    diff = step_diff(Step("v1/Thing/x", action, "east", "do it", before, after))
    assert (diff["before"], diff["after"]) == shown
    assert diff["before_header"] == "east v1/Thing/x"
