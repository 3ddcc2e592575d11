# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makers' own images out of the registries that an operator names, into an archive. Private to the collection."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..errors import PlatformError
from . import oci
from .recipes import Published, RegistryImages
from .registry import INDEXES, Document, Location, Registry
from .sources import ANSWER

#: The key of the settings that stands for every image without one of its own.
DEFAULT = "default"
#: Variants of an architecture that every machine of it can run; no variant is best.
_VARIANTS = {"amd64": ("", "v1"), "arm64": ("", "v8")}


@dataclass(frozen=True)
class Sources:
    """Where an operator has images pulled from.

    :param places: by name of an image its repository, by :data:`DEFAULT` what stands before the makers' repositories.
    :param logins: user name and password by host.
    """

    places: t.Mapping[str, Location] = field(default_factory=dict)
    logins: t.Mapping[str, tuple[str, str]] = field(default_factory=dict, repr=False)

    def place(self, image: Published) -> Location | None:
        """Where that image is to be found, with its tag; ``None`` when nothing is set."""
        own = self.places.get(image.name)
        if own is not None:
            return own if own.tag or own.digest else replace(own, tag=image.tag)
        base = self.places.get(DEFAULT)
        if base is None:
            return None
        repository = "/".join(filter(None, (base.repository, image.repository)))
        return replace(base, repository=repository, tag=image.tag)


@dataclass(frozen=True)
class _Found:
    """An image in a registry: where it is, its manifest, and the names that it gets."""

    registry: Registry
    repository: str
    manifest: Document
    references: tuple[str, ...]

    @property
    def source(self) -> str:
        return f"{self.registry.host}/{self.repository}@{self.manifest.digest}"


class Puller:
    """Finds and pulls images for one architecture. Each image is looked up once."""

    def __init__(self, sources: Sources, architecture: str) -> None:
        self.sources = sources
        self.architecture = architecture
        self._registries: dict[tuple[str, str], Registry] = {}
        self._found: dict[Published, _Found] = {}
        # A server that gave no answer is not waited for again for each of its images.
        self._silent: dict[Registry, str] = {}

    def set_for(self, recipe: RegistryImages) -> bool:
        """Whether the operator named a place for every image of the recipe."""
        return all(self.sources.place(image) for image in recipe.images)

    def missing(self, recipe: RegistryImages) -> str:
        """Why the images cannot be had: empty when the registries have them."""
        unset = [image.name for image in recipe.images if self.sources.place(image) is None]
        if unset:
            return f"no registry is set in upstream images for {', '.join(dict.fromkeys(unset))}"
        try:
            for image in recipe.images:
                self._find(image)
        except PlatformError as exc:
            return str(exc)
        return ""

    def digests(self, recipe: RegistryImages) -> list[str]:
        """The digests that the registries have for the images now, which say what an archive of them would hold.

        :raises PlatformError: when one cannot be had.
        """
        return [self._find(image).manifest.digest for image in recipe.images]

    def fetch(self, recipe: RegistryImages, work: Path, out: Path) -> tuple[str, dict[str, str]]:
        """Writes the archive C(images.tar) into ``out``. Returns where the images came from, and digests by reference.

        :param work: an empty folder for what is downloaded.
        :raises PlatformError: naming what is not there, or is not what its digest says.
        """
        found = [self._find(image) for image in recipe.images]
        copies = [oci.Copy(item.references, item.manifest.media_type, item.manifest.data) for item in found]
        for item in found:
            self._download(item, work)
        digests = oci.write_copies(out / "images.tar", copies, work, self.architecture)
        return "image " + "; ".join(item.source for item in found), digests

    def _find(self, image: Published) -> _Found:
        if image not in self._found:
            place = self.sources.place(image)
            if place is None:
                raise PlatformError(f"no registry is set in upstream images for {image.name}")
            self._found[image] = self._look(image, place)
        return self._found[image]

    def _look(self, image: Published, place: Location) -> _Found:
        registry = self._registry(place)
        if registry in self._silent:
            raise PlatformError(self._silent[registry])
        try:
            document = registry.document(place.repository, place.digest or place.tag, ANSWER, ANSWER)
        except PlatformError as exc:
            if exc.details.get("silent"):
                self._silent[registry] = str(exc)
            raise
        if document.media_type in INDEXES:
            digest = self._platform(document, place)
            document = registry.document(place.repository, digest, ANSWER, ANSWER)
            if document.media_type in INDEXES:
                raise PlatformError(f"{place.shown} is an index of indexes, which is not supported")
        content = document.content
        if not isinstance(content.get("config"), dict) or not isinstance(content.get("layers"), list):
            raise PlatformError(f"{place.shown} is no image: its manifest has no configuration or no layers")
        return _Found(registry, place.repository, document, image.references)

    def _platform(self, index: Document, place: Location) -> str:
        """The digest of the manifest for Linux on the architecture."""
        wanted = _VARIANTS[self.architecture]
        fitting: dict[str, str] = {}
        there: list[str] = []
        for entry in index.content.get("manifests") or ():
            platform = entry.get("platform") or {}
            name, variant = f"{platform.get('os')}/{platform.get('architecture')}", platform.get("variant") or ""
            there.append(f"{name}/{variant}" if variant else name)
            if name == f"linux/{self.architecture}" and variant in wanted:
                fitting.setdefault(variant, str(entry["digest"]))
        for variant in wanted:
            if variant in fitting:
                return fitting[variant]
        raise PlatformError(
            f"{place.shown} is not for linux/{self.architecture}, but for {', '.join(there) or 'nothing'}"
        )

    def _download(self, item: _Found, work: Path) -> None:
        manifest = item.manifest.content
        for descriptor in (manifest["config"], *manifest["layers"]):
            target = work / oci.blob_name(str(descriptor["digest"]))
            if not target.exists():
                item.registry.blob(item.repository, descriptor, target)
        config = json.loads((work / oci.blob_name(str(manifest["config"]["digest"]))).read_bytes())
        platform = (config.get("os"), config.get("architecture"))
        if platform != ("linux", self.architecture):
            raise PlatformError(f"{item.source} is for {'/'.join(map(str, platform))}, not linux/{self.architecture}")

    def _registry(self, place: Location) -> Registry:
        key = (place.scheme, place.host)
        if key not in self._registries:
            self._registries[key] = Registry(*key, self.sources.logins.get(place.host))
        return self._registries[key]
