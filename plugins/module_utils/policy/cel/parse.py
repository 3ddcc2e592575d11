# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text -> syntax tree. Pure. Private to the collection."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass


class Unsupported(Exception):
    """An expression uses what this evaluator does not know, or is no CEL."""


@dataclass(frozen=True)
class Node:
    """A part of an expression.

    :param kind: C(literal), C(name), C(select), C(index), C(call), C(list), C(map), C(and), C(or), C(if), C(not),
        C(negative) or C(binary).
    :param value: the literal, name, field, function or operator.
    :param parts: what it is made of; of a call C(parts[0]) is what it is called on, or None.
    """

    kind: str
    value: t.Any = None
    parts: tuple[t.Any, ...] = ()


_TOKEN = re.compile(
    r"""(?P<space>[\s]+|//[^\n]*)
    |(?P<string>[rR]?(?:\"\"\"(?:[^\\]|\\.)*?\"\"\"|'''(?:[^\\]|\\.)*?'''|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'))
    |(?P<float>\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+)
    |(?P<int>0x[0-9a-fA-F]+|\d+)(?![\w])
    |(?P<name>[A-Za-z_]\w*)
    |(?P<operator>&&|\|\||[<>=!]=|[-+*/%<>!?:.,()\[\]{}])""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|(.))", re.DOTALL)
_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_RELATIONS = ("==", "!=", "<=", ">=", "<", ">", "in")
_RESERVED = {"true": True, "false": False, "null": None}


def parse(text: str) -> Node:
    """The syntax tree of an expression.

    :raises Unsupported: it is no CEL, or of a kind that is not known here.
    """
    parser = _Parser(_tokens(text))
    node = parser.expression()
    parser.end()
    return node


def _tokens(text: str) -> list[tuple[str, str]]:
    found, place = [], 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise Unsupported(f"{text[place : place + 20]!r} is not known here")
        place = match.end()
        if match.lastgroup != "space":
            found.append((str(match.lastgroup), match.group()))
    return found


def unquoted(text: str) -> str:
    """The value of a string literal."""
    raw = text[0] in "rR"
    text = text[1:] if raw else text
    width = 3 if text[:3] in ('"""', "'''") else 1
    text = text[width:-width]
    return text if raw else _ESCAPE.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    code = match[1] or match[2] or match[3]
    if code:
        return chr(int(code, 16))
    if match[4]:
        return chr(int(match[4], 8))
    if match[5] not in _SIMPLE and match[5] not in "\\\"'`?":
        raise Unsupported(f"the escape \\{match[5]}")
    return _SIMPLE.get(match[5], match[5])


class _Parser:
    """Recursive descent by CEL's grammar."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._place = 0

    def end(self) -> None:
        if self._place < len(self._tokens):
            raise Unsupported(f"{self._tokens[self._place][1]!r} is not expected there")

    def _take(self, *operators: str) -> str:
        """The operator if it is the next token, empty otherwise."""
        if self._place < len(self._tokens):
            kind, text = self._tokens[self._place]
            if kind in ("operator", "name") and text in operators:
                self._place += 1
                return text
        return ""

    def _demand(self, operator: str) -> None:
        if not self._take(operator):
            raise Unsupported(f"{operator!r} is missing")

    def _name(self) -> str:
        kind, text = self._tokens[self._place] if self._place < len(self._tokens) else ("", "")
        if kind != "name":
            raise Unsupported(f"a name is expected instead of {text!r}")
        self._place += 1
        return text

    def expression(self) -> Node:
        node = self._either()
        if not self._take("?"):
            return node
        then = self._either()
        self._demand(":")
        return Node("if", None, (node, then, self.expression()))

    def _either(self) -> Node:
        node = self._both()
        while self._take("||"):
            node = Node("or", None, (node, self._both()))
        return node

    def _both(self) -> Node:
        node = self._relation()
        while self._take("&&"):
            node = Node("and", None, (node, self._relation()))
        return node

    def _relation(self) -> Node:
        return self._chain(self._sum, _RELATIONS)

    def _sum(self) -> Node:
        return self._chain(self._product, ("+", "-"))

    def _product(self) -> Node:
        return self._chain(self._unary, ("*", "/", "%"))

    def _chain(self, part: t.Callable[[], Node], operators: tuple[str, ...]) -> Node:
        node = part()
        while operator := self._take(*operators):
            node = Node("binary", operator, (node, part()))
        return node

    def _unary(self) -> Node:
        if self._take("!"):
            return Node("not", None, (self._unary(),))
        if self._take("-"):
            return Node("negative", None, (self._unary(),))
        return self._member(self._primary())

    def _member(self, node: Node) -> Node:
        while True:
            if self._take("."):
                if self._take("?"):
                    raise Unsupported("optional fields (.?)")
                name = self._name()
                call = self._take("(")
                node = Node("call", name, (node, *self._list(")"))) if call else Node("select", name, (node,))
            elif self._take("["):
                node = Node("index", None, (node, self.expression()))
                self._demand("]")
            elif node.kind in ("name", "select") and self._take("{"):
                raise Unsupported("messages (Type{...})")
            else:
                return node

    def _primary(self) -> Node:
        if self._place >= len(self._tokens):
            raise Unsupported("the expression ends too early")
        kind, text = self._tokens[self._place]
        if kind in ("string", "float", "int"):
            self._place += 1
            value: t.Any = unquoted(text) if kind == "string" else float(text) if kind == "float" else int(text, 0)
            return Node("literal", value)
        if self._take("("):
            node = self.expression()
            self._demand(")")
            return node
        if self._take("["):
            return Node("list", None, tuple(self._list("]")))
        if self._take("{"):
            return Node("map", None, tuple(self._entries()))
        name = self._name()
        if name in _RESERVED:
            return Node("literal", _RESERVED[name])
        return Node("call", name, (None, *self._list(")"))) if self._take("(") else Node("name", name)

    def _list(self, end: str) -> list[Node]:
        items: list[Node] = []
        while not self._take(end):
            if items:
                self._demand(",")
                if self._take(end):
                    break
            items.append(self.expression())
        return items

    def _entries(self) -> list[tuple[Node, Node]]:
        entries: list[tuple[Node, Node]] = []
        while not self._take("}"):
            if entries:
                self._demand(",")
                if self._take("}"):
                    break
            key = self.expression()
            self._demand(":")
            entries.append((key, self.expression()))
        return entries
