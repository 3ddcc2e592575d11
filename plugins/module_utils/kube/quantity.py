# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kubernetes quantities. Pure. Private to the collection.

The grammar is that of C(k8s.io/apimachinery) resource.Quantity: a signed number with a binary suffix (Ki..Ei), a
decimal suffix (n, u, m, k, M, G, T, P, E) or a decimal exponent.
"""

from __future__ import annotations

import re
import typing as t
from fractions import Fraction

_PATTERN = re.compile(r"([+-]?)(\d+\.?\d*|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d{1,3})?")
#: Digits that Kubernetes keeps are 19, and what is longer than this is no quantity.
_LONGEST = 64
_BINARY = {name: Fraction(1024**power) for power, name in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), start=1)}
_DECIMAL = {
    "n": Fraction(1, 10**9),
    "u": Fraction(1, 10**6),
    "m": Fraction(1, 1000),
    "k": Fraction(10**3),
    "M": Fraction(10**6),
    "G": Fraction(10**9),
    "T": Fraction(10**12),
    "P": Fraction(10**15),
    "E": Fraction(10**18),
}


def parse(value: t.Any) -> Fraction | None:
    """The exact value of a quantity in its base unit, ``None`` for what is none: one half for ``500m``."""
    if isinstance(value, bool):
        return None
    match = _PATTERN.fullmatch(str(value)[: _LONGEST + 1]) if isinstance(value, (int, float, str)) else None
    if match is None or match.end() > _LONGEST:
        return None
    sign, number, suffix = match.groups()
    amount = Fraction(number) * (-1 if sign == "-" else 1)
    if not suffix:
        return amount
    if suffix in _BINARY:
        return amount * _BINARY[suffix]
    if suffix in _DECIMAL:
        return amount * _DECIMAL[suffix]
    exponent = int(suffix[1:])
    scale = Fraction(10 ** abs(exponent))
    return amount * scale if exponent >= 0 else amount / scale


def same(left: t.Any, right: t.Any) -> bool:
    """True when both are quantities of one value: C("1000m") and C("1")."""
    amount = parse(left)
    return amount is not None and amount == parse(right)
