# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keep-alive HTTPS with a hard deadline: one exchange of request and response. Private to the collection.

Built on the standard library's C(http.client), which was measured to be as fast as urllib3 here, so that nothing has to
be installed, and with a socket under it that gives every single read no more time than the whole call has left: a
server that sends one byte now and then holds nobody up.
"""

from __future__ import annotations

import contextlib
import contextvars
import http.client
import io
import select
import socket
import ssl
import threading
import time
import typing as t
from dataclasses import dataclass
from urllib.parse import urlsplit

from .connection import Connection
from .tls import context

#: The largest response that is read, in bytes.
MAX_BODY = 64 * 1024 * 1024
_CHUNK = 256 * 1024


@dataclass(frozen=True)
class Response:
    """A whole response; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Lost(Exception):
    """No response came.

    :param sent: the server may have acted on the request.
    :param final: trying again would fail in the same way.
    """

    def __init__(self, why: str, *, sent: bool, final: bool = False) -> None:
        super().__init__(why)
        self.sent = sent
        self.final = final


class _Socket:
    """What http.client needs of a socket, with a deadline for each operation."""

    def __init__(self, inner: ssl.SSLSocket) -> None:
        self.inner = inner
        self.until = 0.0
        self._pending: list[bytes] = []
        self._readers = 0
        self._closing = False

    def arm(self) -> None:
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError("deadline")
        self.inner.settimeout(left)

    def sendall(self, data: t.Any) -> None:
        """Keeps what is to be sent: http.client hands on head and body one by one, and a server would wake for each."""
        self._pending.append(bytes(data))

    def flush(self) -> None:
        """Sends it."""
        whole, self._pending = b"".join(self._pending), []
        self.arm()
        self.inner.sendall(whole)

    def makefile(self, _mode: str) -> io.BufferedReader:
        self._readers += 1
        return io.BufferedReader(_Reader(self), buffer_size=65536)

    def release(self) -> None:
        self._readers -= 1
        if self._closing and self._readers <= 0:
            self.inner.close()

    def close(self) -> None:
        # http.client closes a connection that will not be kept before the body has been read.
        self._closing = True
        if self._readers <= 0:
            self.inner.close()


class _Reader(io.RawIOBase):
    def __init__(self, owner: _Socket) -> None:
        self._owner = owner

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: t.Any) -> int:
        self._owner.arm()
        return self._owner.inner.recv_into(buffer)

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._owner.release()


class _Connection(http.client.HTTPConnection):
    def __init__(self, host: str, port: int, tls: ssl.SSLContext, server_name: str) -> None:
        super().__init__(host, port)
        self._tls = tls
        self._server_name = server_name
        self.until = 0.0

    def connect(self) -> None:
        left = max(self.until - time.monotonic(), 0.001)
        plain = socket.create_connection((self.host, self.port), timeout=left)
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            plain.settimeout(max(self.until - time.monotonic(), 0.001))
            wrapped = _Socket(self._tls.wrap_socket(plain, server_hostname=self._server_name))
        except BaseException:
            plain.close()
            raise
        wrapped.until = self.until
        self.sock = t.cast(t.Any, wrapped)

    def begin(self, until: float) -> bool:
        """Sets the deadline; returns whether an established connection is reused."""
        self.until = until
        kept = t.cast("_Socket | None", self.sock)
        if kept is not None and _is_stale(kept.inner):
            self.close()
            kept = None
        if kept is not None:
            kept.until = until
        return kept is not None

    def flush(self) -> None:
        """Sends the request that was made last."""
        t.cast(_Socket, self.sock).flush()


def _is_stale(sock: ssl.SSLSocket) -> bool:
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


class _Pool:
    """Idle connections to one server with one credential, and in a look what it has answered."""

    def __init__(self, looking: bool = False) -> None:
        self.looking = looking
        self._answers: dict[str, Response] = {}
        self._idle: list[_Connection] = []
        self._lock = threading.Lock()

    def take(self) -> _Connection | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def give(self, connection: _Connection) -> None:
        with self._lock:
            self._idle.append(connection)

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def end(self) -> None:
        """From now on everything is asked anew, by who goes on after the look."""
        self.looking = False
        self._answers.clear()
        self.close()

    def certificate(self) -> dict[str, t.Any]:
        with self._lock:
            kept = t.cast("_Socket | None", self._idle[-1].sock) if self._idle else None
            return dict(kept.inner.getpeercert() or {}) if kept is not None else {}

    def known(self, method: str, target: str) -> Response | None:
        return self._answers.get(target) if method == "GET" else None

    def note(self, method: str, target: str, response: Response) -> None:
        """Keeps an answer that stands: what is there, and that something is not."""
        if self.looking and method == "GET" and (response.status < 300 or response.status == 404):
            self._answers[target] = response


class _Look:
    """What the operations of a look share."""

    def __init__(self, together: t.Collection[str]) -> None:
        self.pools: dict[Connection, _Pool] = {}
        self.together = frozenset(together)


_look: contextvars.ContextVar[_Look | None] = contextvars.ContextVar("lodestar_look", default=None)


@contextlib.contextmanager
def one_look(together: t.Collection[str] = ()) -> t.Iterator[None]:
    """Several operations look at a server, and none of them acts: what one has read is not asked again by the next, and
    all of them share connections. For the thread that enters it.

    :param together: label selectors (C(key=value), of one key) by which the operations choose: what one of them lists
        is listed for all of them at once.
    """
    look = _Look(together)
    token = _look.set(look)
    try:
        yield
    finally:
        _look.reset(token)
        for pool in look.pools.values():
            pool.end()


class Transport:
    """A bounded pool of connections to one server. Threads may share it.

    :ivar together: of the look that it belongs to, as in :func:`one_look`.
    """

    def __init__(self, connection: Connection, in_flight: int) -> None:
        look = _look.get()
        self._pool = _Pool() if look is None else look.pools.setdefault(connection, _Pool(looking=True))
        self.together: frozenset[str] = frozenset() if look is None else look.together
        parts = urlsplit(connection.server)
        self._host = parts.hostname or ""
        self._port = parts.port or 443
        self._prefix = parts.path.rstrip("/")
        self._server_name = connection.tls_server_name or self._host
        self._connection = connection
        self._slots = threading.BoundedSemaphore(in_flight)

    def exchange(
        self, method: str, target: str, headers: t.Mapping[str, str], body: bytes | None, until: float
    ) -> Response:
        """One request, once.

        :param until: the monotonic time at which it must have ended.
        :raises Lost: there is no whole response.
        """
        known = self._pool.known(method, target)
        if known is not None:
            return known
        if not self._slots.acquire(timeout=max(until - time.monotonic(), 0)):
            raise Lost("the deadline passed while earlier requests were under way", sent=False, final=True)
        try:
            response = self._exchange(method, self._prefix + target, headers, body, until)
        finally:
            self._slots.release()
        self._pool.note(method, target, response)
        return response

    def close(self) -> None:
        """Closes what is idle, unless others of a look may use it."""
        if not self._pool.looking:
            self._pool.close()

    def certificate(self) -> dict[str, t.Any]:
        """What the server's certificate says, as the standard library tells it; empty while no connection is kept."""
        return self._pool.certificate()

    def _take(self) -> _Connection:
        return self._pool.take() or _Connection(self._host, self._port, context(self._connection), self._server_name)

    def _exchange(
        self, method: str, target: str, headers: t.Mapping[str, str], body: bytes | None, until: float
    ) -> Response:
        connection = self._take()
        sent = False
        try:
            if not connection.begin(until):
                connection.connect()
            sent = True
            connection.request(method, target, body=body, headers=dict(headers))
            connection.flush()
            # A response that ends with its connection holds the socket, and would keep it open after a failure.
            with contextlib.closing(connection.getresponse()) as raw:
                response = Response(raw.status, {name.lower(): value for name, value in raw.getheaders()}, _body(raw))
        except Exception as exc:
            connection.close()
            raise _lost(exc, sent) from exc
        except BaseException:
            connection.close()
            raise
        if raw.will_close:
            connection.close()
        else:
            self._pool.give(connection)
        return response


def _body(raw: http.client.HTTPResponse) -> bytes:
    chunks, size = [], 0
    while chunk := raw.read(_CHUNK):
        size += len(chunk)
        if size > MAX_BODY:
            raise Lost(f"the response is larger than {MAX_BODY // 1024 // 1024} MiB", sent=True, final=True)
        chunks.append(chunk)
    declared = raw.getheader("Content-Length")
    # http.client takes a body that ends early for a whole one when it is read in pieces.
    if declared is not None and declared.isdigit() and size < int(declared):
        raise ConnectionResetError("the response ended early")
    return b"".join(chunks)


def _lost(exc: Exception, sent: bool) -> Exception:
    if isinstance(exc, Lost):
        return exc
    if isinstance(exc, ssl.SSLCertVerificationError):
        return Lost(f"the certificate is not trusted: {exc.verify_message}", sent=False, final=True)
    if isinstance(exc, TimeoutError):
        return Lost("no answer before the deadline", sent=sent, final=True)
    if isinstance(exc, socket.gaierror):
        again = exc.errno == socket.EAI_AGAIN
        return Lost(f"its name cannot be resolved: {exc.strerror}", sent=False, final=not again)
    if isinstance(exc, ssl.SSLError):
        return Lost(f"TLS failed: {exc.reason or exc}", sent=sent)
    if isinstance(exc, OSError):
        return Lost(exc.strerror or str(exc) or type(exc).__name__, sent=sent)
    if isinstance(exc, http.client.HTTPException):
        return Lost(f"not HTTP, or an incomplete response ({type(exc).__name__})", sent=sent)
    return exc
