# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Docker on this host: installed when it is missing, started when it is not running."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import typing as t
from pathlib import Path

import docker
import docker.errors
import requests

from . import apt
from .errors import TestbedError
from .locks import RUN, locked

Say = t.Callable[[str], None]
T = t.TypeVar("T")

_SOCKET = "/var/run/docker.sock"
_LOG = Path("/var/log/lodestar-dockerd.log")
_OURS = RUN / "dockerd.json"
_DEADLINE_SECONDS = 90
#: An image import of some hundred megabytes is one request.
_REQUEST_SECONDS = 600


def connect() -> docker.DockerClient | None:
    """A client of the daemon that runs, in the newest API version that both know; None when none answers."""
    try:
        client = docker.from_env(version="auto", timeout=_REQUEST_SECONDS)
        client.ping()
        return client
    except (docker.errors.DockerException, requests.exceptions.RequestException):
        return None


def ensure(say: Say) -> docker.DockerClient:
    """A client of a running daemon; installs and starts Docker when needed."""
    client = connect()
    if client is not None:
        return client
    with locked("dockerd"):
        client = connect()
        if client is not None:
            return client
        if os.environ.get("DOCKER_HOST"):
            raise TestbedError("no Docker answers at DOCKER_HOST; unset it, or start what it names")
        apt.ensure_programs({"dockerd": "docker.io", "iptables": "iptables"}, say)
        if not os.path.ismount("/sys/fs/cgroup") and Path("/proc/1/comm").read_text().strip() != "systemd":
            apt.ensure_programs({"cgroupfs-mount": "cgroupfs-mount"}, say)
            subprocess.run(["cgroupfs-mount"], check=True)
        return _start(say)


def stop_if_ours(say: Say) -> None:
    """Stops the daemon when the testbed has started it, and nobody's container runs."""
    with locked("dockerd"):
        started = _ours()
        client = connect()
        if started is None or client is None:
            say("docker: not started by the testbed, left alone")
            return
        if client.containers.list():
            say("docker: containers are running, left alone")
            return
        os.kill(started, signal.SIGTERM)
        _wait(lambda: None if _is_dockerd(started) else True, f"dockerd (process {started}) does not end")
        _OURS.unlink(missing_ok=True)
        say("docker: stopped")


def _start(say: Say) -> docker.DockerClient:
    say("docker: starting the daemon")
    if Path("/proc/1/comm").read_text().strip() == "systemd":
        subprocess.run(["systemctl", "start", "docker"], check=True)
        return _wait(connect, "Docker does not answer; see: journalctl -u docker")
    _remove_stale_pid_file()
    search = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"
    with _LOG.open("ab") as log:
        process = subprocess.Popen(
            ["dockerd"],
            env={**os.environ, "PATH": search},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd="/",
        )
    client = _wait(lambda: connect() if _alive(process) else None, f"Docker does not answer; its log is {_LOG}")
    _OURS.write_text(json.dumps({"pid": process.pid}))
    return client


def _alive(process: subprocess.Popen[bytes]) -> bool:
    if process.poll() is None:
        return True
    tail = "".join(_LOG.read_text(errors="replace").splitlines(keepends=True)[-10:])
    raise TestbedError(f"dockerd ended with {process.returncode}; the end of {_LOG}:\n{tail}")


def _wait(answer: t.Callable[[], T | None], message: str) -> T:
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while time.monotonic() < deadline:
        found = answer()
        if found is not None:
            return found
        time.sleep(0.3)
    raise TestbedError(message)


def _remove_stale_pid_file() -> None:
    # After a crash the number may belong to another process, and dockerd then refuses to start.
    file = Path("/var/run/docker.pid")
    if file.exists() and not _is_dockerd(int(file.read_text().strip() or 0)):
        file.unlink()


def _is_dockerd(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    # One that has ended but that nobody has waited for keeps its name.
    return status.startswith("Name:\tdockerd\n") and "\nState:\tZ" not in status


def _ours() -> int | None:
    try:
        pid = int(json.loads(_OURS.read_text())["pid"])
    except (FileNotFoundError, ValueError, KeyError):
        return None
    return pid if _is_dockerd(pid) else None
