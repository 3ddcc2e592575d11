# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every field of tenants and policies, as the code that reads them knows it, and the tests that say they prove one.

A field is a key below C(tenants), C(tenant_settings) and C(policies), a parameter of a rule
(C(rules.<rule>.<parameter>)), or an option of a module (C(tenancy:force)). Each choice of a field is one of its own:
C(tenants.isolation=namespace). A test that proves some by behaviour, by what passes and what is refused, says so:
C(@pytest.mark.proves("tenants.quota")).
"""

from __future__ import annotations

import ast
import re
import typing as t
from collections import defaultdict
from pathlib import Path
from unittest import mock

from ansible_collections.lodestar.platform.plugins.module_utils.declaration import Reader
from ansible_collections.lodestar.platform.plugins.module_utils.errors import Problem
from ansible_collections.lodestar.platform.plugins.module_utils.kube import connection
from ansible_collections.lodestar.platform.plugins.module_utils.policy import model as policies_of
from ansible_collections.lodestar.platform.plugins.module_utils.policy import operate as policy
from ansible_collections.lodestar.platform.plugins.module_utils.tenancy import divide
from ansible_collections.lodestar.platform.plugins.module_utils.tenancy import operate as tenancy
from ansible_collections.lodestar.platform.plugins.module_utils.tenancy import validate as tenants_of

TESTS = Path(__file__).resolve().parent
#: Modules whose options are fields; how a cluster is reached is the same for all modules, and none of them.
MODULES = {"tenancy": tenancy.OPERATION, "policy": policy.OPERATION, "tenant_budgets": divide.OPERATION}
#: Stands for the names that operators choose for a cluster.
CLUSTER = "east"
#: What the parameters of a rule are called that has none.
_NO_KEY = "(none)"


class Recorder(Reader):
    """Notes every key and every choice that it is asked for, and which of them a specimen has."""

    def __init__(self) -> None:
        super().__init__()
        self.known: set[str] = set()
        self.given: set[str] = set()

    def mapping(self, value: t.Any, key: str, allowed: t.Collection[str] = ()) -> dict[str, t.Any]:
        found = super().mapping(value, key, allowed)
        self.known |= {f"{plain(key)}.{name}" for name in allowed if name != _NO_KEY}
        self.given |= {f"{plain(key)}.{name}" for name in found if allowed and (found[name] or found[name] is False)}
        return found

    def choice(self, value: t.Any, key: str, choices: t.Sequence[str]) -> str:
        self.known |= {f"{plain(key)}={name}" for name in choices}
        return super().choice(value, key, choices)


def plain(key: str) -> str:
    """A key as problems name it, without places and names; C(policies[x].parameters.a[0]) is C(rules.x.a)."""
    key = re.sub(r"^policies\[([^]]*)\]\.parameters", lambda found: f"rules.{found[1].replace('-', '_')}", key)
    return re.sub(r"\[[^]]*\]", "", key).removeprefix(f"{CLUSTER}: ").replace(f".{CLUSTER}", ".<cluster>")


def read(tenants: t.Sequence[t.Any], policies: t.Sequence[t.Any], clusters: t.Any) -> tuple[Recorder, list[Problem]]:
    """Reads specimens; a policy that shows the parameters of a rule has the name of that rule."""
    recorder = Recorder()
    for module, check in (
        (tenants_of, lambda: tenants_of.validate(list(tenants), clusters)),
        (policies_of, lambda: policies_of.validate(list(policies), clusters)),
    ):
        with mock.patch.object(module, "Reader", return_value=recorder):
            check()
    return recorder, recorder.problems


def leaves(names: t.Collection[str]) -> set[str]:
    """Those without others below them: with all of its keys and choices, a field is proven itself."""
    inner = {re.match(r".*(?=[.=])", name)[0] for name in names if re.search("[.=]", name)}  # type: ignore[index]
    return set(names) - inner


def options() -> set[str]:
    """The options of the modules."""
    found = set()
    for module, operation in MODULES.items():
        for name, spec in operation.arguments.items():
            if name not in connection.ARGUMENTS and name != "hub_access":
                found.add(f"{module}:{name}")
                found |= {f"{module}:{name}={choice}" for choice in spec.get("choices") or ()}
    return found


def marked(root: Path = TESTS) -> tuple[dict[str, set[str]], list[str]]:
    """Which tests say that they prove a field, as node ids by field; and marks where no test is that would run."""
    found: dict[str, set[str]] = defaultdict(set)
    lost = []
    for path in sorted(root.rglob("*.py")):
        text = path.read_text()
        for node in ast.walk(ast.parse(text)) if "mark.proves" in text else ():
            if not isinstance(node, ast.FunctionDef | ast.ClassDef):
                continue
            fields = [field for decorator in node.decorator_list for field in _fields(decorator)]
            name = f"{path.relative_to(root.parent)}::{node.name}"
            runs = path.name.startswith("test_") and node.name.startswith("test_") and node.col_offset == 0
            if fields and (not runs or _skips(node)):
                lost.append(name)
            for field in fields:
                found[field].add(name)
    return dict(found), lost


def _fields(decorator: ast.expr) -> list[str]:
    if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.proves":
        return [str(ast.literal_eval(one)) for one in decorator.args]
    return []


def _skips(node: ast.FunctionDef | ast.ClassDef) -> bool:
    return any(re.match(r"pytest\.mark\.(skip|xfail)", ast.unparse(one)) for one in node.decorator_list)
