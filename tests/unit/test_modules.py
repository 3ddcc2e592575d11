# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every module is documented as it is: documentation, operation, action plugin and action group agree."""

from __future__ import annotations

import functools
import importlib
import json
import os
import subprocess
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.lodestar.platform.plugins.module_utils.operation import Operation

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py") if path.stem != "__init__")
PLUGINS = "ansible_collections.lodestar.platform.plugins"

#: What documentation and argument spec must say alike; the defaults are what Ansible means when nothing is said.
ALIKE: dict[str, t.Any] = {
    "type": "str",
    "elements": None,
    "required": False,
    "default": None,
    "choices": None,
    "no_log": None,
    "aliases": [],
}


def module(name: str) -> t.Any:
    return importlib.import_module(f"{PLUGINS}.modules.{name}")


@functools.cache
def documented_modules() -> dict[str, dict[str, t.Any]]:
    """What ansible-doc says of each module: the keys are doc, examples and return, or error."""
    environ = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
    command = ["ansible-doc", "--metadata-dump", "--no-fail-on-errors", "lodestar.platform"]
    answer = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=True)
    return {name.rpartition(".")[2]: entry for name, entry in json.loads(answer.stdout)["all"]["module"].items()}


def documented(name: str) -> dict[str, t.Any]:
    entry = documented_modules()[name]
    assert "error" not in entry, entry["error"]
    return entry


def differences(documented: dict[str, t.Any], accepted: dict[str, t.Any], path: str = "") -> t.Iterator[str]:
    """Everything on which the documentation of options and an argument spec disagree."""
    for name in sorted(set(documented) ^ set(accepted)):
        yield f"{path}{name}: {'not accepted' if name in documented else 'not documented'}"
    for name in sorted(set(documented) & set(accepted)):
        said, real = documented[name], accepted[name]
        for key in set(ALIKE) - {"no_log"}:
            if said.get(key, ALIKE[key]) != real.get(key, ALIKE[key]):
                yield f"{path}{name}: {key} is documented as {said.get(key)!r}, and is {real.get(key)!r}"
        yield from differences(said.get("suboptions") or {}, real.get("options") or {}, f"{path}{name}.")


def test_there_are_modules() -> None:
    assert MODULES


def test_differences_are_seen() -> None:
    documented = {"a": {"type": "int"}, "b": {}, "d": {"type": "dict", "suboptions": {"x": {"default": 1}}}}
    accepted = {"a": {}, "c": {}, "d": {"type": "dict", "options": {"x": {"default": 2}}}}
    assert list(differences(documented, accepted)) == [
        "b: not accepted",
        "c: not documented",
        "a: type is documented as 'int', and is None",
        "d.x: default is documented as 1, and is 2",
    ]


@pytest.mark.parametrize("name", MODULES)
def test_the_options_are_documented_as_they_are(name: str) -> None:
    operation = module(name).OPERATION
    assert isinstance(operation, Operation)
    assert list(differences(documented(name)["doc"].get("options") or {}, operation.arguments)) == []


@pytest.mark.parametrize("name", MODULES)
def test_the_documentation_is_whole(name: str) -> None:
    data = documented(name)["doc"]
    assert data["module"] == name
    assert {"short_description", "description", "author", "version_added"} <= set(data)
    assert {"check_mode", "diff_mode"} <= set(data.get("attributes") or {})
    returned = documented(name)["return"]
    assert returned, "RETURN says nothing"
    assert all({"description", "returned", "type"} <= set(value) for value in returned.values())


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_use_the_module_by_its_full_name(name: str) -> None:
    examples = yaml.safe_load(documented(name)["examples"])
    used = [task for task in examples if f"lodestar.platform.{name}" in task]
    assert used, f"no example calls lodestar.platform.{name}"
    assert all(task.get("name") for task in used)
    accepted = set(module(name).OPERATION.arguments)
    assert [set(task[f"lodestar.platform.{name}"] or {}) - accepted for task in used] == [set() for _task in used]


@pytest.mark.parametrize("name", MODULES)
def test_an_action_plugin_runs_the_modules_own_operation(name: str) -> None:
    if not (ROOT / "plugins" / "action" / f"{name}.py").exists():
        assert not module(name).OPERATION.sensitive, "a sensitive result needs an action plugin that keeps it quiet"
        return
    action = importlib.import_module(f"{PLUGINS}.action.{name}").ActionModule
    assert action.operation is module(name).OPERATION


def test_the_action_group_names_every_module() -> None:
    runtime = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())
    assert sorted(runtime["action_groups"]["all"]) == MODULES
