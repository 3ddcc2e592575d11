# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Works on clusters: done one after the other on each, under bounds that all of a run share.

Private to the collection.
"""

from __future__ import annotations

import contextlib
import threading
import typing as t
from dataclasses import replace

from ..errors import PlatformError
from ..kube.established import wait_ready
from ..kube.wait import WAITED_FOR
from ..plan import Plan, Step, StepFailed, carry_out
from .look import Work

#: A work, the ids of its steps that were taken, and those that failed.
Outcome = tuple[Work, list[str], list[tuple[Step, BaseException]]]


class Ended(PlatformError):
    """The run is ending, and waits for nothing any more."""


class Bounds:
    """What the threads of a run share.

    :param at_once: how many clusters are acted on at the same time.
    :ivar ended: set when the run ends before it is through; then nothing more is begun or waited for.
    """

    def __init__(self, at_once: int) -> None:
        self.ended = threading.Event()
        self._gate = threading.Semaphore(at_once)
        self._lock = threading.Lock()
        self._clusters: dict[str, threading.Lock] = {}

    @contextlib.contextmanager
    def acting(self, cluster: str) -> t.Iterator[None]:
        """Held while a cluster is acted on, by one at a time."""
        with self._lock:
            own = self._clusters.setdefault(cluster, threading.Lock())
        with own, self._gate:
            yield

    def pause(self, seconds: float) -> None:
        """Waits.

        :raises Ended: the run ends meanwhile.
        """
        if self.ended.wait(seconds):
            raise Ended("the run has ended before")


def perform(works: t.Sequence[Work]) -> list[Outcome]:
    """The works of one cluster; after an error that ends all, nothing more is tried there."""
    outcome: list[Outcome] = []
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


def await_ready(work: Work, seconds: float, bounds: Bounds) -> PlatformError | None:
    """Waits for what can be unready at all; returns what it was not."""
    try:
        wait_ready(work.client, [obj for obj in work.desired if obj["kind"] in WAITED_FOR], seconds, bounds.pause)
    except PlatformError as exc:
        return exc
    return None


def waiting(work: Work) -> Step:
    """What failed when a work did not become ready."""
    return Step(f"{work.prefix}#ready", "run", work.cluster, f"wait until the delivery {work.delivery} is ready")


def _untried(work: Work) -> Step:
    return Step(f"{work.prefix}#begin", "run", work.cluster, f"begin with the delivery {work.delivery}")
