# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Holds the API server of a control plane to the declared sign-on. A running one reads a changed file by itself.

Private to the collection.
"""

from __future__ import annotations

import functools
import json
import socket
import typing as t
from contextlib import closing, suppress

from ..errors import PlatformError
from . import api_server, arguments, authentication, host, kubeadm, kubeapi, node, paths, running
from .control_plane_task import Task

STEP = f"file:{paths.AUTHENTICATION}"
#: The file is watched, and read once a minute besides; an issuer that is new has another minute to answer.
_SECONDS = 180
#: The kubelet waits up to five minutes before it begins a pod again that has ended time and again.
_AGAIN_SECONDS = 360


def add(steps: node.Steps, task: Task, changing: bool) -> None:
    """Adds a step that brings the declared file, before any argument names it.

    :param changing: the machine is about to found or to join, and runs no API server yet.
    """
    text, current = authentication.document(task.cluster), host.read(paths.AUTHENTICATION)
    if text is None:
        return
    reads = not changing and _reads()
    serves = reads and task.found.local.healthy
    if text == current:
        if serves and _is_stale(task, text):
            told = "restart the API server, which a killed run has left with how people signed on before"
            steps.add("restart:kube-apiserver", "restart", told, lambda: api_server.restart(task))
        return
    restarts = serves and authentication.needs_restart(current, text)
    how = " and restart the API server" if restarts else ", which the API server reads by itself" if reads else ""
    steps.add(
        STEP,
        "create" if current is None else "update",
        "write how people sign on" + how,
        functools.partial(_bring, task, text, current, reads, restarts),
        before=current,
        after=text,
    )


def add_removal(steps: node.Steps, task: Task) -> None:
    """Adds a step that removes a file that is no longer declared, after the last argument that named it."""
    current = host.read(paths.AUTHENTICATION)
    if current is not None and authentication.document(task.cluster) is None:
        steps.add(
            STEP, "delete", "remove how people signed on", lambda: host.remove(paths.AUTHENTICATION), before=current
        )


def refusal(cluster: t.Mapping[str, t.Any]) -> str:
    """What the API server that runs here has against the declared configuration; empty where none could be asked.

    Its own binary is asked, in a process that reads the configuration from its input and writes nothing.
    """
    text, process = authentication.document(cluster), running.process("kube-apiserver")
    if text is None or process is None:
        return ""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    serving = [f"--tls-cert-file={paths.PKI}/apiserver.crt", f"--tls-private-key-file={paths.PKI}/apiserver.key"]
    argv = authentication.judging(port, f"{paths.PKI}/sa.pub", f"{paths.PKI}/sa.key", *serving)
    try:
        said = host.run(argv, stdin=text, executable=f"/proc/{process}/exe", check=False, timeout=30)
    except (PlatformError, OSError):
        # It needs files of its container; then what it says of the file in its place will tell.
        return ""
    return authentication.refusal(said.stdout + said.stderr)


def _reads() -> bool:
    """Whether the API server of this machine has the file: the one that runs, or the one that fails to."""
    command = running.command_of("kube-apiserver")
    if command is not None:
        given = arguments.of_command(command)
    else:
        given = arguments.parsed(host.read(f"{paths.MANIFESTS}/kube-apiserver.yaml") or "")
    return given.get(authentication.ARGUMENT) == [paths.AUTHENTICATION]


def _is_stale(task: Task, text: str) -> bool:
    """Whether the API server has begun with another C(anonymous), which no reload changes, as far as it shows."""
    if "anonymous-auth" in (task.cluster.get("api_server_args") or {}):
        return False
    api = kubeapi.Api(task.machine["node_ip"], kubeadm.bind_port(task.cluster), None, timeout=5)
    try:
        closed = api.raw("GET", "/lodestar.platform/nameless")[0] == 401
    except kubeapi.ApiError:
        return False
    finally:
        api.close()
    return closed is not ("anonymous" in json.loads(text))


def _bring(task: Task, text: str, current: str | None, reads: bool, restarts: bool) -> None:
    before = _state(task) if reads and not restarts and task.found.local.healthy else None
    host.make_directory(paths.SETTINGS, 0o700)
    host.write(paths.AUTHENTICATION, text, 0o600)
    try:
        if restarts:
            api_server.restart(task)
        elif before is not None:
            host.wait_for("the API server uses it", lambda: _lacking(task, text, before), _SECONDS, interval=1)
        elif reads:
            host.wait_for("the API server is back", lambda: _down(task), _AGAIN_SECONDS, interval=2)
    except PlatformError as exc:
        back = _put_back(task, current, restarts)
        said = running.last_words("kube-apiserver")
        raise PlatformError(
            f"{exc}{back}; no other machine was touched. The last lines of kube-apiserver:\n{said}"
        ) from exc


def _put_back(task: Task, current: str | None, restarts: bool) -> str:
    if current is None:
        return ""
    host.write(paths.AUTHENTICATION, current, 0o600)
    if restarts:
        with suppress(PlatformError):
            api_server.restart(task)
    return ". The file that was there before is back"


def _down(task: Task) -> str | None:
    api = task.api()
    try:
        return None if api.live() else "not live"
    except kubeapi.ApiError as exc:
        return str(exc)
    finally:
        api.close()


def _state(task: Task) -> authentication.State:
    api = task.api()
    try:
        status, data = api.raw("GET", "/metrics")
    finally:
        api.close()
    if status != 200:
        raise PlatformError(f"the API server of {task.machine['name']} tells no metrics: {status}")
    return authentication.state(data.decode("utf-8", "replace"))


def _lacking(task: Task, text: str, before: authentication.State) -> str | None:
    now = _state(task)
    if now.refused > before.refused:
        raise PlatformError(
            "the API server refuses it and goes on with what it had; that an issuer does not answer is a reason, too"
        )
    if now.used:
        return None if authentication.digest(text) in now.used else "it uses the one before"
    return None if now.taken > before.taken else "it has not read it"
