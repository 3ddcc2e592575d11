# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The house of docs/architecture.md: who may import whom, how long files and functions may get."""

from __future__ import annotations

import ast
import graphlib
import sys
import typing as t
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "plugins"
NAME = "ansible_collections.lodestar.platform.plugins."

#: module_utils that every part may use.
COMMON = {"plan", "result", "operation", "errors", "declaration", "labels", "output"}
#: package -> the other packages of module_utils that it may use.
ARROWS: dict[str, set[str]] = {
    "bundle": set(),
    "machine": set(),
    "kube": set(),
    "fleet": {"kube"},
    "tenancy": {"fleet", "kube"},
    "policy": {"fleet", "kube"},
    # Of delivery only whether a cluster holds the platform's add-ons.
    "settled": {"delivery", "tenancy", "policy", "fleet", "kube"},
    # Of policy only the evaluator of CEL, in which Placements select, too.
    "placement": {"fleet", "kube", "policy"},
    # Of tenancy only how a whole is divided into parts that add up, of bundle the table of versions.
    "delivery": {"placement", "tenancy", "fleet", "kube", "bundle"},
    # Of delivery only the strategies of its rollouts.
    "upgrades": {"delivery", "placement", "fleet"},
}
#: Run where nothing but Python is installed: the module's interpreter on a machine.
STANDARD_LIBRARY_ONLY = ("machine/", "bundle/manifest.py")
#: The one import of Ansible outside the plugins proper.
KNOWS_ANSIBLE = {"operation.py"}


def source_files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (PLUGINS / folder).rglob("*.py"))


def imports(path: Path) -> t.Iterator[str]:
    """Absolute dotted names of everything that a file of plugins/ imports."""
    package = ("plugins", *path.relative_to(PLUGINS).parent.parts)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parent = package[: len(package) - node.level + 1]
                base = ".".join(("ansible_collections.lodestar.platform", *parent, *filter(None, [base])))
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def own(names: t.Iterable[str]) -> set[tuple[str, ...]]:
    """The imported parts of this collection, relative to plugins/."""
    return {tuple(name.removeprefix(NAME).split(".")) for name in names if name.startswith(NAME)}


def used_utils(path: Path) -> set[str]:
    """First level names below module_utils that a file imports."""
    return {parts[1] for parts in own(imports(path)) if parts[0] == "module_utils" and len(parts) > 1}


UTILS = source_files("module_utils")
PACKAGED = [path for path in UTILS if path.parent != PLUGINS / "module_utils"]


def label(path: Path) -> str:
    return str(path.relative_to(PLUGINS))


def package_of(path: Path) -> str:
    return path.relative_to(PLUGINS / "module_utils").parts[0]


def test_there_is_something_to_check() -> None:
    assert {package_of(path) for path in PACKAGED} >= {"kube", "fleet", "machine"}
    assert any(used_utils(path) & {"errors", "plan"} for path in PACKAGED)
    assert any("kube" in used_utils(path) for path in PACKAGED if package_of(path) in {"fleet", "tenancy", "policy"})


@pytest.mark.parametrize("path", PACKAGED, ids=label)
def test_arrows_point_one_way(path: Path) -> None:
    package = package_of(path)
    assert package in ARROWS, f"docs/architecture.md knows no package {package}"
    assert used_utils(path) <= {package} | COMMON | ARROWS[package]


def files_behind(path: Path) -> set[Path]:
    """The files of module_utils that a file imports, wherever it does; packages that it is in itself are left out."""
    places = [PLUGINS.joinpath(*parts) for parts in own(imports(path)) if parts[0] == "module_utils"]
    found = {place.with_name(f"{place.name}.py") for place in places} | {place / "__init__.py" for place in places}
    return {
        file for file in found if file.is_file() and not (file.name == "__init__.py" and file.parent in path.parents)
    }


def test_no_file_needs_itself() -> None:
    needs = {path: files_behind(path) for path in UTILS}
    assert len(needs[PLUGINS / "module_utils" / "kube" / "client.py"]) > 5
    graphlib.TopologicalSorter(needs).prepare()  # raises CycleError, which names the files


@pytest.mark.parametrize("path", UTILS, ids=label)
def test_logic_knows_no_plugin(path: Path) -> None:
    assert {parts[0] for parts in own(imports(path))} <= {"module_utils"}


@pytest.mark.parametrize("path", UTILS, ids=label)
def test_only_the_frame_knows_ansible(path: Path) -> None:
    if path.name in KNOWS_ANSIBLE and path.parent == PLUGINS / "module_utils":
        return
    foreign = {name for name in imports(path) if name.split(".")[0] == "ansible"}
    assert not foreign


@pytest.mark.parametrize(
    "path",
    [path for path in UTILS if str(path.relative_to(PLUGINS / "module_utils")).startswith(STANDARD_LIBRARY_ONLY)],
    ids=label,
)
def test_what_runs_on_machines_needs_only_python(path: Path) -> None:
    roots = {name.split(".")[0] for name in imports(path)}
    assert roots <= set(sys.stdlib_module_names) | {"ansible_collections"}


@pytest.mark.parametrize("path", source_files("action"), ids=label)
def test_an_action_plugin_only_names_its_module(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert [type(node).__name__ for node in tree.body if not isinstance(node, (ast.Expr, ast.ImportFrom))] == [
        "ClassDef"
    ]
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    assert (PLUGINS / "modules" / path.name).exists()


@pytest.mark.parametrize("path", sorted(PLUGINS.rglob("*.py")) + sorted((ROOT / "testbed").rglob("*.py")), ids=str)
def test_files_and_functions_stay_short(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 400
    functions = [
        node for node in ast.walk(ast.parse(text)) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    long = {node.name: node.end_lineno - node.lineno + 1 for node in functions if node.end_lineno - node.lineno >= 40}
    assert not long
