# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A damaged or incomplete bundle is refused by name before the first change."""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

import pytest

from tests.e2e.driver import Fleet, Run

pytestmark = pytest.mark.timeout(300)
#: A program that a worker has and that nothing there runs.
PLUGIN = "macvlan"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A second bundle directory, of links to the first one's files."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    original, root = cache / "lodestar" / "bundle", tmp_path / "bundle"
    for path in original.rglob("*"):
        if path.is_file():
            link = root / path.relative_to(original)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path)
    return root


def damage(link: Path) -> None:
    """Puts a copy with one flipped byte in the place of a link; size and time stay."""
    original, content = link.resolve(), bytearray(link.read_bytes())
    content[len(content) // 2] ^= 1
    link.unlink()
    link.write_bytes(content)
    os.utime(link, ns=(original.stat().st_atime_ns, original.stat().st_mtime_ns))


def refused(run: Run, *expected: str) -> None:
    message = " ".join(run.output.split())
    assert run.code != 0
    assert (run.changed, run.steps()) == (0, [])
    assert [word for word in expected if word not in message] == [], run.output[-3000:]


@pytest.fixture
def lacking(fleet: Fleet) -> t.Iterator[str]:
    """A worker without one of its programs, which a run on the intact bundle brings back."""
    machine, path = "e2", f"/opt/cni/bin/{PLUGIN}"
    fleet.on(machine, f"rm {path}")
    yield machine
    mended = fleet.site("--limit", machine).checked()
    assert (machine, f"binary:{path}", "create") in mended.steps()
    fleet.on(machine, f"test -x {path}")


def test_a_damaged_program_that_one_machine_would_get(fleet: Fleet, copy: Path, lacking: str) -> None:
    damage(copy / "cni" / PLUGIN)
    refused(fleet.site("-e", f"bundle_path={copy}"), f"binary {PLUGIN}", "is damaged", "bundle_verify=true")
    assert "gone" in fleet.on(lacking, f"test -e /opt/cni/bin/{PLUGIN} || echo gone")


def test_a_damaged_definition_that_the_hub_would_get(fleet: Fleet, copy: Path) -> None:
    damage(copy / "crds" / "crds-clusterprofile.yaml")
    refused(fleet.site("-e", f"bundle_path={copy}"), "crd crds-clusterprofile", "is damaged")


def test_a_bundle_that_lacks_a_part(fleet: Fleet, copy: Path) -> None:
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["parts"] = [part for part in manifest["parts"] if part["name"] != "kube-router"]
    (copy / "manifest.json").unlink()
    (copy / "manifest.json").write_text(json.dumps(manifest))
    refused(fleet.site("-e", f"bundle_path={copy}"), "lacks kube-router for Kubernetes 1.36.3")
