# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a killed run leaves lying on a machine: halves of files, and configuration with secrets in it.

What is written under another name first ends in C(.lodestar-PID). Private to the collection.
"""

from __future__ import annotations

import os
import re
import typing as t

from . import host, lock, paths

#: In a directory of artifacts, tells whose it is.
OWNER_FILE = "lodestar-run.json"
_TEMPORARY = re.compile(r"\.lodestar-(\d+)$")
_ALWAYS = (paths.KUBERNETES, paths.MANIFESTS, paths.SETTINGS, host.STATE_DIRECTORY)


def found(written: t.Iterable[str]) -> list[str]:
    """Files that nobody will finish. Nothing while another run acts: then they may be its own.

    :param written: files that runs write; their directories are looked at.
    """
    if lock.busy() is not None:
        return []
    directories = {*_ALWAYS, *(os.path.dirname(path) for path in written)}
    return abandoned(directories, lambda pid: os.path.exists(f"/proc/{pid}")) + short_lived(host.RUN_DIRECTORY)


def abandoned(directories: t.Iterable[str], alive: t.Callable[[int], bool]) -> list[str]:
    """Files under another name whose process has ended."""
    matches = [(path, _TEMPORARY.search(path)) for directory in directories for path in _files(directory)]
    return sorted(path for path, match in matches if match and not alive(int(match[1])))


def short_lived(directory: str) -> list[str]:
    """Files and directories that end with the command that reads them, so that only a killed run leaves one."""
    return sorted([*_files(directory), *_directories(directory)])


def _files(directory: str) -> list[str]:
    try:
        with os.scandir(directory) as entries:
            return [entry.path for entry in entries if entry.is_file(follow_symlinks=False)]
    except (FileNotFoundError, NotADirectoryError):
        return []


def _directories(directory: str) -> list[str]:
    try:
        with os.scandir(directory) as entries:
            return [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    except (FileNotFoundError, NotADirectoryError):
        return []


def remove(found: t.Iterable[str]) -> None:
    """Removes files, and directories with what is in them."""
    for path in found:
        host.remove_tree(path)


def used(path: str) -> None:
    """Removes an artifact that was sent and has been used, and its directory with the last one.

    A run that was killed cannot do it, and an artifact is large.
    """
    host.remove(path)
    directory = os.path.dirname(path)
    # Steps of one wave end side by side: whoever comes second may find the directory gone.
    if {os.path.basename(file) for file in _files(directory)} <= {OWNER_FILE}:
        host.remove_tree(directory)
