# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a run over a fleet stands: a row a cluster, a column a play, and what is waited for. Private to the collection.

:class:`Board` is pure; :class:`Screen` keeps it below everything else that a terminal shows.
"""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
import typing as t
from dataclasses import dataclass, field

from ansible_collections.lodestar.platform.plugins.module_utils.output import printable

#: What can be said of a cluster in a play, from least to most.
STATES = ("none", "skipped", "ok", "changed", "failed")
_MARKS = {"none": "·", "running": "▸", "skipped": "–", "ok": "✓", "changed": "●", "failed": "✗"}  # noqa: RUF001
_PLAIN = {"none": ".", "running": ">", "skipped": "-", "ok": "=", "changed": "*", "failed": "x"}
_NAME, _HOSTS = 24, 3
#: Seconds between two pictures at least.
_MOMENT = 0.1


@dataclass
class Board:
    """What is known of a run.

    :param clusters: names, in the order of the inventory.
    :param owners: by host, its cluster; a host of none is shown by itself.
    :param plays: how many there are.
    :param plain: marks out of ASCII.
    """

    clusters: t.Sequence[str]
    owners: t.Mapping[str, str]
    plays: int
    plain: bool = False
    began: float = 0.0
    _cells: dict[str, dict[int, str]] = field(default_factory=dict)
    _running: dict[str, float] = field(default_factory=dict)
    _failed: dict[str, list[str]] = field(default_factory=dict)
    _play: tuple[int, str] = (0, "")
    _task: str = ""

    def play(self, name: str) -> None:
        """A play begins."""
        self._play, self._task = (self._play[0] + 1, name), ""
        self._running.clear()

    def task(self, name: str) -> None:
        """A task begins."""
        self._task = name

    def start(self, host: str, now: float) -> None:
        """A host begins with the task."""
        self._running[host] = now

    def end(self, host: str, state: str) -> None:
        """A host has ended its task, in one of :data:`STATES`."""
        self._running.pop(host, None)
        cells = self._cells.setdefault(self._owner(host), {})
        before = cells.get(self._play[0], STATES[0])
        cells[self._play[0]] = max(before, state, key=STATES.index)
        if state == "failed" and host not in self._failed.setdefault(self._owner(host), []):
            self._failed[self._owner(host)].append(host)

    def lines(self, now: float, width: int, height: int) -> list[str]:
        """The board, no wider and no higher than this.

        Rows keep their place; where there is no room for all, what failed comes first, then what is waited for.
        """
        number, name = self._play
        head = f"{number}/{max(self.plays, number)} {name}" + (f": {self._task}" if self._task else "")
        rows, room = self._rows(), max(1, height - 3)
        shown = rows if len(rows) <= room else sorted(rows, key=self._rank)[: room - 1]
        lines = [_ended(head, _span(now - self.began), width), *(self._row(item, now) for item in shown)]
        if len(shown) < len(rows):
            lines.append(f"and {len(rows) - len(shown)} more")
        marks = _PLAIN if self.plain else _MARKS
        words = {"skipped": "nothing to do", "ok": "unchanged"}
        lines.append("  ".join(f"{marks[key]} {words.get(key, key)}" for key in STATES[1:]))
        return [printable(line)[: max(1, width - 1)] for line in lines]

    def _owner(self, host: str) -> str:
        return self.owners.get(host, host)

    def _rows(self) -> list[str]:
        others = [*self._cells, *(self._owner(host) for host in self._running)]
        return list(dict.fromkeys([*self.clusters, *others]))

    def _rank(self, cluster: str) -> tuple[bool, bool]:
        return cluster not in self._failed, not any(self._owner(host) == cluster for host in self._running)

    def _row(self, cluster: str, now: float) -> str:
        marks = _PLAIN if self.plain else _MARKS
        waiting = sorted((since, host) for host, since in self._running.items() if self._owner(host) == cluster)
        cells = self._cells.get(cluster, {})
        line = ""
        for number in range(1, self._play[0] + 1):
            state = cells.get(number, STATES[0])
            if waiting and number == self._play[0] and state != "failed":
                state = "running"
            line += marks[state]
        parts = []
        if cluster in self._failed:
            parts.append(f"failed: {_hosts(self._failed[cluster])}")
        if waiting:
            parts.append(f"{_hosts([host for _since, host in waiting])}, {_span(now - waiting[0][0])}")
        return f"{cluster[:_NAME]:<{min(_NAME, self._widest())}}  {line:<{self.plays}}  {'; '.join(parts)}".rstrip()

    def _widest(self) -> int:
        return max((len(name) for name in self._rows()), default=0)


def _hosts(names: t.Sequence[str]) -> str:
    more = f" and {len(names) - _HOSTS} more" if len(names) > _HOSTS else ""
    return ", ".join(names[:_HOSTS]) + more


def _span(seconds: float) -> str:
    whole = max(0, int(seconds))
    return f"{whole} s" if whole < 60 else f"{whole // 60}:{whole % 60:02d} min"


def _ended(left: str, right: str, width: int) -> str:
    """A line with something at its right end, which comes first where there is no room for both."""
    room = max(0, width - 1 - len(right) - 2)
    return f"{left[:room]:<{room}}  {right}"


class Screen:
    """Stands in for a stream of a terminal: what is written goes above the board, which is drawn anew below.

    :param stream: the terminal.
    :param lock: held while anything is written; Ansible holds it while it forks.
    """

    def __init__(self, stream: t.TextIO, lock: t.ContextManager[t.Any], board: Board) -> None:
        self._stream = stream
        self._lock = lock
        self._board = board
        self._drawn = 0
        self._open = True
        self._whole = True
        self._last = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._tick, name="lodestar-progress", daemon=True)
        self._thread.start()

    def __getattr__(self, name: str) -> t.Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Writes above the board."""
        with self._lock:
            self._erase()
            count = self._stream.write(text)
            # Half a line is waited for: the board would stand in its middle.
            self._whole = not text or text.endswith("\n")
            self.draw()
        return count

    def draw(self) -> None:
        """Shows what the board says now, or a moment later: what many hosts do at once is one picture."""
        if time.monotonic() - self._last >= _MOMENT:
            with self._lock:
                self._erase()
                self._draw()

    def close(self) -> None:
        """Takes the board away, for good."""
        self._stop.set()
        with self._lock:
            self._erase()
            self._open = False
            self._stream.flush()

    def _tick(self) -> None:
        while not self._stop.wait(2 * _MOMENT):
            with contextlib.suppress(OSError, ValueError):  # the terminal is gone, and the run goes on
                self.draw()

    def _erase(self) -> None:
        if self._drawn:
            self._stream.write(f"\r\x1b[{self._drawn}A\x1b[J")
            self._drawn = 0

    def _draw(self) -> None:
        if not self._open or not self._whole:
            return
        size = shutil.get_terminal_size()
        lines = self._board.lines(time.monotonic(), size.columns, max(4, size.lines // 2))
        self._stream.write("".join(f"{line}\x1b[K\n" for line in lines))
        self._stream.flush()
        self._drawn = len(lines)
        self._last = time.monotonic()
