# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of the report: what would be written, and what is there. Private to the collection."""

from __future__ import annotations

import hashlib
import typing as t
from pathlib import Path

from ...errors import PlatformError
from ...output import write_text
from ...plan import Step

#: What a step is about: the machine that Ansible runs on.
TARGET = "controller"


def steps(texts: t.Mapping[str, tuple[Path, str]], mode: int) -> list[Step]:
    """What it takes that every file says what it should: nothing where it does. Folders that are missing come first.

    :param texts: by option, the file and what it should say.
    :raises PlatformError: something else than a file is there, or it cannot be looked at.
    """
    folders: dict[Path, None] = {}
    found = []
    for option, (path, text) in texts.items():
        before = _there(path, option)
        after = _told(text.encode(), mode)
        if before == after:
            continue
        missing = [parent for parent in path.parents if not parent.exists()]
        folders.update(dict.fromkeys(missing[-1:]))
        found.append(
            Step(
                id=f"file:{path}",
                action="update" if before else "create",
                target=TARGET,
                description=f"write {path}",
                before=before,
                after=after,
                perform=_writing(path, text, option, mode),
                wave=1,
            )
        )
    return [_folder(path) for path in folders] + found


def _there(path: Path, option: str) -> dict[str, t.Any] | None:
    try:
        if path.is_dir():
            raise PlatformError(f"{option}: {path} is a folder. Name a file, such as {path / 'fleet.html'}")
        return _told(path.read_bytes(), path.stat().st_mode & 0o7777) if path.exists() else None
    except OSError as exc:
        raise PlatformError(f"{option}: {path} cannot be read: {exc.strerror}. Name another place") from exc


def _told(content: bytes, mode: int) -> dict[str, t.Any]:
    """A file in short: a page of megabytes is no diff."""
    return {"bytes": len(content), "mode": f"{mode:04o}", "sha256": hashlib.sha256(content).hexdigest()}


def _folder(path: Path) -> Step:
    description = f"create the folder {path} and what is below it"
    after = {"state": "a folder"}
    return Step(f"folder:{path}", "create", TARGET, description, after=after)


def _writing(path: Path, text: str, option: str, mode: int) -> t.Callable[[], None]:
    return lambda: write_text(path, text, option, mode)
