# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which shared libraries a program loads, read from its ELF headers, for any architecture. Private to the collection.

Layout after the System V ABI, chapters 4 and 5 (generic, 64-bit little-endian).
"""

from __future__ import annotations

import struct
import typing as t
from dataclasses import dataclass

_PT_LOAD, _PT_DYNAMIC, _PT_INTERP = 1, 2, 3
_DT_NULL, _DT_NEEDED, _DT_STRTAB = 0, 1, 5


@dataclass(frozen=True)
class Dependencies:
    """What the dynamic loader needs.

    :param interpreter: path of the loader, ``None`` for libraries and static programs.
    :param needed: names of shared libraries.
    """

    interpreter: str | None
    needed: tuple[str, ...]


def dependencies(content: bytes) -> Dependencies | None:
    """Reads the headers of an ELF file; ``None`` when the content is not a 64-bit little-endian one."""
    if content[:6] != b"\x7fELF\x02\x01":
        return None
    table, size, count = _header(content)
    loads: list[tuple[int, int, int]] = []
    dynamic: tuple[int, int] | None = None
    interpreter = None
    for index in range(count):
        kind, _flags, offset, address, _physical, length = struct.unpack_from("<IIQQQQ", content, table + index * size)
        if kind == _PT_LOAD:
            loads.append((address, offset, length))
        elif kind == _PT_DYNAMIC:
            dynamic = (offset, length)
        elif kind == _PT_INTERP:
            interpreter = content[offset : offset + length].rstrip(b"\0").decode()
    if dynamic is None:
        return Dependencies(interpreter, ())
    return Dependencies(interpreter, tuple(_needed(content, dynamic, loads)))


def _header(content: bytes) -> tuple[int, int, int]:
    (table,) = struct.unpack_from("<Q", content, 32)
    size, count = struct.unpack_from("<HH", content, 54)
    return table, size, count


def _needed(content: bytes, dynamic: tuple[int, int], loads: list[tuple[int, int, int]]) -> t.Iterator[str]:
    names: list[int] = []
    strings = 0
    offset, length = dynamic
    for position in range(offset, offset + length, 16):
        tag, value = struct.unpack_from("<QQ", content, position)
        if tag == _DT_NULL:
            break
        if tag == _DT_NEEDED:
            names.append(value)
        elif tag == _DT_STRTAB:
            strings = value
    for address, start, size in loads:
        if address <= strings < address + size:
            table = start + strings - address
            for name in names:
                yield content[table + name : content.index(b"\0", table + name)].decode()
            return
