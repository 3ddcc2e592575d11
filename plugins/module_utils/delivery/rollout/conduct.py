# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carries a rollout out: stage by stage, so many clusters under way at once, until too many have failed.

Private to the collection.
"""

from __future__ import annotations

import threading
import typing as t
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from ...errors import PlatformError
from ...plan import Failures, Step, reason
from ..look import Work
from ..perform import Bounds, Ended, await_ready, perform, waiting
from .stages import Stage

#: So many names of clusters are told in one line.
_MOST_NAMES = 20


@dataclass(frozen=True)
class Pace:
    """How a delivery comes to its clusters.

    :param stages: in their order.
    :param lost: decided clusters on which it cannot be held now, with the reason: each fails when its turn comes.
    :param patience: seconds in which a cluster must become ready, and C(soak) those that it must stay so.
    """

    stages: tuple[Stage, ...]
    lost: t.Mapping[str, str] = field(default_factory=dict)
    patience: int = 300
    soak: int = 0

    def turns(self, works: t.Collection[str]) -> list[str]:
        """These clusters, in the order in which they are begun."""
        return [name for stage in self.stages for name in stage.clusters if name in works]

    def first(self, turns: t.Collection[str]) -> list[str]:
        """Those of them that are begun at once."""
        for stage in self.stages:
            found = [name for name in stage.clusters if name in turns]
            if found:
                return found[: stage.at_once]
        return []


@dataclass
class Course:
    """What has become of a rollout. Threads share it.

    :ivar stopped: why nothing more was begun; empty where nothing stopped it.
    :ivar served: clusters that are ready, and C(failed) those that are not, with the reason.
    :ivar taken: the ids of the steps that were taken; C(failures) those that failed.
    :ivar waiting: clusters that were not begun.
    """

    stopped: str = ""
    served: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    taken: list[str] = field(default_factory=list)
    failures: list[tuple[Step, BaseException]] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)


class Rollout:
    """One delivery on its way to its clusters.

    :param works: by cluster, what is to be done or waited for; clusters that need neither cost nothing.
    :param begin: called before a cluster is changed.
    """

    def __init__(
        self,
        delivery: str,
        works: t.Mapping[str, Work],
        pace: Pace,
        bounds: Bounds,
        begin: t.Callable[[str], object] = lambda name: None,
    ) -> None:
        self._delivery, self._works, self._pace, self._bounds = delivery, works, pace, bounds
        self._begin = begin
        self._lock = threading.Lock()
        self.course = Course()

    def run(self) -> Course:
        """Serves the clusters. Whatever fails there is told in what it returns."""
        left = list(self._pace.stages)
        while left and self._works and not self.course.stopped:
            self._serve_stage(left.pop(0))
        begun = {*self.course.served, *self.course.failed}
        self.course.waiting = [name for name in self._pace.turns(self._works) if name not in begun]
        if self.course.stopped:
            self.course.failures.append((self._going_on(), PlatformError(self._told())))
        return self.course

    def _serve_stage(self, stage: Stage) -> None:
        """No more clusters than may be are under way: begun, and neither failed nor ready for long enough."""
        # What a killed run has begun is looked at first.
        known = [name for name in stage.clusters if name in self._works or name in self._pace.lost]
        begun = [name for name in known if name in self._works and not self._works[name].steps]
        queue = deque([*begun, *(name for name in known if name not in begun)])
        failed: list[str] = []

        def serve() -> None:
            try:
                while (name := self._next(queue)) is not None:
                    if not self._serve(name):
                        self._count(stage, name, failed)
            except BaseException:
                self._bounds.ended.set()
                raise

        with ThreadPoolExecutor(max_workers=max(1, min(stage.at_once, len(queue)))) as pool:
            for one in [pool.submit(serve) for _worker in range(min(stage.at_once, len(queue)))]:
                one.result()

    def _next(self, queue: deque[str]) -> str | None:
        with self._lock:
            return None if self.course.stopped or self._bounds.ended.is_set() or not queue else queue.popleft()

    def _serve(self, name: str) -> bool:
        """Brings a cluster its set, and waits until it is ready and has been for long enough."""
        work = self._works.get(name)
        if work is None:
            self._note_failure(name, self._pace.lost[name], ())
            return False
        if not self._change(name, work):
            return False
        why = self._unready(work)
        if why is not None:
            self._note_failure(name, str(why), [(waiting(work), why)])
            return False
        with self._lock:
            self.course.served.append(name)
        return True

    def _change(self, name: str, work: Work) -> bool:
        """Brings a cluster its set; it has been noted by then that it may have it."""
        if not work.steps:
            return True
        try:
            self._begin(name)
        except PlatformError as exc:
            step = Step(f"{work.prefix}#noted", "run", name, f"note on the hub that {self._delivery} comes")
            self._note_failure(name, str(exc), [(step, exc)])
            return False
        with self._bounds.acting(name):
            ((_work, done, failures),) = perform([work])
        with self._lock:
            self.course.taken += [work.prefix + one for one in done]
        if failures:
            self._note_failure(name, reason(failures[0][1]), failures)
        return not failures

    def _unready(self, work: Work) -> PlatformError | None:
        why = await_ready(work, self._pace.patience, self._bounds)
        if why is not None or not self._pace.soak:
            return why
        try:
            self._bounds.pause(self._pace.soak)
        except Ended as exc:
            return exc
        why = await_ready(work, 0, self._bounds)
        if why is None:
            return None
        text = why.details.get("missing") or str(why)
        return PlatformError(f"it was ready, and is no more after {self._pace.soak} s (minSuccessTime): {text}")

    def _note_failure(self, name: str, why: str, failures: Failures) -> None:
        with self._lock:
            self.course.failed[name] = why
            self.course.failures += failures

    def _count(self, stage: Stage, name: str, failed: list[str]) -> None:
        with self._lock:
            failed.append(name)
            if len(failed) > stage.failures:
                allowed = f"{stage.failures} may ({stage.limit})"
                self.course.stopped = f"in {stage.name} {len(failed)} failed ({names(sorted(failed))}), and {allowed}"

    def _told(self) -> str:
        waiting_for = self.course.waiting
        rest = f"{len(waiting_for)} cluster(s) were not begun: {names(waiting_for)}" if waiting_for else ""
        return "; ".join(filter(None, (self.course.stopped, rest or "no cluster was left to begin with")))

    def _going_on(self) -> Step:
        return Step(f"{self._delivery}#rollout", "run", "the fleet", f"go on with the rollout of {self._delivery}")


def names(some: t.Sequence[str]) -> str:
    """Clusters in one line."""
    more = len(some) - _MOST_NAMES
    return ", ".join(some[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
