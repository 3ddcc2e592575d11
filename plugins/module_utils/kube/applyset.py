# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A named set of objects that is applied and pruned together: the ApplySet of KEP-3659. Pure. Private to the
collection.

A parent object in the cluster records the set's id and the kinds of its members; each member carries the id as a label.
What has the label and is no longer declared is pruned. https://kep.k8s.io/3659
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import typing as t
from dataclasses import dataclass

from .resources import group_kind

PART_OF = "applyset.kubernetes.io/part-of"
#: The label of the parent of a set, and of nothing else.
ID = "applyset.kubernetes.io/id"
_TOOLING = "applyset.kubernetes.io/tooling"
_KINDS = "applyset.kubernetes.io/contains-group-kinds"
_NAMESPACES = "applyset.kubernetes.io/additional-namespaces"
#: Tells what was declared when an object was last applied, so that a field that is no longer declared is noticed.
DIGEST = "lodestar.platform/digest"
TOOLING = "lodestar/v1"


@dataclass(frozen=True)
class ApplySet:
    """A set of objects.

    :param name: its name in the cluster; the parent is the ConfigMap C(applyset-<name>).
    :param namespace: the namespace of the parent.
    :param force: also take fields that other managers declare. A member's field that somebody merely edited is always
        taken back; one that another manager declares (server-side apply, or a controller's subresource) is refused by
        name unless this is set.
    """

    name: str
    namespace: str = "lodestar-system"
    force: bool = False

    @property
    def parent_name(self) -> str:
        """The name of the parent object."""
        return f"applyset-{self.name}"

    @functools.cached_property
    def id(self) -> str:
        """The id by the KEP's rule."""
        return set_id(self.parent_name, self.namespace, "ConfigMap")

    @property
    def selector(self) -> str:
        """The label selector of the members."""
        return f"{PART_OF}={self.id}"

    def parent(
        self, kinds: t.Iterable[str], namespaces: t.Iterable[str], data: t.Mapping[str, str] | None = None
    ) -> dict[str, t.Any]:
        """The parent object.

        :param kinds: ``Kind`` or ``Kind.group`` of all members.
        :param namespaces: the namespaces of all members.
        :param data: what else it keeps.
        """
        others = sorted(set(namespaces) - {self.namespace})
        annotations = {_TOOLING: TOOLING, _KINDS: ",".join(sorted(set(kinds)))}
        if others:
            annotations[_NAMESPACES] = ",".join(others)
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": self.parent_name,
                "namespace": self.namespace,
                "labels": {ID: self.id},
                "annotations": annotations,
            },
            **({"data": dict(data)} if data else {}),
        }

    def member(self, obj: dict[str, t.Any]) -> dict[str, t.Any]:
        """An object as a member: with the set's label and the digest of what is declared."""
        metadata = dict(obj["metadata"])
        metadata["labels"] = {**(metadata.get("labels") or {}), PART_OF: self.id}
        metadata["annotations"] = {**(metadata.get("annotations") or {}), DIGEST: digest(obj)}
        return {**obj, "metadata": metadata}


def set_id(name: str, namespace: str, kind: str, group: str = "") -> str:
    """The id of the set with this parent: a hash of its name, namespace, kind and group."""
    text = f"{name}.{namespace}.{kind}.{group}"
    encoded = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
    return f"applyset-{encoded}-v1"


def kinds_of(parent: t.Mapping[str, t.Any] | None) -> set[str]:
    """The group kinds that a parent records; empty without a parent."""
    return _listed(parent, _KINDS)


def namespaces_of(parent: t.Mapping[str, t.Any] | None) -> set[str]:
    """The namespaces that a parent records besides its own."""
    return _listed(parent, _NAMESPACES)


def _listed(parent: t.Mapping[str, t.Any] | None, annotation: str) -> set[str]:
    annotations = ((parent or {}).get("metadata") or {}).get("annotations") or {}
    return {item for item in str(annotations.get(annotation) or "").split(",") if item}


def digest(obj: t.Mapping[str, t.Any]) -> str:
    """A short digest of what is declared. Of a Secret it covers the names of the keys, never the values."""
    shown = dict(obj)
    if obj.get("kind") == "Secret" and isinstance(obj.get("data"), dict):
        shown["data"] = sorted(obj["data"])
    text = json.dumps(shown, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def recorded(observed: t.Mapping[str, t.Any], annotation: str = DIGEST) -> str | None:
    """The digest that an object carries."""
    return ((observed.get("metadata") or {}).get("annotations") or {}).get(annotation)


def set_of(observed: t.Mapping[str, t.Any]) -> str | None:
    """The id of the set an object belongs to."""
    return ((observed.get("metadata") or {}).get("labels") or {}).get(PART_OF)


def kind_of(obj: t.Mapping[str, t.Any]) -> str:
    """``Kind`` or ``Kind.group`` of an object."""
    return group_kind(str(obj.get("apiVersion")), str(obj.get("kind")))
