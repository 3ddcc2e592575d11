# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The machine's files, commands and services: the one place that touches them. Private to the collection."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import time
import typing as t
from dataclasses import dataclass

from ..errors import PlatformError
from . import lock

#: What belongs to the collection on a machine: records, the kept access. Only root may look.
STATE_DIRECTORY = "/var/lib/lodestar"
#: Short-lived files with secrets; a tmpfs, so that they end with the power.
RUN_DIRECTORY = "/run/lodestar"
LOG_DIRECTORY = "/var/log/lodestar"

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_TAIL_LINES = 25


@dataclass(frozen=True)
class Completed:
    """What a command said."""

    returncode: int
    stdout: str
    stderr: str


def _environment(more: t.Mapping[str, str] | None = None) -> dict[str, str]:
    return {"PATH": _PATH, "LC_ALL": "C", "HOME": "/root", **(more or {})}


def has_command(name: str) -> bool:
    """Whether a command can be run."""
    return shutil.which(name, path=_PATH) is not None


def run(
    argv: t.Sequence[str],
    *,
    stdin: str | None = None,
    timeout: float = 60,
    check: bool = True,
    executable: str | None = None,
) -> Completed:
    """Runs a command to its end.

    :param executable: the file to run where it has another name than the command.
    :raises PlatformError: it is missing, took longer than ``timeout`` seconds, or failed and ``check`` is set.
        The message holds the command and the end of its stderr, so neither may hold a secret.
    """
    try:
        done = subprocess.run(
            list(argv),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            env=_environment(),
            pass_fds=lock.descriptors(),
            check=False,
            executable=executable,
        )
    except FileNotFoundError as exc:
        raise PlatformError(f"the command {argv[0]} is missing on this machine", command=list(argv)) from exc
    except subprocess.TimeoutExpired as exc:
        raise PlatformError(f"{' '.join(argv)} did not end within {timeout:.0f} s", command=list(argv)) from exc
    if check and done.returncode != 0:
        said = tail(done.stderr or done.stdout)
        raise PlatformError(f"{' '.join(argv)} failed with {done.returncode}: {said}", command=list(argv))
    return Completed(done.returncode, done.stdout, done.stderr)


def run_long(
    argv: t.Sequence[str], *, log_name: str, timeout: float, environ: t.Mapping[str, str] | None = None
) -> str:
    """Runs a command that must outlive a killed run: its output goes to a file, and it has a session of its own.

    :param log_name: file name below C(/var/log/lodestar), mode 0600.
    :param environ: environment variables besides the usual ones.
    :returns: the command's output.
    :raises PlatformError: it failed or took too long; the message holds the end of its output.
    """
    make_directory(LOG_DIRECTORY, 0o700)
    path = os.path.join(LOG_DIRECTORY, log_name)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    try:
        with subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=subprocess.STDOUT,
            env=_environment(environ),
            pass_fds=lock.descriptors(),
            start_new_session=True,
        ) as process:
            try:
                code = process.wait(timeout)
            except subprocess.TimeoutExpired as exc:
                process.kill()
                said = tail(read(path) or "")
                raise PlatformError(
                    f"{argv[0]} {argv[1]} did not end within {timeout:.0f} s: {said}", log=path
                ) from exc
    finally:
        os.close(descriptor)
    output = read(path) or ""
    if code != 0:
        raise PlatformError(f"{argv[0]} {argv[1]} failed with {code}: {complaint(output)}", log=path)
    return output


def complaint(text: str) -> str:
    """The lines of a long output that say what is wrong, or its end where none does. Pure."""
    lines = [line.strip() for line in text.splitlines() if "[ERROR" in line or line.lower().startswith("error")]
    return "; ".join(lines) or tail(text)


def tail(text: str) -> str:
    """The last lines of a command's output."""
    return "\n".join(text.strip().splitlines()[-_TAIL_LINES:])


def read(path: str) -> str | None:
    """The text of a file, ``None`` when there is none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as handle:
            return handle.read()
    except (FileNotFoundError, NotADirectoryError):
        return None


def read_bytes(path: str) -> bytes | None:
    """The content of a file, ``None`` when there is none."""
    try:
        with open(path, "rb") as handle:
            return handle.read()
    except (FileNotFoundError, NotADirectoryError):
        return None


def mode_of(path: str) -> int | None:
    """The permission bits of a path, ``None`` when there is none."""
    try:
        return os.stat(path).st_mode & 0o7777
    except FileNotFoundError:
        return None


def make_directory(path: str, mode: int = 0o755) -> None:
    """Makes a directory, and its parents as 0755. An existing one gets the mode."""
    os.makedirs(path, exist_ok=True)
    if mode_of(path) != mode:
        os.chmod(path, mode)


def write(path: str, content: str, mode: int = 0o644) -> None:
    """Replaces a file at once and durably: readers see the old or the new one, also after a power cut."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    # The kubelet takes every file of its manifest directory for a pod, unless the name begins with a dot.
    temporary = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.lodestar-{os.getpid()}")
    # One that is there is left from a killed process whose id we got.
    remove(temporary)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
            handle.write(content)
            handle.flush()
            os.fchmod(handle.fileno(), mode)
            os.fsync(handle.fileno())
        os.replace(temporary, path)
    except BaseException:
        remove(temporary)
        raise


def remove(path: str) -> None:
    """Removes a file if it is there."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def remove_tree(path: str) -> None:
    """Removes a directory with all that is in it, if it is there; another may be removing it at the same time."""

    def failed(_function: object, _path: str, error: tuple[t.Any, BaseException, t.Any]) -> None:
        if not isinstance(error[1], FileNotFoundError):
            raise error[1]

    shutil.rmtree(path, onerror=failed) if os.path.isdir(path) else remove(path)


def sha256(path: str) -> str | None:
    """The digest of a file as hexadecimal digits, ``None`` when there is none."""
    try:
        with open(path, "rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except FileNotFoundError:
        return None


@dataclass(frozen=True)
class Service:
    """A systemd unit as systemd sees it.

    :param started: when its main process began, as seconds since the epoch; 0 when it does not run.
    :param path: the file that defines it, empty when there is none.
    """

    name: str
    active: bool
    enabled: bool
    reload_needed: bool
    started: float
    state: str
    path: str = ""


def services(names: t.Sequence[str]) -> dict[str, Service]:
    """The state of units, read at once. A unit that is missing is inactive and not enabled."""
    properties = "Id,ActiveState,SubState,UnitFileState,NeedDaemonReload,ExecMainStartTimestampMonotonic,FragmentPath"
    units = [f"{name}.service" for name in names]
    output = run(["systemctl", "show", "--no-pager", "-p", properties, *units], check=False).stdout
    offset = time.time() - time.monotonic()
    answer: dict[str, Service] = {}
    for name, block in zip(names, output.strip().split("\n\n"), strict=False):
        values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        active = values.get("ActiveState") == "active"
        began = int(values.get("ExecMainStartTimestampMonotonic") or 0) / 1e6
        answer[name] = Service(
            name=name,
            active=active,
            enabled=values.get("UnitFileState") == "enabled",
            reload_needed=values.get("NeedDaemonReload") == "yes",
            started=began + offset if active and began else 0.0,
            state=values.get("SubState", "unknown"),
            path=values.get("FragmentPath", ""),
        )
    missing = {name: Service(name, False, False, False, 0.0, "unknown") for name in names if name not in answer}
    return {**answer, **missing}


def systemctl(*arguments: str, timeout: float = 120) -> None:
    """Runs systemctl."""
    run(["systemctl", *arguments], timeout=timeout)


def wait_for(what: str, probe: t.Callable[[], str | None], deadline: float, interval: float = 0.5) -> None:
    """Waits until ``probe`` returns ``None``; anything else says what is still missing.

    :param interval: seconds between two looks; the first ones follow each other faster.
    :raises PlatformError: the deadline, in seconds, passed; the message says what was missing last.
    """
    end = time.monotonic() + deadline
    pause = 0.05
    while True:
        missing = probe()
        if missing is None:
            return
        if time.monotonic() >= end:
            raise PlatformError(f"{what}: not so within {deadline:.0f} s: {missing}")
        time.sleep(min(pause, interval))
        pause *= 2
