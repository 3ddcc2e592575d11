# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Remembers in a bundle's directory which of its files were read, so that they need not be read again.

A disk that decays underneath is noticed by the machine that gets a file, which hashes what arrives. Private to the
collection.
"""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

from .manifest import Artifact, Manifest

#: Number, size, times and sha256 of files that were read.
FILE = ".verified.json"


def unread(path: Path, parts: t.Iterable[Artifact]) -> list[Artifact]:
    """The artifacts whose files are not, by their size and times, those that were read last.

    :param path: the bundle's directory.
    """
    seen = _seen(path)
    pairs = [(part, _stamp(path, part)) for part in parts]
    return [part for part, stamp in pairs if stamp is None or seen.get(part.path) != stamp]


def verify(bundle: Manifest, parts: t.Iterable[Artifact]) -> None:
    """Compares artifacts with the manifest, and reads only files that are not known.

    :raises PlatformError: naming each artifact that is missing or damaged.
    """
    bundle.verify(unread(bundle.root, parts) if bundle.root is not None else parts)


def render(path: Path, bundle: Manifest) -> str:
    """What is to be remembered of files that have just been read, or written."""
    return json.dumps({part.path: _stamp(path, part) for part in bundle.parts})


def _stamp(path: Path, part: Artifact) -> list[t.Any] | None:
    try:
        status = (path / part.path).stat()
    except OSError:
        return None
    # No program can set back the time of the last change to a file, its ctime.
    return [status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns, part.sha256]


def _seen(path: Path) -> dict[str, t.Any]:
    try:
        seen = json.loads((path / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return seen if isinstance(seen, dict) else {}
