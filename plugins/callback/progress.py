# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: progress
type: stdout
short_description: Show where a run over a fleet stands
version_added: 0.1.0
description:
  - In a terminal it shows a board below the output, with a row a cluster and a column a play, and which hosts are
    waited for and how long. Above it stands what changed, differs or failed, at once and as the callback
    C(ansible.builtin.default) shows it; what is unchanged or skipped is told by the board alone.
  - Anywhere else, namely in a pipe, in CI and with C(-v), it is the callback C(ansible.builtin.default), to the byte.
    AWX uses a callback of its own, and nothing changes there.
author:
  - The lodestar.platform authors (!UNKNOWN)
options:
  board:
    description: With V(never) there is no board in a terminal, either.
    type: str
    choices: [auto, never]
    default: auto
    env:
      - name: LODESTAR_PROGRESS
    ini:
      - section: lodestar_progress
        key: board
extends_documentation_fragment:
  - default_callback
  - result_format_callback
requirements:
  - set as stdout in configuration (C(stdout_callback = lodestar.platform.progress))
"""

import atexit
import os
import sys
import time
import typing as t

from ansible.plugins.callback.default import CallbackModule as Default
from ansible_collections.lodestar.platform.plugins.plugin_utils.board import Board, Screen


class CallbackModule(Default):
    """The default callback, with a board below it where somebody looks."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "lodestar.platform.progress"

    def __init__(self) -> None:
        super().__init__()
        self._board: Board | None = None
        self._screen: Screen | None = None
        self._streams: tuple[t.TextIO, t.TextIO] | None = None
        self._plays = 0

    def v2_playbook_on_start(self, playbook: t.Any) -> None:
        super().v2_playbook_on_start(playbook)
        self._plays = len(playbook.get_plays())

    def v2_playbook_on_play_start(self, play: t.Any) -> None:
        if self._board is None and self._is_watched():
            self._open(play)
        if self._board is None:
            super().v2_playbook_on_play_start(play)
            return
        self._play = play
        self._board.play(play.get_name().strip())
        self._draw()

    def v2_playbook_on_stats(self, stats: t.Any) -> None:
        self._close()
        super().v2_playbook_on_stats(stats)

    def _task_start(self, task: t.Any, prefix: str | None = None) -> None:
        if self._board is None:
            super()._task_start(task, prefix)
            return
        if prefix is not None:
            self._task_type_cache[task._uuid] = prefix
        self._last_task_name = task.get_name().strip()
        self._board.task(self._last_task_name)
        self._draw()

    def v2_runner_on_start(self, host: t.Any, task: t.Any) -> None:
        if self._board is None:
            super().v2_runner_on_start(host, task)
            return
        self._board.start(host.get_name(), time.monotonic())

    def v2_runner_on_ok(self, result: t.Any) -> None:
        changed = bool(result.result.get("changed"))
        self._end(result, "changed" if changed else "ok")
        if self._board is None or changed or result.result.get("_ansible_verbose_always"):
            super().v2_runner_on_ok(result)

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        self._end(result, "ok" if ignore_errors else "failed")
        super().v2_runner_on_failed(result, ignore_errors)

    def v2_runner_on_unreachable(self, result: t.Any) -> None:
        self._end(result, "failed")
        super().v2_runner_on_unreachable(result)

    def v2_runner_on_skipped(self, result: t.Any) -> None:
        self._end(result, "skipped")
        if self._board is None:
            super().v2_runner_on_skipped(result)

    def v2_runner_item_on_ok(self, result: t.Any) -> None:
        if self._board is None or result.result.get("changed") or result.result.get("_ansible_verbose_always"):
            super().v2_runner_item_on_ok(result)

    def v2_runner_item_on_skipped(self, result: t.Any) -> None:
        if self._board is None:
            super().v2_runner_item_on_skipped(result)

    def v2_playbook_on_include(self, included_file: t.Any) -> None:
        if self._board is None:
            super().v2_playbook_on_include(included_file)

    # -- the board

    def _is_watched(self) -> bool:
        """Whether a person looks at a terminal that can move its cursor."""
        terminal = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        quiet = "CI" in os.environ or self._display.verbosity > 0
        return terminal and not quiet and self.get_option("board") == "auto"

    def _open(self, play: t.Any) -> None:
        groups = play.get_variable_manager()._inventory.get_groups_dict()
        clusters = list(groups.get("clusters", ()))
        owners = {host: name for name in clusters for host in groups.get(f"{name.replace('-', '_')}_machines", ())}
        plain = "utf" not in (sys.stdout.encoding or "").lower()
        self._board = Board(clusters, owners, self._plays, plain, began=time.monotonic())
        self._streams = (sys.stdout, sys.stderr)
        self._screen = Screen(sys.stdout, self._display._lock, self._board)
        sys.stdout = t.cast(t.TextIO, self._screen)
        if sys.stderr.isatty():
            sys.stderr = t.cast(t.TextIO, self._screen)
        atexit.register(self._close)

    def _close(self) -> None:
        if self._screen is not None and self._streams is not None:
            self._screen.close()
            sys.stdout, sys.stderr = self._streams
        self._board = self._screen = self._streams = None

    def _end(self, result: t.Any, state: str) -> None:
        if self._board is not None:
            self._board.end(result.host.get_name(), state)
            self._draw()

    def _draw(self) -> None:
        if self._screen is not None:
            self._screen.draw()
