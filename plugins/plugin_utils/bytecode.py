# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Imports the collection's own code with Python's cache of byte code. Private to the collection.

Ansible compiles every file of a collection from its source in every process that imports it, which takes longer than a
task that finds nothing to do. What is found here is what Ansible's importer would find, and only where that is the one
that would be asked: under any other importer, such as the one of C(ansible-test sanity), nothing is changed. Where no
cache can be written, as in a read-only image, C(python -m compileall) makes one beforehand.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import typing as t
from importlib.machinery import ModuleSpec
from pathlib import Path

if t.TYPE_CHECKING:
    from ansible_collections.lodestar.platform.plugins.module_utils.operation import Operation

_PREFIX = "ansible_collections.lodestar.platform.plugins."
_PLUGINS = Path(__file__).resolve().parents[1]
_PACKAGES = ("modules", "module_utils", "plugin_utils")


class _Finder:
    """Finds modules below C(plugins/), and nothing else."""

    def find_spec(self, name: str, path: t.Any = None, target: t.Any = None) -> ModuleSpec | None:
        """Where a module is, for Python's own loader."""
        parts = name.removeprefix(_PREFIX).split(".")
        if not name.startswith(_PREFIX) or parts[0] not in _PACKAGES:
            return None
        place = _PLUGINS.joinpath(*parts)
        if (place / "__init__.py").is_file():
            folders = [str(place)]
            return importlib.util.spec_from_file_location(
                name, place / "__init__.py", submodule_search_locations=folders
            )
        file = place.with_name(f"{place.name}.py")
        return importlib.util.spec_from_file_location(name, file) if file.is_file() else None


def operation_of(module: str) -> Operation:
    """The operation of a module of this collection."""
    found: Operation = importlib.import_module(f"{_PREFIX}modules.{module}").OPERATION
    return found


def _install() -> None:
    """Asks our finder before Ansible's, if that comes first."""
    if sys.meta_path and type(sys.meta_path[0]).__name__ == "_AnsibleCollectionFinder":
        sys.meta_path.insert(0, t.cast(t.Any, _Finder()))


_install()
