# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The recovery file on the controller: where it may be, and how it is written. Private to the collection."""

from __future__ import annotations

import contextlib
import os
import stat
import typing as t

from ..errors import PlatformError, Refused
from ..operation import Context, Operation
from ..plan import Plan, Step
from . import recovery

Params = t.Mapping[str, t.Any]


def place_problem(path: str, plain: bool) -> dict[str, str] | None:
    """Why a recovery file must not be at a path: C(reason) and C(remedy). Looks, changes nothing.

    :param plain: the file is there and not encrypted, so nobody else may read it.
    """
    directory = os.path.dirname(path)
    if not os.path.isabs(path):
        return _problem("is a relative path, which depends on where the run was started", "Begin it with / or ~")
    if not os.path.isdir(directory):
        return _problem(f"there is no directory {directory} on the controller", f"Make it: mkdir -m 0700 {directory}")
    if os.stat(directory).st_mode & stat.S_IWOTH:
        return _problem(f"everybody may write to {directory}", f"Correct it: chmod o-w {directory}, or name another")
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        if os.access(directory, os.W_OK | os.X_OK):
            return None
        return _problem(f"this user may not write to {directory}", "Name another place, or permit it")
    if not stat.S_ISREG(found.st_mode):
        return _problem("is there, and is no file", "Name the file itself")
    if plain and found.st_mode & 0o077:
        mode = f"{stat.S_IMODE(found.st_mode):04o}"
        return _problem(
            f"others may read it (mode {mode})", f"Correct it: chmod 0600 {path}, or encrypt it with a vault"
        )
    return None


def _problem(reason: str, remedy: str) -> dict[str, str]:
    return {"reason": reason, "remedy": remedy}


def write(path: str, text: str, new: bool) -> None:
    """Writes the whole file or nothing, mode 0600.

    :param new: nothing may be at the path.
    :raises Refused: something is, by now.
    :raises PlatformError: the file cannot be written.
    """
    temporary = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.{os.getpid()}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
                handle.write(text)
                handle.flush()
                os.fsync(handle.fileno())
            if new:
                os.link(temporary, path)
            else:
                os.replace(temporary, path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
        _sync(os.path.dirname(path))
    except FileExistsError as exc:
        raise Refused(f"{exc.filename2 or exc.filename} came into being meanwhile; it was left as it is") from exc
    except OSError as exc:
        raise PlatformError(f"{path} cannot be written: {exc.strerror}") from exc


def _sync(directory: str) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _holding(cluster: str, uid: str, names: t.Collection[str]) -> dict[str, t.Any]:
    return {"cluster": cluster, "uid": uid, "keys": [name for name in recovery.KEYS if name in names]}


def plan(params: Params, context: Context) -> Plan:
    """One step if the file is not there, lacks keys that the machine holds, or is of another founding."""
    name, path, file = params["cluster"]["name"], os.path.expanduser(params["path"]), params["file"] or {}
    kept: dict[str, str] = file.get("keys") or {}
    names = set(kept) | set(params["held"] or recovery.KEYS)
    before = _holding(file["cluster"], file["uid"], kept) if file else None
    after = _holding(name, params["uid"] or "(known once it is founded)", names)
    if before == after:
        return Plan()

    def perform() -> None:
        keys = {**kept, **(params["keys"] or {})}
        missing = sorted(names - set(keys))
        if missing:
            raise PlatformError(f"{params['machine']['name']} gave no {', '.join(missing)}")
        write(path, recovery.render(name, params["uid"], keys), new=before is None)

    verb = "keep the keys of" if before is None else "bring up to date the kept keys of"
    step = Step(
        f"file:{path}",
        "create" if before is None else "update",
        name,
        f"{verb} {name} in {path}, on the controller",
        before=before,
        after=after,
        perform=perform,
    )
    return Plan(steps=[step])


RECOVERY_FILE = Operation(
    arguments={
        "cluster": {"type": "dict", "required": True},
        "machine": {"type": "dict", "required": True},
        "path": {"type": "path", "required": True},
        "uid": {"type": "str"},
        "held": {"type": "dict", "default": {}},
        "file": {"type": "dict", "no_log": True},
        "keys": {"type": "dict", "no_log": True},
    },
    plan=plan,
)
