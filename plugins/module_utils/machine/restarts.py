# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restarts services of this machine so that they are well afterwards, with the files that they had before if need be.

Private to the collection.
"""

from __future__ import annotations

import os
import time
import typing as t

from ..errors import PlatformError
from . import host

_LINES = 12


def stale(service: host.Service, paths: t.Iterable[str]) -> bool:
    """Whether a service began before one of its inputs was last changed: a run was killed before the restart."""
    if not service.active:
        return False
    now = time.time()
    for path in paths:
        try:
            changed = os.stat(path).st_mtime
        except FileNotFoundError:
            continue
        # A time in the future says nothing: the clock was set back.
        if service.started < changed < now:
            return True
    return False


def restart(
    service: str, ailment: t.Callable[[], str | None], before: t.Mapping[str, str | None], seconds: float
) -> None:
    """Restarts a service and waits until it is well.

    :param ailment: what is wrong with it, ``None`` when it is well.
    :param before: content of the files that were changed for it, by path; they are put back where it does not get well.
    :param seconds: how long it may take.
    :raises PlatformError: it did not get well; the message holds the last lines of its log.
    """
    began = time.time()
    try:
        host.systemctl("restart", service)
        host.wait_for(f"{service} is well", ailment, seconds)
    except PlatformError as exc:
        said = _last_words(service, began)
        back = _put_back(service, before) if before else ""
        raise PlatformError(f"{exc}{back}. The last lines of {service}:\n{said}") from exc


def _put_back(service: str, before: t.Mapping[str, str | None]) -> str:
    for path, text in before.items():
        host.write(path, text, host.mode_of(path) or 0o600) if text is not None else host.remove(path)
    host.systemctl("daemon-reload")
    host.systemctl("restart", service)
    return f". Put back as before: {', '.join(before)}"


def _last_words(service: str, began: float) -> str:
    since = f"@{int(began)}"
    argv = ["journalctl", "-u", service, "--no-pager", "-o", "cat", "-n", str(_LINES), "--since", since]
    return host.run(argv, check=False).stdout.strip() or "(it said nothing)"
