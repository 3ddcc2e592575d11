# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One lock a machine, so that two runs never do the same thing twice. Private to the collection.

It is an advisory lock on an open file: the kernel frees it with its last holder, so a killed run leaves nothing behind.
Children inherit the descriptor: as long as a kubeadm that outlived its run is alive, the lock is too.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import time
import typing as t

from ..errors import PlatformError

PATH = "/run/lodestar.lock"

_descriptors: list[int] = []
_waited: list[str] = []


def descriptors() -> tuple[int, ...]:
    """File descriptors that a child process must inherit, so that the lock lives as long as the child."""
    return tuple(_descriptors)


def waited() -> list[str]:
    """One line for each time that this process had to wait for another run: for the operator's eyes."""
    return list(_waited)


def busy(path: str = PATH) -> dict[str, t.Any] | None:
    """Who changes this machine just now, C(None) when nobody does or we do. Takes nothing and writes nothing."""
    if _descriptors:
        return None
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return None
    except OSError as exc:
        if exc.errno not in (errno.EAGAIN, errno.EACCES):
            raise
        return _read_owner(descriptor) or {"run": "unknown"}
    finally:
        os.close(descriptor)


def describe(owner: t.Mapping[str, t.Any]) -> str:
    """The holder of a lock in words."""
    if not owner:
        return "a run that has not said its name"
    return "run {run} of {user}@{host} (pid {pid}) since {since}".format(
        **{key: owner.get(key, "?") for key in ("run", "user", "host", "pid", "since")}
    )


def _read_owner(descriptor: int) -> dict[str, t.Any]:
    try:
        owner = json.loads(os.pread(descriptor, 4096, 0) or b"{}")
    except ValueError:
        return {}
    return owner if isinstance(owner, dict) else {}


def _acquire(descriptor: int, flags: int, deadline: float) -> None:
    began = time.monotonic()
    holder: dict[str, t.Any] = {}
    while True:
        try:
            fcntl.flock(descriptor, flags | fcntl.LOCK_NB)
            break
        except OSError as exc:
            if exc.errno not in (errno.EAGAIN, errno.EACCES):
                raise
        holder = _read_owner(descriptor) or holder
        if time.monotonic() - began >= deadline:
            raise PlatformError(
                f"this machine is being changed by {describe(holder)}; waited {deadline:.0f} s for it"
                " and changed nothing. Let it end, or end it, and run again.",
                lock_owner=holder,
            )
        time.sleep(0.2)
    elapsed = time.monotonic() - began
    if elapsed >= 1:
        _waited.append(f"waited {elapsed:.0f} s for {describe(holder)}")


def _open(flags: int, deadline: float, path: str) -> int:
    """The lock, held. A reset removes the file while it holds it, and whoever waited for it begins again."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            _acquire(descriptor, flags, deadline)
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), os.stat(path)):
                    return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


@contextlib.contextmanager
def held(
    owner: t.Mapping[str, t.Any] | None, deadline: float = 300, shared: bool = False, path: str = PATH
) -> t.Iterator[None]:
    """Holds the machine's lock.

    :param owner: who holds it: C(run), C(host), C(user), C(pid); others are told this.
    :param deadline: seconds to wait for another holder.
    :param shared: readers of a cluster, and those who only write to its API, may be many at a time.
    :raises PlatformError: another run still holds it at the deadline; names that run.
    """
    descriptor = _open(fcntl.LOCK_SH if shared else fcntl.LOCK_EX, deadline, path)
    try:
        if not shared:
            since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps({**(owner or {}), "since": since}).encode(), 0)
        _descriptors.append(descriptor)
        try:
            yield
        finally:
            _descriptors.remove(descriptor)
    finally:
        os.close(descriptor)
