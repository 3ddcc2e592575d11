# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client of the Kubernetes API that retries what is safe to retry. Private to the collection."""

from __future__ import annotations

import json
import random
import threading
import time
import typing as t
from urllib.parse import urlencode

from ..errors import PlatformError
from . import errors
from .connection import Connection
from .diff import covers
from .resources import STATIC, Resource, base_path, describe, from_discovery
from .transport import Lost, Response, Transport

#: The field manager under which everything is applied.
MANAGER = "lodestar"
APPLY_PATCH = "application/apply-patch+yaml"
USER_AGENT = "lodestar.platform"
_PAGE = 500
_RETRIED = {429, 500, 502, 503, 504}
_MAX_SERVER_ERRORS = 5
_BACKOFF = (0.1, 3.0)
# Creating these stores nothing.
_REVIEWS = ("accessreviews", "rulesreviews", "tokenreviews", "subjectreviews")

Object = dict[str, t.Any]
Objects = list[Object]


class Client:
    """Talks to one API server. Threads may share it.

    :param deadline: seconds that one call may take, its retries included.
    :param in_flight: how many requests may be under way at once.
    :ivar reads: requests sent that store nothing: gets, lists, dry-runs, access reviews.
    :ivar writes: requests sent that may store something.
    :ivar server_date: the C(Date) header of the last response, empty before the first.
    """

    def __init__(
        self, connection: Connection, *, deadline: float = 30.0, in_flight: int = 8, user_agent: str = USER_AGENT
    ) -> None:
        self.connection = connection
        self.deadline = deadline
        self.reads = 0
        self.writes = 0
        self.server_date = ""
        self._user_agent = user_agent
        self._transport = Transport(connection, in_flight)
        self._lock = threading.Lock()
        self._discovered: dict[str, dict[str, Resource]] = {}
        self._learned: dict[tuple[str, str], Resource] = {}

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes idle connections."""
        self._transport.close()

    # -- requests

    def request(
        self,
        method: str,
        path: str,
        *,
        query: t.Mapping[str, t.Any] | None = None,
        body: t.Any = None,
        content_type: str | None = None,
        deadline: float | None = None,
    ) -> t.Any:
        """One call of the API: decoded JSON, or text where the server answers with text.

        GET, PUT, DELETE and server-side apply are tried again after a lost or failed response; POST only when the server
        says that it did not act (429) or was not reached.

        :raises errors.ApiError: the call did not succeed.
        """
        repeat = method in ("GET", "HEAD", "PUT", "DELETE") or content_type == APPLY_PATCH
        response = self._send(
            method, path, query, body, content_type, verb=method, what=path, repeat=repeat, deadline=deadline
        )
        return _decode(response, method, path, self.connection.server)

    def version(self) -> Object:
        """The server's C(/version): C(gitVersion), C(major), C(minor), C(platform)."""
        return t.cast(Object, self.request("GET", "/version"))

    def _send(
        self,
        method: str,
        path: str,
        query: t.Mapping[str, t.Any] | None = None,
        body: t.Any = None,
        content_type: str | None = None,
        *,
        verb: str,
        what: str,
        repeat: bool,
        deadline: float | None = None,
    ) -> Response:
        until = time.monotonic() + (self.deadline if deadline is None else deadline)
        target = path + ("?" + urlencode(_flat(query)) if query else "")
        payload = json.dumps(body, separators=(",", ":")).encode() if body is not None else None
        headers = self._headers(payload, content_type)
        stores = method not in ("GET", "HEAD") and not (query or {}).get("dryRun") and not path.endswith(_REVIEWS)
        failures = 0
        while True:
            self._count(stores)
            try:
                response = self._transport.exchange(method, target, headers, payload, until)
            except Lost as lost:
                if lost.final or (lost.sent and not repeat):
                    raise self._unreachable(verb, what, lost) from None
                failures += 1
                self._pause(failures, None, until, lambda lost=lost: self._unreachable(verb, what, lost))
                continue
            self.server_date = response.headers.get("date", self.server_date)
            if response.status < 300:
                return response
            error = self._error(response, verb, what)
            failures += 1
            if not _again(response.status, repeat, failures):
                raise error
            self._pause(failures, response.headers.get("retry-after"), until, lambda error=error: error)

    def _headers(self, payload: bytes | None, content_type: str | None) -> dict[str, str]:
        headers = {"Accept": "application/json, text/plain;q=0.5", "User-Agent": self._user_agent}
        if self.connection.token:
            headers["Authorization"] = f"Bearer {self.connection.token}"
        if payload is not None:
            headers["Content-Type"] = content_type or "application/json"
        return headers

    def _count(self, stores: bool) -> None:
        with self._lock:
            if stores:
                self.writes += 1
            else:
                self.reads += 1

    def _pause(
        self, failures: int, retry_after: str | None, until: float, give_up: t.Callable[[], errors.ApiError]
    ) -> None:
        delay = random.uniform(0.05, min(_BACKOFF[1], _BACKOFF[0] * 2.0**failures))
        if retry_after and retry_after.strip().isdigit():
            delay += float(retry_after)
        if time.monotonic() + delay >= until:
            raise give_up()
        time.sleep(delay)

    def _unreachable(self, verb: str, what: str, lost: Lost) -> errors.ApiError:
        error = errors.Unreachable(
            f"{verb} {what}: {self.connection.server}: {lost}", reason="Unreachable", verb=verb, object=what
        )
        error.details["sent"] = lost.sent
        return error

    def _error(self, response: Response, verb: str, what: str) -> errors.ApiError:
        if response.status < 400:
            where = response.headers.get("location", "nowhere")
            return errors.Unreachable(
                f"{verb} {what}: {self.connection.server} redirects to {where}, which is not followed",
                status=response.status,
            )
        try:
            body = json.loads(response.body)
        except ValueError:
            body = None
        return errors.from_response(response.status, body, verb, what)

    # -- kinds

    def resource(self, api_version: str, kind: str) -> Resource:
        """The path and scope of a kind: from the table, what was learned, or the server's discovery.

        :raises errors.UnknownKind: the server does not serve it.
        """
        known = STATIC.get((api_version, kind)) or self._learned.get((api_version, kind))
        if known is not None:
            return known
        served = self.served(api_version)
        if served is None or kind not in served:
            reason = "this server does not serve it" if served is not None else f"{api_version} is not served"
            raise errors.UnknownKind(f"kind {kind} of {api_version}: {reason}", status=404, reason="UnknownKind")
        return served[kind]

    def served(self, api_version: str) -> dict[str, Resource] | None:
        """The kinds of a group's version by name, ``None`` when it is not served. A found answer is kept."""
        if api_version not in self._discovered:
            try:
                document = self.request("GET", base_path(api_version))
            except errors.NotFound:
                return None
            self._discovered[api_version] = from_discovery(api_version, document)
        return self._discovered[api_version]

    def group(self, name: str) -> Object | None:
        """The C(APIGroup) document of a group, ``None`` when it is not served."""
        try:
            return t.cast(Object, self.request("GET", f"/apis/{name}"))
        except errors.NotFound:
            return None

    def learn(self, resources: t.Iterable[Resource]) -> None:
        """Makes kinds known that the server will serve, such as those of a CRD about to be created."""
        self._learned.update({(item.api_version, item.kind): item for item in resources})

    def forget(self, api_version: str) -> None:
        """Drops what discovery said, because a CRD has changed it."""
        self._discovered.pop(api_version, None)

    # -- objects

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Object | None:
        """An object, or ``None`` when it, its namespace or its kind does not exist."""
        what = describe({"kind": kind, "metadata": {"name": name, "namespace": namespace}})
        try:
            path = self.resource(api_version, kind).path(namespace, name)
            response = self._send("GET", path, verb="get", what=what, repeat=True)
        except errors.NotFound:
            return None
        return self._object(response, "get", what)

    def list(
        self, api_version: str, kind: str, *, namespace: str | None = None, label_selector: str | None = None
    ) -> Objects:
        """The objects of a kind, in all namespaces by default; empty when the kind is not served."""
        try:
            path = self.resource(api_version, kind).path(namespace)
            for _attempt in range(3):
                try:
                    return self._pages(path, api_version, kind, label_selector)
                except errors.Gone:
                    continue
            return self._pages(path, api_version, kind, label_selector, page=0)
        except errors.NotFound:
            return []

    def _pages(
        self, path: str, api_version: str, kind: str, label_selector: str | None, page: int = _PAGE
    ) -> Objects:
        items: Objects = []
        token = None
        while True:
            query = {"labelSelector": label_selector, "limit": page or None, "continue": token}
            response = self._send("GET", path, query, verb="list", what=kind, repeat=True)
            answer = self._object(response, "list", kind)
            items += [{**item, "apiVersion": api_version, "kind": kind} for item in answer.get("items") or ()]
            token = (answer.get("metadata") or {}).get("continue")
            if not token:
                return items

    def apply(
        self, obj: Object, *, force: bool = False, dry_run: bool = False, subresource: str | None = None
    ) -> Object:
        """Server-side apply as :data:`MANAGER`; unknown fields are refused by the server.

        :param force: take fields over from other managers.
        :raises errors.Conflict: fields belong to other managers, which it names.
        """
        query = {
            "fieldManager": MANAGER,
            "force": "true" if force else "false",
            "fieldValidation": "Strict",
            "dryRun": "All" if dry_run else None,
        }
        path, what = self._path(obj, subresource), describe(obj)
        response = self._send("PATCH", path, query, obj, APPLY_PATCH, verb="apply", what=what, repeat=True)
        return self._object(response, "apply", what)

    def create(self, obj: Object) -> Object:
        """Creates an object. When a reply was lost, an object that is there counts if its content is ours.

        :raises errors.Conflict: it exists already.
        """
        metadata = obj.get("metadata") or {}
        what = describe(obj)
        path = self.resource(obj["apiVersion"], obj["kind"]).path(metadata.get("namespace"))
        query = {"fieldManager": MANAGER}
        for attempt in range(3):
            try:
                response = self._send("POST", path, query, obj, verb="create", what=what, repeat=False)
                return self._object(response, "create", what)
            except (errors.Unreachable, errors.ServerError) as error:
                lost = error
            except errors.Conflict:
                if attempt == 0 or not (found := self._ours(obj)):
                    raise
                return found
            if not metadata.get("name") or (lost.status is None and not lost.details.get("sent")):
                raise lost
            if found := self._ours(obj):
                return found
        raise lost

    def replace(self, obj: Object) -> Object:
        """Replaces an object; C(metadata.resourceVersion), when given, must still be current."""
        what = describe(obj)
        query = {"fieldManager": MANAGER}
        response = self._send("PUT", self._path(obj), query, obj, verb="replace", what=what, repeat=True)
        return self._object(response, "replace", what)

    def delete(
        self, api_version: str, kind: str, name: str, namespace: str | None = None, uid: str | None = None
    ) -> bool:
        """Deletes an object, its dependents in the background. False when it did not exist.

        :param uid: delete only this very object, not one of the same name.
        """
        what = describe({"kind": kind, "metadata": {"name": name, "namespace": namespace}})
        options: Object = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        if uid is not None:
            options["preconditions"] = {"uid": uid}
        try:
            path = self.resource(api_version, kind).path(namespace, name)
            self._send("DELETE", path, None, options, verb="delete", what=what, repeat=True)
        except errors.NotFound:
            return False
        return True

    def create_token(self, namespace: str, service_account: str, seconds: int) -> Object:
        """A token of a ServiceAccount: C(token) and C(expirationTimestamp), which the server may have shortened."""
        path = f"{STATIC['v1', 'ServiceAccount'].path(namespace, service_account)}/token"
        body = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": seconds},
        }
        what = f"token of ServiceAccount {namespace}/{service_account}"
        response = self._send("POST", path, None, body, verb="create", what=what, repeat=True)
        return t.cast(Object, self._object(response, "create", what)["status"])

    def can(
        self,
        verb: str,
        group: str,
        resource: str,
        *,
        namespace: str | None = None,
        name: str | None = None,
        subresource: str | None = None,
    ) -> bool:
        """Whether we may do this, as the server's authorizers see it. Without namespace: in all of them."""
        attributes = {
            "verb": verb,
            "group": group,
            "resource": resource,
            "namespace": namespace,
            "name": name,
            "subresource": subresource,
        }
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {key: value for key, value in attributes.items() if value is not None}},
        }
        path = STATIC["authorization.k8s.io/v1", "SelfSubjectAccessReview"].path()
        response = self._send("POST", path, None, body, verb="create", what="SelfSubjectAccessReview", repeat=True)
        return bool(self._object(response, "create", "SelfSubjectAccessReview").get("status", {}).get("allowed"))

    def _path(self, obj: Object, subresource: str | None = None) -> str:
        metadata = obj["metadata"]
        resource = self.resource(obj["apiVersion"], obj["kind"])
        if resource.namespaced and not metadata.get("namespace"):
            raise PlatformError(f"{describe(obj)} needs a namespace")
        return resource.path(metadata.get("namespace"), metadata["name"], subresource)

    def _ours(self, obj: Object) -> Object | None:
        metadata = obj["metadata"]
        found = self.get(obj["apiVersion"], obj["kind"], metadata["name"], metadata.get("namespace"))
        return found if found is not None and covers(obj, found) else None

    def _object(self, response: Response, verb: str, what: str) -> Object:
        answer = _decode(response, verb, what, self.connection.server)
        if not isinstance(answer, dict):
            raise _strange(response, verb, what, self.connection.server)
        return answer


def _flat(query: t.Mapping[str, t.Any] | None) -> list[tuple[str, str]]:
    return [(key, str(value)) for key, value in (query or {}).items() if value is not None]


def _again(status: int, repeat: bool, failures: int) -> bool:
    if status == 429:
        return True
    if status not in _RETRIED or not repeat:
        return False
    # A 500 is often an admission webhook that will not come back; the others mean a server on its way up or down.
    return status == 503 or failures < _MAX_SERVER_ERRORS


def _decode(response: Response, verb: str, what: str, server: str) -> t.Any:
    kind = response.headers.get("content-type", "")
    if kind.startswith("text/plain"):
        return response.body.decode("utf-8", "replace")
    try:
        return json.loads(response.body)
    except ValueError:
        raise _strange(response, verb, what, server) from None


def _strange(response: Response, verb: str, what: str, server: str) -> errors.ApiError:
    kind = response.headers.get("content-type", "no content type")
    return errors.Unreachable(
        f"{verb} {what}: {server} answers with {kind}, which no Kubernetes API does", status=response.status
    )
