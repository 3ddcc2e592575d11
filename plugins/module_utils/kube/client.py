# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client of the Kubernetes API: kinds and objects. Private to the collection."""

from __future__ import annotations

import builtins
import math
import typing as t

from ..errors import PlatformError
from . import errors
from .connection import Connection
from .diff import covers
from .own_token import renewing, requested
from .resources import STATIC, Resource, base_path, describe, from_discovery
from .session import APPLY_PATCH, MERGE_PATCH, USER_AGENT, Call, Session

#: The field manager under which everything is applied.
MANAGER = "lodestar"
_PAGE = 500
#: Half a million objects; a server that goes on is not waited for.
_MOST_PAGES = 1000
_LONGEST_NAME = 253

Object = dict[str, t.Any]
Objects = list[Object]


class Client(Session):
    """Talks to one API server in terms of objects. Threads may share it; see :class:`Session`."""

    def __init__(
        self,
        connection: Connection,
        *,
        deadline: float = 30.0,
        in_flight: int = 8,
        user_agent: str = USER_AGENT,
        until: float = math.inf,
    ) -> None:
        own = renewing(connection)
        super().__init__(own, deadline=deadline, in_flight=in_flight, user_agent=user_agent, until=until)
        self._discovered: dict[str, dict[str, Resource]] = {}
        self._learned: dict[tuple[str, str], Resource] = {}

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
            return self.obtain(Call("GET", path, "get", what))
        except errors.NotFound:
            return None

    def list(
        self,
        api_version: str,
        kind: str,
        *,
        namespace: str | None = None,
        label_selector: str | None = None,
        field_selector: str | None = None,
    ) -> Objects:
        """The objects of a kind, in all namespaces by default; empty when the kind is not served."""
        if label_selector in self.together:
            found = self._list(api_version, kind, namespace, _any_of(self.together), field_selector)
            key, _equals, value = str(label_selector).partition("=")
            return [obj for obj in found if (obj["metadata"].get("labels") or {}).get(key) == value]
        return self._list(api_version, kind, namespace, label_selector, field_selector)

    def _list(
        self, api_version: str, kind: str, namespace: str | None, label_selector: str | None, field_selector: str | None
    ) -> Objects:
        selectors = {"labelSelector": label_selector, "fieldSelector": field_selector}
        try:
            path = self.resource(api_version, kind).path(namespace)
            for _attempt in range(3):
                try:
                    return self._pages(path, api_version, kind, selectors)
                except errors.Gone:
                    continue
            return self._pages(path, api_version, kind, selectors, page=0)
        except errors.NotFound:
            return []

    def _pages(
        self, path: str, api_version: str, kind: str, selectors: t.Mapping[str, str | None], page: int = _PAGE
    ) -> Objects:
        items: Objects = []
        token = None
        for _number in range(_MOST_PAGES):
            query = {**selectors, "limit": page or None, "continue": token}
            answer = self.obtain(Call("GET", path, "list", kind, query))
            found, rest = answer.get("items") or [], answer.get("metadata") or {}
            if not isinstance(found, builtins.list) or not isinstance(rest, dict) or not all(map(_is_object, found)):
                raise self._not_a_list(kind, "something that is no list of objects")
            items += [{**item, "apiVersion": api_version, "kind": kind} for item in found]
            token = rest.get("continue")
            if not token:
                return items
        raise self._not_a_list(kind, f"more than {_MOST_PAGES} pages")

    def _not_a_list(self, kind: str, what: str) -> errors.Unreachable:
        return errors.Unreachable(f"list {kind}: {self.connection.server} answers with {what}")

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
        return self.obtain(Call("PATCH", self._path(obj, subresource), "apply", describe(obj), query, obj, APPLY_PATCH))

    def merge(self, api_version: str, kind: str, name: str, changes: Object, namespace: str | None = None) -> Object:
        """Changes single fields of an object that others declare, by JSON merge patch: C(None) removes a field."""
        what = describe({"kind": kind, "metadata": {"name": name, "namespace": namespace}})
        path = self.resource(api_version, kind).path(namespace, name)
        query = {"fieldManager": MANAGER}
        return self.obtain(Call("PATCH", path, "patch", what, query, changes, MERGE_PATCH))

    def evict(
        self, pod: t.Mapping[str, t.Any], *, grace_period: int | None = None, deadline: float | None = None
    ) -> None:
        """Asks that this very pod be ended, which its PodDisruptionBudget may deny.

        :param grace_period: seconds that its processes get, in place of what the pod says.
        :param deadline: seconds to repeat a question that was denied.
        :raises errors.Throttled: it was denied until the deadline.
        """
        metadata = {key: pod["metadata"][key] for key in ("name", "namespace")}
        options: Object = {"preconditions": {"uid": pod["metadata"]["uid"]}}
        if grace_period is not None:
            options["gracePeriodSeconds"] = grace_period
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata, "deleteOptions": options}
        path = STATIC["v1", "Pod"].path(metadata["namespace"], metadata["name"], "eviction")
        self.send(Call("POST", path, "evict", describe(pod), body=body, deadline=deadline))

    def judge(self, obj: Object, namespace: str | None) -> None:
        """Asks whether an object would be valid as a new one in a namespace that exists; nothing is stored.

        :raises errors.Invalid: it would not.
        """
        metadata = {**obj["metadata"], **({"namespace": namespace} if namespace is not None else {})}
        path = self.resource(obj["apiVersion"], obj["kind"]).path(namespace)
        query = {"fieldManager": MANAGER, "fieldValidation": "Strict", "dryRun": "All"}
        self.send(Call("POST", path, "create", describe(obj), query, {**obj, "metadata": metadata}))

    def create(self, obj: Object) -> Object:
        """Creates an object. When a reply was lost, an object that is there counts if its content is ours.

        :raises errors.Conflict: it exists already.
        """
        metadata = obj.get("metadata") or {}
        path = self.resource(obj["apiVersion"], obj["kind"]).path(metadata.get("namespace"))
        call = Call("POST", path, "create", describe(obj), {"fieldManager": MANAGER}, obj, repeat=False)
        for attempt in range(3):
            try:
                return self.obtain(call)
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
        query = {"fieldManager": MANAGER}
        return self.obtain(Call("PUT", self._path(obj), "replace", describe(obj), query, obj))

    def delete(
        self,
        api_version: str,
        kind: str,
        name: str,
        namespace: str | None = None,
        uid: str | None = None,
        dry_run: bool = False,
    ) -> bool:
        """Deletes an object, its dependents in the background. False when it did not exist.

        :param uid: delete only this very object, not one of the same name.
        """
        what = describe({"kind": kind, "metadata": {"name": name, "namespace": namespace}})
        options: Object = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        if uid is not None:
            options["preconditions"] = {"uid": uid}
        if dry_run:
            # A server that gets options in the body takes none from the query, which is for our own count of writes.
            options["dryRun"] = ["All"]
        try:
            path = self.resource(api_version, kind).path(namespace, name)
            self.send(Call("DELETE", path, "delete", what, {"dryRun": "All" if dry_run else None}, options))
        except errors.NotFound:
            return False
        return True

    def create_token(self, namespace: str, service_account: str, seconds: int) -> Object:
        """A token of a ServiceAccount: C(token) and C(expirationTimestamp), which the server may have shortened."""
        return requested(self, namespace, service_account, seconds)

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
        answer = self.obtain(Call("POST", path, "create", "SelfSubjectAccessReview", body=body))
        return bool((answer.get("status") or {}).get("allowed"))

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


def _any_of(selectors: t.Collection[str]) -> str:
    """A label selector for what any of these chooses, which have the same key."""
    pairs = [selector.partition("=") for selector in sorted(selectors)]
    return f"{pairs[0][0]} in ({','.join(value for _key, _equals, value in pairs)})"


def _is_object(item: t.Any) -> bool:
    metadata = item.get("metadata") if isinstance(item, dict) else None
    name = metadata.get("name") if isinstance(metadata, dict) else None
    # Names stand in messages, and no name that Kubernetes allows breaks a line.
    return isinstance(name, str) and name.isprintable() and len(name) <= _LONGEST_NAME
