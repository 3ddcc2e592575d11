# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One process that stands for the API servers of many clusters: each has a port, a certificate and a token of its own,
and answers what was recorded of a real one, and nothing else. See simulated.py, which starts it.

It speaks JSON lines: the first line it reads is the declaration, and it answers with the ports; each further line is a
command, and its end is that of the process.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import sys
import tempfile
import threading
import typing as t
from collections import Counter
from email.utils import formatdate
from pathlib import Path

_HEAD_END = b"\r\n\r\n"


def _failure(code: int, reason: str, message: str) -> bytes:
    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "message": message}
    return json.dumps({**status, "code": code}).encode()


# The second is final, so that no client tries again what nobody has recorded.
_REFUSED = {
    401: _failure(401, "Unauthorized", "Unauthorized"),
    501: _failure(501, "NotImplemented", "not recorded"),
}
_REASONS = {200: "OK", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 501: "Not Implemented"}


class Cluster:
    """One simulated API server.

    :param declared: C(name), C(token), C(certificate) and C(key) (PEM), C(words): what stands in its answers in place
        of what the recorded cluster said.
    :param answers: by request target, C(status), C(content_type) and C(body).
    """

    def __init__(self, declared: t.Mapping[str, t.Any], answers: t.Mapping[str, t.Any], folder: Path) -> None:
        self.name = str(declared["name"])
        self.swallows = False
        self.counts: Counter[str] = Counter()
        self.unrecorded: list[str] = []
        self._bearer = f"Bearer {declared['token']}"
        self._words: dict[str, str] = dict(declared["words"])
        self._answers = answers
        self._swallowed: list[socket.socket] = []
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._socket.setblocking(False)
        self.port = int(self._socket.getsockname()[1])
        pair = folder / "pair.pem"
        pair.write_text(f"{declared['certificate']}\n{declared['key']}")
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(pair)

    async def serve(self) -> None:
        """Takes connections until it is cancelled; while it swallows, nobody ever hears of them again."""
        loop = asyncio.get_running_loop()
        opening: set[asyncio.Task[t.Any]] = set()
        while True:
            taken, _address = await loop.sock_accept(self._socket)
            if self.swallows:
                self._swallowed.append(taken)
                continue
            self.counts["connections"] += 1
            task = asyncio.create_task(self._open(loop, taken))
            opening.add(task)
            task.add_done_callback(opening.discard)

    async def _open(self, loop: asyncio.AbstractEventLoop, taken: socket.socket) -> None:
        try:
            await loop.connect_accepted_socket(lambda: _Speaker(self), taken, ssl=self._tls)
        except OSError:
            self.counts["failed handshakes"] += 1

    def answer(self, method: str, target: str, bearer: str) -> bytes:
        """The whole response to a request, which is counted."""
        self.counts["requests"] += 1
        recorded = self._answers.get(target) if method == "GET" else None
        if bearer != self._bearer:
            self.counts["unauthorized"] += 1
            return _response(401, "application/json", _REFUSED[401])
        if recorded is None:
            self.counts["writes"] += method != "GET"
            self.unrecorded.append(f"{method} {target}")
            return _response(501, "application/json", _REFUSED[501])
        body: str = recorded["body"]
        for word, own in self._words.items():
            body = body.replace(word, own)
        return _response(recorded["status"], recorded["content_type"], body.encode())

    def report(self) -> dict[str, t.Any]:
        """What has happened since the last report."""
        answer = {**self.counts, "unrecorded": self.unrecorded}
        self.counts, self.unrecorded = Counter(), []
        return answer


def _response(status: int, content_type: str, body: bytes) -> bytes:
    head = (
        f"HTTP/1.1 {status} {_REASONS.get(status, 'Recorded')}\r\n"
        f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\nDate: {formatdate(usegmt=True)}\r\n\r\n"
    )
    return head.encode() + body


class _Speaker(asyncio.Protocol):
    """HTTP/1.1 on one kept connection."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = t.cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(_HEAD_END)) >= 0:
            request, *lines = self._received[:end].decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _colon, value in (line.partition(":") for line in lines)}
            whole = end + len(_HEAD_END) + int(headers.get("content-length", 0))
            if len(self._received) < whole:
                return
            del self._received[:whole]
            method, target, _version = request.split(" ")
            answer = self._cluster.answer(method, target, headers.get("authorization", ""))
            t.cast(asyncio.Transport, self._transport).write(answer)


class Server:
    """All clusters of the process, and the commands."""

    def __init__(self, declaration: t.Mapping[str, t.Any]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            made = [Cluster(item, declaration["answers"], Path(folder)) for item in declaration["clusters"]]
        self.clusters = {cluster.name: cluster for cluster in made}

    async def run(self, stopped: asyncio.Event) -> None:
        """Serves until it is told to stop."""
        tasks = [asyncio.create_task(cluster.serve()) for cluster in self.clusters.values()]
        await stopped.wait()
        for task in tasks:
            task.cancel()

    def obey(self, command: t.Mapping[str, t.Any]) -> t.Any:
        """Carries out C({"do": "report"}) or C({"do": "swallow", "name": ..., "on": ...})."""
        if command["do"] == "report":
            return {name: cluster.report() for name, cluster in self.clusters.items()}
        self.clusters[command["name"]].swallows = bool(command["on"])
        return {}


def main() -> None:
    """The process."""
    server = Server(json.loads(sys.stdin.readline()))
    _say({name: cluster.port for name, cluster in server.clusters.items()})

    async def serve() -> None:
        loop, stopped = asyncio.get_running_loop(), asyncio.Event()

        def listen() -> None:
            for line in sys.stdin:
                loop.call_soon_threadsafe(lambda text: _say(server.obey(json.loads(text))), line)
            loop.call_soon_threadsafe(stopped.set)

        threading.Thread(target=listen, daemon=True).start()
        await server.run(stopped)

    asyncio.run(serve())


def _say(answer: t.Any) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
