# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An issuer of OpenID Connect: discovery and keys over HTTPS with an authority of its own, and signed tokens."""

from __future__ import annotations

import base64
import json
import ssl
import threading
import time
import typing as t
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from . import pki
from .oauth import reply

AUDIENCE = "kubernetes"
_KEY_ID = "one"


class Issuer:
    """Started by entering it.

    :param address: where it listens, which is a part of its name.
    """

    def __init__(self, folder: Path, name: str = "issuer", address: str = "127.0.0.1") -> None:
        self._address = address
        self.authority = pki.Authority(f"{name}-ca")
        self._key = ec.generate_private_key(ec.SECP256R1())
        certificate, key = self.authority.serving(address).write(folder, name)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self._server = ThreadingHTTPServer((address, 0), self._handler())
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)

    def __enter__(self) -> Issuer:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Its address, which is its name."""
        return f"https://{self._address}:{self._server.server_address[1]}"

    def declared(self, **more: t.Any) -> dict[str, t.Any]:
        """An item of C(jwt) for it, with what is given instead."""
        issuer = {
            "url": self.url,
            "audiences": [AUDIENCE],
            "certificateAuthority": self.authority.pair.certificate,
        }
        mappings = {"username": {"claim": "sub", "prefix": ""}, "groups": {"claim": "groups", "prefix": ""}}
        return {"issuer": issuer, "claimMappings": mappings, **more}

    def token(self, user: str, *groups: str, **claims: t.Any) -> str:
        """A token of five minutes, with what is given instead."""
        now = int(time.time())
        own = {"iss": self.url, "aud": AUDIENCE, "sub": user, "groups": list(groups), "iat": now, "exp": now + 300}
        header = {"alg": "ES256", "typ": "JWT", "kid": _KEY_ID}
        text = ".".join(_encoded(json.dumps(part).encode()) for part in (header, {**own, **claims}))
        r, s = decode_dss_signature(self._key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{text}.{_encoded(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"

    def _documents(self) -> dict[str, dict[str, t.Any]]:
        numbers = self._key.public_key().public_numbers()
        point = {name: _encoded(getattr(numbers, name).to_bytes(32, "big")) for name in ("x", "y")}
        key = {"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": _KEY_ID, **point}
        discovery = {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/keys",
            "authorization_endpoint": f"{self.url}/auth",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
        }
        return {"/.well-known/openid-configuration": discovery, "/keys": {"keys": [key]}}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_arguments: t.Any) -> None:
                pass

            def do_GET(self) -> None:
                document = outer._documents().get(self.path)
                reply(self, 404 if document is None else 200, document or {})

        return Handler


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
