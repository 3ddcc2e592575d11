# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cache of built parts, kept by what determines them.

An entry is a directory ``parts/<key>`` that appears complete, by a rename, or not at all. A lock file per key lets one
of several builders build and the others wait; the kernel drops the lock of a builder that dies. Private to the
collection.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import time
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from .manifest import sha256_of

_RECORD = "part.json"
#: How long an entry is kept that nobody uses, in seconds: 30 days.
UNUSED = 30 * 86400.0


@dataclass(frozen=True)
class Built:
    """What a recipe made.

    :param folder: where the files are.
    :param source: where it came from, for people.
    :param files: size and sha256 by file name.
    :param digests: of an image archive, the manifest digest by reference.
    """

    folder: Path
    source: str
    files: t.Mapping[str, tuple[int, str]]
    digests: t.Mapping[str, str] = field(default_factory=dict)


#: Fills an empty folder, and says where its content came from and, of images, the digests.
Build = t.Callable[[Path], tuple[str, t.Mapping[str, str]]]


@contextlib.contextmanager
def locked(path: Path, exclusive: bool = True, wait: bool = True) -> t.Iterator[bool]:
    """Holds a lock file. Yields False when it is taken and ``wait`` is off."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True


class Store:
    """The cache of built parts in one directory."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def get(self, key: str) -> Built | None:
        """The entry of that key, if it is there and its files have the right sizes."""
        folder = self.root / key
        try:
            record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
            files = {name: (int(size), str(digest)) for name, (size, digest) in record["files"].items()}
            if any((folder / name).stat().st_size != size for name, (size, _digest) in files.items()):
                return None
            return Built(folder, record["source"], files, record["digests"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def make(self, key: str, build: Build) -> Built:
        """The entry of that key, built unless it is there. Waits for another builder of the same key."""
        with locked(self.root / f"{key}.lock"):
            built = self.get(key)
            if built is None:
                self._build(key, build)
                built = self.get(key)
            if built is None:
                raise OSError(f"the entry {self.root / key} vanished while it was being made")
            os.utime(built.folder / _RECORD)
            return built

    def drop(self, key: str) -> None:
        """Forgets an entry, because its content is damaged."""
        with locked(self.root / f"{key}.lock"):
            shutil.rmtree(self.root / key, ignore_errors=True)

    def prune(self, unused: float = UNUSED) -> None:
        """Removes entries that no bundle was made of for ``unused`` seconds, unless somebody uses them now."""
        for record in list(self.root.glob(f"*/{_RECORD}")):
            lock = self.root / f"{record.parent.name}.lock"
            with contextlib.suppress(FileNotFoundError), locked(lock, wait=False) as free:
                if free and time.time() - record.stat().st_mtime > unused:
                    shutil.rmtree(record.parent)

    def _build(self, key: str, build: Build) -> None:
        for stale in self.root.glob(f"{key}.partial-*"):
            shutil.rmtree(stale, ignore_errors=True)
        folder = self.root / f"{key}.partial-{os.getpid()}"
        folder.mkdir()
        try:
            source, digests = build(folder)
            files = _describe(folder)
            record = {"source": source, "files": files, "digests": dict(digests)}
            (folder / _RECORD).write_text(json.dumps(record, indent=1, sort_keys=True), encoding="utf-8")
            shutil.rmtree(self.root / key, ignore_errors=True)
            folder.rename(self.root / key)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise


def _describe(folder: Path) -> dict[str, tuple[int, str]]:
    """Size and sha256 of every file; links of one file are read once."""
    known: dict[int, str] = {}
    files: dict[str, tuple[int, str]] = {}
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        status = path.stat()
        if status.st_ino not in known:
            known[status.st_ino] = sha256_of(path)
        files[path.name] = (status.st_size, known[status.st_ino])
    return files
