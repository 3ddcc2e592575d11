# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What became of each object of a set, in one shape for check mode, runs and failures. Pure.

Private to the collection.
"""

from __future__ import annotations

import functools
import typing as t

from ..plan import Failures, Step, reason
from .diff import changes
from .errors import Conflict
from .steps import ObjectStep

Summary = t.Callable[[t.Collection[str], Failures], dict[str, t.Any]]


def summary(steps: t.Sequence[Step], declared: int) -> Summary:
    """For C(Plan.outcome): tells the objects of a set that were created, changed, pruned, and what failed.

    :param declared: how many objects are declared.
    """
    return functools.partial(_tell, list(steps), declared)


def _tell(steps: t.Sequence[Step], declared: int, done: t.Collection[str], failures: Failures) -> dict[str, t.Any]:
    members = [step for step in steps if isinstance(step, ObjectStep)]
    wanted = [step for step in members if not step.leaves]
    finished = [step for step in members if step.id in done]
    failed = [(step, cause) for step, cause in failures if not isinstance(cause, Conflict)]
    touched = {step.id for step, _cause in failures} | set(done)
    return {
        "created": [step.id for step in finished if step.action == "create"],
        "changed": [{"id": step.id, "paths": paths(step)} for step in finished if step.changes],
        "unchanged": declared - len(wanted),
        "pruned": [step.id for step in finished if step.action == "delete"],
        "handed_back": [step.id for step in finished if step.leaves and step.action == "update"],
        "conflicted": [
            {"id": step.id, "managers": cause.managers, "fields": list(cause.details.get("fields", ()))}
            for step, cause in failures
            if isinstance(cause, Conflict)
        ],
        "failed": [{"id": step.id, "reason": reason(cause)} for step, cause in failed],
        "not_begun": [step.id for step in members if step.id not in touched],
    }


def paths(step: Step) -> list[str]:
    """The fields that a step changes, from what it shows."""
    return sorted({*changes(step.before, step.after), *changes(step.after, step.before)})
