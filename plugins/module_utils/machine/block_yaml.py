# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the YAML that kubeadm writes: block mappings and lists, scalars of one line. Pure. Private to the collection.

A machine has no YAML reader. Files of ours are JSON; what kubeadm wrote, and what somebody changed in it by hand, is
read by this. It refuses what it does not know rather than guess.
"""

from __future__ import annotations

import json
import re
import typing as t

_KEY = re.compile(
    r"""(?P<key>"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s"'\[\]{}#&*!|>%@-][^#]*?)\s*:(?:\s+(?P<rest>.*))?$"""
)
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)$")
_FLOAT = re.compile(r"[-+]?[0-9]+\.[0-9]*(?:[eE][-+]?[0-9]+)?$")
_WORDS: dict[str, t.Any] = {"": None, "~": None, "null": None, "true": True, "false": False, "{}": {}, "[]": []}


def load(text: str) -> t.Any:
    """The one document of a text.

    :raises ValueError: it is in a form that this does not read.
    """
    stripped = text.strip()
    if stripped.startswith("{"):
        return json.loads(stripped)
    reader = _Reader(text)
    if not reader.lines:
        return None
    value = reader.block(reader.lines[0][0])
    if reader.lines:
        raise ValueError(f"unexpected: {reader.lines[0][1]}")
    return value


def mapping(text: str | None) -> dict[str, t.Any] | None:
    """The document of a text where it is a mapping that can be read, else ``None``."""
    try:
        value = load(text or "")
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


class _Reader:
    """Takes lines, each as (indentation, content), from the front."""

    def __init__(self, text: str) -> None:
        kept = [line.rstrip() for line in text.splitlines()]
        if kept and kept[0] == "---":
            kept = kept[1:]
        self.lines = [
            (len(line) - len(line.lstrip(" ")), line.lstrip(" "))
            for line in kept
            if line.strip() and not line.lstrip().startswith("#")
        ]

    def block(self, indent: int) -> t.Any:
        """A mapping or a list whose lines have this indentation."""
        content = self.lines[0][1]
        if content == "-" or content.startswith("- "):
            return self._list(indent)
        return self._mapping(indent)

    def _list(self, indent: int) -> list[t.Any]:
        answer = []
        while self.lines and self.lines[0][0] == indent and (self.lines[0][1] + " ").startswith("- "):
            content = self.lines[0][1][1:]
            inner = indent + 1 + len(content) - len(content.lstrip(" "))
            if not content.strip():
                self.lines.pop(0)
                answer.append(self._below(indent))
            elif _KEY.match(content.strip()):
                self.lines[0] = (inner, content.strip())
                answer.append(self._mapping(inner))
            else:
                self.lines.pop(0)
                answer.append(self._scalar(content.strip(), indent))
        return answer

    def _mapping(self, indent: int) -> dict[str, t.Any]:
        answer: dict[str, t.Any] = {}
        while self.lines and self.lines[0][0] == indent and not (self.lines[0][1] + " ").startswith("- "):
            content = self.lines[0][1]
            found = _KEY.match(content)
            if found is None:
                raise ValueError(f"no key: {content}")
            self.lines.pop(0)
            key = str(_unquoted(found["key"])) if found["key"][0] in "\"'" else found["key"]
            if key in answer:
                raise ValueError(f"given twice: {key}")
            rest = found["rest"] or ""
            list_here = self.lines and self.lines[0][0] == indent and (self.lines[0][1] + " ").startswith("- ")
            if rest:
                answer[key] = self._scalar(rest, indent)
            else:
                answer[key] = self._list(indent) if list_here else self._below(indent)
        return answer

    def _below(self, indent: int) -> t.Any:
        return self.block(self.lines[0][0]) if self.lines and self.lines[0][0] > indent else None

    def _scalar(self, text: str, indent: int) -> t.Any:
        """A value that begins on this line; lines that are further in go on with it."""
        while self.lines and self.lines[0][0] > indent:
            text += " " + self.lines.pop(0)[1]
        if text[0] in "\"'":
            return _unquoted(text)
        plain = re.split(r"\s+#", text, maxsplit=1)[0].strip()
        if plain in _WORDS:
            value = _WORDS[plain]
            return value.copy() if isinstance(value, (dict, list)) else value
        if plain[0] in "[{":
            return json.loads(plain)
        if plain[0] in "|>&*!%@`":
            raise ValueError(f"unknown form: {plain}")
        if _INT.match(plain):
            return int(plain)
        return float(plain) if _FLOAT.match(plain) else plain


def _unquoted(text: str) -> t.Any:
    found = re.match(r"""(?P<value>"(?:[^"\\]|\\.)*"|'(?:[^']|'')*')\s*(?:#.*)?$""", text)
    if found is None:
        raise ValueError(f"not closed: {text}")
    value = found["value"]
    return json.loads(value) if value[0] == '"' else value[1:-1].replace("''", "'")
