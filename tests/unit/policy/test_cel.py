# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The evaluator of CEL on what the language says; its agreement with API servers is tested in tests/integration."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.policy.cel.evaluate import Lazy, compiled
from ansible_collections.lodestar.platform.plugins.module_utils.policy.cel.functions import EvaluationError
from ansible_collections.lodestar.platform.plugins.module_utils.policy.cel.parse import Unsupported

OBJECT = {"spec": {"n": 3, "list": [1, 2, 3], "map": {"a": 1, "b.c/d": "x"}, "none": None, "on": True, "r": 0.5}}


def value(text: str) -> t.Any:
    return compiled(text)({"object": OBJECT, "oldObject": None})


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("1 + 2 * 3 - 4 / 2", 5),
        ("-7 / 2", -3),
        ("-7 % 2", -1),
        ("7 % -2", 1),
        ("'a' + \"b\" + r'\\n' + '''c'd'''", "ab\\nc'd"),
        (r"'\u00e9\x41\101\n\''", "éAA\n'"),
        ("1 == 1.0 && 1 < 1.5", True),
        ("1 == true", False),
        ("'1' == 1", False),
        ("object.spec.none == null", True),
        ("oldObject == null ? 'new' : 'old'", "new"),
        ("true || object.nothing", True),
        ("object.nothing || true", True),
        ("object.nothing && false", False),
        ("has(object.spec.none) && !has(object.spec.other)", True),
        ("object.spec.map['b.c/d']", "x"),
        ("'b.c/d' in object.spec.map && !(4 in object.spec.list)", True),
        ("object.spec.list[1]", 2),
        ("[1, [2]] == [1, [2.0]] && {'a': 1} == {'a': 1}", True),
        ("object.spec.list.filter(i, i > 1).map(i, i * 2)", [4, 6]),
        ("object.spec.list.map(i, i > 1, i * 2)", [4, 6]),
        ("object.spec.list.all(i, object.spec.list.exists(j, i == j))", True),
        ("object.spec.list.exists_one(i, i == 2)", True),
        ("object.spec.map.exists(key, key == 'a')", True),
        ("[1, 0].exists(i, 1 / i == 1)", True),
        ("[0, 1].exists(i, 1 / i == 1)", True),
        ("size('é𝄞') + size([1]) + 'ab'.size()", 5),
        ("'abc'.substring(1, 2) + 'abc'.substring(2)", "bc"),
        ("'a:b'.matches('^a[:.]b$') && matches('abc', 'b')", True),
        ("'a\\n'.matches('a$')", False),
        ("'a$'.matches('a[$]$')", True),
        ("['a', 'b'].join('-') + string(1) + string(true)", "a-b1true"),
        ("quantity('1500m').isGreaterThan(quantity('1')) && quantity('1Ki').compareTo(quantity('1024')) == 0", True),
        ("timestamp('2027-01-01T00:00:00Z') < timestamp('2027-01-01T01:00:00+00:30')", True),
        ("1 < 2 // a comment\n && true", True),
    ],
)  # fmt: skip
def test_values(text: str, result: t.Any) -> None:
    found = value(text)
    assert found == result
    assert type(found) is type(result)


@pytest.mark.parametrize(
    "text",
    [
        "object.nothing", "object.spec.n.x", "has(object.nothing.x)", "object.spec.list[3]", "1 + 'a'", "1 + 1.0",
        "1 / 0", "'a' < 1", "true < 1", "!1", "1 ? 2 : 3", "1 in 'a'", "'a'.substring(2)",
        "object.spec.n.startsWith('a')",
        "quantity('x')", "[0].exists(i, 1 / i == 1)", "object.nothing || false", "9223372036854775807 + 1", "unknown",
        "[1].join(',')",
    ],
)  # fmt: skip
def test_failures(text: str) -> None:
    with pytest.raises(EvaluationError):
        value(text)


@pytest.mark.parametrize(
    "text",
    [
        "object.?spec", "optional.none()", "Object{a: 1}", "authorizer.group('')", "params.x", "b'x'", "1u", "url('x')",
        "cel.bind(a, 1, a)", "object.spec ==", "(1", "[1", "'a", "1 2", "a ? b", "'x'.matches('\\\\pL')", "a & b",
        "'x'.matches('(?i)a')", "format('a', [1])", "object.list.sum()", "(" * 300 + "1" + ")" * 300, "", "'\\q'",
    ],
)  # fmt: skip
def test_what_is_not_known_is_refused_when_it_is_compiled(text: str) -> None:
    with pytest.raises(Unsupported):
        compiled(text)


def test_variables_are_evaluated_once_and_when_they_are_needed() -> None:
    variables = {"a": compiled("object.spec.n + 1"), "b": compiled("variables.a * 2"), "c": compiled("object.nothing")}
    scope: dict[str, t.Any] = {"object": OBJECT}
    scope["variables"] = Lazy(variables, scope)
    assert compiled("[1].map(n, variables.b + n)")(scope) == [9]
    with pytest.raises(EvaluationError):
        compiled("variables.c")(scope)
