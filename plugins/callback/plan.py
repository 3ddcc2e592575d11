# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: plan
type: aggregate
short_description: Write the plan of a run as JSON
version_added: 0.1.0
description:
  - Collects the steps that the modules of C(lodestar.platform) return, in check mode and in a real run alike,
    and writes them as one JSON document when the run ends.
  - In check mode it is what would be done, otherwise what was done, so the two can be compared. Each step's C(before)
    and C(after) are there in check mode and with C(--diff).
  - A result that holds a secret is hidden by Ansible whole. Its steps hold none and are written too, and shown under
    C(--diff).
author:
  - The lodestar.platform authors (!UNKNOWN)
options:
  path:
    description: File that is written, readable by its owner only. Nothing is written when it is not set.
    type: path
    env:
      - name: LODESTAR_PLAN_FILE
    ini:
      - section: lodestar_plan
        key: path
requirements:
  - enable in configuration as C(callbacks_enabled = lodestar.platform.plan)
"""

import json
import os
import typing as t

from ansible import context
from ansible.plugins.callback import CallbackBase
from ansible_collections.lodestar.platform.plugins.plugin_utils import told


class CallbackModule(CallbackBase):
    """Gathers C(plan) from every result that has one."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "lodestar.platform.plan"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args: t.Any, **kwargs: t.Any) -> None:
        super().__init__(*args, **kwargs)
        self._entries: list[dict[str, t.Any]] = []

    def v2_playbook_on_start(self, playbook: t.Any) -> None:
        told.listen()

    def v2_runner_on_ok(self, result: t.Any) -> None:
        self._collect(result)

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        self._collect(result)

    def v2_runner_on_unreachable(self, result: t.Any) -> None:
        # Of a loop over several machines, others may have answered.
        self._collect(result)

    def v2_playbook_on_stats(self, stats: t.Any) -> None:
        path = self.get_option("path")
        if path:
            write_private(path, json.dumps({"schema": 1, "tasks": self._entries}, indent=1, sort_keys=True))

    def _collect(self, result: t.Any) -> None:
        hidden = told.heard(result.task._uuid, result.host.get_name())
        if hidden and context.CLIARGS.get("diff"):
            self._display.display(self._get_diff([part for item in hidden for part in item["diff"]]))
        for item in [*hidden, *(result.result.get("results") or [result.result])]:
            if isinstance(item, dict) and item.get("plan") and (item.get("changed") or item.get("failed")):
                self._entries.append(
                    {
                        "host": result.host.get_name(),
                        "task": result.task.get_name(),
                        "action": result.task.action,
                        "changed": bool(item.get("changed")),
                        "failed": bool(item.get("failed")),
                        "steps": item["plan"],
                    }
                )


def write_private(path: str, text: str) -> None:
    """Replaces a file at once, mode 0600."""
    temporary = f"{path}.{os.getpid()}.new"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
    os.replace(temporary, path)
