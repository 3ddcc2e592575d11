# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a bundle holds: its manifest, read and verified. Standard library only, so that machines can use it too.

A bundle is a directory of artifacts with a C(manifest.json) that is written last. Private to the collection.
"""

from __future__ import annotations

import hashlib
import json
import os
import typing as t
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ..errors import InvalidInput, PlatformError, Problem

SCHEMA = 1
FILE = "manifest.json"
KINDS = ("binary", "image", "crd")
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Artifact:
    """One file of a bundle.

    :param name: unique among the artifacts of one Kubernetes version: ``kubelet``, ``coredns``.
    :param version: of the software, as its makers write it.
    :param kind: one of :data:`KINDS`. An image is an OCI archive, which may hold several tagged images.
    :param path: relative to the bundle's directory.
    :param size: in bytes.
    :param sha256: of the file, in hexadecimal. Equal files (a multicall binary) share it and need one transfer.
    :param source: where it came from, for people.
    :param purpose: ``kubernetes``, ``runtime``, ``cni``, ``etcd``, ``addon``, ``hub`` or ``test``.
    :param kubernetes: the Kubernetes version that it belongs to, or ``None`` when it serves all.
    :param references: of an image archive, the names it is imported under.
    :param digests: of an image archive, the manifest digest by reference.
    :param recipe: identifies how it was made, without the tool chain.
    """

    name: str
    version: str
    kind: str
    path: str
    size: int
    sha256: str
    source: str
    purpose: str
    kubernetes: str | None = None
    references: tuple[str, ...] = ()
    digests: t.Mapping[str, str] = field(default_factory=dict)
    recipe: str = ""

    @property
    def label(self) -> str:
        """The artifact as messages name it."""
        return f"{self.kind} {self.name} {self.version}"

    def as_dict(self) -> dict[str, t.Any]:
        """The artifact as it stands in the manifest."""
        return {**asdict(self), "references": list(self.references), "digests": dict(self.digests)}


@dataclass(frozen=True)
class Manifest:
    """The artifacts of one bundle directory.

    :param root: the bundle's directory, or ``None`` for a manifest that was read from elsewhere.
    :param architecture: as Go and OCI name it: ``amd64``, ``arm64``.
    :param kubernetes: the Kubernetes versions that the bundle is complete for.
    :param parts: the artifacts.
    :param origin: what messages call a bundle that is elsewhere.
    """

    root: Path | None
    architecture: str
    kubernetes: tuple[str, ...]
    parts: tuple[Artifact, ...]
    origin: str = ""

    @property
    def where(self) -> str:
        """The bundle as messages name it."""
        return self.origin or f"the bundle {self.root}"

    def binaries(self, kubernetes_version: str) -> list[Artifact]:
        """The executables for machines of that version.

        :raises InvalidInput: when the bundle has no such version.
        """
        return self._of("binary", kubernetes_version)

    def images(self, kubernetes_version: str) -> list[Artifact]:
        """The image archives for machines of that version.

        :raises InvalidInput: when the bundle has no such version.
        """
        return self._of("image", kubernetes_version)

    def crds(self) -> list[Artifact]:
        """The files of custom resource definitions, each of one or more YAML documents."""
        return [part for part in self.parts if part.kind == "crd"]

    def part(self, name: str, kubernetes_version: str | None = None) -> Artifact:
        """The artifact of that name.

        :raises PlatformError: when the bundle has none.
        """
        for part in self.parts:
            if part.name == name and part.kubernetes in (None, kubernetes_version):
                return part
        raise PlatformError(f"{self.where} holds no {name}; run the playbook lodestar.platform.bundle")

    def require(self, kubernetes_version: str) -> None:
        """Refuses a version that the bundle was not made for.

        :raises InvalidInput: naming the versions that are there.
        """
        if kubernetes_version in self.kubernetes:
            return
        have = ", ".join(self.kubernetes) or "none"
        raise InvalidInput(
            [
                Problem(
                    "kubernetes_version",
                    kubernetes_version,
                    f"{self.where} is made for {have}",
                    "Add it to the bundle with the playbook lodestar.platform.bundle, or take a version that is there",
                )
            ]
        )

    def path_of(self, part: Artifact) -> Path:
        """Where the artifact's file is.

        :raises PlatformError: when the manifest was not read from a directory, or its path would leave it.
        """
        if self.root is None:
            raise PlatformError("this manifest was not read from a directory")
        path = self.root / part.path
        if Path(part.path).is_absolute() or ".." in Path(part.path).parts:
            raise PlatformError(f"the manifest of {self.where} names a file outside of it: {part.path}")
        return path

    def verify(self, parts: t.Iterable[Artifact]) -> None:
        """Reads every given artifact and compares size and sha256 with the manifest; equal files are read once.

        :raises PlatformError: naming each artifact that is missing or damaged, in ``details["damaged"]`` too.
        """
        known: dict[tuple[int, int], str] = {}
        damage = [found for part in parts if (found := self._damage(part, known))]
        if damage:
            raise PlatformError(
                f"{len(damage)} artifact(s) of {self.where} are not what its manifest says: "
                + "; ".join(text for _part, text in damage)
                + ". Run the playbook lodestar.platform.bundle with -e bundle_verify=true, which makes them again",
                damaged=[part.path for part, _text in damage],
            )

    def _of(self, kind: str, kubernetes_version: str) -> list[Artifact]:
        self.require(kubernetes_version)
        return [part for part in self.parts if part.kind == kind and part.kubernetes in (None, kubernetes_version)]

    def _damage(self, part: Artifact, known: dict[tuple[int, int], str]) -> tuple[Artifact, str] | None:
        path = self.path_of(part)
        try:
            status = path.stat()
            if status.st_size != part.size:
                return part, f"{part.label} ({path}) is damaged: {status.st_size} bytes instead of {part.size}"
            inode = (status.st_dev, status.st_ino)
            if inode not in known:
                known[inode] = sha256_of(path)
        except FileNotFoundError:
            return part, f"{part.label} ({path}) is missing"
        except OSError as exc:
            return part, f"{part.label} ({path}) cannot be read: {exc.strerror}"
        if known[inode] != part.sha256:
            return part, f"{part.label} ({path}) is damaged: sha256 {known[inode]} instead of {part.sha256}"
        return None


def sha256_of(path: Path) -> str:
    """The sha256 of a file's content, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def load(path: str | os.PathLike[str]) -> Manifest:
    """Reads the manifest of a bundle directory.

    :raises PlatformError: when there is no bundle, or its manifest cannot be used.
    """
    root = Path(path).expanduser().absolute()
    try:
        text = (root / FILE).read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        raise PlatformError(
            f"there is no bundle in {root} (no {FILE}); make one with the playbook lodestar.platform.bundle"
        ) from None
    except OSError as exc:
        raise PlatformError(f"the bundle's {root / FILE} cannot be read: {exc.strerror}") from exc
    return parse(text, root)


def parse(text: str, root: Path | None, origin: str = "") -> Manifest:
    """Makes a manifest of the JSON text of one.

    :param root: the directory that its paths are relative to, ``None`` when it is not a directory.
    :param origin: what messages call it instead of the directory.
    :raises PlatformError: when the text is not a manifest of this schema.
    """
    where = origin or f"the bundle {root}"
    try:
        data = json.loads(text)
        if data["schema"] != SCHEMA:
            raise PlatformError(f"the manifest of {where} has schema {data['schema']}, known is {SCHEMA}")
        parts = tuple(_artifact(item) for item in data["parts"])
        return Manifest(root, data["architecture"], tuple(data["kubernetes"]), parts, origin)
    except (ValueError, KeyError, TypeError) as exc:
        raise PlatformError(f"the manifest of {where} is not usable: {exc!r}") from exc


def render(manifest: Manifest) -> str:
    """The manifest as JSON text, stable for equal content."""
    parts = sorted(manifest.parts, key=lambda part: (part.kind, part.name, part.kubernetes or ""))
    data = {
        "schema": SCHEMA,
        "architecture": manifest.architecture,
        "kubernetes": list(manifest.kubernetes),
        "parts": [part.as_dict() for part in parts],
    }
    return json.dumps(data, indent=1, sort_keys=True) + "\n"


def _artifact(item: t.Mapping[str, t.Any]) -> Artifact:
    known = {name: item[name] for name in Artifact.__dataclass_fields__ if name in item}
    known |= {"references": tuple(item.get("references", ())), "digests": dict(item.get("digests", {}))}
    part = Artifact(**known)
    if part.kind not in KINDS:
        raise ValueError(f"{part.name} is of the unknown kind {part.kind}")
    return part
