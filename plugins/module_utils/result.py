# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one result shape of every module of the collection. Pure. Private to the collection."""

from __future__ import annotations

import json
import typing as t

from .plan import Plan, Step


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


def from_plan(plan: Plan, outputs: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The result of an operation: ``changed``, ``plan``, ``diff`` and the operation's own outputs."""
    steps = plan.ordered()
    return {
        **plan.outputs,
        **outputs,
        "changed": plan.changed,
        "plan": [step.as_dict() for step in steps],
        "diff": [step_diff(step) for step in steps],
    }
