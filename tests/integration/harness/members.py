# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many members on one real API server: each sees namespaces of its own, and holds what is written there.

A proxy gives every member a path of its own, and puts the name of the member before that of every namespace. So each
has its own kube-system, which is its identity, and its own lodestar-system. What members answer, refuse and remember is
what the real server answers, refuses and remembers; its audit log tells whose namespace was written.
"""

from __future__ import annotations

import http.client
import http.server
import json
import re
import ssl
import tempfile
import threading
import typing as t
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.kube.tls import context

from .apiserver import ApiServer, Request

Object = dict[str, t.Any]
_NAMESPACES = re.compile(r"(/namespaces/)([^/?]+)")
_FORWARDED = ("authorization", "accept", "content-type", "user-agent")


class Members:
    """Entered, the members can be reached. What they hold stays on the server, which is best for nothing else.

    :ivar silent: members that take connections and answer nothing.
    """

    def __init__(self, server: ApiServer, names: t.Sequence[str]) -> None:
        self.server, self.names = server, tuple(names)
        self.silent: set[str] = set()
        self._held = threading.Event()
        self._listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._listener.daemon_threads = True
        self._listener.socket = _tls(server).wrap_socket(
            self._listener.socket, server_side=True, do_handshake_on_connect=False
        )
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Members:
        self._thread.start()
        with Client(self.server.admin) as client:
            for name in self.names:
                for space in ("kube-system", "lodestar-system"):
                    client.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"{name}-{space}"}})
        return self

    def __exit__(self, *_exc: object) -> None:
        self._held.set()
        self._listener.shutdown()
        self._listener.server_close()
        self._thread.join()

    def url(self, name: str) -> str:
        """The address of a member."""
        return f"https://127.0.0.1:{self._listener.server_address[1]}/{name}"

    def uid(self, name: str) -> str:
        """The identity of a member."""
        with Client(self.server.admin) as client:
            return str((client.get("v1", "Namespace", f"{name}-kube-system") or {})["metadata"]["uid"])

    def whose(self, namespace: str) -> str:
        """The member that a namespace of the real server belongs to, empty for one that is no member's."""
        return next((name for name in self.names if namespace.startswith(f"{name}-")), "")

    def written(self, requests: t.Iterable[Request]) -> Counter[str]:
        """By member, how many requests may have stored something."""
        found = [
            self.whose(str(one.target.get("namespace") or one.target.get("name") or ""))
            for one in requests
            if one.writes
        ]
        return Counter(found)

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        members = self

        class Handler(_Handler):
            owner = members

        return Handler

    def await_end(self) -> None:
        """Answers nothing until the members are left."""
        self._held.wait()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: t.ClassVar[Members]
    _upstream: http.client.HTTPSConnection | None = None

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (OSError, http.client.HTTPException):
            self.close_connection = True

    def finish(self) -> None:
        if self._upstream is not None:
            self._upstream.close()
        super().finish()

    def log_message(self, *_args: t.Any) -> None:
        """Nothing: the tests look at the audit log."""

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        name, _slash, rest = self.path.lstrip("/").partition("/")
        if name in self.owner.silent:
            self.owner.await_end()
        path = _NAMESPACES.sub(rf"\g<1>{name}-\g<2>", f"/{rest}")
        status, content, kind = self._forward(path, _inside(name, body))
        answer = _outside(name, content) if kind.startswith("application/json") else content
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    def _forward(self, path: str, body: bytes) -> tuple[int, bytes, str]:
        if self._upstream is None:
            parts = urlsplit(self.owner.server.url)
            tls = context(self.owner.server.runner)
            self._upstream = http.client.HTTPSConnection(parts.hostname or "", parts.port, context=tls, timeout=20)
        headers = {key: value for key, value in self.headers.items() if key.lower() in _FORWARDED}
        self._upstream.request(self.command, path, body=body or None, headers=headers)
        response = self._upstream.getresponse()
        return response.status, response.read(), response.getheader("Content-Type", "")


def _tls(server: ApiServer) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        made.load_cert_chain(*server.authority.serving().write(Path(folder), "members"))
    return made


def _inside(name: str, body: bytes) -> bytes:
    """What a member is sent, as the real server gets it."""
    try:
        obj = json.loads(body)
    except ValueError:
        return body
    _rename(obj, lambda namespace: f"{name}-{namespace}")
    return json.dumps(obj).encode()


def _outside(name: str, content: bytes) -> bytes:
    """What the real server answers, as the member says it: of lists only what is its own."""
    answer, prefix = json.loads(content), f"{name}-"
    items = answer.get("items")
    if isinstance(items, list):
        # Items of a list do not say of which kind they are.
        kind = str(answer.get("kind", "")).removesuffix("List")
        answer["items"] = [item for item in items if _place(item, kind).startswith(prefix)]
    for obj in [answer, *(answer.get("items") or ())]:
        _rename(obj, lambda text: text.removeprefix(prefix), str(answer.get("kind", "")).removesuffix("List"))
    return json.dumps(answer).encode()


def _place(obj: Object, kind: str) -> str:
    metadata = obj.get("metadata") or {}
    return str((metadata.get("name") if kind == "Namespace" else metadata.get("namespace")) or "")


def _rename(obj: t.Any, change: t.Callable[[str], str], kind: str = "") -> None:
    metadata = obj.get("metadata") if isinstance(obj, dict) else None
    if not isinstance(metadata, dict):
        return
    if (obj.get("kind") or kind) == "Namespace" and metadata.get("name"):
        metadata["name"] = change(metadata["name"])
    if metadata.get("namespace"):
        metadata["namespace"] = change(metadata["namespace"])
