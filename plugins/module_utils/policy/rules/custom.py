# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rule C(cel): expressions of an operator's own. Pure. Private to the collection."""

from __future__ import annotations

import re
import typing as t

from ...declaration import Reader
from .parameters import Values
from .rule import CREATE_UPDATE, Compiled, Target, Validation

_KEYS = ("resources", "operations", "variables", "validations")
OPERATIONS = (*CREATE_UPDATE, "DELETE", "CONNECT")
LONGEST = 16384
EXPRESSION = re.compile(r"(?s).*\S.*")
ONE_LINE = re.compile(r"[^\r\n]*\S[^\r\n]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_API_GROUP = re.compile(r"|[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_API_VERSION = re.compile(r"\*|v[0-9]+((alpha|beta)[0-9]+)?")
_API_RESOURCE = re.compile(r"[a-z][a-z0-9]*(/[a-z][a-z0-9]*)?")


class CustomRule:
    """Looks at what an operator names, and holds what an operator writes."""

    name = "cel"
    summary = "expressions of your own"
    workloads: tuple[Target, ...] = ()

    def read(self, declared: t.Any, reader: Reader, key: str) -> Values:
        """The typed parameters; problems are left with the reader."""
        declared = reader.mapping(declared, key, _KEYS)
        values = {
            "targets": read_targets(declared, reader, key),
            "variables": read_variables(declared.get("variables"), reader, f"{key}.variables"),
            "validations": _validations(declared.get("validations"), reader, f"{key}.validations"),
        }
        if not values["validations"]:
            reader.problem(f"{key}.validations", declared.get("validations"), "must not be empty", "list at least one")
        return values

    def judged(self, values: Values) -> tuple[Target, ...]:
        """The requests that the mode is for."""
        return t.cast("tuple[Target, ...]", values["targets"])

    def compiled(self, policy: str, values: Values) -> Compiled:
        """The expressions, with messages that name the policy."""
        validations = tuple(
            Validation(item.expression, f"policy {policy}: {item.message}") for item in values["validations"]
        )
        return Compiled(tuple(values["variables"].items()), validations)


def read_targets(
    declared: Values, reader: Reader, key: str, allowed: t.Sequence[str] = OPERATIONS
) -> tuple[Target, ...]:
    """The C(resources) and C(operations) of parameters; an empty tuple when they are wrong.

    Never objects without a namespace: nodes, roles or certificates would be a way to lock a cluster out.
    """
    written = reader.sequence(declared.get("operations", list(CREATE_UPDATE)), f"{key}.operations")
    operations = tuple(reader.choice(name, f"{key}.operations[{place}]", allowed) for place, name in enumerate(written))
    targets = []
    for place, entry in enumerate(reader.sequence(declared.get("resources"), f"{key}.resources")):
        targets.append(_target(entry, operations, reader, f"{key}.resources[{place}]"))
    for name, found in (("operations", operations), ("resources", targets)):
        if not found:
            reader.problem(f"{key}.{name}", declared.get(name), "must not be empty", "list at least one")
    return tuple(targets)


def _target(entry: t.Any, operations: tuple[str, ...], reader: Reader, key: str) -> Target:
    entry = reader.mapping(entry, key, ("group", "versions", "resources"))
    group = reader.text(entry.get("group", ""), f"{key}.group", _API_GROUP, "the API group, empty for the core group")
    versions = reader.texts(entry.get("versions", ["*"]), f"{key}.versions", _API_VERSION, "v1 and the like, or '*'")
    rule = "plural names, optionally with a subresource: deployments, pods/exec; '*' is not allowed"
    names = reader.texts(entry.get("resources"), f"{key}.resources", _API_RESOURCE, rule)
    if not names:
        reader.problem(f"{key}.resources", entry.get("resources"), "must not be empty", "list at least one")
    return Target(group, tuple(names), tuple(versions), operations, scope="Namespaced")


def read_variables(value: t.Any, reader: Reader, key: str) -> dict[str, str]:
    """The C(variables) of parameters: expressions by name."""
    variables = reader.mapping(value, key)
    for name, expression in variables.items():
        reader.text(name, key, _VARIABLE, "a variable's name is an identifier", 63)
        read_expression(expression, reader, f"{key}.{name}")
    return variables


def read_expression(value: t.Any, reader: Reader, key: str) -> str:
    """One expression."""
    return reader.text(value, key, EXPRESSION, "an expression is CEL text", LONGEST)


def _validations(value: t.Any, reader: Reader, key: str) -> tuple[Validation, ...]:
    found = []
    for place, entry in enumerate(reader.sequence(value, key)):
        where = f"{key}[{place}]"
        entry = reader.mapping(entry, where, ("expression", "message"))
        expression = read_expression(entry.get("expression"), reader, f"{where}.expression")
        rule = "one line that says what to do"
        found.append(
            Validation(expression, reader.text(entry.get("message"), f"{where}.message", ONE_LINE, rule, 1024))
        )
    return tuple(found)
