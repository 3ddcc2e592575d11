# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection's own code is imported with Python's cache, and nobody else's is touched."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from ansible_collections.lodestar.platform.plugins.plugin_utils import bytecode

ROOT = Path(__file__).resolve().parents[2]
PREFIX = "ansible_collections.lodestar.platform.plugins."
IMPORTS = f"""
import sys
from importlib.machinery import SourceFileLoader
from ansible.plugins.loader import action_loader, init_plugin_loader
init_plugin_loader([{str(ROOT / ".collections")!r}])
assert action_loader.get("lodestar.platform.apply", class_only=True) is not None
found = sys.modules[{PREFIX + "module_utils.kube.apply"!r}]
assert type(found.__spec__.loader) is SourceFileLoader, found.__spec__
print(found.__cached__)
"""


def test_an_action_plugin_imports_with_the_cache(tmp_path: Path) -> None:
    environ = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environ |= {"PYTHONPYCACHEPREFIX": str(tmp_path), "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
    done = subprocess.run([sys.executable, "-c", IMPORTS], env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    kept = Path(done.stdout.strip())
    assert kept.is_relative_to(tmp_path)
    assert kept.is_file()


def test_only_our_own_code_is_found() -> None:
    finder = bytecode._Finder()
    for name in ("json", "ansible_collections.other.name.plugins.module_utils.x", f"{PREFIX}action.apply", PREFIX[:-1]):
        assert finder.find_spec(name) is None, name
    assert finder.find_spec(f"{PREFIX}module_utils.no_such_thing") is None
    package = finder.find_spec(f"{PREFIX}module_utils.kube")
    assert package is not None
    assert package.submodule_search_locations == [str(ROOT / "plugins" / "module_utils" / "kube")]
