# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kubernetes versions as numbers that can be compared. Pure. Private to the collection."""

from __future__ import annotations

import re
import typing as t

Version = tuple[int, int, int]

_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")


def parse(text: str) -> Version:
    """C((1, 36, 3)) of C(1.36.3), C(v1.36.3) or the tag C(v1.36.3-1).

    :raises ValueError: it is no full version.
    """
    match = _VERSION.match(text)
    if match is None:
        raise ValueError(f"{text!r} is no full version such as 1.36.3")
    return int(match[1]), int(match[2]), int(match[3])


def plain(text: str) -> str:
    """C(1.36.3) of whatever :func:`parse` reads."""
    return ".".join(str(part) for part in parse(text))


def minor(text: str) -> str:
    """C(1.36) of C(1.36.3)."""
    return ".".join(str(part) for part in parse(text)[:2])


def minors_between(older: str, newer: str) -> int:
    """How many minors lie from one to the other; negative when C(newer) is older. Majors differ by far more."""
    one, two = parse(older), parse(newer)
    return (two[0] - one[0]) * 1000 + two[1] - one[1]


def oldest(texts: t.Iterable[str]) -> str:
    """The smallest version."""
    return min(texts, key=parse)


def newest(texts: t.Iterable[str]) -> str:
    """The greatest version."""
    return max(texts, key=parse)
