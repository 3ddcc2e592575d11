# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is noted on the hub of a rollout: before it begins, while it goes on, and at its end.

Private to the collection.
"""

from __future__ import annotations

import threading
import typing as t
from dataclasses import dataclass, replace

from ...fleet.identity import NAMESPACE
from ...kube.client import Client
from ...kube.redact import HIDDEN
from ...kube.steps import CLOSING_WAVE
from ...placement.groups import Group
from ...plan import Step
from ..look import Work
from ..model import Delivery
from . import kept
from .conduct import Course, Pace
from .model import Strategy
from .stages import Stage, stages
from .standing import COMPLETE, PROGRESSING, ROLLED_BACK, ROLLING_BACK, STOPPED, Standing
from .way import BACK, Way


@dataclass(frozen=True)
class Marks:
    """What is noted of a rollout.

    :param during: how it stands from its beginning on, C(after) once it has ended well; None for nothing.
    :param good: what is kept as the last good set then, None to keep what is kept.
    :param moving: its standing changes on the way.
    """

    pace: Pace
    during: Standing | None
    after: Standing | None
    good: kept.Good | None = None
    moving: bool = True


def marks(
    way: Way,
    delivery: Delivery,
    groups: t.Sequence[Group],
    works: t.Mapping[str, Work],
    lost: t.Mapping[str, str],
) -> Marks:
    """The pace of a delivery, and what is noted of it.

    :param works: by cluster that it is held on; C(lost) those where it cannot be, with the reason.
    """
    patience = delivery.patience or 0
    if way.what == BACK:
        return _back(way, works, lost, patience)
    strategy, old = t.cast(Strategy, delivery.rollout), way.standing
    pace = Pace(tuple(stages(strategy, groups)), lost, patience, strategy.soak)
    held = {name: work.desired for name, work in works.items()}
    after = Standing(way.digest, COMPLETE, good=way.digest, held=way.hasher.of_clusters(held))
    same = old is not None and (old.state, old.digest) == (COMPLETE, way.digest)
    if old is not None and same and (lost or old == after):
        # It is held to what is good already, and nothing is noted of that.
        return Marks(pace, old, old, moving=False)
    during = _begin(way, pace, works)
    if lost:
        return Marks(pace, during, _short(way, during, works, lost))
    good = kept.Good(way.digest, held, way.declared, kept.ways(delivery.item))
    return Marks(pace, during, after, None if same and old and old.held == after.held else good)


def _begin(way: Way, pace: Pace, works: t.Mapping[str, Work]) -> Standing | None:
    """How it stands when it begins: the first clusters may be changed from then on."""
    old, turns = way.standing, pace.turns({name: work for name, work in works.items() if not work.settled})
    if not turns or (old is not None and old.digest == way.digest and not any(works[name].steps for name in turns)):
        return old
    good, held = (old.good, old.held) if old is not None else ("", "")
    carried = old.touched if old is not None and old.state not in (COMPLETE, ROLLED_BACK) else ()
    first = [name for name in pace.first(turns) if works[name].steps]
    waiting = [name for name in turns if name not in first]
    return Standing(way.digest, PROGRESSING, good, held, tuple(sorted({*carried, *first})), waiting=tuple(waiting))


def _short(way: Way, during: Standing | None, works: t.Iterable[str], lost: t.Mapping[str, str]) -> Standing | None:
    """How it stands when it is ready wherever it could be held, which was not everywhere."""
    if during is None:
        return None
    done = tuple(sorted(works))
    return replace(during, digest=way.digest, state=PROGRESSING, done=done, failed=dict(lost), waiting=(), reason="")


def _back(way: Way, works: t.Mapping[str, Work], lost: t.Mapping[str, str], patience: int) -> Marks:
    standing = t.cast(Standing, way.standing)
    there = tuple(sorted({*works, *lost}))
    pace = Pace((Stage("all clusters", there, max(1, len(there)), len(there), ""),), lost, patience)
    during = replace(standing, state=ROLLING_BACK, done=(), failed={}, waiting=())
    if lost:
        return Marks(pace, during, replace(during, touched=tuple(sorted(lost)), failed=dict(lost)))
    return Marks(pace, during, replace(during, state=ROLLED_BACK, touched=()))


def keep_step(hub: Client, name: str, good: kept.Good, known: str, target: str) -> Step:
    """Keeps a set as the last good one.

    :param known: the digest of the one before, empty where there is none.
    :raises InvalidInput: it is too large.
    """
    secret = kept.pack(name, good)
    shown = {**secret, "data": dict.fromkeys(secret["data"], HIDDEN)}
    metadata = {**secret["metadata"], "annotations": {kept.DIGEST: known}}
    return Step(
        id=f"v1/Secret/{NAMESPACE}/{kept.secret_name(name)}",
        action="update" if known else "create",
        target=target,
        description=f"keep the set {good.digest} of the delivery {name} as the last good one",
        before={**shown, "metadata": metadata} if known else None,
        after=shown,
        perform=lambda: hub.apply(secret, force=True),
        wave=CLOSING_WAVE - 1,
    )


def drop_step(hub: Client, name: str, target: str) -> Step:
    """Forgets the last good set."""
    where = {"name": kept.secret_name(name), "namespace": NAMESPACE}
    return Step(
        id=f"v1/Secret/{NAMESPACE}/{kept.secret_name(name)}",
        action="delete",
        target=target,
        description=f"delete Secret {NAMESPACE}/{kept.secret_name(name)}",
        before={"apiVersion": "v1", "kind": "Secret", "metadata": where},
        perform=lambda: hub.delete("v1", "Secret", where["name"], NAMESPACE),
        wave=CLOSING_WAVE - 1,
    )


class Progress:
    """Keeps the hub's record true while a rollout goes on. Threads share it.

    :param write: writes a standing into the record.
    :param standing: as the record says when it begins.
    :param back: it goes back to the last good set.
    """

    def __init__(self, write: t.Callable[[Standing], object], standing: Standing, back: bool) -> None:
        self._write, self._standing, self._back = write, standing, back
        self._touched = set(standing.touched)
        self._lock, self._writing = threading.Lock(), threading.Lock()

    def begin(self, name: str) -> None:
        """Notes a cluster before it is changed. Threads that wait for each other share one write.

        :raises PlatformError: the hub cannot be written.
        """
        with self._lock:
            self._touched.add(name)
        with self._writing:
            if name in self._standing.touched:
                return
            with self._lock:
                touched = tuple(sorted(self._touched))
            waiting = tuple(one for one in self._standing.waiting if one not in touched)
            self._put(replace(self._standing, touched=touched, waiting=waiting))

    def end(self, course: Course, lost: t.Collection[str]) -> None:
        """Notes how it ended where it did not end well.

        A set that was good before is not stopped for good: what failed then was an addition. Neither is one that failed
        nowhere but where nothing could be written.

        :raises PlatformError: the hub cannot be written.
        """
        failed = dict(course.failed)
        with self._writing:
            known = replace(self._standing, done=tuple(course.served), failed=failed, waiting=tuple(course.waiting))
            if self._back:
                left = {*course.failed, *course.waiting}
                self._put(replace(known, touched=tuple(sorted(left))))
                return
            verdict = course.stopped and set(failed) - set(lost) and known.digest != known.good
            self._put(replace(known, state=STOPPED if verdict else PROGRESSING, reason=course.stopped))

    def _put(self, standing: Standing) -> None:
        if standing != self._standing:
            self._write(standing)
            self._standing = standing
