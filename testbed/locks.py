# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Locks between processes, and files that are whole or absent."""

from __future__ import annotations

import fcntl
import os
import tempfile
import typing as t
from contextlib import contextmanager
from pathlib import Path

#: What is true until the host reboots: locks, who uses what, SSH control sockets. Root's own.
RUN = Path("/run/lodestar-testbed")


@contextmanager
def locked(name: str, run: Path = RUN) -> t.Iterator[int]:
    """Holds the host-wide lock of that name; waits for who holds it.

    Gives the lock's file descriptor: a child that inherits it holds the lock as long as it lives.
    """
    run.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (run / f"{name}.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


def write_if_changed(path: Path, content: str, mode: int = 0o644) -> bool:
    """Writes a file by rename, with its mode from the start. Returns whether it had another content or mode."""
    try:
        if path.read_text(encoding="utf-8") == content and path.stat().st_mode & 0o777 == mode:
            return False
    except FileNotFoundError:
        pass
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return True
