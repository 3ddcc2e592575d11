# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""OCI image archives without a container engine, reproducible byte for byte.

Follows the OCI image format specification 1.1: image layout, image index, manifest, configuration. Each image of an
archive is a manifest in C(index.json) with the annotation C(io.containerd.image.name), so that one import makes them
all, and a layer that several images share is stored, sent and unpacked once. Private to the collection.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import subprocess
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ..errors import PlatformError
from .manifest import sha256_of
from .tree import Entry, Tree, write_tar

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_TYPE = "application/vnd.oci.image"


@dataclass(frozen=True)
class Blob:
    """A stored layer: ``digest`` and ``size`` of the compressed file, ``diff_id`` of the tar in it."""

    path: Path
    digest: str
    diff_id: str
    size: int


@dataclass(frozen=True)
class Description:
    """One image: its names, how it starts, and its layers from the lowest."""

    references: tuple[str, ...]
    entrypoint: tuple[str, ...]
    layers: tuple[Blob, ...]
    user: str = ""


class _Hashing:
    """A writable stream that keeps the sha256 of what passes."""

    def __init__(self, stream: t.IO[bytes]) -> None:
        self._stream = stream
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return self._stream.write(data)


def write_layer(write: t.Callable[[t.IO[bytes]], None], folder: Path, compressor: Path) -> Blob:
    """Compresses the tar that ``write`` writes into a file of the folder that is named after its digest.

    :param compressor: a program that compresses standard input to standard output with zstd.
    :raises PlatformError: when the compressor fails.
    """
    temporary = folder / "layer.partial"
    with temporary.open("wb") as out, subprocess.Popen([compressor], stdin=subprocess.PIPE, stdout=out) as process:
        if process.stdin is None:
            raise PlatformError("the compressor has no standard input")
        hashing = _Hashing(process.stdin)
        with contextlib.suppress(BrokenPipeError):
            write(t.cast(t.IO[bytes], hashing))
            process.stdin.close()
    if process.returncode != 0:
        raise PlatformError(f"{compressor} failed with exit status {process.returncode}")
    path = temporary.replace(folder / sha256_of(temporary))
    return Blob(path, f"sha256:{path.name}", f"sha256:{hashing.digest.hexdigest()}", path.stat().st_size)


def write_archive(path: Path, images: t.Sequence[Description], architecture: str) -> dict[str, str]:
    """Writes an OCI archive and returns the manifest digest of each reference."""
    tree: Tree = {"oci-layout": Entry(0o644, data=_json({"imageLayoutVersion": "1.0.0"}))}
    index: list[dict[str, t.Any]] = []
    digests: dict[str, str] = {}
    for image in images:
        for layer in image.layers:
            tree[f"blobs/sha256/{layer.path.name}"] = Entry(0o644, file=layer.path)
        config = _store(tree, _json(_configuration(image, architecture)))
        manifest = _store(tree, _json(_manifest(image, config)))
        for reference in image.references:
            digests[reference] = manifest["digest"]
            index.append(_index_entry(manifest, reference, architecture))
    _write(path, tree, index)
    return digests


@dataclass(frozen=True)
class Copy:
    """One image as a registry gave it: its names, and the manifest byte for byte with its kind."""

    references: tuple[str, ...]
    media_type: str
    manifest: bytes


def blob_name(digest: str) -> str:
    """The file name of a blob.

    :raises PlatformError: when it is not named by its sha256.
    """
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
        raise PlatformError(f"the blob {digest[:80]!r} is not named by a sha256, which is not supported")
    return digest.removeprefix("sha256:")


def write_copies(path: Path, images: t.Sequence[Copy], blobs: Path, architecture: str) -> dict[str, str]:
    """Like :func:`write_archive`, of images whose blobs lie in a folder by :func:`blob_name`, as they are."""
    tree: Tree = {"oci-layout": Entry(0o644, data=_json({"imageLayoutVersion": "1.0.0"}))}
    index: list[dict[str, t.Any]] = []
    digests: dict[str, str] = {}
    for image in images:
        content = json.loads(image.manifest)
        for descriptor in (content["config"], *content["layers"]):
            name = blob_name(str(descriptor["digest"]))
            tree[f"blobs/sha256/{name}"] = Entry(0o644, file=blobs / name)
        manifest = {**_store(tree, image.manifest), "mediaType": image.media_type}
        for reference in image.references:
            digests[reference] = manifest["digest"]
            index.append(_index_entry(manifest, reference, architecture))
    _write(path, tree, index)
    return digests


def _write(path: Path, tree: Tree, index: list[dict[str, t.Any]]) -> None:
    document = {"schemaVersion": 2, "mediaType": f"{_TYPE}.index.v1+json", "manifests": index}
    tree["index.json"] = Entry(0o644, data=_json(document))
    with path.open("wb") as stream:
        write_tar(tree, stream)


def _configuration(image: Description, architecture: str) -> dict[str, t.Any]:
    config: dict[str, t.Any] = {"Entrypoint": list(image.entrypoint), "Env": [f"PATH={_PATH}"], "WorkingDir": "/"}
    if image.user:
        config["User"] = image.user
    return {
        "architecture": architecture,
        "os": "linux",
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in image.layers]},
    }


def _manifest(image: Description, config: dict[str, t.Any]) -> dict[str, t.Any]:
    return {
        "schemaVersion": 2,
        "mediaType": f"{_TYPE}.manifest.v1+json",
        "config": {"mediaType": f"{_TYPE}.config.v1+json", **config},
        "layers": [
            {"mediaType": f"{_TYPE}.layer.v1.tar+zstd", "digest": layer.digest, "size": layer.size}
            for layer in image.layers
        ],
    }


def _index_entry(manifest: dict[str, t.Any], reference: str, architecture: str) -> dict[str, t.Any]:
    return {
        "mediaType": f"{_TYPE}.manifest.v1+json",
        **manifest,
        "platform": {"architecture": architecture, "os": "linux"},
        "annotations": {
            "io.containerd.image.name": reference,
            "org.opencontainers.image.ref.name": reference.rpartition(":")[2],
        },
    }


def _store(tree: Tree, data: bytes) -> dict[str, t.Any]:
    name = hashlib.sha256(data).hexdigest()
    tree[f"blobs/sha256/{name}"] = Entry(0o644, data=data)
    return {"digest": f"sha256:{name}", "size": len(data)}


def _json(document: t.Any) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
