# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files for machines, as one stream: a tar archive is made while it is sent, so that nothing large is held anywhere."""

from __future__ import annotations

import tarfile
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Item:
    """A file on a machine.

    :param path: where it goes; directories above it are made.
    :param source: its content, or the file that holds it.
    :param same_as: the path of an earlier item with equal content, to be linked to rather than sent.
    """

    path: str
    source: bytes | Path = b""
    mode: int = 0o644
    same_as: str = ""


def stream(items: t.Sequence[Item], private: t.Collection[str] = ()) -> t.Iterator[bytes]:
    """The items as a tar archive, in chunks.

    :param private: directories that only root may enter.
    """
    folders = {
        str(parent) for item in items for parent in PurePosixPath(item.path).parents if parent != PurePosixPath("/")
    }
    for folder in sorted(folders):
        info = _info(folder)
        info.type, info.mode = tarfile.DIRTYPE, 0o700 if folder in private else 0o755
        yield info.tobuf(tarfile.GNU_FORMAT)
    for item in items:
        info = _info(item.path)
        info.mode = item.mode
        if item.same_as:
            info.type, info.linkname = tarfile.LNKTYPE, item.same_as.lstrip("/")
            yield info.tobuf(tarfile.GNU_FORMAT)
        else:
            yield from _file(info, item.source)
    yield bytes(2 * tarfile.BLOCKSIZE)


def _info(path: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(path.lstrip("/"))
    info.mtime = int(time.time())
    return info


def _file(info: tarfile.TarInfo, source: bytes | Path) -> t.Iterator[bytes]:
    info.size = len(source) if isinstance(source, bytes) else source.stat().st_size
    yield info.tobuf(tarfile.GNU_FORMAT)
    if isinstance(source, bytes):
        yield source
    else:
        with source.open("rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk
    yield bytes(-info.size % tarfile.BLOCKSIZE)
