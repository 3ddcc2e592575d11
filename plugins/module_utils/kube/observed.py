# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a cluster holds of a set, and under the names of what is declared. Reads only. Private to the collection."""

from __future__ import annotations

import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from .applyset import ApplySet, kinds_of, set_of
from .client import Client
from .desired import key_of
from .resources import STATIC, group_kind, group_of

Object = dict[str, t.Any]
Key = tuple[str, str, str]
Kind = tuple[str, str]
_NAMESPACE: Kind = ("v1", "Namespace")
#: Seconds of one request after the other from which more connections pay.
_WORTH_A_CONNECTION = 0.15
# As many namespaces cost less by one LIST than by a GET each, unless the cluster has a thousand.
_MANY = 8


@dataclass
class Observed:
    """What is in the cluster: the members, and what exists under a declared name without being one.

    :param spaces: the namespaces that were asked for, C(None) for one that does not exist.
    """

    parent: Object | None
    members: dict[Key, Object] = field(default_factory=dict)
    strangers: dict[Key, Object] = field(default_factory=dict)
    spaces: dict[str, Object | None] = field(default_factory=dict)

    def find(self, key: Key) -> Object | None:
        """An object of the cluster, member or not."""
        return self.members.get(key) or self.strangers.get(key)


def observe(client: Client, objects: t.Sequence[Object], applyset: ApplySet) -> Observed:
    """The set's parent, its members, and what else stands under the names of ``objects``.

    Costs one GET of the parent and one LIST a kind; objects that are no members cost a GET each, many new namespaces
    one LIST, which for a new set is that of its members, too.
    """
    observed = Observed(parent=client.get("v1", "ConfigMap", applyset.parent_name, applyset.namespace))
    kinds = {(obj["apiVersion"], obj["kind"]) for obj in objects}
    declared = {group_kind(*kind) for kind in kinds}
    for name in kinds_of(observed.parent) - declared:
        served = serving(client, name)
        if served is not None:
            kinds.add(served)
    # The connections of a new set's many writes may as well be made now.
    eager = observed.parent is None and len(objects) > _MANY
    whole = {_NAMESPACE} if eager and len(_spaces_of(objects)) > _MANY else set()
    found = _list_kinds(client, kinds | whole, applyset, whole, eager)
    for kind in sorted(kinds):
        observed.members.update({key_of(obj): obj for obj in found[kind] if set_of(obj) == applyset.id})
    unknown = [obj for obj in objects if key_of(obj) not in observed.members]
    # A new parent is made in a namespace that must exist.
    home = {applyset.namespace} if unknown and observed.parent is None else set()
    names = sorted(name for name in home | _spaces_of(unknown) if ("Namespace", "", name) not in observed.members)
    observed.spaces = _namespaces(client, names, found[_NAMESPACE] if whole else None)
    for obj, there in _look_up(client, unknown, observed.spaces):
        # Another run of the same set may have made it since the members were listed.
        where = observed.members if set_of(there) == applyset.id else observed.strangers
        where[key_of(obj)] = there
    return observed


def _spaces_of(objects: t.Iterable[Object]) -> set[str]:
    """The namespaces that objects are, or live in."""
    spaces = {obj["metadata"].get("namespace") or "" for obj in objects} - {""}
    return spaces | {obj["metadata"]["name"] for obj in objects if _is_space(obj)}


def _is_space(obj: Object) -> bool:
    return key_of(obj)[0] == "Namespace"


def _list_kinds(
    client: Client, kinds: t.Collection[Kind], applyset: ApplySet, whole: t.Collection[Kind], eager: bool
) -> dict[Kind, list[Object]]:
    """The members of a set by kind; of the kinds ``whole`` all objects."""
    ordered = sorted(kinds)

    def read(kind: Kind) -> list[Object]:
        return client.list(*kind, label_selector=None if kind in whole else applyset.selector)

    return dict(zip(ordered, _map(client, read, ordered, eager), strict=True))


def _look_up(
    client: Client, objects: t.Sequence[Object], spaces: t.Mapping[str, Object | None]
) -> list[tuple[Object, Object]]:
    """Declared objects that are no members, with what exists under their names; spares what lives in no namespace.

    :param spaces: the namespaces that are no members either.
    """
    here = [(obj, spaces[obj["metadata"]["name"]]) for obj in objects if _is_space(obj)]
    others = [obj for obj in objects if not _is_space(obj)]
    asked = [obj for obj in others if spaces.get(obj["metadata"].get("namespace"), obj) is not None]

    def read(obj: Object) -> Object | None:
        metadata = obj["metadata"]
        return client.get(obj["apiVersion"], obj["kind"], metadata["name"], metadata.get("namespace"))

    pairs = [*here, *zip(asked, _map(client, read, asked), strict=True)]
    return [(obj, there) for obj, there in pairs if there is not None]


def _namespaces(client: Client, names: t.Sequence[str], listed: t.Sequence[Object] | None) -> dict[str, Object | None]:
    """The namespaces of these names, as far as they exist.

    :param listed: all that exist, where they have been listed already.
    """
    if listed is not None or len(names) > _MANY:
        found = client.list(*_NAMESPACE) if listed is None else listed
        there = {str(obj["metadata"]["name"]): obj for obj in found}
        return {name: there.get(name) for name in names}
    return dict(zip(names, _map(client, lambda name: client.get("v1", "Namespace", name), names), strict=True))


_In = t.TypeVar("_In")
_Out = t.TypeVar("_Out")


def _map(client: Client, function: t.Callable[[_In], _Out], items: t.Sequence[_In], eager: bool = False) -> list[_Out]:
    # More connections cost more handshakes, which a server nearby answers many requests in.
    if len(items) < 3 or (len(items) * client.latency < _WORTH_A_CONNECTION and not eager):
        return [function(item) for item in items]
    with ThreadPoolExecutor(max_workers=min(8, len(items))) as pool:
        return list(pool.map(function, items))


def serving(client: Client, name: str) -> tuple[str, str] | None:
    """The version and kind under which a recorded group kind is served today."""
    kind, _dot, group = name.partition(".")
    for api_version, known in STATIC:
        if known == kind and group_of(api_version) == group:
            return api_version, kind
    if not group:
        return None
    document = client.group(group)
    versions = [item["groupVersion"] for item in (document or {}).get("versions") or ()]
    return next(((version, kind) for version in versions if kind in (client.served(version) or {})), None)
