# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the API server of a bundle says of its arguments, where none runs yet. Private to the collection."""

from __future__ import annotations

import json
import subprocess
import tarfile
import tempfile
import typing as t
from pathlib import Path

from . import system
from .manifest import Manifest

_NAME = "kube-apiserver"
_PLACE = f"usr/local/bin/{_NAME}"
_USAGE = f"{_NAME} [flags]"
_SECONDS = 60


def api_server_help(bundle: Manifest, version: str) -> str:
    """The help text of the API server of a Kubernetes version, C("") where it cannot be had here.

    The controller must be of the bundle's architecture. The program is the one that the kubelet's file is, too, or it
    is in the image.
    """
    if system.host_architecture() != bundle.architecture:
        return ""
    for part in bundle.binaries(version):
        if part.name == "kubelet" and _USAGE in (text := _help(bundle.path_of(part))):
            return text
    archives = [part for part in bundle.images(version) if any(f"/{_NAME}:" in ref for ref in part.references)]
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / _NAME
        if archives and _extract(bundle.path_of(archives[0]), program):
            return _help(program)
    return ""


def _help(program: Path) -> str:
    try:
        done = subprocess.run(
            [_NAME, "--help"], executable=program, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS,
            text=True, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout


def _extract(archive: Path, target: Path) -> bool:
    """Takes the program out of an OCI archive; false where it is not found, or compressed in a way unknown here."""
    try:
        with tarfile.open(archive) as outer:
            for item in json.load(_member(outer, "index.json"))["manifests"]:
                for layer in json.load(_member(outer, _blob(item)))["layers"]:
                    with tarfile.open(fileobj=_member(outer, _blob(layer))) as inner:
                        if _PLACE in inner.getnames():
                            target.write_bytes(_member(inner, _PLACE).read())
                            target.chmod(0o755)
                            return True
    except (OSError, tarfile.TarError, ValueError, KeyError):
        return False
    return False


def _blob(reference: t.Mapping[str, t.Any]) -> str:
    return "blobs/" + str(reference["digest"]).replace(":", "/")


def _member(archive: tarfile.TarFile, name: str) -> t.IO[bytes]:
    stream = archive.extractfile(name)
    if stream is None:
        raise FileNotFoundError(name)
    return stream
