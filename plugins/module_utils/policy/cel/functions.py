# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Functions and operators on values. Pure. Private to the collection.

Values are Python's own: None, bool, int, float, str, list, dict, datetime and timedelta, and Fraction for quantities.
"""

from __future__ import annotations

import datetime
import functools
import re
import typing as t
from fractions import Fraction

from ...kube import quantity
from .parse import Unsupported


class EvaluationError(Exception):
    """An expression failed: a field that is not there, a function on a value of another type."""


Function = t.Callable[..., t.Any]
_LIMIT = 2**63


def type_of(value: t.Any) -> str:
    """The name of a value's type."""
    names = {type(None): "null_type", bool: "bool", int: "int", float: "double", str: "string", list: "list"}
    return names.get(type(value), "map" if isinstance(value, dict) else type(value).__name__)


def no_overload(name: str, *values: t.Any) -> EvaluationError:
    """The error of a function that is not there for these values."""
    return EvaluationError(f"no such overload: {name}({', '.join(type_of(value) for value in values)})")


def equal(left: t.Any, right: t.Any) -> bool:
    """C(==): numbers by value, other values of different types are not equal."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(left[key], right[key]) for key in left)
    return bool(left == right)


def contains(item: t.Any, container: t.Any) -> bool:
    """C(in): of a list, or of a map's keys."""
    if isinstance(container, dict):
        return item in container if isinstance(item, (str, int, bool)) else False
    if not isinstance(container, list):
        raise no_overload("in", item, container)
    return any(equal(item, one) for one in container)


def _comparable(left: t.Any, right: t.Any) -> bool:
    numbers = all(isinstance(item, (int, float)) and not isinstance(item, bool) for item in (left, right))
    kinds = (str, bool, datetime.datetime, datetime.timedelta)
    return numbers or (type(left) is type(right) and isinstance(left, kinds))


def binary(operator: str) -> Function:
    """The function of an operator."""
    return _BINARY[operator]


def _compared(name: str, test: t.Callable[[t.Any, t.Any], bool]) -> Function:
    def compare(left: t.Any, right: t.Any) -> bool:
        if not _comparable(left, right):
            raise no_overload(name, left, right)
        return test(left, right)

    return compare


def _add(left: t.Any, right: t.Any) -> t.Any:
    kinds = (str, list, datetime.timedelta)
    timed = isinstance(left, datetime.datetime) and isinstance(right, datetime.timedelta)
    if timed or (type(left) is type(right) and isinstance(left, kinds)):
        return left + right
    return _number("+", left, right, lambda: left + right)


def _number(name: str, left: t.Any, right: t.Any, result: t.Callable[[], t.Any]) -> t.Any:
    if type(left) is not type(right) or type(left) not in (int, float):
        raise no_overload(name, left, right)
    try:
        value = result()
    except ZeroDivisionError as exc:
        raise EvaluationError("division by zero") from exc
    if isinstance(value, int) and not -_LIMIT <= value < _LIMIT:
        raise EvaluationError("integer overflow")
    return value


def _divide(left: t.Any, right: t.Any) -> t.Any:
    # Towards zero, as in Go.
    whole = isinstance(left, int)
    return abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1) if whole else left / right


def _remainder(left: int, right: int) -> int:
    return abs(left) % abs(right) * (-1 if left < 0 else 1)


_BINARY: dict[str, Function] = {
    "==": equal,
    "!=": lambda left, right: not equal(left, right),
    "in": contains,
    "<": _compared("<", lambda left, right: left < right),
    "<=": _compared("<=", lambda left, right: left <= right),
    ">": _compared(">", lambda left, right: left > right),
    ">=": _compared(">=", lambda left, right: left >= right),
    "+": _add,
    "-": lambda left, right: _number("-", left, right, lambda: left - right),
    "*": lambda left, right: _number("*", left, right, lambda: left * right),
    "/": lambda left, right: _number("/", left, right, lambda: _divide(left, right)),
    "%": lambda left, right: _number("%", left, right, lambda: _remainder(left, right)),
}


# -- texts


def _typed(name: str, *kinds: t.Any) -> t.Callable[[Function], Function]:
    """A function on values of these types."""

    def wrap(function: Function) -> Function:
        @functools.wraps(function)
        def call(*values: t.Any) -> t.Any:
            wrong = len(values) > len(kinds) or any(
                not isinstance(value, kind) or (kind is int and isinstance(value, bool))
                for value, kind in zip(values, kinds, strict=False)
            )
            if wrong:
                raise no_overload(name, *values)
            return function(*values)

        return call

    return wrap


@functools.lru_cache(maxsize=512)
def pattern(text: str) -> re.Pattern[str]:
    """An RE2 pattern as Python's. What the two read differently is refused.

    :raises Unsupported: Python does not know it, or knows it otherwise.
    """
    if re.search(r"\\[pPCQzAbBZ]|\[\[:|\(\?[^:P]|\(\?P[^<]|\\[0-9]", text):
        raise Unsupported(f"the pattern {text!r}")
    # RE2's $ is the end of the text, Python's also stands before a last line break; \d and \w are ASCII there.
    ends = re.sub(
        r"(\\.)|(\[(?:\\.|[^\]\\])*\])|\$", lambda match: match[1] or match[2] or r"\Z", text, flags=re.DOTALL
    )
    try:
        return re.compile(ends, re.ASCII)
    except re.error as exc:
        raise Unsupported(f"the pattern {text!r}") from exc


def _substring(text: str, start: int, end: int | None = None) -> str:
    end = len(text) if end is None else end
    if not 0 <= start <= end <= len(text):
        raise EvaluationError(f"index out of range: {start}, {end}")
    return text[start:end]


def _join(items: list[t.Any], separator: str = "") -> str:
    if not all(isinstance(item, str) for item in items):
        raise no_overload("join", items)
    return separator.join(items)


def _size(value: t.Any) -> int:
    if not isinstance(value, (str, list, dict)):
        raise no_overload("size", value)
    return len(value)


def _string(value: t.Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int)):
        return str(value)
    raise no_overload("string", value)


def _int(value: t.Any) -> int:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"[+-]?\d+", value):
        return int(value)
    raise EvaluationError(f"cannot make an int of {type_of(value)}")


def _timestamp(value: t.Any) -> datetime.datetime:
    if isinstance(value, datetime.datetime):
        return value
    try:
        return datetime.datetime.fromisoformat(str(value))
    except ValueError as exc:
        raise EvaluationError("cannot make a timestamp of a string") from exc


def _quantity(value: t.Any) -> Fraction:
    found = quantity.parse(value) if isinstance(value, str) else None
    if found is None:
        raise EvaluationError(f"{value!r} is not a quantity")
    return found


def _compare(left: Fraction, right: Fraction) -> int:
    return (left > right) - (left < right)


#: Functions by name, C(f(x)).
GLOBAL: dict[str, Function] = {
    "size": _size,
    "string": _string,
    "int": _int,
    "dyn": lambda value: value,
    "timestamp": _timestamp,
    "quantity": _quantity,
    "isQuantity": lambda value: quantity.parse(value) is not None,
    "matches": _typed("matches", str, str)(lambda text, expression: bool(pattern(expression).search(text))),
}
#: Functions on a value, C(x.f()).
MEMBER: dict[str, Function] = {
    "size": _size,
    "contains": _typed("contains", str, str)(lambda text, part: part in text),
    "startsWith": _typed("startsWith", str, str)(str.startswith),
    "endsWith": _typed("endsWith", str, str)(str.endswith),
    "matches": GLOBAL["matches"],
    "substring": _typed("substring", str, int, int)(_substring),
    "join": _typed("join", list, str)(_join),
    "split": _typed("split", str, str)(lambda text, by: text.split(by) if by else list(text)),
    "trim": _typed("trim", str)(str.strip),
    "replace": _typed("replace", str, str, str)(str.replace),
    "lowerAscii": _typed("lowerAscii", str)(
        lambda text: "".join(char.lower() if char.isascii() else char for char in text)
    ),
    "upperAscii": _typed("upperAscii", str)(
        lambda text: "".join(char.upper() if char.isascii() else char for char in text)
    ),
    "indexOf": _typed("indexOf", str, str)(str.find),
    "isGreaterThan": _typed("isGreaterThan", Fraction, Fraction)(lambda left, right: left > right),
    "isLessThan": _typed("isLessThan", Fraction, Fraction)(lambda left, right: left < right),
    "compareTo": _typed("compareTo", Fraction, Fraction)(_compare),
}
