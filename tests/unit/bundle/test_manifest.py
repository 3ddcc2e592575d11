# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The manifest: what is in a bundle, and whether it still is."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.bundle import manifest
from ansible_collections.lodestar.platform.plugins.module_utils.errors import InvalidInput, PlatformError

from .helpers import VERSION, make_bundle


def test_reads_what_it_wrote(tmp_path: Path) -> None:
    made = make_bundle(tmp_path)
    read = manifest.load(tmp_path)
    assert manifest.render(read) == manifest.render(made)
    assert {"kubelet", "containerd", "bridge"} <= {part.name for part in read.binaries(VERSION)}
    assert {"kubernetes", "pause", "coredns"} <= {part.name for part in read.images(VERSION)}
    assert "crds-ocm-cluster" in {part.name for part in read.crds()}
    read.verify(read.parts)


def test_artifacts_of_other_versions_are_left_out(tmp_path: Path) -> None:
    made = make_bundle(tmp_path, ("1.35.4", "1.36.3"))
    assert {part.kubernetes for part in made.binaries("1.35.4")} == {None, "1.35.4"}
    assert made.part("kubelet", "1.36.3").path == "kubernetes/1.36.3/kubelet"


def test_a_version_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    made = make_bundle(tmp_path)
    with pytest.raises(InvalidInput) as caught:
        made.images("1.40.0")
    assert caught.value.problems[0].value == "1.40.0"
    assert VERSION in str(caught.value)


@pytest.mark.parametrize(("content", "word"), [(b"x", "bytes instead of"), (None, "missing"), ("same size", "sha256")])
def test_damage_is_named(tmp_path: Path, content: bytes | str | None, word: str) -> None:
    made = make_bundle(tmp_path)
    path = tmp_path / "images/coredns.tar"
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content if isinstance(content, bytes) else path.read_bytes()[::-1])
    with pytest.raises(PlatformError) as caught:
        made.verify(made.parts)
    assert caught.value.details["damaged"] == ["images/coredns.tar"]
    assert "coredns" in str(caught.value)
    assert word in str(caught.value)


def test_every_damaged_artifact_is_named_at_once(tmp_path: Path) -> None:
    made = make_bundle(tmp_path)
    for name in ("runtime/runc", "cni/bridge"):
        (tmp_path / name).unlink()
    with pytest.raises(PlatformError) as caught:
        made.verify(made.parts)
    assert set(caught.value.details["damaged"]) == {"runtime/runc", "cni/bridge"}


def test_a_path_that_leaves_the_bundle_is_refused(tmp_path: Path) -> None:
    text = manifest.render(make_bundle(tmp_path)).replace('"cni/bridge"', '"../cni/bridge"')
    read = manifest.parse(text, tmp_path)
    with pytest.raises(PlatformError, match="outside"):
        read.path_of(read.part("bridge"))


@pytest.mark.parametrize("text", ["", "{}", '{"schema": 99}', '{"schema": 1, "parts": 3}', "[]"])
def test_what_is_no_manifest_is_refused_with_its_place(tmp_path: Path, text: str) -> None:
    (tmp_path / manifest.FILE).write_text(text)
    with pytest.raises(PlatformError, match=str(tmp_path)):
        manifest.load(tmp_path)


def test_no_bundle_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(PlatformError, match="playbook"):
        manifest.load(tmp_path / "none")
