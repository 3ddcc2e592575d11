# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Listening and connecting, for real, on this machine's loopback addresses."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.errors import Refused
from ansible_collections.lodestar.platform.plugins.module_utils.machine.preflight import (
    listener,
    needs,
    observe,
    reach,
)

HERE = "127.0.0.1"


def free_port() -> int:
    with socket.create_server((HERE, 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture
def busy_port() -> t.Iterator[int]:
    """Somebody else listens here and says something else."""
    with socket.create_server((HERE, 0)) as server:

        def answer() -> None:
            while True:
                try:
                    connection, _peer = server.accept()
                except OSError:
                    return
                with connection:
                    connection.send(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 4)

        threading.Thread(target=answer, daemon=True).start()
        yield int(server.getsockname()[1])
        # An open accept would keep the port until the next connection.
        server.shutdown(socket.SHUT_RDWR)


class Listener:
    """The listener's own text in a process of its own, as systemd would run it."""

    def __init__(self, directory: Path, ports: list[int], seconds: float) -> None:
        path = str(directory / "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.bind(path)
            channel.settimeout(20)
            wanted = {"address": HERE, "ports": ports, "token": "a" * 32, "seconds": seconds}
            command = [sys.executable, "-I", "-c", reach._program(), json.dumps(wanted)]
            self.process = subprocess.Popen(command, env={**os.environ, "NOTIFY_SOCKET": path})
            ready, status = channel.recv(4096).decode().split("\n")
        assert ready == "READY=1"
        self.status = json.loads(status.removeprefix("STATUS="))


@pytest.fixture
def listen(tmp_path: Path) -> t.Iterator[t.Callable[[list[int], float], Listener]]:
    begun: list[Listener] = []

    def begin(ports: list[int], seconds: float) -> Listener:
        begun.append(Listener(tmp_path, ports, seconds))
        return begun[-1]

    yield begin
    for item in begun:
        item.process.kill()
        item.process.wait()


def test_our_listener_is_known_by_its_token(listen: t.Callable[[list[int], float], Listener], busy_port: int) -> None:
    port = free_port()
    ours = listen([port, busy_port], 60)
    assert ours.status == {"listening": [port], "occupied": [busy_port], "failed": {}}
    token, wrong = "a" * 32, "b" * 32
    for _time in range(3):
        answer, milliseconds = reach.connect(HERE, port, token, 5)
        assert answer == "ours"
        assert milliseconds is not None
        assert milliseconds > 0
    assert reach.connect(HERE, port, wrong, 5)[0] == "other"
    assert reach.connect(HERE, busy_port, token, 5)[0] == "other"
    assert reach.connect(HERE, busy_port, "", 5)[0] == "open"
    assert reach.connect(HERE, free_port(), token, 5) == ("Connection refused", None)


def test_one_that_came_too_late_for_every_port_can_still_be_asked(
    listen: t.Callable[[list[int], float], Listener], busy_port: int
) -> None:
    ours = listen([busy_port], 60)
    assert ours.status == {"listening": [], "occupied": [busy_port], "failed": {}}
    with pytest.raises(subprocess.TimeoutExpired):
        ours.process.wait(1)


def test_one_that_connects_and_is_silent_keeps_nobody_away(listen: t.Callable[[list[int], float], Listener]) -> None:
    port = free_port()
    listen([port], 60)
    silent = [socket.create_connection((HERE, port)) for _count in range(3)]
    assert reach.connect(HERE, port, "a" * 32, 5)[0] == "ours"
    for connection in silent:
        connection.close()


def test_it_ends_by_itself(listen: t.Callable[[list[int], float], Listener]) -> None:
    port = free_port()
    ours = listen([port], 0.5)
    assert ours.process.wait(30) == 0
    assert reach.connect(HERE, port, "a" * 32, 5) == ("Connection refused", None)
    # The port is free at once for the program that needs it.
    with socket.create_server((HERE, port)):
        pass


def test_all_peers_at_once(listen: t.Callable[[list[int], float], Listener], busy_port: int) -> None:
    port, closed = free_port(), free_port()
    listen([port], 60)
    wanted = [(port, True), (busy_port, False), (closed, True)]
    ports = [{"port": number, "purpose": "x", "ours": ours} for number, ours in wanted]
    seen = reach.probe([{"name": "w1", "address": HERE, "token": "a" * 32, "ports": ports}], 5)
    assert [(item["peer"], item["port"], item["answer"]) for item in seen] == [
        ("w1", port, "ours"),
        ("w1", busy_port, "open"),
        ("w1", closed, "Connection refused"),
    ]
    assert seen[2]["ms"] is None


def test_an_answer_that_never_comes_has_a_deadline() -> None:
    """A queue that is full drops whatever else arrives, as a firewall does."""
    with socket.socket() as server:
        server.bind((HERE, 0))
        server.listen(0)
        port = server.getsockname()[1]
        waiting = []
        for _count in range(4):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex((HERE, port))
            waiting.append(client)
        time.sleep(0.1)
        assert reach.connect(HERE, port, "", 0.3) == ("timeout", None)
        for client in waiting:
            client.close()


def test_ports_that_are_taken_are_left_alone(busy_port: int) -> None:
    port = free_port()
    assert reach._free([port, busy_port], HERE) == ([port], [busy_port])
    assert reach._free([busy_port], "127.0.0.2") == ([busy_port], []), "it listens on another address"


def test_the_listener_of_another_run_is_no_foreign_program(monkeypatch: pytest.MonkeyPatch, busy_port: int) -> None:
    """It is there for seconds, when two runs begin together."""
    port = needs.Port(busy_port, "the API server")
    monkeypatch.setattr(needs, "served", lambda _cluster, _machine: [port])
    (found,) = observe._listeners({}, {})
    assert (found.port, found.program) == (busy_port, os.path.realpath(sys.executable))
    read, groups = observe._text, f"/proc/{os.getpid()}/cgroup"
    unit = "0::/system.slice/lodestar-reach-0123abcd.service\n"
    monkeypatch.setattr(observe, "_text", lambda path: unit if path == groups else read(path))
    assert observe._listeners({}, {}) == []


def test_only_a_listener_of_ours_is_ended() -> None:
    for name in ("sshd", "lodestar-reach-", "lodestar-reach-0123456x", "lodestar-reach-01234567 sshd", "-h"):
        with pytest.raises(Refused):
            reach.end(name)


def test_an_address_that_the_machine_does_not_have() -> None:
    sockets, occupied, failed = listener.bind("192.0.2.1", [free_port()])
    assert (sockets, occupied) == ({}, [])
    assert list(failed.values()) == ["Cannot assign requested address"]
