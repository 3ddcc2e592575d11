# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""File trees as reproducible tar streams: sorted, without owners and times. Private to the collection."""

from __future__ import annotations

import io
import tarfile
import typing as t
from dataclasses import dataclass
from pathlib import Path, PurePosixPath


@dataclass(frozen=True)
class Entry:
    """One file of a tree: content from ``file`` or ``data``, or a symbolic ``link``; else a directory."""

    mode: int = 0o755
    file: Path | None = None
    data: bytes | None = None
    link: str | None = None


Tree = dict[str, Entry]


def write_tar(tree: t.Mapping[str, Entry], stream: t.IO[bytes]) -> None:
    """Writes the tree as an uncompressed tar; missing parent directories are added with mode 0755."""
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.GNU_FORMAT, bufsize=1 << 20) as archive:
        for path, entry in sorted({**_parents(tree), **tree}.items()):
            _add(archive, path, entry)


def _parents(tree: t.Iterable[str]) -> dict[str, Entry]:
    return {str(parent): Entry() for path in tree for parent in PurePosixPath(path).parents if str(parent) != "."}


def _add(archive: tarfile.TarFile, path: str, entry: Entry) -> None:
    info = tarfile.TarInfo(path)
    info.mode = entry.mode
    if entry.link is not None:
        info.type, info.linkname, info.mode = tarfile.SYMTYPE, entry.link, 0o777
        archive.addfile(info)
    elif entry.data is not None:
        info.size = len(entry.data)
        archive.addfile(info, io.BytesIO(entry.data))
    elif entry.file is not None:
        info.size = entry.file.stat().st_size
        with entry.file.open("rb") as content:
            archive.addfile(info, content)
    else:
        info.type = tarfile.DIRTYPE
        archive.addfile(info)
