# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kubernetes quantities as exact numbers. Pure. Private to the collection.

Grammar: k8s.io/apimachinery, api/resource, Quantity.
"""

from __future__ import annotations

import re
import typing as t
from fractions import Fraction

#: Resource name -> quantity, as written.
Quantities: t.TypeAlias = dict[str, str]

QUANTITY_RULE = "a number that is not negative, with one of n, u, m, k, M, G, T, P, E, Ki, Mi, Gi, Ti, Pi, Ei or an exponent"

_QUANTITY = re.compile(
    r"(?P<number>[+-]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40}))"
    r"(?:(?P<suffix>[KMGTPE]i|[numkMGTPE])|[eE](?P<exponent>[+-]?\d{1,2}))?",
    re.ASCII,
)
_DECIMAL = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}


def parse(text: str) -> Fraction | None:
    """The number that a quantity stands for, exactly; ``None`` when it is not a quantity."""
    found = _QUANTITY.fullmatch(text)
    if found is None:
        return None
    number = Fraction(found["number"].rstrip(".") if found["number"].endswith(".") else found["number"])
    suffix = found["suffix"]
    if suffix in _BINARY:
        return number * 1024 ** _BINARY[suffix]
    if suffix is not None:
        return number * Fraction(10) ** _DECIMAL[suffix]
    return number * Fraction(10) ** int(found["exponent"] or 0)
