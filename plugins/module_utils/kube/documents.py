# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads YAML that others wrote, safely and with limits. Private to the collection."""

from __future__ import annotations

import functools
import json
import typing as t

from ..errors import InvalidInput, PlatformError, Problem

try:
    import yaml
except ImportError:
    HAS_YAML = False
else:
    HAS_YAML = True

#: The largest text that is read, in characters, and the limits that stop alias bombs and deep nesting.
MAX_TEXT = 8 * 1024 * 1024
MAX_NODES = 400_000
MAX_DEPTH = 80
_NO_JSON = object()


def load_all(text: str, key: str, limit: int = MAX_TEXT) -> list[t.Any]:
    """The documents of a YAML (or JSON) text; empty documents are left out.

    :param key: what the text is called in errors. The text itself is never part of an error.
    :raises InvalidInput: not YAML, tags beyond plain data, duplicate keys, or beyond the limits.
    """
    return [document for _number, document in load_numbered(text, key, limit)]


def load_numbered(text: str, key: str, limit: int = MAX_TEXT) -> list[tuple[int, t.Any]]:
    """Like :func:`load_all`, each document with its number in the text, counted from 1."""
    if not HAS_YAML:
        raise PlatformError("The Python package PyYAML is missing. Install it where this task runs.")
    if len(text) > limit:
        raise _invalid(key, f"{len(text)} characters", f"at most {limit} are read")
    document = _as_json(text)
    if document is not _NO_JSON:
        return [(1, document)]
    loader_class = _loader_class()
    try:
        _check_events(text, key, loader_class)
        documents = []
        loader = loader_class(text)
        try:
            while loader.check_node():
                node = loader.get_node()
                _check_node(node, key, {}, set())
                documents.append(_constructed(loader, node, key))
        finally:
            loader.dispose()
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        where = f"line {mark.line + 1}" if mark is not None else "somewhere"
        raise _invalid(key, where, f"is not valid YAML: {getattr(exc, 'problem', None) or 'unreadable'}") from None
    return [(number, document) for number, document in enumerate(documents, start=1) if document is not None]


def _as_json(text: str) -> t.Any:
    """The document of a text that is good JSON within the limits; anything else is for YAML, which tells the line."""
    if not text.lstrip().startswith(("{", "[")):
        return _NO_JSON
    try:
        document = json.loads(text, object_pairs_hook=_each_once, parse_constant=_no_number)
        return document if _is_within_limits(document) else _NO_JSON
    except (ValueError, RecursionError):
        return _NO_JSON


def _each_once(pairs: list[tuple[str, t.Any]]) -> dict[str, t.Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key stands twice")
    return made


def _no_number(name: str) -> t.NoReturn:
    raise ValueError(f"{name} is no JSON")


def _is_within_limits(document: t.Any) -> bool:
    """Whether a document is neither too deep nor too large.

    :raises UnicodeEncodeError: half a surrogate pair, which no text can hold.
    """
    level, depth, size = [document], 0, 0
    while level:
        below: list[t.Any] = []
        nested = False
        for item in level:
            if isinstance(item, (dict, list)):
                nested = True
                below += [*item, *item.values()] if isinstance(item, dict) else item
            elif isinstance(item, str):
                item.encode()
        depth, size, level = depth + nested, size + len(level), below
        if depth > MAX_DEPTH or size > MAX_NODES:
            return False
    return True


@functools.cache
def _loader_class() -> t.Any:
    """Reads what JSON can say. A date is text, as it is to Kubernetes and its tools."""
    base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    left_out = {f"tag:yaml.org,2002:{name}" for name in ("timestamp", "binary", "omap", "pairs", "set")}
    resolvers = {
        first: [(tag, pattern) for tag, pattern in known if tag not in left_out]
        for first, known in base.yaml_implicit_resolvers.items()
    }
    constructors = {tag: made for tag, made in base.yaml_constructors.items() if tag not in left_out}
    return type("PlainLoader", (base,), {"yaml_implicit_resolvers": resolvers, "yaml_constructors": constructors})


def _constructed(loader: t.Any, node: t.Any, key: str) -> t.Any:
    """The document of a node. What a wrong value is is not told, since it may be secret."""
    failures = (yaml.constructor.ConstructorError, ArithmeticError, ValueError)
    try:
        return loader.construct_document(node)
    except failures:
        for value in _parts(node, set()):
            if value.tag not in loader.yaml_constructors:
                reason = "is not valid YAML: a tag begins with !; quote what is text"
                raise _invalid(key, _line(value), reason) from None
            try:
                if isinstance(value, yaml.ScalarNode):
                    loader.construct_object(value)
            except failures:
                reason = "is not valid YAML: this is no number; quote what is text"
                raise _invalid(key, _line(value), reason) from None
        raise


def _parts(node: t.Any, seen: set[int]) -> t.Iterator[t.Any]:
    """The nodes that a node is made of, each once, and itself."""
    if id(node) in seen:
        return
    seen.add(id(node))
    for child in node.value if isinstance(node.value, list) else ():
        for part in child if isinstance(child, tuple) else (child,):
            yield from _parts(part, seen)
    yield node


def load_one(text: str, key: str, limit: int = MAX_TEXT) -> t.Any:
    """The only document of a YAML text. See :func:`load_all`."""
    documents = load_all(text, key, limit)
    if len(documents) != 1:
        raise _invalid(key, f"{len(documents)} documents", "exactly one is expected")
    return documents[0]


def _check_events(text: str, key: str, loader_class: t.Any) -> None:
    # Composing recurses in C, so depth is checked on the flat stream of events before anything is composed.
    depth = 0
    for event in yaml.parse(text, Loader=loader_class):
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            depth += 1
            if depth > MAX_DEPTH:
                raise _invalid(key, _line(event), f"nests deeper than {MAX_DEPTH}")
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            depth -= 1


def _check_node(node: t.Any, key: str, sizes: dict[int, int], above: set[int]) -> int:
    """The number of nodes once aliases are expanded; refuses cycles, duplicates and bombs."""
    if id(node) in sizes:
        return sizes[id(node)]
    if id(node) in above:
        raise _invalid(key, _line(node), "an alias contains itself")
    size = 1
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for name, value in node.value:
            if isinstance(name, yaml.ScalarNode):
                if name.value in seen:
                    raise _invalid(key, _line(name), f"the key {name.value!r} stands twice")
                seen.add(name.value)
            size += _check_node(name, key, sizes, above | {id(node)})
            size += _check_node(value, key, sizes, above | {id(node)})
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            size += _check_node(value, key, sizes, above | {id(node)})
    if size > MAX_NODES:
        raise _invalid(key, _line(node), f"expands to more than {MAX_NODES} values")
    sizes[id(node)] = size
    return size


def _line(item: t.Any) -> str:
    return f"line {item.start_mark.line + 1}"


def _invalid(key: str, value: str, reason: str) -> InvalidInput:
    return InvalidInput([Problem(key, value, reason, "Correct the text")])
