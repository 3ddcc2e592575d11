# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about what containers ask for and at most take. Pure. Private to the collection."""

from __future__ import annotations

import typing as t

from ...declaration import Reader
from .parameters import RESOURCE_NAME, RESOURCE_RULE, Parameter, Values, has_problem
from .rule import LASTING, Rule, each, literal, within_spec

_SIDES = ("limits", "requests")


def _named(values: Values) -> list[tuple[str, str]]:
    return [(side, name) for side in _SIDES for name in values[side]]


def _has(path: str, side: str, name: str) -> str:
    return f"has({path}.resources) && has({path}.resources.{side}) && {literal(name)} in {path}.resources.{side}"


def _lacking(at: str, values: Values) -> str:
    lists = []
    for side, name in _named(values):
        here = each(at, LASTING, f"!({_has('c', side, name)})", f"c.name + {literal(f' ({side}.{name})')}")
        lists.append(f"({_has(f'{at}.spec', side, name)} ? [] : {here})")
    return within_spec(at, f"({' + '.join(lists)})")


def _exceeding(at: str, values: Values) -> str:
    lists = []
    for side, name in _named(values):
        most = literal(values[side][name])

        def over(path: str, side: str = side, name: str = name, most: str = most) -> str:
            amount = f"{path}.resources.{side}[{literal(name)}]"
            return f"{_has(path, side, name)} && quantity(string({amount})).isGreaterThan(quantity({most}))"

        def told(path: str, side: str = side, name: str = name) -> str:
            return f"{literal(f' ({side}.{name} is ')} + string({path}.resources.{side}[{literal(name)}]) + ')'"

        lists.append(each(at, LASTING, over("c"), f"c.name + {told('c')}"))
        lists.append(f"({over(f'{at}.spec')} ? ['the pod' + {told(f'{at}.spec')}] : [])")
    return within_spec(at, f"({' + '.join(lists)})")


def _something(values: Values, reader: Reader, key: str) -> None:
    if not values["limits"] and not values["requests"] and not has_problem(reader, key):
        shown = {side: values[side] for side in _SIDES}
        reader.problem(key, shown, "nothing is required", "list resources under limits or requests")


def _required(values: Values) -> str:
    return f"set {', '.join(f'resources.{side}.{name}' for side, name in _named(values))} on every container"


def _most(values: Values) -> str:
    return "at most " + ", ".join(f"resources.{side}.{name} {values[side][name]}" for side, name in _named(values))


def _list(side: str) -> Parameter:
    return Parameter(side, "texts", pattern=RESOURCE_NAME, rule=RESOURCE_RULE)


RULES: t.Sequence[Rule] = (
    Rule(
        "required_resources",
        "every container says what it needs and at most takes, or its pod does",
        _lacking,
        "without required resources",
        _required,
        parameters=(_list("limits"), _list("requests")),
        unsaid={"limits": ["cpu", "memory"]},
        check=_something,
    ),
    Rule(
        "max_resources",
        "no container, and no pod as a whole, asks for more than this",
        _exceeding,
        "more than is allowed",
        _most,
        parameters=tuple(Parameter(side, "quantities") for side in _SIDES),
        check=_something,
    ),
)
