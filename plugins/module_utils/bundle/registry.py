# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads from container registries: the pull side of the OCI distribution specification 1.1, and Docker's token login.

Everything that is read is checked against the digest that names it. Private to the collection.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import re
import ssl
import time
import typing as t
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from ..errors import PlatformError
from .sources import copy

INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
#: How long a transfer may stand still, in seconds.
_IDLE = 60.0
#: More than any manifest or token needs, so that a strange server cannot fill the memory.
_LARGEST = 4 << 20
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_NAME = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_LOCATION = re.compile(
    r"(?:(?P<scheme>https?)://)?(?P<host>(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(?::\d+)?)"
    rf"(?:/(?P<repository>{_NAME}(?:/{_NAME})*))?(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{{0,127}}))?"
    r"(?:@(?P<digest>sha256:[0-9a-f]{64}))?/?"
)
_TRANSIENT = (429, 500, 502, 503, 504)

_Answer = t.TypeVar("_Answer")


@dataclass(frozen=True)
class Location:
    """A place in a registry.

    :param scheme: ``https``, or ``http`` where the operator wrote that.
    :param host: with the port, if it is not the scheme's own.
    :param repository: empty for the registry itself.
    :param tag: empty when none was given.
    :param digest: of a manifest or index; wins over the tag.
    """

    scheme: str
    host: str
    repository: str = ""
    tag: str = ""
    digest: str = ""

    @property
    def shown(self) -> str:
        """The place as messages name it."""
        place = f"{self.host}/{self.repository}" if self.repository else self.host
        if self.digest:
            return f"{place}@{self.digest}"
        return f"{place}:{self.tag}" if self.tag else place


def parse(text: str) -> Location | None:
    """A place as operators write it, C([http://]host[:port][/repository][:tag][@digest]), or ``None``."""
    found = _LOCATION.fullmatch(text)
    if found is None:
        return None
    parts = {name: value or "" for name, value in found.groupdict().items()}
    return Location(**{**parts, "scheme": parts["scheme"] or "https"})


@dataclass(frozen=True)
class Document:
    """A manifest or index as the registry sent it."""

    media_type: str
    digest: str
    data: bytes

    @property
    def content(self) -> dict[str, t.Any]:
        """The JSON in it, which :meth:`Registry.document` has seen to be an object."""
        return t.cast(dict[str, t.Any], json.loads(self.data))


class _Failure(PlatformError):
    """A failure that may pass.

    :param after: when the server wants to be asked again, in seconds.
    :param silent: there was no answer at all; the error that is raised in the end tells it in its details.
    """

    def __init__(self, message: str, after: float = 0.0, silent: bool = False) -> None:
        super().__init__(message, silent=silent)
        self.after = after


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Blobs are often elsewhere. Credentials do not go along to another server, and encryption is not given up."""

    def redirect_request(
        self, req: urllib.request.Request, fp: t.Any, code: int, msg: str, headers: t.Any, newurl: str
    ) -> urllib.request.Request | None:
        old, new = urllib.parse.urlsplit(req.full_url), urllib.parse.urlsplit(newurl)
        if new.scheme not in ("https", old.scheme):
            raise PlatformError(f"{old.netloc} redirects to {new.scheme}://{new.netloc}, which is not encrypted")
        following = super().redirect_request(req, fp, code, msg, headers, newurl)
        if following is not None and (old.scheme, old.netloc) == (new.scheme, new.netloc):
            following.unredirected_hdrs.update(req.unredirected_hdrs)
        return following


#: Honours the proxy settings of the environment.
_OPENER = urllib.request.build_opener(_Redirects)


class Registry:
    """One registry server, read anonymously or with a login.

    :param scheme: ``https`` or ``http``.
    :param host: with the port.
    :param login: user name and password, if there is one. They are sent to the server, and to the one that it names for
        tokens, over https unless ``scheme`` is ``http``.
    :param patience: for how long a request that fails is made again, in seconds.
    """

    def __init__(self, scheme: str, host: str, login: tuple[str, str] | None = None, patience: float = 120.0) -> None:
        self.scheme, self.host = scheme, host
        self.patience = patience
        self._login = login
        self._authorization: dict[str, str] = {}

    def document(
        self, repository: str, reference: str, timeout: float = _IDLE, patience: float | None = None
    ) -> Document:
        """A manifest or index by tag or digest.

        :param timeout: how long the server may take to answer, in seconds.
        :param patience: in place of the registry's own.
        :raises PlatformError: when the registry does not have it, does not answer, or sends another than it was asked
            for.
        """
        name = f"{self.host}/{repository}{'@' if _DIGEST.fullmatch(reference) else ':'}{reference}"
        path = f"{repository}/manifests/{reference}"

        def read() -> tuple[bytes, t.Any]:
            with self._open(repository, path, (*INDEXES, *MANIFESTS), timeout) as answer:
                return answer.read(_LARGEST + 1), answer.headers

        data, headers = self._patiently(read, patience)
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        promised = reference if _DIGEST.fullmatch(reference) else headers.get("Docker-Content-Digest") or digest
        if digest != promised:
            raise PlatformError(f"the manifest {name} is damaged: {digest} came, where {promised} was expected")
        return Document(_media_type(data, headers.get_content_type(), name), digest, data)

    def blob(self, repository: str, descriptor: t.Mapping[str, t.Any], target: Path) -> None:
        """Downloads what a manifest's descriptor names (its digest and size) to a file.

        :raises PlatformError: when the registry does not have it, does not answer, or sends something else.
        """
        digest, size = str(descriptor["digest"]), int(descriptor["size"])

        def read() -> tuple[int, str]:
            with self._open(repository, f"{repository}/blobs/{digest}", ("*/*",), _IDLE) as answer:
                got, seen = copy(answer, target, size)
            if got < size:
                raise _Failure(
                    f"{self.host} broke off the transfer of {repository}@{digest} after {got} of {size} bytes"
                )
            return got, seen

        try:
            got, seen = self._patiently(read)
            if got != size or f"sha256:{seen}" != digest:
                raise PlatformError(
                    f"the blob {self.host}/{repository}@{digest} is damaged: sha256:{seen}, {got} bytes"
                )
        except BaseException:
            target.unlink(missing_ok=True)
            raise

    def _patiently(self, act: t.Callable[[], _Answer], patience: float | None = None) -> _Answer:
        end, pause = time.monotonic() + (self.patience if patience is None else patience), 1.0
        while True:
            try:
                return act()
            except (OSError, http.client.HTTPException) as exc:
                failure = _Failure(f"{self.host} does not answer: {getattr(exc, 'reason', None) or exc!r}", silent=True)
                if isinstance(getattr(exc, "reason", exc), ssl.SSLCertVerificationError):
                    raise PlatformError(str(failure)) from exc
            except _Failure as exc:
                failure = exc
            wait = max(pause, failure.after)
            if time.monotonic() + wait > end:
                raise PlatformError(str(failure), **failure.details)
            time.sleep(wait)
            pause = min(2 * pause, 15.0)

    def _open(self, repository: str, path: str, accept: t.Sequence[str], timeout: float) -> t.Any:
        """An open answer; a challenge of the server is answered once."""
        try:
            return self._ask(repository, path, accept, timeout)
        except urllib.error.HTTPError as exc:
            with exc:
                if exc.code != 401:
                    raise _refusal(f"{self.host}/v2/{path}", exc) from exc
                self._authorize(repository, exc.headers.get_all("WWW-Authenticate") or [], timeout)
        try:
            return self._ask(repository, path, accept, timeout)
        except urllib.error.HTTPError as exc:
            with exc:
                raise _refusal(f"{self.host}/v2/{path}", exc) from exc

    def _ask(self, repository: str, path: str, accept: t.Sequence[str], timeout: float) -> t.Any:
        request = urllib.request.Request(f"{self.scheme}://{self.host}/v2/{path}")
        request.add_header("Accept", ", ".join(accept))
        if repository in self._authorization:
            request.add_unredirected_header("Authorization", self._authorization[repository])
        return _OPENER.open(request, timeout=timeout)

    def _authorize(self, repository: str, challenges: t.Sequence[str], timeout: float) -> None:
        """Gets what the server wants to see: a token, or the login itself."""
        self._authorization.pop(repository, None)
        for challenge in challenges:
            scheme, _space, rest = challenge.partition(" ")
            if scheme.lower() == "bearer":
                terms = dict(re.findall(r'(\w+)="([^"]*)"', rest))
                self._authorization[repository] = f"Bearer {self._token(repository, terms, timeout)}"
                return
            if scheme.lower() == "basic" and self._login:
                self._authorization[repository] = _basic(self._login)
                return
        raise PlatformError(f"{self.host} wants a login for {repository}; set registry_logins for {self.host}")

    def _token(self, repository: str, terms: t.Mapping[str, str], timeout: float) -> str:
        realm = terms.get("realm", "")
        parts = urllib.parse.urlsplit(realm)
        if parts.scheme not in ("https", self.scheme):
            raise PlatformError(f"{self.host} sends to {parts.scheme}://{parts.netloc} for tokens, which is refused")
        query = {"scope": terms.get("scope") or f"repository:{repository}:pull"}
        query |= {"service": terms["service"]} if terms.get("service") else {}
        request = urllib.request.Request(f"{realm}{'&' if parts.query else '?'}{urllib.parse.urlencode(query)}")
        if self._login:
            request.add_unredirected_header("Authorization", _basic(self._login))
        try:
            with _OPENER.open(request, timeout=timeout) as answer:
                token = json.loads(answer.read(_LARGEST))
                return str(token.get("token") or token["access_token"])
        except urllib.error.HTTPError as exc:
            with exc:
                raise _refusal(f"the token server {parts.netloc} of {self.host}", exc) from exc
        except (ValueError, KeyError, AttributeError) as exc:
            raise PlatformError(f"the token server {parts.netloc} of {self.host} sends no token") from exc


def _basic(login: tuple[str, str]) -> str:
    return "Basic " + base64.b64encode(":".join(login).encode()).decode()


def _refusal(name: str, exc: urllib.error.HTTPError) -> PlatformError:
    """An answer that is not what was asked for, as an error; one that may pass is a failure to try again."""
    said = f"{name} answered {exc.code} {exc.reason}"
    if exc.code in _TRANSIENT:
        after = exc.headers.get("Retry-After") or ""
        return _Failure(said, float(after) if after.isdigit() else 0.0)
    if exc.code in (401, 403):
        said += "; look at registry_logins"
    return PlatformError(said, status=exc.code)


def _media_type(data: bytes, declared: str, name: str) -> str:
    """The kind of a document; what says nothing of itself is what the server says."""
    try:
        content = json.loads(data)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise PlatformError(f"{name} is no manifest")
    media_type = str(content.get("mediaType") or declared)
    if media_type not in (*INDEXES, *MANIFESTS):
        raise PlatformError(f"{name} is of the kind {media_type}, which is not supported")
    return media_type
