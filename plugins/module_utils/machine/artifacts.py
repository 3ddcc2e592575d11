# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Binaries of a machine, by digest: what is there, and how it gets into place. Private to the collection."""

from __future__ import annotations

import json
import os
import shutil
import threading
import typing as t

from ..errors import PlatformError
from . import host

_recording = threading.Lock()
_DIGESTS = os.path.join(host.STATE_DIRECTORY, "digests.json")


def _signature(path: str) -> list[int] | None:
    """What changes whenever a file's content does: ctime cannot be set back by a program."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    return [status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def _load() -> dict[str, t.Any]:
    try:
        known = json.loads(host.read(_DIGESTS) or "{}")
    except ValueError:
        return {}
    return known if isinstance(known, dict) else {}


def installed(paths: t.Iterable[str]) -> dict[str, str | None]:
    """The sha256 of each path. A file that has not changed since we installed it is not read again."""
    known = _load()
    answer: dict[str, str | None] = {}
    read: dict[tuple[int, int], str | None] = {}
    for path in paths:
        signature = _signature(path)
        entry = known.get(path)
        if signature is None:
            answer[path] = None
        elif isinstance(entry, dict) and entry.get("signature") == signature:
            answer[path] = str(entry.get("sha256"))
        else:
            inode = (signature[0], signature[1])
            if inode not in read:
                read[inode] = host.sha256(path)
            answer[path] = read[inode]
    return answer


def record(digests: t.Mapping[str, str]) -> None:
    """Remembers digests of files that were just installed."""
    with _recording:
        known = {path: entry for path, entry in _load().items() if _signature(path) is not None}
        for path, digest in digests.items():
            known[path] = {"sha256": digest, "signature": _signature(path)}
        host.make_directory(host.STATE_DIRECTORY, 0o700)
        host.write(_DIGESTS, json.dumps(known, sort_keys=True, indent=1) + "\n", 0o600)


def recorded() -> list[str]:
    """The files that were installed."""
    return sorted(_load())


def install(source: str, digest: str, destinations: t.Sequence[str]) -> None:
    """Puts one binary into place under each of its names (a multicall binary has several), as hard links.

    A running program keeps its old file: the new one gets the name at once.

    :raises PlatformError: what arrived is not what was sent.
    """
    first, *others = destinations
    os.makedirs(os.path.dirname(first), exist_ok=True)
    temporary = f"{first}.lodestar-{os.getpid()}"
    try:
        shutil.copyfile(source, temporary)
        seen = host.sha256(temporary)
        if seen != digest:
            raise PlatformError(f"{first} did not arrive whole: sha256 {seen} instead of {digest}")
        os.chown(temporary, 0, 0)
        os.chmod(temporary, 0o755)  # noqa: S103 executables are for everybody
        os.replace(temporary, first)
    finally:
        host.remove(temporary)
    for other in others:
        link = f"{other}.lodestar-{os.getpid()}"
        os.makedirs(os.path.dirname(other), exist_ok=True)
        host.remove(link)
        try:
            os.link(first, link)
        except OSError:
            shutil.copy2(first, link)
        os.replace(link, other)
