# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calls of a Kubernetes API, tried again where that is safe, within a deadline. Private to the collection."""

from __future__ import annotations

import functools
import json
import math
import random
import re
import threading
import time
import typing as t
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from ..errors import PlatformError
from . import errors
from .connection import Connection
from .tls import end_of
from .token import moment
from .transport import Lost, Response, Transport

APPLY_PATCH = "application/apply-patch+yaml"
MERGE_PATCH = "application/merge-patch+json"
USER_AGENT = "lodestar.platform"
#: Characters of a header that a message repeats.
_QUOTED = 200
_RETRIED = (429, 500, 502, 503, 504)
# A 500 is often an admission webhook that will not come back, so it is not tried until the deadline.
_MOST_FAILURES = 5
_FIRST_DELAY, _LONGEST_DELAY = 0.1, 3.0
# Seconds of one request below which a server counts as nearby, and how many connections keep such a one busy.
_NEARBY, _ENOUGH_NEARBY = 0.01, 6
# Seconds before its end from which a credential is made anew.
_ENDING = 60.0
_VERSION = re.compile(r"v?[0-9]+\.[0-9]+[0-9A-Za-z.+~_-]{0,56}")
# Creating these stores nothing.
_REVIEWS = ("accessreviews", "rulesreviews", "tokenreviews", "subjectreviews")

Object = dict[str, t.Any]
_Self = t.TypeVar("_Self", bound="Session")


@dataclass(frozen=True)
class Call:
    """One call of the API.

    :param verb: what it does, and ``what`` it does it to, for errors.
    :param repeat: it may be sent again when the server may have acted on it.
    :param deadline: seconds for it and its retries; the session's by default.
    :param accept: what the answer may be, in place of plain JSON or text.
    """

    method: str
    path: str
    verb: str
    what: str
    query: t.Mapping[str, t.Any] | None = None
    body: t.Any = None
    content_type: str | None = None
    repeat: bool = True
    deadline: float | None = None
    accept: str = "application/json, text/plain;q=0.5"

    @property
    def target(self) -> str:
        """The path with its query."""
        pairs = tuple((key, str(value)) for key, value in (self.query or {}).items() if value is not None)
        return self.path + ("?" + _encoded(pairs) if pairs else "")

    @property
    def stores(self) -> bool:
        """True when it may store something: it is no read, dry-run or review."""
        reading = self.method in ("GET", "HEAD") or bool((self.query or {}).get("dryRun"))
        return not reading and not self.path.endswith(_REVIEWS)


class Session:
    """Talks to one API server. Threads may share it.

    :param deadline: seconds that one call may take, its retries included.
    :param in_flight: how many requests may be under way at once.
    :param until: the monotonic time at which everything must have ended, whatever is asked; none by default.
    :ivar reads: requests sent that store nothing: gets, lists, dry-runs, access reviews.
    :ivar writes: requests sent that may store something.
    :ivar server_date: the C(Date) header of the last response, empty before the first.
    :ivar latency: seconds of the fastest call so far, infinite before the first.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        deadline: float = 30.0,
        in_flight: int = 8,
        user_agent: str = USER_AGENT,
        until: float = math.inf,
    ) -> None:
        self.deadline = deadline
        self.reads = 0
        self.writes = 0
        self.server_date = ""
        self.latency = math.inf
        self._user_agent = user_agent
        self._until = until
        self._in_flight = in_flight
        self._lock = threading.Lock()
        self._renewing = threading.Lock()
        self._use(connection)

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    @property
    def at_once(self) -> int:
        """How many writes to send at once: few keep a server nearby busy, and every connection costs a handshake."""
        return self._in_flight if self.latency > _NEARBY else min(self._in_flight, _ENOUGH_NEARBY)

    @property
    def certificate_end(self) -> str | None:
        """When the certificate of the server ends, RFC 3339; None while no connection is kept."""
        return end_of(self._transport.certificate())

    @property
    def together(self) -> frozenset[str]:
        """The label selectors whose objects are listed together, as in :func:`transport.one_look`."""
        return self._transport.together

    def close(self) -> None:
        """Closes idle connections."""
        self._transport.close()

    def request(
        self,
        method: str,
        path: str,
        *,
        query: t.Mapping[str, t.Any] | None = None,
        body: t.Any = None,
        content_type: str | None = None,
        deadline: float | None = None,
        accept: str | None = None,
    ) -> t.Any:
        """One call of the API: decoded JSON, or text where the server answers with text.

        GET, PUT, DELETE and server-side apply are tried again after a lost or failed response; anything else only when
        the server says that it did not act (429) or was not reached.

        :raises errors.ApiError: the call did not succeed.
        """
        repeat = method in ("GET", "HEAD", "PUT", "DELETE") or content_type == APPLY_PATCH
        call = Call(method, path, method.lower(), path, query, body, content_type, repeat, deadline)
        call = call if accept is None else replace(call, accept=accept)
        return self._decode(call, self.send(call))

    def version(self) -> Object:
        """The server's C(/version): C(gitVersion), C(major), C(minor), C(platform).

        :raises errors.Unreachable: C(gitVersion) is no version, so that the text may be shown and recorded.
        """
        answer = self.request("GET", "/version")
        found = answer.get("gitVersion") if isinstance(answer, dict) else None
        if not isinstance(found, str) or not _VERSION.fullmatch(found):
            raise errors.Unreachable(
                f"get /version: {self.connection.server} answers with something that is no version of Kubernetes"
            )
        return t.cast(Object, answer)

    def obtain(self, call: Call) -> Object:
        """The object that a call answers with.

        :raises errors.ApiError: the call did not succeed.
        """
        response = self.send(call)
        answer = self._decode(call, response)
        if not isinstance(answer, dict):
            raise self._strange(call, response)
        return answer

    def send(self, call: Call) -> Response:
        """Sends a call until it succeeds, fails for good, or its deadline passes.

        :raises errors.ApiError: the call did not succeed.
        """
        until = min(time.monotonic() + (self.deadline if call.deadline is None else call.deadline), self._until)
        payload = json.dumps(call.body, separators=(",", ":")).encode() if call.body is not None else None
        used = self._current()
        failures, renewed = 0, False
        told: errors.ApiError | None = None
        while True:
            failures += 1
            self._count(call)
            begin = time.monotonic()
            try:
                headers = self._headers(used, payload, call)
                response = self._transport.exchange(call.method, call.target, headers, payload, until)
            except Lost as lost:
                # What the server said last tells more than that the time is up.
                error = told if told is not None and lost.final else self._unreachable(call, lost)
                wait = None if lost.final or (lost.sent and not call.repeat) else _delay(failures)
            else:
                self.server_date = response.headers.get("date", self.server_date)
                if response.status < 300:
                    self.latency = min(self.latency, time.monotonic() - begin)
                    return response
                error = told = self._error(call, response)
                wait = _delay_after(response, call.repeat, failures)
                if response.status == 401 and not renewed and self._renew(used):
                    used, renewed, wait = self.connection, True, 0.0
            if wait is None or time.monotonic() + wait >= until:
                raise error
            time.sleep(wait)

    def _use(self, connection: Connection) -> None:
        self.connection = connection
        self._transport = Transport(connection, self._in_flight)
        self._ends = moment(connection.expires).timestamp() if connection.renew and connection.expires else math.inf

    def _current(self) -> Connection:
        """The connection to send with: its credential is renewed when it is about to end."""
        if time.time() > self._ends - _ENDING and not self._renewing.locked():
            try:
                self._renew(self.connection)
            except PlatformError:
                self._ends = math.inf  # It is good for a while yet; what comes after its end tells why it is refused.
        return self.connection

    def _renew(self, used: Connection) -> bool:
        """Reads a credential anew that was not accepted or is about to end. False where that is not possible.

        :param used: the connection that failed; another thread may have renewed it meanwhile.
        """
        with self._renewing:
            if self.connection is not used:
                return True
            if used.renew is None:
                return False
            try:
                made = used.renew()
            except errors.ApiError:
                return False  # A token that is refused cannot make its successor: the refusal itself says more.
            finally:
                self._ends = math.inf
            self._transport.close()
            self._use(used.with_credential_of(made))
            if time.time() > self._ends - _ENDING:
                self._ends = math.inf  # As long as this source grants; only a refusal asks it again.
            return True

    def _headers(self, used: Connection, payload: bytes | None, call: Call) -> dict[str, str]:
        headers = {"Accept": call.accept, "User-Agent": self._user_agent}
        if used.token:
            headers["Authorization"] = f"Bearer {used.token}"
        if payload is not None:
            headers["Content-Type"] = call.content_type or "application/json"
        return headers

    def _count(self, call: Call) -> None:
        with self._lock:
            if call.stores:
                self.writes += 1
            else:
                self.reads += 1

    def _unreachable(self, call: Call, lost: Lost) -> errors.Unreachable:
        return errors.Unreachable(
            f"{call.verb} {call.what}: {self.connection.server}: {lost}",
            reason="Unreachable",
            verb=call.verb,
            object=call.what,
            sent=lost.sent,
        )

    def _error(self, call: Call, response: Response) -> errors.ApiError:
        if response.status < 400:
            where = response.headers.get("location", "nowhere")[:_QUOTED]
            return errors.Unreachable(
                f"{call.verb} {call.what}: {self.connection.server} redirects to {where}, which is not followed",
                status=response.status,
            )
        try:
            body = json.loads(response.body)
        except (ValueError, RecursionError):
            body = None
        return errors.from_response(response.status, body, call.verb, call.what)

    def _decode(self, call: Call, response: Response) -> t.Any:
        if response.headers.get("content-type", "").startswith("text/plain"):
            return response.body.decode("utf-8", "replace")
        try:
            return json.loads(response.body)
        except (ValueError, RecursionError):
            raise self._strange(call, response) from None

    def _strange(self, call: Call, response: Response) -> errors.Unreachable:
        kind = response.headers.get("content-type", "no content type")[:_QUOTED]
        return errors.Unreachable(
            f"{call.verb} {call.what}: {self.connection.server} answers with {kind}, which no Kubernetes API does",
            status=response.status,
        )


@functools.lru_cache(maxsize=128)
def _encoded(pairs: tuple[tuple[str, str], ...]) -> str:
    """A query. That for the members of many sets is long, and the same for every kind and cluster."""
    return urlencode(pairs)


def _delay(failures: int) -> float:
    return random.uniform(0.05, min(_LONGEST_DELAY, _FIRST_DELAY * 2.0**failures))  # noqa: S311 - spreads retries, guards nothing


def _delay_after(response: Response, repeat: bool, failures: int) -> float | None:
    """Seconds until the next attempt, ``None`` when there is to be none."""
    status = response.status
    if status not in _RETRIED or (status != 429 and not repeat):
        return None
    if status not in (429, 503) and failures >= _MOST_FAILURES:
        return None
    asked = response.headers.get("retry-after", "").strip()
    return _delay(failures) + (float(asked) if asked.isdigit() else 0.0)
