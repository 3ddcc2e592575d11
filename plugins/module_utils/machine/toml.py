# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes TOML, of which the standard library only reads. Pure. Private to the collection."""

from __future__ import annotations

import json
import re
import typing as t

_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")


def _key(name: str) -> str:
    return name if _BARE.match(name) else json.dumps(name)


def _value(value: t.Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    if isinstance(value, t.Mapping):
        return "{" + ", ".join(f"{_key(str(key))} = {_value(item)}" for key, item in sorted(value.items())) + "}"
    raise TypeError(f"{type(value).__name__} has no form in TOML")


def dumps(document: t.Mapping[str, t.Any], path: tuple[str, ...] = ()) -> str:
    """The document as TOML text: plain values first, then tables, each sorted by name.

    :raises TypeError: a value has no form in TOML, ``None`` for one.
    """
    plain = {key: value for key, value in document.items() if not isinstance(value, t.Mapping)}
    tables = {key: value for key, value in document.items() if isinstance(value, t.Mapping)}
    text = "".join(f"{_key(key)} = {_value(value)}\n" for key, value in sorted(plain.items()))
    if path and (plain or not tables):
        text = "\n[" + ".".join(_key(part) for part in path) + "]\n" + text
    return text + "".join(dumps(value, (*path, key)) for key, value in sorted(tables.items()))
