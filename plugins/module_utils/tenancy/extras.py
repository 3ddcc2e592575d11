# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Objects of any kind from a tenant's own list: checked to stay in its namespaces. Pure. Private to the collection."""

from __future__ import annotations

import typing as t

from ..declaration import Reader
from ..fleet.access import MANAGE, rules_of
from ..fleet.inventory_grants import FORBIDDEN_GROUPS
from ..kube.resources import STATIC, group_of

Object = dict[str, t.Any]

#: What a tenant gets by keys of its own, or could widen its own limits with.
_OWN_KEYS = {"ResourceQuota": "quota or budget", "LimitRange": "limits", "Namespace": "namespaces"}
#: What nobody else may know, and which would stand in the inventory, in plans and in diffs.
_SECRET = "Secret"  # noqa: S105 - a kind
_RESERVED = ("lodestar.platform/", "allow.lodestar.platform/", "applyset.kubernetes.io/", "pod-security.kubernetes.io/")
_PLATFORM = "lodestar"


def read(value: t.Any, namespaces: t.Collection[str], reader: Reader, key: str) -> tuple[Object, ...]:
    """The key C(objects) of a tenant.

    :param namespaces: names of its namespaces.
    """
    found: dict[tuple[str, ...], Object] = {}
    for place, item in enumerate(reader.sequence(value, key)):
        where = f"{key}[{place}]"
        obj = reader.mapping(item, where)
        metadata = reader.mapping(obj.get("metadata"), f"{where}.metadata")
        told = [obj.get("apiVersion"), obj.get("kind"), metadata.get("namespace"), metadata.get("name")]
        names = ("apiVersion", "kind", "metadata.namespace", "metadata.name")
        missing = [name for name, text in zip(names, told, strict=True) if not isinstance(text, str) or not text]
        for name in missing:
            reader.problem(f"{where}.{name}", None, "is missing, or no text", "write it as in a manifest")
        if missing:
            continue
        parts = tuple(str(text) for text in told)
        _check(parts, metadata, namespaces, reader, where)
        identity = (group_of(parts[0]), *parts[1:])
        if identity in found:
            reader.problem(where, parts[3], f"is a {parts[1]} that is declared twice", "declare it once")
        found[identity] = obj
    return tuple(found.values())


def _check(
    told: tuple[str, ...], metadata: dict[str, t.Any], namespaces: t.Collection[str], reader: Reader, key: str
) -> None:
    api_version, kind, namespace, name = told
    if namespace not in namespaces:
        reason = f"is none of the tenant's namespaces ({', '.join(sorted(namespaces))})"
        reader.problem(f"{key}.metadata.namespace", namespace, reason, "put it into one of them")
    if name.startswith(_PLATFORM):
        reason = "names that begin with lodestar are the platform's"
        reader.problem(f"{key}.metadata.name", name, reason, "choose another name")
    resource = STATIC.get((api_version, kind))
    if group_of(api_version) in FORBIDDEN_GROUPS:
        reason = "decides about rights, about what is admitted, or about which APIs there are"
        reader.problem(f"{key}.kind", kind, reason, "use members and roles, or let an administrator bring it")
    elif api_version == "v1" and kind in _OWN_KEYS:
        reader.problem(f"{key}.kind", kind, "is what the tenant has a key for", f"use {_OWN_KEYS[kind]}")
    elif api_version == "v1" and kind == _SECRET:
        reason = "would be in the inventory and in plans, where everybody reads it"
        reader.problem(f"{key}.kind", kind, reason, "bring it with lodestar.platform.apply, from a vault")
    elif resource is not None and not resource.namespaced:
        reader.problem(f"{key}.kind", kind, "is in no namespace", "let an administrator bring it")
    reader.labels(metadata.get("labels"), f"{key}.metadata.labels", _RESERVED)
    reader.annotations(metadata.get("annotations"), f"{key}.metadata.annotations", _RESERVED)


def unmanaged(objects: t.Iterable[Object], tier: str, grants: t.Mapping[str, t.Sequence[str]]) -> list[str]:
    """The kinds among the objects that our identity may not manage, as C(plural) or C(plural.group).

    Kinds that are not Kubernetes' own are left to the cluster to judge.

    :param tier: of our access; empty where it is not told.
    """
    if not tier:
        return []
    held = {
        (group, resource)
        for rule in rules_of(tier, grants)
        if set(MANAGE) <= set(rule["verbs"]) and not rule.get("resourceNames")
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    known = {STATIC.get((obj["apiVersion"], obj["kind"])) for obj in objects}
    wanted = {(resource.group, resource.plural) for resource in known if resource is not None}
    return sorted(f"{plural}.{group}" if group else plural for group, plural in wanted - held)
