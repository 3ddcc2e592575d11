# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps of results that Ansible hides, told to the callback lodestar.platform.plan.

Ansible censors a result that holds a secret whole, before any callback sees it, and its workers have no other word with
the main process. Steps hold no secret. They go through files in Ansible's own temporary directory of the run, which is
private and goes with the run. Private to the collection.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import typing as t
from pathlib import Path

from ansible import constants

#: What is told of a result.
_KEYS = ("changed", "plan", "diff")


def _directory() -> Path:
    # Ansible sets its constants by name while it starts, which no type checker sees.
    return Path(constants.DEFAULT_LOCAL_TMP) / "lodestar-plan"  # type: ignore[attr-defined]


def _file(task: str, host: str) -> Path:
    return _directory() / f"{task}-{hashlib.sha256(host.encode()).hexdigest()[:16]}"


def listen() -> None:
    """Nothing is told before somebody listens. For the main process, before its first worker."""
    _directory().mkdir(mode=0o700, exist_ok=True)


def tell(task: str, host: str, answer: t.Mapping[str, t.Any]) -> None:
    """Tells the steps of one result.

    :param task: UUID of the task.
    :param host: the host that the task is run for, also when it is delegated.
    :param answer: the result; nothing but C(changed), C(plan) and C(diff) of it is told.
    """
    if not answer.get("plan") or not _directory().is_dir():
        return
    line = json.dumps({key: answer.get(key) for key in _KEYS}) + "\n"
    descriptor = os.open(_file(task, host), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(line)


def heard(task: str, host: str) -> list[dict[str, t.Any]]:
    """What was told of a task on a host since this was asked last, one entry for each result (a loop has several)."""
    path = _file(task, host)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    return [json.loads(line) for line in lines]
