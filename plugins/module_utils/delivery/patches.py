# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is other on some clusters than what a delivery declares: merge patches and JSON patches by target. Pure.

Private to the collection.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from ..declaration import Reader
from ..fleet.cluster_choice import check_selector
from ..kube.applyset import PART_OF
from ..kube.resources import group_of
from ..labels import matches
from . import json_patch

Object = dict[str, t.Any]

KEYS = ("clusters", "target", "patch", "json_patch")
TARGET_KEYS = ("group", "kind", "name", "namespace")
#: What makes another object of one.
_FIXED = ("/apiVersion", "/kind", "/metadata/name", "/metadata/namespace")
_TEXT = re.compile(r"[^\s\x00-\x1f\x7f]+")


@dataclass(frozen=True)
class Patch:
    """One change of some objects on some clusters.

    :param selector: a LabelSelector on the clusters' labels; an empty one means all.
    :param target: C(group), C(kind), C(name) and C(namespace) of the objects, patterns of the shell; all that are not
        given fit.
    :param content: the merge patch (RFC 7386).
    :param operations: the JSON patch (RFC 6902), where it is one.
    """

    selector: t.Mapping[str, t.Any] = field(default_factory=dict)
    target: t.Mapping[str, str] = field(default_factory=dict)
    content: t.Mapping[str, t.Any] = field(default_factory=dict, repr=False)
    operations: tuple[json_patch.Operation, ...] = field(default=(), repr=False)

    def is_for(self, cluster: t.Mapping[str, t.Any]) -> bool:
        """True when it is for the cluster."""
        return matches(self.selector, cluster.get("labels") or {})

    def fits(self, obj: t.Mapping[str, t.Any]) -> bool:
        """True when it is for the object."""
        metadata = obj.get("metadata") or {}
        found = {
            "group": group_of(str(obj.get("apiVersion") or "")),
            "kind": str(obj.get("kind") or ""),
            "name": str(metadata.get("name") or ""),
            "namespace": str(metadata.get("namespace") or ""),
        }
        return all(fnmatchcase(found[key], pattern) for key, pattern in self.target.items())

    def applied(self, obj: Object) -> Object:
        """The object with it.

        :raises json_patch.PatchFailed: an operation of a JSON patch fails.
        """
        found = json_patch.patched(obj, self.operations) if self.operations else merged(obj, self.content)
        return t.cast(Object, found)

    def changes(self, *path: str) -> bool:
        """True when it may change what stands at a path, or below it."""
        if self.operations:
            ways = [json_patch.tokens(pointer) for pointer in json_patch.touched(self.operations)]
            return any(way[: len(path)] == list(path[: len(way)]) for way in ways)
        at: t.Any = self.content
        for name in path:
            if not isinstance(at, dict) or name not in at:
                return not isinstance(at, dict)
            at = at[name]
        return True

    @property
    def aim(self) -> str:
        """Its target, for people."""
        return ", ".join(f"{key}: {value}" for key, value in sorted(self.target.items()))


def read_patch(value: t.Any, reader: Reader, key: str) -> Patch:
    """An item of C(patches). Problems are left with the reader, under ``key``."""
    item = reader.mapping(veiled(value, KEYS), key, KEYS)
    if not item:
        return Patch()
    chosen = reader.mapping(item.get("clusters"), f"{key}.clusters", ("selector",))
    check_selector(chosen.get("selector"), reader, f"{key}.clusters.selector")
    target = reader.mapping(item.get("target"), f"{key}.target", TARGET_KEYS)
    if not target:
        reason = "a patch says which objects it changes"
        reader.problem(f"{key}.target", item.get("target"), reason, "give kind or name, or group or namespace")
    rule = "a pattern is text without blanks, in which * stands for anything"
    wanted = {
        name: reader.text(target[name], f"{key}.target.{name}", _TEXT, rule) for name in TARGET_KEYS if target.get(name)
    }
    # The core group has no name.
    wanted |= {"group": ""} if target.get("group") == "" else {}
    if "json_patch" in item:
        if "patch" in item:
            reason = "a patch is either a merge patch or a JSON patch"
            reader.problem(f"{key}.json_patch", "patch is given, too", reason, "make two patches of it")
        operations = json_patch.read_operations(item["json_patch"], reader, f"{key}.json_patch")
        _check_operations(operations, reader, f"{key}.json_patch")
        return Patch(chosen.get("selector") or {}, wanted, {}, operations)
    content = item.get("patch")
    if not isinstance(content, dict) or not content:
        # It may be of a Secret, so it is not repeated.
        found = type(content).__name__
        reader.problem(f"{key}.patch", found, "is no mapping of fields", "write the fields that are to be other")
        content = {}
    _check_patch(content, reader, f"{key}.patch")
    return Patch(chosen.get("selector") or {}, wanted, content)


def veiled(value: t.Any, known: t.Collection[str]) -> t.Any:
    """An item for a reader, which repeats what stands under an unknown key: that may be a misspelt one of a secret."""
    if not isinstance(value, dict):
        return value if value is None else type(value).__name__
    return {key: part if key in known else type(part).__name__ for key, part in value.items()}


def _check_patch(content: t.Mapping[str, t.Any], reader: Reader, key: str) -> None:
    """A patch changes what an object says, and not which object it is."""
    metadata = content.get("metadata")
    if metadata is not None and not isinstance(metadata, dict):
        reader.problem(f"{key}.metadata", metadata, "is not a mapping", "write labels or annotations into it")
        metadata = {}
    fixed: list[tuple[str, t.Mapping[str, t.Any]]] = [(name, content) for name in ("apiVersion", "kind")]
    fixed += [(name, metadata or {}) for name in ("name", "namespace")]
    for name, part in fixed:
        if name in part:
            reader.problem(f"{key}: {name}", part[name], "makes another object of it", "declare that one instead")
    for place in ("labels", "annotations"):
        if PART_OF in ((metadata or {}).get(place) or {}):
            reader.problem(f"{key}.metadata.{place}", PART_OF, "is set by the set", "remove it")


def _check_operations(operations: t.Iterable[json_patch.Operation], reader: Reader, key: str) -> None:
    """Likewise for a JSON patch."""
    for pointer in json_patch.touched(operations):
        if pointer in ("", "/metadata") or any(f"{pointer}/".startswith(f"{fixed}/") for fixed in _FIXED):
            reader.problem(f"{key}: path", pointer, "makes another object of it", "declare that one instead")


def merged(value: t.Any, patch: t.Any) -> t.Any:
    """A value with a JSON merge patch: mappings are merged, ``null`` removes, anything else replaces, lists as well."""
    if not isinstance(patch, dict):
        return patch
    found = dict(value) if isinstance(value, dict) else {}
    for name, part in patch.items():
        if part is None:
            found.pop(name, None)
        else:
            found[name] = merged(found.get(name), part)
    return found


def unmatched(patches: t.Sequence[Patch], objects: t.Iterable[t.Mapping[str, t.Any]]) -> list[int]:
    """The places of the patches that are for no object at all, which is mostly a misspelt name."""
    known = list(objects)
    return [place for place, patch in enumerate(patches) if not any(patch.fits(obj) for obj in known)]
