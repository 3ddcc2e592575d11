# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every role says what it takes: argument specs, defaults that agree with them, prefixed names, honest tasks."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ROLES = sorted(path for path in (ROOT / "roles").iterdir() if path.is_dir())

#: Keywords under which a task holds more tasks.
BLOCKS = ("block", "rescue", "always")
#: Modules that run a program: they cannot know whether they changed something.
PROGRAMS = {f"ansible.builtin.{name}" for name in ("command", "shell", "raw", "script")}


class Loader(yaml.SafeLoader):
    """YAML as Ansible reads it: tags such as !vault and !unsafe are text."""


Loader.add_multi_constructor("!", lambda loader, _suffix, node: loader.construct_scalar(node))


def load(path: Path) -> t.Any:
    return yaml.load(path.read_text(), Loader) if path.exists() else None


def specs(role: Path) -> dict[str, dict[str, t.Any]]:
    return load(role / "meta" / "argument_specs.yml")["argument_specs"]


def tasks(items: t.Iterable[dict[str, t.Any]] | None) -> t.Iterator[dict[str, t.Any]]:
    for item in items or ():
        yield item
        for key in BLOCKS:
            yield from tasks(item.get(key))


def role_tasks(role: Path) -> list[dict[str, t.Any]]:
    files = [*role.glob("tasks/**/*.yml"), *role.glob("handlers/**/*.yml")]
    return [task for path in files for task in tasks(load(path))]


def test_there_are_roles_with_tasks() -> None:
    assert ROLES
    assert all(role_tasks(role) for role in ROLES)


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_defaults_equal_the_argument_specs(role: Path) -> None:
    declared = {
        name: option["default"]
        for spec in specs(role).values()
        for name, option in (spec.get("options") or {}).items()
        if "default" in option
    }
    assert (load(role / "defaults" / "main.yml") or {}) == declared


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_variable_has_the_roles_prefix(role: Path) -> None:
    prefixes = (f"{role.name}_", f"__{role.name}_")
    names = {name for spec in specs(role).values() for name in (spec.get("options") or {})}
    names |= set(load(role / "defaults" / "main.yml") or {}) | set(load(role / "vars" / "main.yml") or {})
    for task in role_tasks(role):
        made = {task["register"]} if "register" in task else set()
        made |= set(task.get("ansible.builtin.set_fact") or {}) - {"cacheable"}
        # What one play hands to another belongs to the collection rather than to a role.
        names |= {name for name in made if not name.startswith("lodestar_")}
    assert {name for name in names if not name.startswith(prefixes)} == set()


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_entry_point_has_a_spec(role: Path) -> None:
    entries = {path.stem for path in (role / "tasks").glob("*.yml") if not path.stem.startswith("_")}
    assert set(specs(role)) == entries
    assert all(spec.get("short_description") for spec in specs(role).values())


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_option_says_its_type_and_meaning(role: Path) -> None:
    def incomplete(options: dict[str, t.Any]) -> t.Iterator[str]:
        for name, option in options.items():
            if not {"type", "description"} <= set(option) or (option["type"] == "list" and "elements" not in option):
                yield name
            yield from incomplete(option.get("options") or {})

    assert [name for spec in specs(role).values() for name in incomplete(spec.get("options") or {})] == []


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_programs_say_what_they_change(role: Path) -> None:
    running = [task for task in role_tasks(role) if PROGRAMS & set(task)]
    assert [task.get("name") for task in running if "changed_when" not in task] == []


@pytest.mark.parametrize(
    "path", sorted([*(ROOT / "roles").rglob("*.yml"), *(ROOT / "playbooks").glob("*.yml")]), ids=str
)
def test_an_attribute_that_may_be_missing_is_looked_for_first(path: Path) -> None:
    """Jinja takes C(default=none) of its filter map for no default: what follows is undefined, and a later default
    hides that. A hub whose first control plane was dead was taken for one without access."""
    assert "default=none" not in path.read_text()
