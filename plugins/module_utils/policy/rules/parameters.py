# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a parameter of a rule may be, and how it is read. Pure. Private to the collection."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ...declaration import Reader, is_label_value
from ...kube import quantity

Values = t.Mapping[str, t.Any]

RESOURCE_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(/[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)?")
RESOURCE_RULE = "resources are named as in a pod: cpu, memory, ephemeral-storage"
_ANYTHING = re.compile(r"[^\r\n]+")
_PORT_RANGE = re.compile(r"([0-9]{1,5})-([0-9]{1,5})")
_HIGHEST_PORT = 65535


@dataclass(frozen=True)
class Keyed:
    """A label or annotation that must be there, with one of the values unless there are none."""

    key: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Parameter:
    """One parameter of a rule.

    :param name: its key under C(parameters).
    :param type: one of :data:`TYPES`.
    :param default: what is meant when it is not given; in the form that an operator would write.
    :param needed: what to do about an empty list or a missing value; without it the parameter is optional.
    :param choices: of C(choices).
    :param pattern: of each text of C(texts), with what it says in words in C(rule).
    :param lowest: of C(integer).
    """

    name: str
    type: str
    default: t.Any = None
    needed: str = ""
    choices: tuple[str, ...] = ()
    pattern: re.Pattern[str] = _ANYTHING
    rule: str = "text of one line"
    lowest: int = 0

    def read(self, declared: Values, reader: Reader, key: str) -> t.Any:
        """The typed value; problems are left with the reader."""
        value = declared.get(self.name)
        value = self.default if value is None else value
        where = f"{key}.{self.name}"
        found = TYPES[self.type](self, value, reader, where)
        if self.needed and not found and not has_problem(reader, where):
            reader.problem(where, declared.get(self.name), "must not be empty", self.needed)
        return found


def has_problem(reader: Reader, where: str) -> bool:
    """True when something at this key, or below it, is wrong already."""
    return any(problem.key.startswith(where) for problem in reader.problems)


def _texts(one: Parameter, value: t.Any, reader: Reader, key: str) -> tuple[str, ...]:
    return tuple(reader.texts(value, key, one.pattern, one.rule))


def _choices(one: Parameter, value: t.Any, reader: Reader, key: str) -> tuple[str, ...]:
    listed = reader.sequence(value, key)
    return tuple(reader.choice(item, f"{key}[{place}]", one.choices) for place, item in enumerate(listed))


def _boolean(_one: Parameter, value: t.Any, reader: Reader, key: str) -> bool:
    return reader.boolean(value, key)


def _integer(one: Parameter, value: t.Any, reader: Reader, key: str) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not one.lowest <= value < 2**31:
        reader.problem(key, value, f"is not a whole number from {one.lowest} on", "write a number, without quotes")
        return None
    return value


def _labels(_one: Parameter, value: t.Any, reader: Reader, key: str) -> tuple[Keyed, ...]:
    return _keyed(value, reader, key, is_label_value, "is not a valid label value")


def _annotations(_one: Parameter, value: t.Any, reader: Reader, key: str) -> tuple[Keyed, ...]:
    return _keyed(value, reader, key, lambda content: True, "is not text")


def _keyed(value: t.Any, reader: Reader, key: str, valid: t.Callable[[str], bool], reason: str) -> tuple[Keyed, ...]:
    found = []
    for place, entry in enumerate(reader.sequence(value, key)):
        where = f"{key}[{place}]"
        entry = {"key": entry} if isinstance(entry, str) else reader.mapping(entry, where, ("key", "values"))
        name = entry.get("key")
        values = reader.sequence(entry.get("values"), f"{where}.values")
        reader.labels({name: ""}, where)
        for content in values:
            if not isinstance(content, str) or not valid(content):
                reader.problem(f"{where}.values", content, reason, "correct it; quote what looks like a number")
        found.append(Keyed(str(name), tuple(str(content) for content in values)))
    return tuple(found)


def _quantities(_one: Parameter, value: t.Any, reader: Reader, key: str) -> dict[str, str]:
    found = {}
    for name, amount in reader.mapping(value, key).items():
        reader.text(name, key, RESOURCE_NAME, RESOURCE_RULE)
        exact = quantity.parse(amount)
        if exact is None or exact < 0 or isinstance(amount, float):
            reader.problem(f"{key}.{name}", amount, "is not a quantity", "write it as in a pod: 500m, 2, 4Gi")
            continue
        found[str(name)] = str(amount)
    return found


def _ports(_one: Parameter, value: t.Any, reader: Reader, key: str) -> tuple[tuple[int, int], ...]:
    found = []
    for place, entry in enumerate(reader.sequence(value, key)):
        match = _PORT_RANGE.fullmatch(entry) if isinstance(entry, str) else None
        first, last = (int(match[1]), int(match[2])) if match else (entry, entry)
        numbers = isinstance(first, int) and isinstance(last, int) and not isinstance(entry, bool)
        if not numbers or not 1 <= first <= last <= _HIGHEST_PORT:
            remedy = "write a number from 1 to 65535, or a range as '8000-8999'"
            reader.problem(f"{key}[{place}]", entry, "is not a port or a range of ports", remedy)
            continue
        found.append((first, last))
    return tuple(found)


#: Type of a parameter -> what reads it.
TYPES: dict[str, t.Callable[[Parameter, t.Any, Reader, str], t.Any]] = {
    "texts": _texts,
    "choices": _choices,
    "boolean": _boolean,
    "integer": _integer,
    "labels": _labels,
    "annotations": _annotations,
    "quantities": _quantities,
    "ports": _ports,
}
