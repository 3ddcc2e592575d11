# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hub as it is at one moment, for a look at many clusters: what there is of each is read once for all of them.

Private to the collection.
"""

from __future__ import annotations

import typing as t

from ..kube.client import Client, Objects
from ..kube.connection import Connection
from .identity import NAMESPACE
from .records import CLUSTER_API, PROFILE_API

Object = dict[str, t.Any]
_Kind = tuple[str, str]
#: What is listed, and where: records, profiles, and the parents of the sets that keep both.
_LISTED: dict[_Kind, str | None] = {
    (CLUSTER_API, "ManagedCluster"): None,
    (PROFILE_API, "ClusterProfile"): None,
    ("v1", "ConfigMap"): NAMESPACE,
}


class _Listed:
    """The objects of a kind, by place and by label."""

    def __init__(self, objects: Objects) -> None:
        self.places = {(obj["metadata"].get("namespace"), str(obj["metadata"]["name"])): obj for obj in objects}
        self.labels: dict[str, Objects] = {}
        for obj in objects:
            for key, value in (obj["metadata"].get("labels") or {}).items():
                self.labels.setdefault(f"{key}={value}", []).append(obj)


class HubSnapshot(Client):
    """Answers reads of what it has listed. Threads may share it, and whatever they look at.

    Costs three requests to make. Made in :func:`transport.one_look`, it asks for anything else once.

    :raises errors.ApiError: the hub does not answer, or refuses to.
    """

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._there = {kind: _Listed(super(HubSnapshot, self).list(*kind, namespace=_LISTED[kind])) for kind in _LISTED}

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Object | None:
        """An object as it was when all of its kind were listed; anything else is asked for."""
        listed = self._listed(api_version, kind, namespace)
        if listed is not None:
            return listed.places.get((namespace, name))
        return super().get(api_version, kind, name, namespace)

    def list(
        self,
        api_version: str,
        kind: str,
        *,
        namespace: str | None = None,
        label_selector: str | None = None,
        field_selector: str | None = None,
    ) -> Objects:
        """Objects with a label, as they were when all of their kind were listed; anything else is asked for."""
        listed = self._listed(api_version, kind, namespace)
        if listed is None or field_selector or not _is_label(label_selector):
            return super().list(
                api_version, kind, namespace=namespace, label_selector=label_selector, field_selector=field_selector
            )
        found = listed.labels.get(str(label_selector), ())
        return [obj for obj in found if namespace in (None, obj["metadata"].get("namespace"))]

    def _listed(self, api_version: str, kind: str, namespace: str | None) -> _Listed | None:
        """What was listed of a kind, if that is all of it that there is in a namespace."""
        where = _LISTED.get((api_version, kind), "")
        return self._there[api_version, kind] if where in (None, namespace) else None


def _is_label(selector: str | None) -> bool:
    """True for the selector of one label with a value."""
    return selector is not None and selector.count("=") == 1 and not set(selector) & set("!,() ")
