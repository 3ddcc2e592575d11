# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carries deliveries out: on all clusters side by side, and away from a cluster only when they are ready elsewhere.

Private to the collection.
"""

from __future__ import annotations

import threading
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from ..errors import PlatformError
from ..kube.absent import AbsentCluster
from ..kube.outcome import summary
from ..kube.rehearse import rehearse
from ..plan import Failures, Plan, Step, StepFailed, carry_out
from .look import CLEAR, HOLD, LEAVE, Work
from .perform import Bounds, Outcome, await_ready, perform, waiting
from .rollout.conduct import Pace, Rollout
from .rollout.marks import Progress
from .rollout.standing import ROLLED_BACK

#: Threads that only wait cost little.
_WAITING_AT_ONCE = 32


@dataclass(frozen=True)
class Move:
    """All works of one delivery.

    :param opening: the steps on the hub before the first of them, C(closing) those after the last.
    :param wait: seconds to wait on each cluster until what it holds is ready; None not to wait.
    :param pace: of its rollout; None where it comes to all clusters at once.
    :param progress: of its rollout, None where nothing is noted of it. C(back): it goes back to the last good set.
    """

    delivery: str
    works: tuple[Work, ...] = ()
    opening: tuple[Step, ...] = ()
    closing: tuple[Step, ...] = ()
    wait: int | None = None
    pace: Pace | None = None
    progress: Progress | None = None
    back: bool = False

    def of(self, what: str) -> list[Work]:
        """Its works of a kind."""
        return [work for work in self.works if work.what == what]

    def steps(self) -> list[Step]:
        """All steps, in the order in which they are taken."""
        held = [step for what in (CLEAR, HOLD, LEAVE) for work in self._ordered(what) for step in work.shown()]
        return [*self.opening, *held, *self.closing]

    def stages(self) -> list[dict[str, t.Any]]:
        """The stages of its rollout in which clusters are changed."""
        changed = {work.cluster for work in self.of(HOLD) if work.steps}
        return [
            {
                "name": stage.name,
                "clusters": [name for name in stage.clusters if name in changed],
                "at_once": stage.at_once,
                "failures": stage.failures,
            }
            for stage in (self.pace.stages if self.pace is not None else ())
            if changed & set(stage.clusters)
        ]

    def _ordered(self, what: str) -> list[Work]:
        works = self.of(what)
        if self.pace is None or what != HOLD:
            return works
        there = {work.cluster: work for work in works}
        return [there[name] for name in self.pace.turns(there)]


@dataclass
class Conduct:
    """Carries the moves out.

    :param at_once: how many clusters are acted on at the same time.
    :ivar reasons: by delivery and cluster, why nothing was begun there.
    """

    moves: t.Sequence[Move]
    at_once: int
    done: list[str] = field(default_factory=list)
    failures: list[tuple[Step, BaseException]] = field(default_factory=list)
    spoilt: set[str] = field(default_factory=set)
    reasons: dict[tuple[str, str], str] = field(default_factory=dict)
    _bounds: Bounds = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._bounds = Bounds(self.at_once)

    def run(self) -> list[str]:
        """Acts. Returns the ids of the steps that were taken.

        :raises StepFailed: for all that failed, after everything else was done. Of a delivery that failed somewhere
            nothing is taken away anywhere.
        """
        self._on_hub("opening", self.moves)
        self._side_by_side(CLEAR, self.moves)
        paced = [move for move in self.moves if move.pace is not None]
        others = [move for move in self.moves if move.pace is None]
        self._side_by_side(HOLD, others)
        with ThreadPoolExecutor(max_workers=max(1, len(paced))) as pool:
            try:
                # A rollout may take hours, and keeps no other delivery waiting.
                running = [pool.submit(self._roll_out, move) for move in self._sound(paced)]
                self._await(others)
                self._leave(others)
                for one in running:
                    one.result()
            except BaseException:
                self._bounds.ended.set()
                raise
        if self.failures:
            raise StepFailed(self.failures, self.done) from self.failures[0][1]
        return self.done

    def _sound(self, moves: t.Iterable[Move]) -> list[Move]:
        return [move for move in moves if move.delivery not in self.spoilt]

    def _roll_out(self, move: Move) -> None:
        works = {work.cluster: work for work in move.of(HOLD) if not work.settled}
        pace, progress = t.cast(Pace, move.pace), move.progress
        begin = [progress.begin] if progress is not None else []
        course = Rollout(move.delivery, works, pace, self._bounds, *begin).run()
        self.reasons.update({(move.delivery, name): course.stopped for name in course.waiting})
        if not course.failures and not course.waiting:
            self._note(course.taken)
            self._leave([move])
            return
        self._failed(move.delivery, course.failures, course.taken)
        if progress is not None and not self._bounds.ended.is_set():
            try:
                progress.end(course, pace.lost)
            except PlatformError as exc:
                step = Step(
                    f"{move.delivery}#ended", "run", "the hub", f"note how the rollout of {move.delivery} ended"
                )
                self._failed(move.delivery, [(step, exc)], ())

    def _leave(self, moves: t.Sequence[Move]) -> None:
        """What is done once they are ready everywhere."""
        if not self._bounds.ended.is_set():
            self._side_by_side(LEAVE, moves)
            self._on_hub("closing", self._sound(moves))

    def _on_hub(self, part: str, moves: t.Iterable[Move]) -> None:
        """Nothing is written of a delivery that the hub has not recorded."""
        for move in moves:
            steps: tuple[Step, ...] = getattr(move, part)
            try:
                self._note(carry_out(Plan(steps=list(steps))))
            except StepFailed as exc:
                self._failed(move.delivery, exc.failures, exc.done)

    def _side_by_side(self, what: str, moves: t.Iterable[Move]) -> None:
        """A cluster's deliveries one after the other, the clusters side by side."""
        clusters: dict[str, list[Work]] = {}
        for move in self._sound(moves):
            for work in move.of(what):
                if work.steps:
                    clusters.setdefault(work.cluster, []).append(work)
        if not clusters:
            return

        def act(cluster: str) -> list[Outcome]:
            with self._bounds.acting(cluster):
                return perform(clusters[cluster])

        with ThreadPoolExecutor(max_workers=min(self.at_once, len(clusters))) as pool:
            for outcome in pool.map(act, clusters):
                for work, done, failures in outcome:
                    self._note([work.prefix + name for name in done])
                    if failures:
                        self._failed(work.delivery, failures, ())

    def _await(self, moves: t.Iterable[Move]) -> None:
        waits_for = [(move.wait, work) for move in self._sound(moves) for work in move.of(HOLD) if not work.settled]
        waits = [(work, seconds) for seconds, work in waits_for if seconds is not None]
        if not waits:
            return
        with ThreadPoolExecutor(max_workers=min(_WAITING_AT_ONCE, len(waits))) as pool:
            answers = pool.map(lambda item: await_ready(item[0], item[1], self._bounds), waits)
            for (work, _seconds), why in zip(waits, answers, strict=True):
                if why is not None:
                    self._failed(work.delivery, [(waiting(work), why)], ())

    def _note(self, done: t.Sequence[str]) -> None:
        with self._lock:
            self.done += done

    def _failed(self, delivery: str, failures: Failures, done: t.Sequence[str]) -> None:
        with self._lock:
            self.spoilt.add(delivery)
            self.failures += failures
            self.done += done


def rehearsed(moves: t.Sequence[Move], at_once: int) -> dict[str, t.Any]:
    """Asks the clusters, side by side, whether the steps would succeed.

    :raises PlatformError: naming every step that would fail.
    """
    # What is not there yet refuses nothing.
    works = [work for move in moves for work in move.works if work.steps and not isinstance(work.client, AbsentCluster)]
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
    reasons: t.Mapping[tuple[str, str], str],
    done: t.Collection[str],
    failures: Failures,
) -> dict[str, t.Any]:
    """What became of each delivery on each cluster.

    :param left: by delivery and cluster, the C(state) and C(reason) of what was not begun.
    :param reasons: by delivery and cluster, why a rollout did not come there.
    """
    answer: dict[str, t.Any] = {name: dict(clusters) for name, clusters in left.items()}
    for move in moves:
        for work in move.works:
            became = _became(work, done, failures)
            if move.back and became["state"] == "delivered":
                became["state"] = ROLLED_BACK
            if became["state"] == "not_begun" and (why := reasons.get((work.delivery, work.cluster))):
                became["reason"] = f"the rollout has stopped: {why}"
            answer.setdefault(move.delivery, {})[work.cluster] = became
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
    elif work.what != HOLD:
        state = "withdrawn"
    else:
        state = "delivered" if work.steps else "unchanged"
    parts = summary(work.steps, len(work.desired))(mine, named)
    # There may be thousands of these, most of them of clusters where nothing was done.
    return {"state": state, **{key: value for key, value in parts.items() if value or key == "unchanged"}}
