# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Removes the files of a cluster from a machine and brings back what was there before. Private to the collection."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import typing as t

from ..errors import PlatformError
from . import artifacts, before, claims, containers, files, host, lock
from .node import Steps

#: Directories that no reset removes, where nothing was noted.
_OF_EVERY_MACHINE = (
    *("/", "/etc", "/etc/modules-load.d", "/etc/sysctl.d", "/etc/systemd", "/etc/systemd/system"),
    *("/opt", "/run", "/usr", "/usr/lib", "/usr/local", "/usr/local/bin", "/usr/libexec", "/var", "/var/lib"),
)
#: Single files that pods write into directories which may be somebody else's.
_OF_PODS = ("/etc/cni/net.d/10-lodestar.conflist",)


def add(steps: Steps, cluster: t.Mapping[str, t.Any], noted: before.Before | None) -> list[str]:
    """Adds the steps: files away, earlier ones back, kernel settings back, and at last what we had noted.

    Returns warnings about what is left.
    """
    own = _own_files(cluster)
    _add_removal(steps, own, noted)
    _add_return(steps, noted)
    _add_sysctls(steps, noted)
    _add_units(steps, noted)
    _add_state(steps)
    filled = noted.filled if noted is not None else []
    return [f"{path} held something before the machine came to its cluster, so it is left as it is" for path in filled]


def _own_files(cluster: t.Mapping[str, t.Any]) -> list[str]:
    wanted = [item.path for item in files.desired_files(cluster, "")]
    found = [path for path in [*wanted, *artifacts.recorded(), *_OF_PODS] if os.path.lexists(path)]
    return sorted(set(found))


def _add_removal(steps: Steps, own: t.Sequence[str], noted: before.Before | None) -> None:
    there = noted.directories if noted is not None else {}
    others = noted.filled if noted is not None else []
    trees = [path for path in before.TREES if path not in others and _is_left(path, there.get(path) is None)]
    if own or trees:
        steps.add(
            "files",
            "delete",
            f"remove {len(own)} files and {len(trees)} directories of the cluster",
            lambda: _remove(own, trees, there),
            before={"files": list(own), "directories": trees},
        )


def _is_left(tree: str, made: bool) -> bool:
    """Whether a tree holds anything, or is itself one of ours and no mere mount point."""
    return os.path.isdir(tree) and bool(os.listdir(tree) or (made and not os.path.ismount(tree)))


def _remove(own: t.Sequence[str], trees: t.Sequence[str], there: t.Mapping[str, int | None]) -> None:
    for path in trees:
        _empty(path)
        if there.get(path) is None and not os.path.ismount(path):
            os.rmdir(path)
    for path in own:
        host.remove(path)
    for path in emptied(own, there):
        if os.path.isfile(path):
            host.remove(path)
        elif os.path.isdir(path) and not os.path.ismount(path):
            # Whatever is in it is somebody else's.
            with contextlib.suppress(OSError):
                os.rmdir(path)


def emptied(own: t.Sequence[str], there: t.Mapping[str, int | None]) -> list[str]:
    """Directories that may go if nothing is in them, deepest first. Pure.

    :param own: files that were removed.
    :param there: permission bits of what was there before; without a note, what every machine has is taken to be.
    """
    lasting = {path for path, mode in there.items() if mode is not None} | set(_OF_EVERY_MACHINE)
    found = {path for path, mode in there.items() if mode is None}
    for path in own:
        parent = os.path.dirname(path)
        while parent not in lasting:
            found.add(parent)
            parent = os.path.dirname(parent)
    return sorted(found - lasting, key=lambda path: (-path.count("/"), path))


def _empty(directory: str) -> None:
    left = containers.mounted_below(directory)
    if left:
        # Whatever is mounted there may be somebody's data.
        raise PlatformError(f"{', '.join(left)} cannot be unmounted, so {directory} is not emptied. End what uses it")
    with os.scandir(directory) as entries:
        inside = list(entries)
    for entry in inside:
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            os.unlink(entry.path)


def _add_return(steps: Steps, noted: before.Before | None) -> None:
    if noted is None:
        return
    copies = {path: mode for path, mode in noted.replaced.items() if os.path.exists(before.copy_of(path))}
    for path in copies:
        steps.add(
            f"file:{path}",
            "create",
            f"bring back {path} as it was",
            functools.partial(shutil.copy2, before.copy_of(path), path),
        )
    for path, mode in noted.directories.items():
        now = host.mode_of(path)
        if mode is not None and now not in (None, mode):
            steps.add(
                f"mode:{path}",
                "update",
                f"set the mode of {path} back to {mode:04o}",
                functools.partial(os.chmod, path, mode),
                before=f"{now:04o}",
                after=f"{mode:04o}",
            )


def _add_sysctls(steps: Steps, noted: before.Before | None) -> None:
    if noted is None:
        return
    now = before.sysctls(noted.sysctls)
    changed = {key: value for key, value in noted.sysctls.items() if now.get(key, value) != value}
    if changed:
        steps.add(
            "sysctls",
            "update",
            "set kernel settings back",
            lambda: _set(changed),
            before={key: now[key] for key in changed},
            after=changed,
        )


def _set(values: t.Mapping[str, str]) -> None:
    for key, value in values.items():
        try:
            with open(before.sysctl_path(key), "w", encoding="ascii") as handle:
                handle.write(value)
        except OSError as exc:
            raise PlatformError(f"the kernel does not let us set {key} back to {value}: {exc.strerror}") from exc


def _add_units(steps: Steps, noted: before.Before | None) -> None:
    # Also where no unit is left: a reset may have been killed before this.
    steps.add("systemd", "run", "make systemd forget our units", _reload)
    for name, was in (noted.units if noted is not None else {}).items():
        if was["enabled"] or was["active"]:
            steps.add(
                f"service:{name}:before",
                "run",
                f"bring {name} back as it was",
                functools.partial(_bring_back, name, was),
                after=was,
            )


def _reload() -> None:
    host.systemctl("daemon-reload")
    host.run(["systemctl", "reset-failed", *before.UNITS], check=False)


def _bring_back(name: str, was: t.Mapping[str, bool]) -> None:
    if was["enabled"]:
        host.systemctl("enable", "--quiet", name)
    if was["active"]:
        host.systemctl("start", name)


def _add_state(steps: Steps) -> None:
    state = [host.STATE_DIRECTORY, host.RUN_DIRECTORY, claims.PATH, lock.PATH]
    steps.add("state", "delete", "forget that this machine was ours", lambda: _forget(state), before=state)


def _forget(state: t.Sequence[str]) -> None:
    for path in state:
        host.remove_tree(path) if os.path.isdir(path) else host.remove(path)
