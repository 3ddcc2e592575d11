# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a convergent operation intends to do: observed + desired -> steps.

A plan is made by reading only. It says everything that will be done before anything is done, and it is
the one source of C(changed), of the diff and of what check mode returns. Private to the collection.
"""

from __future__ import annotations

import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import groupby

from .errors import PlatformError

#: What a step does to its target. ``run`` is an action without a comparable before and after.
ACTIONS = ("create", "update", "delete", "restart", "run")


@dataclass(frozen=True)
class Step:
    """One intended change.

    :param id: stable name of what is changed, unique in its plan: ``file:/etc/x``, ``v1/Namespace/team-a``.
    :param action: one of :data:`ACTIONS`.
    :param target: the machine or cluster that is changed.
    :param description: one line for people, in the imperative: "write /etc/x".
    :param before: what is there now, as plain data or text, ``None`` where nothing is. Never a secret value.
    :param after: what will be there. Never a secret value.
    :param perform: carries the step out; raises to say that it failed.
    :param wave: steps of one wave do not depend on each other; waves run in ascending order.
    """

    id: str
    action: str
    target: str
    description: str
    before: t.Any = None
    after: t.Any = None
    perform: t.Callable[[], object] = field(default=lambda: None, repr=False, compare=False)
    wave: int = 0

    def as_dict(self, values: bool = True) -> dict[str, t.Any]:
        """The step as check mode and the result show it.

        :param values: with C(before) and C(after).
        """
        told = {"id": self.id, "action": self.action, "target": self.target, "description": self.description}
        return {**told, "before": self.before, "after": self.after} if values else told


#: Steps that failed, with what they failed of.
Failures = t.Sequence[tuple[Step, BaseException]]


@dataclass
class Plan:
    """The ordered steps of one operation, and what was observed on the way.

    :param steps: what will be done. Empty means that everything is as declared.
    :param outputs: what the operation returns besides the plan, known before anything is done.
    :param finish: called after the plan was carried out (not in check mode); its outputs are merged over ``outputs``.
    :param rehearse: called in check mode only, to ask whether the steps would succeed; it changes nothing, and its
        outputs are merged over ``outputs``.
    :param outcome: what became of each thing, from the ids of the steps that were done (in check mode all) and the
        steps that failed; a failure tells it too.
    :param warnings: what an operator should know although it stops nothing.
    :param parallel: how many steps of one wave may be under way at once.
    :param conduct: carries the steps out in place of waves over all targets, where a target must not wait for another;
        returns and raises like :func:`carry_out`.
    """

    steps: list[Step] = field(default_factory=list)
    outputs: dict[str, t.Any] = field(default_factory=dict)
    finish: t.Callable[[], dict[str, t.Any]] | None = None
    rehearse: t.Callable[[], dict[str, t.Any]] | None = None
    outcome: t.Callable[[t.Collection[str], Failures], dict[str, t.Any]] | None = None
    warnings: list[str] = field(default_factory=list)
    parallel: int = 1
    conduct: t.Callable[[], list[str]] | None = None

    @property
    def changed(self) -> bool:
        """True when there is anything to do."""
        return bool(self.steps)

    def ordered(self) -> list[Step]:
        """The steps in the order in which waves are carried out; order within a wave is kept."""
        return sorted(self.steps, key=lambda step: step.wave)


class StepFailed(Exception):
    """Steps could not be carried out. ``done`` are the ids of the steps that were, ``failures`` all that were not.

    The first cause is chained, and the texts of all are part of the message.
    """

    def __init__(self, failures: Failures, done: t.Sequence[str]) -> None:
        lines = [f"could not {step.description} on {step.target}: {reason(cause)}" for step, cause in failures]
        super().__init__(
            lines[0] if len(lines) == 1 else f"{len(lines)} steps failed:\n" + "\n".join(f"- {line}" for line in lines)
        )
        self.failures = list(failures)
        self.step, self.cause = failures[0]
        self.done = list(done)


def reason(cause: BaseException) -> str:
    """Why something failed. Of an error that was not meant for operators, the type says more than the text."""
    return str(cause) if isinstance(cause, PlatformError) else f"{type(cause).__name__}: {cause}"


def carry_out(plan: Plan) -> list[str]:
    """Performs the plan, wave by wave, and returns the ids of the steps that were done.

    :raises StepFailed: for the failed steps of a wave, once the other steps of that wave have ended; later waves are
        not begun, and nothing more on a target after an error that ends all (:attr:`PlatformError.ends_all`).
    """
    if plan.conduct is not None:
        return plan.conduct()
    done: list[str] = []
    ordered = plan.ordered()
    waves = [list(steps) for _wave, steps in groupby(ordered, key=lambda step: step.wave)]
    if plan.parallel <= 1 or all(len(steps) == 1 for steps in waves):
        _perform_in_turn(ordered, done)
        return done
    with ThreadPoolExecutor(max_workers=min(plan.parallel, max(map(len, waves)))) as pool:
        for steps in waves:
            _perform_wave(steps, pool, done)
    return done


def _perform_in_turn(steps: t.Iterable[Step], done: list[str]) -> None:
    for step in steps:
        try:
            step.perform()
        except Exception as exc:
            raise StepFailed([(step, exc)], done) from exc
        done.append(step.id)


def _perform_wave(steps: t.Sequence[Step], pool: ThreadPoolExecutor, done: list[str]) -> None:
    lost: set[str] = set()

    def perform(step: Step) -> bool:
        if step.target in lost:
            return False
        try:
            step.perform()
        except PlatformError as exc:
            if exc.ends_all:
                lost.add(step.target)
            raise
        return True

    futures = [(step, pool.submit(perform, step)) for step in steps]
    causes = [(step, future, future.exception()) for step, future in futures]
    done += [step.id for step, future, cause in causes if cause is None and future.result()]
    failures = [(step, cause) for step, _future, cause in causes if cause is not None]
    if failures:
        raise StepFailed(failures, done) from failures[0][1]
