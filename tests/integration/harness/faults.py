# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A proxy between a client and an API server that fails as told: it ends TLS, so that it can speak HTTP wrongly."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import socket
import ssl
import struct
import tempfile
import threading
import time
import typing as t
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from ansible_collections.lodestar.platform.plugins.module_utils.kube.connection import Connection
from ansible_collections.lodestar.platform.plugins.module_utils.kube.tls import context

from .apiserver import ApiServer


@dataclass
class Fault:
    """What happens to requests of a method, ``times`` times.

    :param act: ``answer`` (without asking the server), ``reset`` (before the server sees it), ``lose`` (after it
        has acted), ``truncate`` (half of the server's response), ``drip`` (a byte now and then), ``stall`` (nothing),
        ``endless`` (blanks for ever).
    """

    act: str
    method: str = "GET"
    times: int = 1
    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b'{"kind":"Status","status":"Failure","reason":"Test","message":"as told"}'
    path: str = ""

    def matches(self, method: str, path: str) -> bool:
        return self.times > 0 and method == self.method and self.path in path


class FaultProxy:
    """Entered, it listens on a port of 127.0.0.1 and forwards to the API server."""

    def __init__(self, server: ApiServer) -> None:
        self.faults: list[Fault] = []
        self.seen: list[str] = []
        #: Nothing is answered any more.
        self.dead = False
        #: Everything is refused at once, as for a run that was killed: nothing more of it arrives.
        self.cut = False
        self._at_write: tuple[int, t.Callable[[], object], bool] | None = None
        self._writes = 0
        self._server = server
        self._lock = threading.Lock()
        self._listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._listener.daemon_threads = True
        self._listener.socket = self._tls().wrap_socket(
            self._listener.socket, server_side=True, do_handshake_on_connect=False
        )
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> FaultProxy:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._listener.shutdown()
        self._listener.server_close()
        self._thread.join()

    @property
    def connection(self) -> Connection:
        """The runner's connection, through the proxy."""
        port = self._listener.server_address[1]
        return replace(self._server.runner, server=f"https://127.0.0.1:{port}")

    def add(self, act: str, **options: t.Any) -> None:
        """Adds a fault; the first that matches a request and is not used up happens."""
        self.faults.append(Fault(act, **options))

    def at_write(self, number: int, act: t.Callable[[], object], done: bool = False) -> None:
        """Calls ``act`` at the write of this number from now on, counted from 1: before the server sees it, or, if
        ``done``, once it has acted on it.
        """
        self._writes, self._at_write = 0, (number, act, done)

    def count(self, method: str, path: str) -> int:
        """The number of a request among the writes, 0 for what stores nothing."""
        if method == "GET" or "dryRun=" in path or "reviews" in path:
            return 0
        with self._lock:
            self._writes += 1
            return self._writes

    def strike(self, number: int, done: bool) -> None:
        """Does what was to be done at a write of this number."""
        with self._lock:
            due = self._at_write
            if due is None or number < due[0] or due[2] is not done:
                return
            self._at_write = None
        due[1]()

    def take(self, method: str, path: str) -> Fault | None:
        """The fault for a request, used up by one."""
        with self._lock:
            self.seen.append(f"{method} {path.partition('?')[0]}")
            for fault in self.faults:
                if fault.matches(method, path):
                    fault.times -= 1
                    return fault
        return None

    def forward(self, method: str, path: str, headers: t.Mapping[str, str], body: bytes) -> tuple[int, bytes, str]:
        """The server's own answer."""
        parts = urlsplit(self._server.url)
        upstream = http.client.HTTPSConnection(
            parts.hostname or "", parts.port, context=context(self._server.runner), timeout=20
        )
        try:
            kept = {key: value for key, value in headers.items() if key.lower() not in ("host", "content-length")}
            upstream.request(method, path, body=body or None, headers=kept)
            response = upstream.getresponse()
            return response.status, response.read(), response.getheader("Content-Type", "")
        finally:
            upstream.close()

    def _tls(self) -> ssl.SSLContext:
        pair = self._server.authority.serving()
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory() as folder:
            made.load_cert_chain(*pair.write(Path(folder), "proxy"))
        return made

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        proxy = self

        class Handler(_Handler):
            faults = proxy

        return Handler


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    faults: t.ClassVar[FaultProxy]

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except OSError:
            self.close_connection = True

    def log_message(self, *_args: t.Any) -> None:
        """Nothing: the tests look at what was seen."""

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.faults.take(self.command, self.path)
        number = self.faults.count(self.command, self.path)
        self.faults.strike(number, done=False)
        act = "reset" if self.faults.dead else fault.act if fault else "forward"
        if self.faults.cut:
            self._answer(403, Fault.body, {})
        elif fault and act == "answer":
            self._answer(fault.status, fault.body, fault.headers)
        elif act == "reset":
            self._reset()
        elif act == "endless":
            self._endless()
        elif act == "stall":
            time.sleep(30)
            self._reset()
        else:
            status, content, kind = self.faults.forward(self.command, self.path, self.headers, body)
            self.faults.strike(number, done=True)
            if act == "lose" or self.faults.dead or self.faults.cut:
                self._reset()
            elif act in ("truncate", "drip"):
                self._partial(act, status, content, kind)
            else:
                self._answer(status, content, {"Content-Type": kind})

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    def _answer(self, status: int, body: bytes, headers: t.Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _partial(self, act: str, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if act == "truncate":
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
            return
        for byte in body:
            self.wfile.write(bytes([byte]))
            time.sleep(0.1)

    def _endless(self) -> None:
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        while True:
            self.wfile.write(b" " * 1024 * 1024)

    def _reset(self) -> None:
        # Lingering for no time makes close() send a reset.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()


@contextlib.contextmanager
def black_hole() -> t.Iterator[str]:
    """The address of a server that takes connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"
