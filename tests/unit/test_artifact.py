# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection works as it is installed: what ships is enough, and is all that ships."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
#: Everything else in the repository is for working on the collection.
SHIPPED = {
    "CHANGELOG.rst",
    "COPYING",
    "FILES.json",
    "MANIFEST.json",
    "README.md",
    "changelogs",
    "docs",
    "extensions",
    "inventories",
    "meta",
    "playbooks",
    "plugins",
    "requirements.txt",
    "roles",
}


@dataclass(frozen=True)
class Installed:
    """The collection, installed from its tarball below ``home``; no checkout is near."""

    home: Path

    @property
    def path(self) -> Path:
        return self.home / "collections/ansible_collections/lodestar/platform"

    def run(self, *command: str) -> str:
        environ = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
        environ |= {"HOME": str(self.home), "ANSIBLE_COLLECTIONS_PATH": str(self.home / "collections")}
        done = subprocess.run(command, cwd=self.home, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    installed = Installed(tmp_path_factory.mktemp("installed"))
    installed.run("ansible-galaxy", "collection", "build", str(ROOT), "--output-path", "tar")
    (tarball,) = (installed.home / "tar").glob("lodestar-platform-*.tar.gz")
    installed.run("ansible-galaxy", "collection", "install", "--offline", str(tarball))

    return installed


def test_nothing_ships_but_the_collection(installed: Installed) -> None:
    assert {path.name for path in installed.path.iterdir()} <= SHIPPED
    assert not [path for path in installed.path.rglob("*") if path.suffix == ".pyc" or path.name == "__pycache__"]


def test_every_module_and_plugin_is_documented(installed: Installed) -> None:
    said = json.loads(installed.run("ansible-doc", "--metadata-dump", "lodestar.platform"))["all"]
    modules = {path.stem for path in (ROOT / "plugins/modules").glob("*.py")}
    assert set(said["module"]) == {f"lodestar.platform.{name}" for name in modules}
    assert not [name for kind in said.values() for name, entry in kind.items() if "error" in entry]


@pytest.mark.parametrize("playbook", sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml")))
def test_every_playbook_parses(installed: Installed, playbook: str) -> None:
    installed.run("ansible-playbook", "--syntax-check", "-i", "localhost,", f"lodestar.platform.{playbook}")
