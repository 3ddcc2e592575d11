# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""OCI image archives without a container engine, reproducible byte for byte.

Follows the OCI image format specification 1.1: image layout, image index, manifest, configuration. Each image of an archive is a
manifest in C(index.json) with the annotation C(io.containerd.image.name), so that one import makes them all, and a layer that
several images share is stored, sent and unpacked once. Private to the collection.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import typing as t
from dataclasses import dataclass
from pathlib import Path

from .tree import Entry, Tree, write_tar

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_TYPE = "application/vnd.oci.image"
#: Level 1: a layer is written once and unpacked on every machine; higher levels cost minutes and save a tenth.
_LEVEL = 1


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
        self.size = 0

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        self.size += len(data)
        self._stream.write(data)
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""


def write_layer(write: t.Callable[[t.IO[bytes]], None], folder: Path) -> Blob:
    """Compresses the tar that ``write`` writes into a file of the folder that is named after its digest."""
    temporary = folder / f"layer-{os.getpid()}.partial"
    with open(temporary, "wb") as raw:
        outer = _Hashing(raw)
        with gzip.GzipFile("", "wb", _LEVEL, t.cast(t.IO[bytes], outer), mtime=0) as packed:
            inner = _Hashing(t.cast(t.IO[bytes], packed))
            write(t.cast(t.IO[bytes], inner))
    path = folder / outer.digest.hexdigest()
    os.replace(temporary, path)
    return Blob(path, f"sha256:{path.name}", f"sha256:{inner.digest.hexdigest()}", outer.size)


def write_archive(path: Path, images: t.Sequence[Description], architecture: str) -> dict[str, str]:
    """Writes an OCI archive and returns the manifest digest of each reference."""
    tree: Tree = {"oci-layout": Entry(0o644, data=_json({"imageLayoutVersion": "1.0.0"}))}
    index: list[dict[str, t.Any]] = []
    digests: dict[str, str] = {}
    for image in images:
        for layer in image.layers:
            tree[f"blobs/sha256/{layer.path.name}"] = Entry(0o644, file=layer.path)
        config = _store(tree, _configuration(image, architecture))
        manifest = _store(tree, _manifest(image, config))
        for reference in image.references:
            digests[reference] = manifest["digest"]
            index.append(_index_entry(manifest, reference, architecture))
    document = {"schemaVersion": 2, "mediaType": f"{_TYPE}.index.v1+json", "manifests": index}
    tree["index.json"] = Entry(0o644, data=_json(document))
    with open(path, "wb") as stream:
        write_tar(tree, stream)
    return digests


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
            {"mediaType": f"{_TYPE}.layer.v1.tar+gzip", "digest": layer.digest, "size": layer.size}
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


def _store(tree: Tree, document: dict[str, t.Any]) -> dict[str, t.Any]:
    data = _json(document)
    name = hashlib.sha256(data).hexdigest()
    tree[f"blobs/sha256/{name}"] = Entry(0o644, data=data)
    return {"digest": f"sha256:{name}", "size": len(data)}


def _json(document: t.Any) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
