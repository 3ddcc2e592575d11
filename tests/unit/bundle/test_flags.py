# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The API server of a bundle is asked for its arguments, wherever in the bundle it is."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.bundle import flags, manifest, system
from ansible_collections.lodestar.platform.tests.unit.bundle.helpers import VERSION, make_bundle

HELP = "Usage:\n  {name} [flags]\n\n      --profiling   Enable profiling\n"
REFERENCE = "lodestar.platform/bundle/kube-apiserver:v1.36.3"


def program(name: str) -> bytes:
    return f"#!/bin/sh\ncat <<'END'\n{HELP.format(name=name)}END\n".encode()


def archive(path: Path, content: bytes) -> None:
    """An OCI archive of one image with one layer."""

    def tar(members: dict[str, bytes]) -> bytes:
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w") as made:
            for name, data in members.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                made.addfile(info, io.BytesIO(data))
        return stream.getvalue()

    def named(data: bytes) -> tuple[dict[str, str], dict[str, bytes]]:
        digest = hashlib.sha256(data).hexdigest()
        return {"digest": f"sha256:{digest}"}, {f"blobs/sha256/{digest}": data}

    layer, blobs = named(tar({"usr/local/bin/kube-apiserver": content}))
    image, more = named(json.dumps({"layers": [layer]}).encode())
    path.write_bytes(tar({**blobs, **more, "index.json": json.dumps({"manifests": [image]}).encode()}))


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> manifest.Manifest:
    """A bundle whose Kubernetes images are in an archive of their own."""
    monkeypatch.setattr(system, "host_architecture", lambda: "amd64")
    made = make_bundle(tmp_path)
    parts = [
        dataclasses.replace(part, references=(REFERENCE,)) if part.name == "kubernetes" else part for part in made.parts
    ]
    for part in made.binaries(VERSION):
        made.path_of(part).chmod(0o755)
    return dataclasses.replace(made, parts=tuple(parts))


def put(bundle: manifest.Manifest, kubelet: bytes, image: bytes | None) -> None:
    bundle.path_of(bundle.part("kubelet", VERSION)).write_bytes(kubelet)
    if image is not None:
        archive(bundle.path_of(bundle.part("kubernetes", VERSION)), image)


def test_one_program_for_all(bundle: manifest.Manifest) -> None:
    put(bundle, program("kube-apiserver"), None)
    assert "--profiling" in flags.api_server_help(bundle, VERSION)


def test_a_program_of_its_own_in_the_image(bundle: manifest.Manifest) -> None:
    put(bundle, program("kubelet"), program("kube-apiserver"))
    assert HELP.format(name="kube-apiserver") == flags.api_server_help(bundle, VERSION)


def test_where_it_cannot_be_had_nothing_is_said(bundle: manifest.Manifest, monkeypatch: pytest.MonkeyPatch) -> None:
    put(bundle, program("kubelet"), None)
    assert flags.api_server_help(bundle, VERSION) == ""
    put(bundle, program("kube-apiserver"), None)
    monkeypatch.setattr(system, "host_architecture", lambda: "arm64")
    assert flags.api_server_help(bundle, VERSION) == ""
