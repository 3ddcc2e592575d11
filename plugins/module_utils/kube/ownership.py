# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who owns which field of an object, from its C(managedFields). Pure. Private to the collection.

Server-side apply records exactly which fields each manager set, by the schema that only the API server knows (what is
an atomic list, what are merge keys). A field that we applied and still own has not been changed by anybody, whatever
spelling or defaults the server gave it; a field that we applied and no longer own has. That makes drift exact without a
schema of our own. Format: FieldsV1, sigs.k8s.io/structured-merge-diff.
"""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass, field

from .diff import CLOSED_SETS, MISSING, find_by_keys, merge_keys, same_at, same_whole

Fields = dict[str, t.Any]
#: A step on the way to a field: a field's name, or an element of a list.
Path = tuple[t.Any, ...]
# SSA keeps no ownership of these.
_IDENTITY = ("apiVersion", "kind")
_METADATA_IDENTITY = ("name", "namespace", "uid")


@dataclass(frozen=True)
class Holder:
    """A manager that owns a field.

    :param since: when it last changed any of its fields, as RFC 3339.
    """

    manager: str
    operation: str
    subresource: str = ""
    since: str = field(default="", compare=False)

    @property
    def declares(self) -> bool:
        """True for one that declares the field by itself (server-side apply, or a controller through a subresource);
        False for one that once wrote it, such as a person with an editor."""
        return self.operation == "Apply" or bool(self.subresource)


@dataclass(frozen=True)
class Deviation:
    """A declared field that stands differently, and that is not ours."""

    path: str
    holders: tuple[Holder, ...]


def fields_of(observed: t.Mapping[str, t.Any], manager: str, subresource: str = "") -> Fields:
    """What ``manager`` owns by server-side apply; empty when nothing."""
    wanted = (manager, "Apply", subresource)
    for entry in _recorded(observed):
        if wanted == tuple(str(entry.get(key) or "") for key in ("manager", "operation", "subresource")):
            return entry.get("fieldsV1") or {}
    return {}


def managers(observed: t.Mapping[str, t.Any]) -> list[str]:
    """The names of all managers of an object."""
    return sorted({holder.manager for holder, _fields in _entries(observed)})


def field_trees(observed: t.Mapping[str, t.Any]) -> list[Fields]:
    """What each manager owns. A field below which nobody owns anything is one that the API replaces as a whole."""
    return [fields for _holder, fields in _entries(observed)]


def deviations(
    declared: t.Mapping[str, t.Any],
    observed: t.Mapping[str, t.Any],
    manager: str,
    subresource: str = "",
    literal: bool = False,
) -> list[Deviation]:
    """The declared fields that ``manager`` does not own and that stand differently, with those who own them.

    :param literal: another spelling of the same value counts as well, as it does for the API server when it looks for
        conflicts: C("1") is not C("1000m") then.
    """
    if _whole(_content(declared), fields_of(observed, manager, subresource)):
        return []
    others = [(holder, fields) for holder, fields in _entries(observed) if holder.manager != manager]
    found = _lost(declared, observed, manager, subresource, literal)
    return [
        Deviation(show(path), tuple(holder for holder, fields in others if _owns(fields, path))) for path in found.paths
    ]


def replaced(declared: t.Mapping[str, t.Any], observed: t.Mapping[str, t.Any], manager: str) -> dict[str, t.Any]:
    """The mappings that others have replaced as a whole, as they stand there, in the object's shape: what a comparison
    field by field does not show, since it looks at declared fields only."""
    kept: dict[str, t.Any] = {}
    for path in _lost(declared, observed, manager).whole:
        if all(isinstance(part, str) for part in path):
            at, there = kept, observed
            for part in path[:-1]:
                at, there = at.setdefault(part, {}), there[part]
            at[path[-1]] = there[path[-1]]
    return kept


def _lost(
    declared: t.Mapping[str, t.Any],
    observed: t.Mapping[str, t.Any],
    manager: str,
    subresource: str = "",
    literal: bool = False,
) -> _Lost:
    others = [fields for holder, fields in _entries(observed) if holder.manager != manager]
    found = _Lost(literal, others)
    found.below(_content(declared), fields_of(observed, manager, subresource), observed, ())
    return found


def told(found: t.Sequence[Deviation], declaring: bool = False) -> list[dict[str, t.Any]]:
    """Deviations as plain data: each C(path) with the C(managers) that hold it, by C(name) and C(since).

    :param declaring: only those that declare the field.
    """
    return [
        {
            "path": item.path,
            "managers": [
                {"name": holder.manager, "since": holder.since}
                for holder in item.holders
                if holder.declares or not declaring
            ],
        }
        for item in found
    ]


def released(declared: t.Mapping[str, t.Any], observed: t.Mapping[str, t.Any], manager: str) -> dict[str, t.Any]:
    """What ``manager`` owns and is no longer declared, with the values that stand there, in the object's shape."""
    kept = _released(_content(declared), fields_of(observed, manager), observed)
    return kept if isinstance(kept, dict) else {}


def held_by(observed: t.Mapping[str, t.Any], path: t.Sequence[t.Any], other_than: str) -> bool:
    """Whether a manager besides this one holds a field.

    :param path: names of fields, and elements of lists as they are declared.
    """
    steps = tuple(part if isinstance(part, str) else (_freeze(part), "") for part in path)
    return any(_owns(fields, steps) for holder, fields in _entries(observed) if holder.manager != other_than)


def show(path: Path) -> str:
    """A path for people: ``spec.containers[name=app].image``."""
    text = ""
    for part in path:
        if isinstance(part, str):
            text += f".{part}"
        else:
            text += f"[{part[1]}]"
    return text.lstrip(".")


def _entries(observed: t.Mapping[str, t.Any]) -> list[tuple[Holder, Fields]]:
    return [
        (
            Holder(
                *(str(entry.get(key) or "") for key in ("manager", "operation", "subresource", "time")),
            ),
            entry.get("fieldsV1") or {},
        )
        for entry in _recorded(observed)
    ]


def _recorded(observed: t.Mapping[str, t.Any]) -> t.Sequence[t.Mapping[str, t.Any]]:
    return (observed.get("metadata") or {}).get("managedFields") or ()


def _whole(declared: t.Any, fields: Fields, name: str = "") -> bool:
    """True when every declared leaf is owned, and nobody can have added to what is declared: what :class:`_Lost` would
    find nothing in, told in a fraction of its time, since almost every object of a fleet is one.

    :param name: of the field.
    """
    if isinstance(declared, dict):
        for key, value in declared.items():
            child = fields.get("f:" + key)
            if child is None or (child and not _whole(value, child, key)):
                return False
        return True
    if isinstance(declared, list) and name not in CLOSED_SETS:
        for item in declared:
            child = fields.get(_match(item, fields)[0] or "")
            if child is None or (child and not _whole(item, child)):
                return False
        return True
    return False


def _content(declared: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    content = {key: value for key, value in declared.items() if key not in _IDENTITY}
    metadata = content.get("metadata")
    if isinstance(metadata, dict):
        content["metadata"] = {key: value for key, value in metadata.items() if key not in _METADATA_IDENTITY}
    return content


class _Lost:
    """Collects the declared leaves that are not owned and stand differently."""

    def __init__(self, literal: bool, others: t.Sequence[Fields]) -> None:
        self._literal = literal
        self._others = others
        self.paths: list[Path] = []
        self.whole: list[Path] = []

    def below(self, declared: t.Any, fields: Fields, observed: t.Any, path: Path) -> None:
        """Looks at what is declared below a field of which ``fields`` are owned."""
        if isinstance(declared, dict):
            for name, value in declared.items():
                there = observed.get(name, MISSING) if isinstance(observed, dict) else MISSING
                self._child(value, fields.get(f"f:{name}"), there, (*path, name))
        elif isinstance(declared, list):
            if _closed(path) and isinstance(observed, list) and any(one not in declared for one in observed):
                self.paths.append(path)
            for item in declared:
                key, keys = _match(item, fields)
                there = _element(item, keys, observed)
                self._child(item, fields.get(key) if key else None, there, (*path, (_freeze(item), _label(item, keys))))

    def _child(self, value: t.Any, fields: Fields | None, there: t.Any, path: Path) -> None:
        if fields:
            self.below(value, fields, there, path)
        elif fields is None:
            self._unowned(value, there, path)

    def _unowned(self, value: t.Any, there: t.Any, path: Path) -> None:
        """Goes down to the leaves, so that only who owns those is asked."""
        names = [part for part in path if isinstance(part, str)]
        if isinstance(value, dict) and isinstance(there, dict) and self._is_whole(path):
            if not (value == there if self._literal else same_whole(value, there, names)):
                self.paths.append(path)
                self.whole.append(path)
            return
        if isinstance(value, dict) and value and isinstance(there, dict):
            for name, inner in value.items():
                self._unowned(inner, there.get(name, MISSING), (*path, name))
            return
        keys = merge_keys(names[-1], value) if isinstance(value, list) and names else ()
        if keys and isinstance(there, list):
            for item in value:
                shown = {key: item.get(key) for key in keys}
                element = find_by_keys(item, there, keys)
                below = (*path, (_freeze(item), _label(item, shown)))
                self._unowned(item, MISSING if element is None else element, below)
            return
        empty = there is MISSING and value in ({}, [], None)
        same = value == there if self._literal else same_at(value, there, names)
        if not empty and not same:
            self.paths.append(path)

    def _is_whole(self, path: Path) -> bool:
        """True for a mapping that somebody holds and of which nobody holds a part, such as a label selector."""
        held = [found for fields in self._others if (found := _at(fields, path)) is not None]
        return bool(held) and not any(held)


def _match(item: t.Any, fields: Fields) -> tuple[str | None, dict[str, t.Any]]:
    """The key under which a list's element is owned, and its merge keys; ``None`` if it is not."""
    shape: dict[str, t.Any] = {}
    for name in fields:
        kind, _colon, text = name.partition(":")
        if kind == "k" and isinstance(item, dict):
            keys = json.loads(text)
            shape = {key: item.get(key) for key in keys}
            # A merge key that is not declared was defaulted by the server.
            if all(item.get(key, value) == value for key, value in keys.items()):
                return name, keys
        elif kind == "v" and json.loads(text) == item:
            return name, {}
    return None, shape


def _element(item: t.Any, keys: t.Mapping[str, t.Any], observed: t.Any) -> t.Any:
    if not isinstance(observed, list):
        return MISSING
    for candidate in observed:
        if isinstance(candidate, dict) and isinstance(item, dict) and keys:
            if all(candidate.get(key) == value for key, value in keys.items() if value is not None):
                return candidate
        elif candidate == item:
            return candidate
    return MISSING


def _label(item: t.Any, keys: t.Mapping[str, t.Any]) -> str:
    if not isinstance(item, dict):
        return str(item)
    named = keys or {key: item[key] for key in ("name", "type", "key") if key in item}
    return ",".join(f"{key}={value}" for key, value in named.items() if value is not None) or "..."


def _freeze(item: t.Any) -> str:
    return json.dumps(item, sort_keys=True)


def _closed(path: Path) -> bool:
    """True for a set to which nobody else may add; the same that C(diff.surplus) finds."""
    return all(isinstance(part, str) for part in path) and path[-1] in CLOSED_SETS


def _at(fields: Fields, path: Path) -> Fields | None:
    """What is held at a path, and below it; None for nothing."""
    for part in path:
        key = f"f:{part}" if isinstance(part, str) else _match(json.loads(part[0]), fields)[0]
        child = fields.get(key) if key else None
        if child is None:
            return None
        fields = child
    return fields


def _owns(fields: Fields, path: Path) -> bool:
    for part in path:
        if isinstance(part, str):
            child = fields.get(f"f:{part}")
        else:
            key, _keys = _match(json.loads(part[0]), fields)
            child = fields.get(key) if key else None
        if child is None:
            return False
        if not child:
            return True
        fields = child
    return True


def _released(declared: t.Any, fields: Fields, observed: t.Any) -> t.Any:
    if isinstance(observed, dict):
        kept: dict[str, t.Any] = {}
        for name, child in fields.items():
            key = name.removeprefix("f:")
            if not name.startswith("f:") or key not in observed:
                continue
            if not isinstance(declared, dict) or key not in declared:
                kept[key] = observed[key]
            elif child:
                below = _released(declared[key], child, observed[key])
                if below:
                    kept[key] = below
        return kept
    return _released_items(declared, fields, observed) if isinstance(observed, list) else None


def _released_items(declared: t.Any, fields: Fields, observed: list[t.Any]) -> list[t.Any]:
    found = []
    wanted = {_match(item, fields)[0] for item in declared} if isinstance(declared, list) else set()
    for name in fields:
        kind, _colon, text = name.partition(":")
        if kind in ("k", "v") and name not in wanted:
            value = json.loads(text)
            keys = value if kind == "k" else {}
            element = _element(value, keys, observed)
            if element is not MISSING:
                found.append(element)
    return found


def given_up(there: t.Mapping[str, t.Any], manager: str) -> dict[str, t.Any]:
    """The merge patch of an object's metadata by which a manager gives up every field, as long as nobody writes it."""
    metadata = there["metadata"]
    others = [item for item in metadata.get("managedFields") or () if item.get("manager") != manager]
    # An empty list would be taken for no change; the one empty entry means none.
    return {"managedFields": others or [{}], "resourceVersion": metadata["resourceVersion"]}
