# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Syntax tree -> a function of the variables. Pure. Private to the collection."""

from __future__ import annotations

import typing as t

from .functions import GLOBAL, MEMBER, EvaluationError, Function, binary, equal, no_overload, pattern
from .parse import Node, Unsupported, parse

Scope = dict[str, t.Any]
Evaluate = t.Callable[[Scope], t.Any]
_NOTHING = object()
#: What a policy may look at and only the API server knows.
_UNKNOWN = ("authorizer", "params")
_MACROS = ("all", "exists", "exists_one", "filter", "map")


class Lazy:
    """The C(variables) of a policy for one object: each is evaluated when it is first asked for."""

    def __init__(self, expressions: t.Mapping[str, Evaluate], scope: Scope) -> None:
        self._expressions = expressions
        self._scope = {**scope, "variables": self}
        self._known: dict[str, t.Any] = {}

    def field(self, name: str) -> t.Any:
        """The value of a variable."""
        if name not in self._known:
            if name not in self._expressions:
                raise EvaluationError(f"no such key: {name}")
            # The scope of an iteration is none of a variable's.
            self._known[name] = self._expressions[name](dict(self._scope))
        return self._known[name]


def compiled(text: str) -> Evaluate:
    """An expression as a function of the variables by name.

    :raises Unsupported: it is no CEL, or uses what is not known here.
    """
    try:
        return _make(parse(text))
    except RecursionError as exc:
        raise Unsupported("the expression is nested too deep") from exc


def _make(node: Node) -> Evaluate:
    return _MAKERS[node.kind](node)


def _literal(node: Node) -> Evaluate:
    return lambda scope: node.value


def _name(node: Node) -> Evaluate:
    name = node.value
    if name in _UNKNOWN:
        raise Unsupported(f"{name}, which only the API server knows")

    def read(scope: Scope) -> t.Any:
        if name not in scope:
            raise EvaluationError(f"undeclared reference to {name}")
        return scope[name]

    return read


def _field(held: t.Any, name: str) -> t.Any:
    if isinstance(held, dict):
        if name in held:
            return held[name]
        raise EvaluationError(f"no such key: {name}")
    if isinstance(held, Lazy):
        return held.field(name)
    raise no_overload(f".{name}", held)


def _select(node: Node) -> Evaluate:
    inner, name = _make(node.parts[0]), node.value
    return lambda scope: _field(inner(scope), name)


def _index(node: Node) -> Evaluate:
    inner, key = map(_make, node.parts)

    def read(scope: Scope) -> t.Any:
        held, place = inner(scope), key(scope)
        if isinstance(held, list) and isinstance(place, int) and not isinstance(place, bool):
            if not 0 <= place < len(held):
                raise EvaluationError(f"index out of bounds: {place}")
            return held[place]
        if isinstance(held, dict):
            return _field(held, place)
        raise no_overload("[]", held, place)

    return read


def _list(node: Node) -> Evaluate:
    items = [_make(item) for item in node.parts]
    return lambda scope: [item(scope) for item in items]


def _map(node: Node) -> Evaluate:
    entries = [(_make(key), _make(value)) for key, value in node.parts]
    return lambda scope: {key(scope): value(scope) for key, value in entries}


def _true(value: t.Any) -> bool:
    if not isinstance(value, bool):
        raise no_overload("bool", value)
    return value


def _junction(decisive: bool) -> t.Callable[[Node], Evaluate]:
    """C(||), which true decides, or C(&&), which false decides, even when the other side fails."""

    def make(node: Node) -> Evaluate:
        left, right = map(_make, node.parts)

        def decide(scope: Scope) -> bool:
            try:
                if _true(left(scope)) is decisive:
                    return decisive
            except EvaluationError:
                if _true(right(scope)) is decisive:
                    return decisive
                raise
            return _true(right(scope))

        return decide

    return make


def _if(node: Node) -> Evaluate:
    condition, then, otherwise = map(_make, node.parts)
    return lambda scope: then(scope) if _true(condition(scope)) else otherwise(scope)


def _not(node: Node) -> Evaluate:
    inner = _make(node.parts[0])
    return lambda scope: not _true(inner(scope))


def _negative(node: Node) -> Evaluate:
    inner = _make(node.parts[0])
    minus = binary("-")
    return lambda scope: minus(0 if isinstance(value := inner(scope), int) else 0.0, value)


def _binary(node: Node) -> Evaluate:
    left, right = map(_make, node.parts)
    function = binary(node.value)
    return lambda scope: function(left(scope), right(scope))


# -- calls


def _call(node: Node) -> Evaluate:
    on, *arguments = node.parts
    if on is None:
        return _has(arguments) if node.value == "has" else _plain(GLOBAL, node.value, arguments)
    if node.value in _MACROS and len(arguments) in (2, 3) and arguments[0].kind == "name":
        return _iteration(node.value, _make(on), arguments)
    return _plain(MEMBER, node.value, [on, *arguments])


def _plain(known: t.Mapping[str, Function], name: str, arguments: t.Sequence[Node]) -> Evaluate:
    values = [_make(argument) for argument in arguments]
    if name not in known:
        raise Unsupported(f"the function {name}")
    function = known[name]
    if name == "matches" and arguments[-1].kind == "literal":
        pattern(arguments[-1].value)

    def call(scope: Scope) -> t.Any:
        given = [value(scope) for value in values]
        try:
            return function(*given)
        except TypeError as exc:
            raise no_overload(name, *given) from exc

    return call


def _has(arguments: t.Sequence[Node]) -> Evaluate:
    if len(arguments) != 1 or arguments[0].kind != "select":
        raise Unsupported("has() of something that is no field")
    inner, name = _make(arguments[0].parts[0]), arguments[0].value

    def test(scope: Scope) -> bool:
        held = inner(scope)
        if isinstance(held, dict):
            return name in held
        raise no_overload(f"has(.{name})", held)

    return test


def _iteration(macro: str, source: Evaluate, arguments: t.Sequence[Node]) -> Evaluate:
    name = arguments[0].value
    if len(arguments) == 3 and macro != "map":
        raise Unsupported(f"{macro} of three arguments")
    # map(x, p, e) is filter(x, p).map(x, e).
    choose = _make(arguments[1]) if len(arguments) == 3 else None
    body = _make(arguments[-1])

    def run(scope: Scope) -> t.Any:
        items = source(scope)
        if not isinstance(items, (list, dict)):
            raise no_overload(macro, items)
        before = scope.get(name, _NOTHING)
        try:
            return _FOLDS[macro](_each(items, name, scope, choose), lambda: body(scope))
        finally:
            if before is _NOTHING:
                scope.pop(name, None)
            else:
                scope[name] = before

    return run


def _each(items: t.Iterable[t.Any], name: str, scope: Scope, choose: Evaluate | None) -> t.Iterator[t.Any]:
    for item in items:
        scope[name] = item
        if choose is None or _true(choose(scope)):
            yield item


def _decided(items: t.Iterator[t.Any], body: t.Callable[[], t.Any], decisive: bool) -> bool:
    failure: EvaluationError | None = None
    for _item in items:
        try:
            if _true(body()) is decisive:
                return decisive
        except EvaluationError as exc:
            failure = failure or exc
    if failure is not None:
        raise failure
    return not decisive


_FOLDS: dict[str, t.Callable[[t.Iterator[t.Any], t.Callable[[], t.Any]], t.Any]] = {
    "all": lambda items, body: _decided(items, body, False),
    "exists": lambda items, body: _decided(items, body, True),
    "exists_one": lambda items, body: equal(sum(_true(body()) for _item in items), 1),
    "filter": lambda items, body: [item for item in items if _true(body())],
    "map": lambda items, body: [body() for _item in items],
}

_MAKERS: dict[str, t.Callable[[Node], Evaluate]] = {
    "literal": _literal,
    "name": _name,
    "select": _select,
    "index": _index,
    "list": _list,
    "map": _map,
    "and": _junction(False),
    "or": _junction(True),
    "if": _if,
    "not": _not,
    "negative": _negative,
    "binary": _binary,
    "call": _call,
}
