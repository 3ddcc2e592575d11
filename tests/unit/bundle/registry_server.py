# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A registry in the memory of a test: the pull side of the OCI distribution API, with the token login of real ones."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import ssl
import threading
import typing as t
import urllib.parse
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

OCI = "application/vnd.oci.image"
DOCKER = "application/vnd.docker.distribution.manifest"
LOGIN = ("robot", "s3cret:with colon")


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@dataclass
class Store:
    """What a registry holds, how it behaves, and what it was asked.

    :param manifests: (repository, tag or digest) -> kind and content.
    :param blobs: by digest.
    :param login: user name and password that its token server wants; ``None`` gives tokens to everybody.
    :param tokens: without, everything may be read without asking.
    :param elsewhere: URL of the server that blobs are redirected to.
    :param failures: status of the next answers to requests below /v2/.
    :param seen: method, path and Authorization header of every request.
    """

    manifests: dict[tuple[str, str], tuple[str, bytes]] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    login: tuple[str, str] | None = None
    tokens: bool = False
    realm: str = ""
    elsewhere: str = ""
    failures: list[int] = field(default_factory=list)
    seen: list[tuple[str, str]] = field(default_factory=list)
    cut: bool = False

    def put(self, repository: str, tag: str, document: dict[str, t.Any]) -> dict[str, t.Any]:
        """Stores a manifest or index under its digest and a tag (if not empty), and returns its descriptor."""
        data = json.dumps(document).encode()
        for reference in filter(None, (tag, digest_of(data))):
            self.manifests[repository, reference] = (document["mediaType"], data)
        return {"mediaType": document["mediaType"], "digest": digest_of(data), "size": len(data)}

    def blob(self, data: bytes) -> dict[str, t.Any]:
        """Stores a blob, and returns its descriptor."""
        self.blobs[digest_of(data)] = data
        return {"digest": digest_of(data), "size": len(data)}

    def image(
        self, repository: str, tag: str, layers: t.Sequence[bytes], architecture: str = "amd64", docker: bool = False
    ) -> dict[str, t.Any]:
        """Stores an image for one platform, and returns the descriptor of its manifest."""
        config = json.dumps({"os": "linux", "architecture": architecture, "rootfs": {"type": "layers"}}).encode()
        return self.put(
            repository,
            tag,
            {
                "schemaVersion": 2,
                "mediaType": f"{DOCKER}.v2+json" if docker else f"{OCI}.manifest.v1+json",
                "config": {"mediaType": f"{OCI}.config.v1+json", **self.blob(config)},
                "layers": [{"mediaType": f"{OCI}.layer.v1.tar+gzip", **self.blob(layer)} for layer in layers],
            },
        )

    def index(
        self, repository: str, tag: str, layers: t.Sequence[bytes], docker: bool = False, extra: t.Any = ()
    ) -> dict[str, dict[str, t.Any]]:
        """Stores an image for amd64 and arm64, and returns the descriptors of the manifests by architecture."""
        made = {name: self.image(repository, "", [*layers, name.encode()], name, docker) for name in ("arm64", "amd64")}
        entries = [
            {
                **made[name],
                "platform": {"os": "linux", "architecture": name, **({"variant": "v8"} if name == "arm64" else {})},
            }
            for name in made
        ]
        kind = f"{DOCKER}.list.v2+json" if docker else f"{OCI}.index.v1+json"
        self.put(repository, tag, {"schemaVersion": 2, "mediaType": kind, "manifests": [*extra, *entries]})
        return made


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    store: Store

    def log_message(self, *_arguments: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        given = self.headers.get("Authorization", "")
        self.store.seen.append((self.path, given))
        if path == "/token":
            return self._token(urllib.parse.parse_qs(query), given)
        if self.store.failures:
            return self._answer(self.store.failures.pop(0), b"", {"Retry-After": "0"})
        _, _, rest = path.partition("/v2/")
        repository, _, wanted = rest.rpartition("/")
        repository, _, kind = repository.rpartition("/")
        if self.store.tokens and given != f"Bearer token-for-{repository}":
            host = self.headers["Host"]
            scheme = "https" if isinstance(self.connection, ssl.SSLSocket) else "http"
            realm = self.store.realm or f"{scheme}://{host}/token"
            terms = f'Bearer realm="{realm}",service="{host}",scope="repository:{repository}:pull"'
            return self._answer(401, b'{"errors": []}', {"WWW-Authenticate": terms})
        if kind == "manifests":
            return self._manifest(repository, urllib.parse.unquote(wanted))
        return self._blob(self.path, wanted)

    def _token(self, query: dict[str, list[str]], given: str) -> None:
        login = self.store.login
        if login and given != "Basic " + base64.b64encode(":".join(login).encode()).decode():
            return self._answer(401, b"{}")
        repository = query["scope"][0].split(":")[1]
        return self._answer(200, json.dumps({"token": f"token-for-{repository}", "expires_in": 60}).encode())

    def _manifest(self, repository: str, reference: str) -> None:
        kind, data = self.store.manifests.get((repository, reference), ("", b""))
        if not kind:
            return self._answer(404, b'{"errors": [{"code": "MANIFEST_UNKNOWN"}]}')
        named = reference if reference.startswith("sha256:") else digest_of(data)
        return self._answer(200, data, {"Content-Type": kind, "Docker-Content-Digest": named})

    def _blob(self, path: str, digest: str) -> None:
        if self.store.elsewhere:
            return self._answer(307, b"", {"Location": self.store.elsewhere + path})
        data = self.store.blobs.get(digest)
        if data is None:
            return self._answer(404, b"")
        if self.store.cut:
            self.store.cut = False
            self.close_connection = True
            return self._answer(200, data[: len(data) // 2], length=len(data))
        return self._answer(200, data)

    def _answer(
        self, status: int, body: bytes, headers: t.Mapping[str, str] | None = None, length: int | None = None
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@contextlib.contextmanager
def serving(store: Store, tls: ssl.SSLContext | None = None) -> t.Iterator[str]:
    """The store behind a server; yields its host and port."""
    handler = type("Handler", (_Handler,), {"store": store})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
