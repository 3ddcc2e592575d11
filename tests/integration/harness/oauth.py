# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An OAuth server that answers as OpenShift's does: its description, a challenge, a code, a token, and its end.

Which statuses, headers and redirects it gives is that of openshift/oauth-server: 401 with a Basic challenge only to
clients that say X-CSRF-Token, 302 to the redirect address with a code, and JSON with the token's lifetime.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import ssl
import threading
import typing as t
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

from . import pki


class OAuthServer:
    """Started by entering it. It stands for the API server's description and the OAuth route at once.

    :ivar behaviour: C(good), C(no-challenge), C(page), C(denied), C(no-oauth), C(expired-code).
    :ivar tokens: the names of the tokens that are good now.
    :ivar seen: method and path of each request.
    """

    def __init__(self, folder: Path, user: str, password: str) -> None:
        self.authority = pki.Authority("openshift-ca")
        self.behaviour = "good"
        self.tokens: set[str] = set()
        self.seen: list[str] = []
        self._login = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._codes: dict[str, str] = {}
        certificate, key = self.authority.serving().write(folder, "oauth")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

    def __enter__(self) -> OAuthServer:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Its address."""
        return f"https://127.0.0.1:{self._server.server_address[1]}"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_arguments: t.Any) -> None:
                pass

            def do_GET(self) -> None:
                outer.seen.append(f"GET {urlsplit(self.path).path}")
                if urlsplit(self.path).path == "/oauth/authorize":
                    outer._authorize(self)
                else:
                    outer._describe(self)

            def do_POST(self) -> None:
                outer.seen.append(f"POST {self.path}")
                outer._token(self)

            def do_DELETE(self) -> None:
                name = self.path.rpartition("/")[2]
                outer.seen.append(f"DELETE {name}")
                good = name in outer.tokens and "Bearer" in self.headers["Authorization"]
                outer.tokens.discard(name)
                reply(self, 200 if good else 404, {"kind": "Status", "apiVersion": "v1"})

        return Handler

    def _describe(self, request: BaseHTTPRequestHandler) -> None:
        if self.behaviour == "no-oauth":
            reply(request, 404, {"kind": "Status", "code": 404})
            return
        ends = {"authorization_endpoint": "/oauth/authorize", "token_endpoint": "/oauth/token"}
        reply(request, 200, {"issuer": self.url, **{key: self.url + path for key, path in ends.items()}})

    def _authorize(self, request: BaseHTTPRequestHandler) -> None:
        query = {key: values[0] for key, values in parse_qs(urlsplit(request.path).query).items()}
        assert query["client_id"] == "openshift-challenging-client"
        if self.behaviour == "no-challenge":
            reply(request, 401, {})
        elif request.headers.get("X-CSRF-Token") and request.headers["Authorization"] != f"Basic {self._login}":
            reply(request, 401, {}, {"WWW-Authenticate": 'Basic realm="openshift"'})
        elif self.behaviour == "page":
            reply(request, 302, {}, {"Location": f"{self.url}/login?then=%2Foauth%2Fauthorize"})
        elif self.behaviour == "denied":
            said = {"error": "access_denied", "error_description": "the account is locked"}
            reply(request, 302, {}, {"Location": f"{self.url}/oauth/token/implicit?{urlencode(said)}"})
        else:
            code = secrets.token_urlsafe(16)
            self._codes[code] = query["code_challenge"]
            reply(request, 302, {}, {"Location": f"{self.url}/oauth/token/implicit?{urlencode({'code': code})}"})

    def _token(self, request: BaseHTTPRequestHandler) -> None:
        text = request.rfile.read(int(request.headers["Content-Length"])).decode()
        form = {key: values[0] for key, values in parse_qs(text).items()}
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        known = self._codes.pop(form["code"], None)
        if known != challenge or self.behaviour == "expired-code":
            reply(request, 400, {"error": "invalid_grant", "error_description": "the code has expired"})
            return
        token = "sha256~" + secrets.token_urlsafe(32)
        name = base64.urlsafe_b64encode(hashlib.sha256(token.removeprefix("sha256~").encode()).digest())
        self.tokens.add("sha256~" + name.rstrip(b"=").decode())
        reply(request, 200, {"access_token": token, "token_type": "Bearer", "expires_in": 86400})


def reply(
    request: BaseHTTPRequestHandler, status: int, body: dict[str, t.Any], headers: dict[str, str] | None = None
) -> None:
    """Answers with JSON."""
    content = json.dumps(body).encode()
    request.send_response(status)
    for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
        request.send_header(name, value)
    request.send_header("Content-Length", str(len(content)))
    request.end_headers()
    request.wfile.write(content)
