# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The containers of this machine and their processes. Reads only. Private to the collection."""

from __future__ import annotations

import json
import os
import typing as t

from . import host

_CRICTL = "/usr/local/bin/crictl"
_LINES = 12


def process(name: str) -> int | None:
    """The id of the process that runs a program, by the name it was called with."""
    return next(iter(_processes(name)), None)


def command_of(name: str) -> list[str] | None:
    """The command line of a program that runs, the youngest one where there are two."""
    found = _processes(name)
    return found[max(found)] if found else None


def _processes(name: str) -> dict[int, list[str]]:
    answer = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                words = (host.read(f"/proc/{entry}/cmdline") or "").rstrip("\0").split("\0")
            except (PermissionError, ProcessLookupError):
                continue
            if os.path.basename(words[0]) == name:
                answer[int(entry)] = words
    return answer


def listed(name: str) -> list[dict[str, t.Any]]:
    """The containers of this name, those that have ended too, the youngest first."""
    said = host.run([_CRICTL, "ps", "-a", "--name", f"^{name}$", "-o", "json"], check=False).stdout
    try:
        found = json.loads(said or "{}").get("containers") or []
    except ValueError:
        return []
    return sorted(found, key=lambda item: int(item.get("createdAt") or 0), reverse=True)


def exits_since(name: str, moment: float) -> int:
    """How many containers of this name have begun since a moment (seconds since the epoch) and have ended."""
    return sum(
        1
        for item in listed(name)
        if int(item.get("createdAt") or 0) / 1e9 > moment and item.get("state") == "CONTAINER_EXITED"
    )


def last_words(name: str) -> str:
    """The last lines that a container of this name has written: of one that ended, if any did lately."""
    found = listed(name)
    chosen = next((item for item in found[:2] if item.get("state") == "CONTAINER_EXITED"), found[0] if found else None)
    if chosen is None:
        return "(there is no container)"
    said = host.run([_CRICTL, "logs", "--tail", str(_LINES), chosen["id"]], check=False)
    return "\n".join((said.stdout + said.stderr).strip().splitlines()[-_LINES:]) or "(it said nothing)"
