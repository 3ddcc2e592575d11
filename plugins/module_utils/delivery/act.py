# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carries deliveries out: on all clusters side by side, and away from a cluster only when they are ready elsewhere.

Private to the collection.
"""

from __future__ import annotations

import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from ..errors import PlatformError
from ..kube.established import wait_ready
from ..kube.outcome import summary
from ..kube.rehearse import rehearse
from ..kube.wait import WAITED_FOR
from ..plan import Failures, Plan, Step, StepFailed, carry_out
from .look import HOLD, LEAVE, Work

#: A work, the ids of its steps that were taken, and those that failed.
_Outcome = tuple[Work, list[str], list[tuple[Step, BaseException]]]
#: Threads that only wait cost little.
_WAITING_AT_ONCE = 32


@dataclass(frozen=True)
class Move:
    """All works of one delivery.

    :param opening: the steps on the hub before the first of them, C(closing) those after the last.
    :param wait: seconds to wait on each cluster until what it holds is ready; None not to wait.
    """

    delivery: str
    works: tuple[Work, ...] = ()
    opening: tuple[Step, ...] = ()
    closing: tuple[Step, ...] = ()
    wait: int | None = None

    def of(self, what: str) -> list[Work]:
        """Its works of a kind."""
        return [work for work in self.works if work.what == what]

    def steps(self) -> list[Step]:
        """All steps, in the order in which they are taken."""
        held = [step for what in (HOLD, LEAVE) for work in self.of(what) for step in work.shown()]
        return [*self.opening, *held, *self.closing]


@dataclass
class Conduct:
    """Carries the moves out.

    :param at_once: how many clusters are acted on at the same time.
    """

    moves: t.Sequence[Move]
    at_once: int
    done: list[str] = field(default_factory=list)
    failures: list[tuple[Step, BaseException]] = field(default_factory=list)
    spoilt: set[str] = field(default_factory=set)

    def run(self) -> list[str]:
        """Acts. Returns the ids of the steps that were taken.

        :raises StepFailed: for all that failed, after everything else was done. Of a delivery that failed somewhere
            nothing is taken away anywhere.
        """
        self._on_hub("opening", self.moves)
        self._side_by_side(HOLD)
        self._await()
        self._side_by_side(LEAVE)
        self._on_hub("closing", self._sound())
        if self.failures:
            raise StepFailed(self.failures, self.done) from self.failures[0][1]
        return self.done

    def _sound(self) -> list[Move]:
        return [move for move in self.moves if move.delivery not in self.spoilt]

    def _on_hub(self, part: str, moves: t.Iterable[Move]) -> None:
        """Nothing is written of a delivery that the hub has not recorded."""
        for move in moves:
            steps: tuple[Step, ...] = getattr(move, part)
            try:
                self.done += carry_out(Plan(steps=list(steps)))
            except StepFailed as exc:
                self._failed(move.delivery, exc.failures, exc.done)

    def _side_by_side(self, what: str) -> None:
        """A cluster's deliveries one after the other, the clusters side by side."""
        clusters: dict[str, list[Work]] = {}
        for move in self._sound():
            for work in move.of(what):
                if work.steps:
                    clusters.setdefault(work.cluster, []).append(work)
        if not clusters:
            return
        with ThreadPoolExecutor(max_workers=min(self.at_once, len(clusters))) as pool:
            for outcome in pool.map(_act, clusters.values()):
                for work, done, failures in outcome:
                    self.done += [work.prefix + name for name in done]
                    if failures:
                        self._failed(work.delivery, failures, ())

    def _await(self) -> None:
        waiting = [(move.wait, work) for move in self._sound() for work in move.of(HOLD) if not work.settled]
        waits = [(work, seconds) for seconds, work in waiting if seconds is not None]
        if not waits:
            return
        with ThreadPoolExecutor(max_workers=min(_WAITING_AT_ONCE, len(waits))) as pool:
            for (work, _seconds), why in zip(waits, pool.map(lambda item: _ready(*item), waits), strict=True):
                if why is not None:
                    self._failed(work.delivery, [(_waiting(work), why)], ())

    def _failed(self, delivery: str, failures: Failures, done: t.Sequence[str]) -> None:
        self.spoilt.add(delivery)
        self.failures += failures
        self.done += done


def _act(works: t.Sequence[Work]) -> list[_Outcome]:
    """The works of one cluster; after an error that ends all, nothing more is tried there."""
    outcome: list[_Outcome] = []
    for work in works:
        try:
            done = carry_out(Plan(steps=list(work.steps), parallel=work.client.at_once))
            outcome.append((work, done, []))
        except StepFailed as exc:
            named = [(replace(step, id=work.prefix + step.id), cause) for step, cause in exc.failures]
            outcome.append((work, exc.done, named))
            if isinstance(exc.cause, PlatformError) and exc.cause.ends_all:
                rest = works[len(outcome) :]
                outcome += [(other, [], [(_untried(other), exc.cause)]) for other in rest]
                break
    return outcome


def _ready(work: Work, seconds: int) -> PlatformError | None:
    """Waits for what can be unready at all; returns what it was not."""
    try:
        wait_ready(work.client, [obj for obj in work.desired if obj["kind"] in WAITED_FOR], seconds)
    except PlatformError as exc:
        return exc
    return None


def _waiting(work: Work) -> Step:
    return Step(f"{work.prefix}#ready", "run", work.cluster, f"wait until the delivery {work.delivery} is ready")


def _untried(work: Work) -> Step:
    return Step(f"{work.prefix}#begin", "run", work.cluster, f"begin with the delivery {work.delivery}")


def rehearsed(moves: t.Sequence[Move], at_once: int) -> dict[str, t.Any]:
    """Asks the clusters, side by side, whether the steps would succeed.

    :raises PlatformError: naming every step that would fail.
    """
    works = [work for move in moves for work in move.works if work.steps]
    if not works:
        return {"not_rehearsed": []}

    def one(work: Work) -> tuple[list[dict[str, t.Any]], PlatformError | None]:
        try:
            found = rehearse(work.client, work.steps)["not_rehearsed"]
        except PlatformError as exc:
            return [], exc
        return [{**item, "id": work.prefix + item["id"]} for item in found], None

    with ThreadPoolExecutor(max_workers=min(at_once, len(works))) as pool:
        answers = list(zip(works, pool.map(one, works), strict=True))
    failed = [(work, exc) for work, (_found, exc) in answers if exc is not None]
    if failed:
        steps = [
            {**item, "id": work.prefix + item["id"]}
            for work, exc in failed
            for item in exc.details.get("failed_steps") or [{"id": "", "reason": str(exc)}]
        ]
        lines = "\n".join(f"- {item['id']}: {item['reason']}" for item in steps)
        raise PlatformError(f"{len(steps)} step(s) would fail, nothing was changed:\n{lines}", failed_steps=steps)
    return {"not_rehearsed": [item for _work, (found, _exc) in answers for item in found]}


def told(
    moves: t.Sequence[Move],
    left: t.Mapping[str, t.Mapping[str, dict[str, str]]],
    done: t.Collection[str],
    failures: Failures,
) -> dict[str, t.Any]:
    """What became of each delivery on each cluster.

    :param left: by delivery and cluster, the C(state) and C(reason) of what was not begun.
    """
    answer: dict[str, t.Any] = {name: dict(clusters) for name, clusters in left.items()}
    for move in moves:
        for work in move.works:
            answer.setdefault(move.delivery, {})[work.cluster] = _became(work, done, failures)
    return answer


def _became(work: Work, done: t.Collection[str], failures: Failures) -> dict[str, t.Any]:
    cut = len(work.prefix)
    mine = [name[cut:] for name in done if name.startswith(work.prefix)]
    wrong = [(step, cause) for step, cause in failures if step.id.startswith(work.prefix)]
    named = [(replace(step, id=step.id[cut:]), cause) for step, cause in wrong]
    if wrong:
        state = "failed"
    elif work.steps and len(mine) < len(work.steps):
        state = "not_begun"
    elif work.what == LEAVE:
        state = "withdrawn"
    else:
        state = "delivered" if work.steps else "unchanged"
    return {"state": state, **summary(work.steps, len(work.desired))(mine, named)}
