# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one result shape of every module of the collection. Pure. Private to the collection."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass

from .errors import PlatformError
from .output import printable
from .plan import Failures, Plan, Step, StepFailed


@dataclass(frozen=True)
class Detail:
    """How much a result tells, since Ansible copies all of it several times and a log keeps it.

    :param diff: the diff of the steps, for who asked for it.
    :param values: C(before) and C(after) in the plan's steps.
    """

    diff: bool
    values: bool


def _text(value: t.Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value if value.endswith("\n") or not value else value + "\n"
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def step_diff(step: Step) -> dict[str, str]:
    """A step in the shape that Ansible prints under ``--diff``."""
    header = f"{step.target} {step.id}"
    return {
        "before_header": header,
        "after_header": header,
        "before": _text(step.before),
        "after": _text(step.after) or f"({step.description})\n" if step.action != "delete" else "",
    }


def from_plan(plan: Plan, outputs: t.Mapping[str, t.Any], detail: Detail) -> dict[str, t.Any]:
    """The result of an operation: ``changed``, ``plan``, ``diff``, ``warnings``, ``outcome`` and its own outputs."""
    found = _outcome(plan, [step.id for step in plan.steps], ())
    listed = _listed(plan, plan.ordered(), detail)
    return {**plan.outputs, **outputs, **found, "changed": plan.changed, **listed}


def from_failure(plan: Plan, failure: StepFailed, detail: Detail) -> dict[str, t.Any]:
    """The result when a step failed: what was planned, ``done`` (ids), and the diff of what was done."""
    done = [step for step in plan.ordered() if step.id in failure.done]
    return {
        **_failed(failure, failure.cause),
        **_outcome(plan, failure.done, failure.failures),
        "changed": bool(done),
        "done": failure.done,
        "step": failure.step.id,
        **_listed(plan, done, detail),
    }


def from_error(plan: Plan, error: PlatformError, carried_out: bool, detail: Detail) -> dict[str, t.Any]:
    """The result when the operation failed before a step (``plan`` is empty then), or after the last one.

    :param carried_out: a plan with steps was carried out before the error.
    """
    steps = plan.ordered() if carried_out else []
    found = _outcome(plan, [step.id for step in steps], ()) if carried_out else {}
    listed = _listed(plan, steps, detail)
    return {**_failed(error, error), **found, "changed": bool(steps), **listed}


def _outcome(plan: Plan, done: t.Collection[str], failures: Failures) -> dict[str, t.Any]:
    return {"outcome": plan.outcome(done, failures)} if plan.outcome is not None else {}


def _failed(error: Exception, cause: BaseException) -> dict[str, t.Any]:
    details = cause.details if isinstance(cause, PlatformError) else {}
    return {**details, "failed": True, "msg": printable(str(error))}


def _listed(plan: Plan, told: t.Sequence[Step], detail: Detail) -> dict[str, t.Any]:
    """The steps of a plan, and the diff of those that the result is about."""
    listed: dict[str, t.Any] = {
        "plan": [step.as_dict(detail.values) for step in plan.ordered()],
        "diff": [step_diff(step) for step in told] if detail.diff else [],
    }
    return {**listed, "warnings": [printable(line) for line in plan.warnings]} if plan.warnings else listed
