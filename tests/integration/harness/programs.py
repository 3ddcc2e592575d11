# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the programs of the bundle."""

from __future__ import annotations

import json
import os
import tarfile
import typing as t
from pathlib import Path

from ansible_collections.lodestar.platform.plugins.module_utils.bundle import manifest


def bundle() -> Path:
    """The bundle's directory: C(LODESTAR_BUNDLE), or where the bundle playbook puts it."""
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(os.environ.get("LODESTAR_BUNDLE") or Path(cache) / "lodestar" / "bundle")


def programs(folder: Path) -> dict[str, Path]:
    """C(etcd), C(kubectl), C(kube-apiserver) and C(kube-controller-manager) of the bundle's newest Kubernetes.

    Links are made in ``folder``.
    """
    root = bundle()
    loaded = manifest.load(root)
    version = max(loaded.kubernetes, key=lambda text: [int(part) for part in text.split(".")])
    paths = {part.name: loaded.path_of(part) for part in loaded.binaries(version)}
    found = {"etcd": paths["etcd"], "kubectl": paths["kubectl"]}
    size = paths["kubectl"].stat().st_size
    # One program for all: its name decides what it is.
    one = paths["kubelet"].samefile(paths["kubectl"]) or paths["kubelet"].stat().st_size == size
    for name in ("kube-apiserver", "kube-controller-manager"):
        found[name] = folder / name
        if one:
            found[name].symlink_to(paths["kubelet"])
        else:
            archive = next(part for part in loaded.images(version) if name in str(part.references))
            _extract(loaded.path_of(archive), f"usr/local/bin/{name}", found[name])
    return found


def _extract(archive: Path, name: str, target: Path) -> None:
    """Takes one file out of the layers of an OCI archive."""
    with tarfile.open(archive) as outer:
        index = json.load(_open(outer, "index.json"))
        for manifest_ref in index["manifests"]:
            document = json.load(_open(outer, _blob(manifest_ref)))
            for layer in document["layers"]:
                with tarfile.open(fileobj=_open(outer, _blob(layer))) as inner:
                    if name in inner.getnames():
                        target.write_bytes(_open(inner, name).read())
                        target.chmod(0o755)
                        return
    raise FileNotFoundError(f"{name} in {archive}")


def _blob(reference: dict[str, t.Any]) -> str:
    return "blobs/" + reference["digest"].replace(":", "/")


def _open(archive: tarfile.TarFile, name: str) -> t.IO[bytes]:
    stream = archive.extractfile(name)
    if stream is None:
        raise FileNotFoundError(name)
    return stream
