# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes units by their recipes, each once, into the cache. Private to the collection."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import typing as t
from dataclasses import asdict
from itertools import product
from pathlib import Path

from ..errors import PlatformError
from . import oci
from .golang import Go
from .pull import Puller
from .recipes import (
    Archive,
    GoBuild,
    Layer,
    ModuleFiles,
    Recipe,
    RegistryImages,
    ReleaseFiles,
    SystemFile,
    SystemTools,
    Unit,
)
from .sources import Releases
from .store import Built, Store, locked
from .system import System
from .tree import Entry, Tree, write_tar

#: Raise it when this code makes something else of the same recipe.
_FORMAT = 1


def _digest(*values: t.Any) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def needs_of(unit: Unit, recipe: Recipe) -> tuple[str, ...]:
    """The names of the units that a recipe of a unit uses: only what is put together here needs others."""
    return unit.needs if isinstance(recipe, Archive) else ()


def identities(table: t.Sequence[Unit], architecture: str) -> dict[str, dict[str, Recipe]]:
    """For each unit its recipes by identity: a digest over all that determines the output but the tool chain.

    A unit that needs others has one identity for each combination of theirs.
    """
    known: dict[str, dict[str, Recipe]] = {}
    for unit in table:
        known[unit.name] = {
            _digest(_FORMAT, architecture, unit.version, type(recipe).__name__, asdict(recipe), needs): recipe
            for recipe in unit.recipes
            for needs in product(*(known[name] for name in needs_of(unit, recipe)))
        }
    return known


class Maker:
    """Makes units for one architecture.

    :param table: all units, prerequisites first.
    :param cache: the cache directory.
    :param releases: release servers that may be used.
    :param puller: registries that may be used.
    :param environ: the environment of the task.

    ``must_use_upstream`` refuses what a set server does not have; otherwise ``passed_over`` says so. ``used_go`` tells
    that Go has run.
    """

    def __init__(
        self,
        table: t.Sequence[Unit],
        cache: Path,
        architecture: str,
        releases: Releases,
        puller: Puller,
        environ: t.Mapping[str, str],
    ) -> None:
        self.units = {unit.name: unit for unit in table}
        self.architecture = architecture
        self.releases = releases
        self.puller = puller
        self.cache = cache
        self.store = Store(cache / "parts")
        self.go = Go(environ, cache / "go", architecture)
        self.system = System(environ, cache, architecture)
        self.must_use_upstream = False
        self.passed_over: list[str] = []
        self.used_go = False
        self._chosen: dict[str, Recipe] = {}
        self._compiler: bool | None = None

    def recipe(self, unit: Unit) -> Recipe:
        """The first recipe of a unit that is possible here.

        :raises PlatformError: when none is, with the reason.
        """
        if unit.name not in self._chosen:
            reasons = []
            for recipe in unit.recipes:
                reason = self._obstacle(recipe)
                if not reason:
                    self._chosen[unit.name] = recipe
                    break
                if self._upstream(recipe):
                    if self.must_use_upstream:
                        raise PlatformError(f"{unit.name} {unit.version} cannot be had from upstream: {reason}")
                    self.passed_over.append(reason)
                reasons.append(reason)
            else:
                raise PlatformError(f"{unit.name} {unit.version} cannot be made here: {'; '.join(reasons)}")
        return self._chosen[unit.name]

    def identity(self, unit: Unit) -> str:
        """The identity of the unit as it would be made here; see :func:`identities`."""
        recipe = self.recipe(unit)
        needs = [self.identity(self.units[name]) for name in self.needs(unit)]
        return _digest(_FORMAT, self.architecture, unit.version, type(recipe).__name__, asdict(recipe), needs)

    def key(self, unit: Unit) -> str:
        """The unit's key in the cache: its identity with the tool chain, or with what the registry has, and the keys of
        what it needs."""
        recipe = self.recipe(unit)
        tools: t.Any = ""
        if isinstance(recipe, GoBuild):
            tools = self.go.version + (self.system.release if recipe.static_libraries else "")
        elif isinstance(recipe, (SystemTools, SystemFile)):
            tools = self.system.release
        elif isinstance(recipe, RegistryImages):
            tools = self.puller.digests(recipe)
        return _digest(self.identity(unit), tools, [self.key(self.units[name]) for name in self.needs(unit)])

    def needs(self, unit: Unit) -> tuple[str, ...]:
        """The names of the units that making a unit here takes."""
        return needs_of(unit, self.recipe(unit))

    def cached(self, unit: Unit) -> Built | None:
        """The unit from the cache, if it is there."""
        return self.store.get(self.key(unit))

    def make(self, unit: Unit) -> Built:
        """The unit from the cache, made first if it is not there, with what it needs."""
        key = self.key(unit)
        return self.store.make(key, lambda folder: self._perform(unit, folder))

    def drop_go_cache(self) -> bool:
        """Removes Go's modules and compiled packages, unless another build uses them. True when they were removed."""
        with locked(self.cache / "go.lock", wait=False) as free:
            if free:
                shutil.rmtree(self.cache / "go", ignore_errors=True)
            return free

    def _upstream(self, recipe: Recipe) -> bool:
        """Whether the operator named a server for it."""
        if isinstance(recipe, RegistryImages):
            return self.puller.set_for(recipe)
        return isinstance(recipe, ReleaseFiles) and recipe.base in self.releases.bases

    def _obstacle(self, recipe: Recipe) -> str:
        if isinstance(recipe, ReleaseFiles):
            return self.releases.missing(recipe, self.architecture)
        if isinstance(recipe, RegistryImages):
            return self.puller.missing(recipe)
        if isinstance(recipe, GoBuild) and recipe.static_libraries:
            if self._compiler is None:
                self._compiler = bool(self.go.compiler() and self.system.has_packages)
            return "" if self._compiler else "there is no C compiler with a static C library, or no apt"
        return ""

    def _perform(self, unit: Unit, out: Path) -> tuple[str, t.Mapping[str, str]]:
        recipe = self.recipe(unit)
        with tempfile.TemporaryDirectory(prefix="lodestar-bundle-") as name:
            work = Path(name)
            if isinstance(recipe, Archive):
                return self._archive(unit, recipe, work, out)
            if isinstance(recipe, RegistryImages):
                return self.puller.fetch(recipe, work, out)
            if isinstance(recipe, (GoBuild, ModuleFiles)):
                self.used_go = True
                with locked(self.cache / "go.lock", exclusive=False):
                    return self._go(recipe, work, out), {}
            if isinstance(recipe, SystemTools):
                return self.system.tools(recipe, work, out), {}
            if isinstance(recipe, SystemFile):
                return self.system.file(recipe, work, out), {}
            return self.releases.fetch(recipe, self.architecture, out), {}

    def _go(self, recipe: GoBuild | ModuleFiles, work: Path, out: Path) -> str:
        if isinstance(recipe, ModuleFiles):
            return self.go.files(recipe, out)
        libraries, origin = None, ""
        if recipe.static_libraries:
            system = work / "system"
            system.mkdir()
            libraries, origin = self.system.unpack(recipe.static_libraries, system, closure=False)
            origin = f", linked with {origin}"
        module = work / "module"
        module.mkdir()
        return self.go.build(recipe, module, out, libraries) + origin

    def _archive(self, unit: Unit, recipe: Archive, work: Path, out: Path) -> tuple[str, t.Mapping[str, str]]:
        made = {name: self.make(self.units[name]) for name in unit.needs}
        compressor = made[recipe.compressor].folder / recipe.compressor
        blobs: dict[str, oci.Blob] = {}
        images = []
        for image in recipe.images:
            layers = []
            for layer in image.layers:
                key = _digest(asdict(layer))
                if key not in blobs:
                    blobs[key] = oci.write_layer(_writer(layer, made), work, compressor)
                layers.append(blobs[key])
            images.append(oci.Description(image.references, image.entrypoint, tuple(layers), image.user))
        digests = oci.write_archive(out / "images.tar", images, self.architecture)
        parts = [made[name].source for name in unit.needs if name != recipe.compressor]
        return "image of " + "; ".join(parts), digests


def _writer(layer: Layer, made: t.Mapping[str, Built]) -> t.Callable[[t.IO[bytes]], None]:
    if layer.tree:
        source = made[layer.tree].folder / "tools.tar"

        def copy(stream: t.IO[bytes]) -> None:
            with source.open("rb") as content:
                shutil.copyfileobj(content, stream, 1 << 20)

        return copy
    tree = _files(layer, made)
    return lambda stream: write_tar(tree, stream)


def _files(layer: Layer, made: t.Mapping[str, Built]) -> Tree:
    """The layer's files; equal ones become links to the first, so that a multicall binary is there once."""
    tree: Tree = {}
    first: dict[str, str] = {}
    for target, (unit, name) in layer.files.items():
        digest = made[unit].files[name][1]
        if digest in first:
            tree[target] = Entry(link=f"/{first[digest]}")
        else:
            first[digest] = target
            tree[target] = Entry(file=made[unit].folder / name)
    return tree
