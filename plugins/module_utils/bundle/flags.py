# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the API server of a bundle says of its arguments and files, where none runs yet. Private to the collection."""

from __future__ import annotations

import contextlib
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
    """The help text of the API server of a Kubernetes version, C("") where it cannot be had here."""
    with _program(bundle, version) as program:
        return _said(program, ["--help"]) if program is not None else ""


def api_server_says(bundle: Manifest, version: str, arguments: t.Callable[[Path], t.Sequence[str]], text: str) -> str:
    """What the API server of a Kubernetes version says when it is run with arguments, C("") where it cannot be.

    :param arguments: makes them, with a directory of the process that goes with it.
    :param text: its standard input.
    """
    with _program(bundle, version) as program, tempfile.TemporaryDirectory() as folder:
        return _said(program, arguments(Path(folder)), text) if program is not None else ""


@contextlib.contextmanager
def _program(bundle: Manifest, version: str) -> t.Iterator[Path | None]:
    """The API server of a version, C(None) where there is none that runs here.

    The controller must be of the bundle's architecture. The program is the one that the kubelet's file is, too, or it
    is in the image.
    """
    if system.host_architecture() != bundle.architecture:
        yield None
        return
    for part in bundle.binaries(version):
        if part.name == "kubelet" and _USAGE in _said(bundle.path_of(part), ["--help"]):
            yield bundle.path_of(part)
            return
    archives = [part for part in bundle.images(version) if any(f"/{_NAME}:" in ref for ref in part.references)]
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / _NAME
        yield program if archives and _extract(bundle.path_of(archives[0]), program) else None


def _said(program: Path, arguments: t.Sequence[str], text: str = "") -> str:
    try:
        done = subprocess.run(
            [_NAME, *arguments], executable=program, input=text, capture_output=True, timeout=_SECONDS, text=True,
            errors="replace", check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout + done.stderr


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
