# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""JSON patches (RFC 6902) by JSON pointers (RFC 6901). Pure. Private to the collection."""

from __future__ import annotations

import copy
import re
import typing as t

from ..declaration import Reader

Operation = t.Mapping[str, t.Any]

#: What an operation needs besides C(op) and C(path).
OPERATIONS = {"add": "value", "remove": "", "replace": "value", "move": "from", "copy": "from", "test": "value"}
KEYS = ("op", "path", "from", "value")
_POINTER = re.compile(r"(/([^~/]|~[01])*)*")
_POINTER_RULE = "a JSON pointer is empty, or begins with / and has / and ~ in names written as ~1 and ~0"
_INDEX = re.compile(r"0|[1-9][0-9]*")


class PatchFailed(Exception):
    """An operation cannot be carried out. The message says which one, where and why, and repeats no value."""


def patched(document: t.Any, operations: t.Sequence[Operation]) -> t.Any:
    """A document after all operations, one after the other; the given one is left as it is.

    :raises PatchFailed: one of them fails, and so all of them do.
    """
    found = copy.deepcopy(document)
    for place, operation in enumerate(operations):
        try:
            found = _apply(found, operation)
        except PatchFailed as exc:
            raise PatchFailed(f"operation {place} ({operation['op']} {operation['path']}): {exc}") from None
    return found


def _apply(document: t.Any, operation: Operation) -> t.Any:
    action, path = operation["op"], tokens(operation["path"])
    if action == "test":
        if not same(_at(document, path), operation["value"]):
            raise PatchFailed("what stands there is something else than the value of the test")
        return document
    if action == "remove":
        return _without(document, path)
    if action == "replace":
        _at(document, path)
        return _set(document, path, copy.deepcopy(operation["value"]))
    if action == "add":
        return _add(document, path, copy.deepcopy(operation["value"]))
    source = tokens(operation["from"])
    value = _at(document, source)
    if action == "copy":
        return _add(document, path, copy.deepcopy(value))
    if path[: len(source)] == source and path != source:
        raise PatchFailed(f"{operation['from']} cannot be moved into itself")
    return document if path == source else _add(_without(document, source), path, value)


def tokens(pointer: str) -> list[str]:
    """The names on the way that a pointer says."""
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def same(one: t.Any, other: t.Any) -> bool:
    """Whether two values are equal as JSON: a boolean is no number, and 1 is 1.0."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(*pair) for pair in zip(one, other, strict=True))
    return bool(one == other)


def _at(document: t.Any, path: t.Sequence[str]) -> t.Any:
    for place, name in enumerate(path):
        document = _child(document, name, path[: place + 1])
    return document


def _child(parent: t.Any, name: str, path: t.Sequence[str]) -> t.Any:
    if isinstance(parent, dict):
        if name not in parent:
            raise PatchFailed(f"there is no {_shown(path)}")
        return parent[name]
    if isinstance(parent, list):
        return parent[_index(name, len(parent) - 1, path)]
    raise PatchFailed(f"there is no {_shown(path)}, since what is above it has no parts")


def _index(name: str, last: int, path: t.Sequence[str]) -> int:
    """A place in a list."""
    if not _INDEX.fullmatch(name):
        raise PatchFailed(f"{_shown(path)} is a place in a list, which is told by a number")
    if int(name) > last:
        raise PatchFailed(f"there is no {_shown(path)}: the list is shorter")
    return int(name)


def _add(document: t.Any, path: t.Sequence[str], value: t.Any) -> t.Any:
    if not path:
        return value
    parent, name = _at(document, path[:-1]), path[-1]
    if isinstance(parent, list):
        parent.insert(len(parent) if name == "-" else _index(name, len(parent), path), value)
    elif isinstance(parent, dict):
        parent[name] = value
    else:
        raise PatchFailed(f"nothing can be added at {_shown(path)}, since what is above it has no parts")
    return document


def _set(document: t.Any, path: t.Sequence[str], value: t.Any) -> t.Any:
    if not path:
        return value
    parent = _at(document, path[:-1])
    parent[int(path[-1]) if isinstance(parent, list) else path[-1]] = value
    return document


def _without(document: t.Any, path: t.Sequence[str]) -> t.Any:
    if not path:
        raise PatchFailed("the whole document cannot be removed")
    _at(document, path)
    parent = _at(document, path[:-1])
    del parent[int(path[-1]) if isinstance(parent, list) else path[-1]]
    return document


def _shown(path: t.Sequence[str]) -> str:
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in path)


def touched(operations: t.Iterable[Operation]) -> t.Iterator[str]:
    """The pointers of what is changed: tests and sources of copies are not."""
    for operation in operations:
        if operation["op"] != "test":
            yield operation["path"]
        if operation["op"] == "move":
            yield operation["from"]


def read_operations(value: t.Any, reader: Reader, key: str) -> tuple[Operation, ...]:
    """The operations of a patch. Problems are left with the reader, and repeat no value, which may be secret."""
    found = []
    given = reader.sequence(value if isinstance(value, list) else type(value).__name__, key)
    if isinstance(value, list) and not value:
        reader.problem(key, value, "has no operation", "write one, such as {op: remove, path: /spec/paused}")
    for place, item in enumerate(given):
        where = f"{key}[{place}]"
        if not isinstance(item, dict):
            reader.problem(where, type(item).__name__, "is not a mapping", "write it as {op: ..., path: ...}")
            continue
        before = len(reader.problems)
        _check_operation(item, reader, where)
        if len(reader.problems) == before:
            found.append(item)
    return tuple(found)


def _check_operation(item: t.Mapping[str, t.Any], reader: Reader, key: str) -> None:
    veiled = {name: part if name in ("op", "path", "from") else type(part).__name__ for name, part in item.items()}
    reader.mapping(veiled, key, KEYS)
    action = reader.choice(item.get("op"), f"{key}.op", list(OPERATIONS))
    reader.text(item.get("path"), f"{key}.path", _POINTER, _POINTER_RULE, 1000)
    needed = OPERATIONS[action]
    if needed == "from":
        reader.text(item.get("from"), f"{key}.from", _POINTER, _POINTER_RULE, 1000)
    elif needed and needed not in item:
        reader.problem(f"{key}.{needed}", None, f"{action} needs it", "give it")
    for name in sorted({"from", "value"} & set(item) - {needed}):
        reader.problem(f"{key}.{name}", veiled[name], f"is not for {action}", "remove it")
