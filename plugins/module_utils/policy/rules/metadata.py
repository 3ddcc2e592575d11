# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about labels, annotations and namespaces. Pure. Private to the collection."""

from __future__ import annotations

import typing as t

from ...declaration import DNS_LABEL, DNS_LABEL_RULE
from .parameters import Keyed, Parameter, Values
from .rule import CLAIMS, NAMESPACES, PODS, WORKLOADS, Rule, Target, listed, literal, reached

_KINDS = ("Pod", "Namespace")
_TARGETS = {"Pod": PODS, "Namespace": NAMESPACES}


def _lacking(at: str, part: str, wanted: t.Sequence[Keyed]) -> str:
    held = f"{at}.metadata.{part}"
    lists = []
    for one in wanted:
        key = literal(one.key)
        holds = f"{reached(at, 'metadata', part)} && {key} in {held}"
        if one.values:
            holds += f" && {held}[{key}] in {literal(one.values)}"
        lists.append(f"({holds} ? [] : [{key}])")
    return f"({' + '.join(lists)})"


def _advice(wanted: t.Sequence[Keyed]) -> str:
    return "set " + ", ".join(
        f"{one.key} (one of {', '.join(one.values)})" if one.values else one.key for one in wanted
    )


def _kinds(values: Values) -> tuple[Target, ...]:
    return tuple(_TARGETS[kind] for kind in _KINDS if kind in values["kinds"])


def _elsewhere(at: str, values: Values) -> str:
    place = f"{at}.metadata.namespace"
    return f"({reached(at, 'metadata', 'namespace')} && {place} in {literal(values['namespaces'])} ? [{place}] : [])"


def _required(part: str, what: str) -> Rule:
    return Rule(
        f"required_{part}",
        f"the listed {part} are there, with one of their values",
        lambda at, values: _lacking(at, part, values[part]),
        f"required {part} that are missing or wrong",
        lambda values: _advice(values[part]),
        parameters=(
            Parameter(part, part, needed=f"list {what} keys, or {{key, values}}"),
            Parameter("kinds", "choices", default=["Pod"], choices=_KINDS, needed=f"list some of {', '.join(_KINDS)}"),
        ),
        judged=_kinds,
    )


RULES = (
    _required("labels", "label"),
    _required("annotations", "annotation"),
    Rule(
        "forbidden_namespaces",
        "nothing runs in the listed namespaces",
        _elsewhere,
        "in a namespace that is not for use",
        lambda values: f"use a namespace of your own instead of {listed(values['namespaces'])}",
        parameters=(
            Parameter(
                "namespaces",
                "texts",
                default=["default"],
                pattern=DNS_LABEL,
                rule=DNS_LABEL_RULE,
                needed="list namespaces, or leave it out for default",
            ),
        ),
        judged=lambda values: (PODS, CLAIMS),
        workloads=WORKLOADS,
        template=False,
    ),
)
