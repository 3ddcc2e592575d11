# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs programs and tells an operator how long work takes. Private to the collection."""

from __future__ import annotations

import contextlib
import subprocess
import threading
import time
import typing as t
from pathlib import Path

from ..errors import PlatformError

#: How often a long piece of work says that it is still under way, in seconds.
INTERVAL = 30.0
_TAIL = 25


def run(command: t.Sequence[str], environ: t.Mapping[str, str], cwd: Path | None = None) -> str:
    """Runs a program and returns its standard output.

    :raises PlatformError: with the end of what it said when it fails, or is not there.
    """
    try:
        done = subprocess.run(
            list(command), env=dict(environ), cwd=cwd, capture_output=True, text=True, errors="replace", check=False
        )
    except OSError as exc:
        raise PlatformError(f"{command[0]} cannot be run: {exc.strerror}") from exc
    if done.returncode != 0:
        said = "\n".join((done.stderr or done.stdout).strip().splitlines()[-_TAIL:])
        raise PlatformError(f"{' '.join(command[:3])} ... failed with exit status {done.returncode}:\n{said}")
    return done.stdout


@contextlib.contextmanager
def reported(title: str, progress: t.Callable[[str], None], interval: float = INTERVAL) -> t.Iterator[None]:
    """Says every ``interval`` seconds that the work of that title goes on, until it ends."""
    ended = threading.Event()
    begun = time.monotonic()

    def tell() -> None:
        while not ended.wait(interval):
            progress(f"{title}: under way for {time.monotonic() - begun:.0f} s")

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        ended.set()
        teller.join()
