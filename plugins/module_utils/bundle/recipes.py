# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The words of the table of parts: what a recipe can be. Pure data. Private to the collection."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

REPOSITORY = "lodestar.platform/bundle"


@dataclass(frozen=True)
class GoBuild:
    """Executables from a Go module.

    :param module: the module's path.
    :param version: of the module.
    :param packages: package to build, by the name of the file that comes out; ``.`` is ``program``, where there is one.
    :param tags: build tags.
    :param stamps: string variables set by the linker. ``{version}``, ``{major}``, ``{minor}`` and ``{time}`` (of the
        module's release) are filled in.
    :param program: source of a main package of our own, in a module of our own around the other modules.
    :param requires: more modules that ``program`` needs, with their versions.
    :param staging: prefix whose ``./staging`` replacements in the module's go.mod become modules of the version
        ``v0.<minor>.<patch>``.
    :param links: further names of a file that comes out.
    :param static_libraries: packages of the operating system whose static libraries are linked in; needs a C compiler.
    :param host: runs on the controller, not on machines.
    """

    module: str
    version: str
    packages: t.Mapping[str, str]
    tags: tuple[str, ...] = ()
    stamps: t.Mapping[str, str] = field(default_factory=dict)
    program: str = ""
    requires: tuple[tuple[str, str], ...] = ()
    staging: str = ""
    links: t.Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    static_libraries: tuple[str, ...] = ()
    host: bool = False


@dataclass(frozen=True)
class ModuleFiles:
    """YAML documents out of a Go module's files: each output is the named files, joined."""

    module: str
    version: str
    files: t.Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class SystemTools:
    """A file tree of the operating system's programs with the shared libraries they load, as ``tools.tar``.

    :param packages: Debian packages that hold them; where there is no apt, the host's own files are taken.
    :param programs: paths to take; a trailing slash takes a directory.
    :param links: symbolic links to make, name to target.
    """

    packages: tuple[str, ...]
    programs: tuple[str, ...]
    links: t.Mapping[str, str]


@dataclass(frozen=True)
class SystemFile:
    """One program of the operating system that needs nothing but what every machine has."""

    packages: tuple[str, ...]
    path: str
    file: str


@dataclass(frozen=True)
class ReleaseFiles:
    """Files of the makers' own release server, each with a ``.sha256`` beside it.

    :param base: which of the operator's ``upstream`` settings holds the server's base URL.
    :param path: below it; ``{version}``, ``{architecture}`` and ``{file}`` are filled in.
    """

    base: str
    version: str
    path: str
    files: tuple[str, ...]


@dataclass(frozen=True)
class Layer:
    """Either the whole tree of another unit (``tree``), or files of other units: destination to (unit, file)."""

    tree: str = ""
    files: t.Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Image:
    """One image of an archive; layers that are equal are stored once."""

    name: str
    tags: tuple[str, ...]
    entrypoint: tuple[str, ...]
    layers: tuple[Layer, ...]
    user: str = ""

    @property
    def references(self) -> tuple[str, ...]:
        """The names that the image is imported under."""
        return tuple(f"{REPOSITORY}/{self.name}:{tag}" for tag in self.tags)


@dataclass(frozen=True)
class Archive:
    """One OCI archive, ``images.tar``, of one or more images.

    :param compressor: the unit whose file of the same name compresses layers.
    """

    images: tuple[Image, ...]
    compressor: str


@dataclass(frozen=True)
class Published:
    """An image that its makers publish.

    :param name: of the image in a bundle.
    :param repository: of the makers, below their registry.
    :param tag: theirs, which is the bundle's too.
    """

    name: str
    repository: str
    tag: str

    @property
    def references(self) -> tuple[str, ...]:
        """The names that the image is imported under."""
        return (f"{REPOSITORY}/{self.name}:{self.tag}",)


@dataclass(frozen=True)
class RegistryImages:
    """One OCI archive, ``images.tar``, of images that their makers publish, from the registries that operators name."""

    images: tuple[Published, ...]


Recipe: t.TypeAlias = GoBuild | ModuleFiles | SystemTools | SystemFile | ReleaseFiles | Archive | RegistryImages


@dataclass(frozen=True)
class Output:
    """A file of a unit that becomes an artifact of the bundle."""

    name: str
    kind: str
    file: str
    path: str
    purpose: str


@dataclass(frozen=True)
class Unit:
    """What is made in one go.

    :param name: unique in a bundle.
    :param version: of the software.
    :param recipes: how it can be made; the first that is possible here is taken.
    :param outputs: what of it goes into the bundle; a unit without any only serves others.
    :param needs: names of the units that its recipe uses.
    :param kubernetes: the Kubernetes version that it belongs to.
    """

    name: str
    version: str
    recipes: tuple[Recipe, ...]
    outputs: tuple[Output, ...] = ()
    needs: tuple[str, ...] = ()
    kubernetes: str | None = None
