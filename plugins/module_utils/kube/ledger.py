# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What adoption replaced: kept in the parent of a set, so that it can be put back. Pure. Private to the collection.

For each object that was taken over from somebody else, the parent's data holds who it was (its UID) and what stood
where the set declares something. Values of Secrets are never kept.
"""

from __future__ import annotations

import hashlib
import json
import typing as t

from .applyset import DIGEST, PART_OF
from .desired import key_of
from .ownership import field_trees

Object = dict[str, t.Any]
Key = tuple[str, str, str]
_PREFIX = "adopted-"
_APART = ("apiVersion", "kind", "metadata", "status")
_IDENTITY = ("name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "managedFields")


def entry(declared: t.Mapping[str, t.Any], there: t.Mapping[str, t.Any]) -> Object:
    """What is kept of an object that is taken over.

    :param declared: as it will be applied.
    :param there: as it stands now.
    """
    metadata = there["metadata"]
    named = {key: metadata[key] for key in ("name", "namespace", "uid") if metadata.get(key)}
    identity = {"apiVersion": declared["apiVersion"], "kind": declared["kind"], "metadata": named}
    if declared["kind"] == "Secret":
        return {**identity, "before": {}}
    trees = field_trees(there)
    content = {key: value for key, value in declared.items() if key not in _APART}
    before = _replaced(content, there, trees)
    content = {key: value for key, value in declared["metadata"].items() if key not in _IDENTITY}
    kept = _replaced(content, metadata, [tree.get("f:metadata") or {} for tree in trees])
    return {**identity, "before": {**before, **({"metadata": kept} if kept else {})}}


def _replaced(declared: Object, there: t.Mapping[str, t.Any], owned: t.Sequence[Object]) -> Object:
    """What stands where something is declared. What the API replaces as a whole is kept whole, lists always.

    :param owned: the fields of every manager; one without fields below it is replaced as a whole.
    """
    kept: Object = {}
    for key, value in declared.items():
        if key not in there or key in (PART_OF, DIGEST):
            continue
        below = [fields[f"f:{key}"] for fields in owned if fields.get(f"f:{key}")]
        if value and below and isinstance(value, dict) and isinstance(there[key], dict):
            inner = _replaced(value, there[key], below)
            if inner:
                kept[key] = inner
        else:
            kept[key] = there[key]
    return kept


def entries(parent: t.Mapping[str, t.Any] | None) -> dict[Key, Object]:
    """The objects that a set has taken over, by their key; what is no entry of ours is left out."""
    found: dict[Key, Object] = {}
    for name, text in ((parent or {}).get("data") or {}).items():
        if not name.startswith(_PREFIX):
            continue
        try:
            item = json.loads(text)
            found[key_of(item)] = item
        except (ValueError, KeyError, TypeError):
            continue
    return found


def data(found: t.Mapping[Key, Object]) -> dict[str, str]:
    """The parent's data for these entries."""
    return {
        _PREFIX + hashlib.sha256("/".join(key).encode()).hexdigest()[:20]: json.dumps(found[key], sort_keys=True)
        for key in sorted(found)
    }


def is_of(item: t.Mapping[str, t.Any], there: t.Mapping[str, t.Any]) -> bool:
    """True when the object is the one that was taken over, and not a later one of its name."""
    return bool(item["metadata"].get("uid") == there["metadata"].get("uid"))


def held(taken: t.Mapping[Key, Object], there: t.Mapping[str, t.Any]) -> Object | None:
    """The entry of an object among those of its set; None for one that was not taken over, or is a later one."""
    item = taken.get(key_of(there))
    return item if item is not None and is_of(item, there) else None


def handed_back(there: t.Mapping[str, t.Any], item: t.Mapping[str, t.Any] | None) -> Object:
    """What is applied to give an object up: what was replaced stands again, what was added goes.

    :param item: its entry; None for one that we made and others keep, of which only its name stays declared.
    """
    metadata = there["metadata"]
    named = {key: metadata[key] for key in ("name", "namespace") if metadata.get(key)}
    before = (item or {}).get("before") or {}
    kept = {**(before.get("metadata") or {}), **named}
    return {**before, "apiVersion": there["apiVersion"], "kind": there["kind"], "metadata": kept}
