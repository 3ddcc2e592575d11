# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs of the operating system: out of Debian packages, unpacked aside, or else the host's own files.

Nothing is installed. A program is taken with the shared libraries it loads and their loader, and nothing more. Private
to the collection.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import stat
import typing as t
from pathlib import Path, PurePosixPath

from ..errors import PlatformError
from . import elf
from .process import run
from .recipes import SystemFile, SystemTools
from .tree import Entry, Tree, write_tar

_TRIPLETS = {"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
#: Folders that are links into usr on a merged system, and are unpacked as they are from packages.
_MERGED = ("bin", "sbin", "lib", "lib64")
_DEPENDENCIES = tuple(
    f"--no-{kind}" for kind in ("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances")
)


def host_architecture() -> str:
    """The machine's architecture, as Go names it."""
    return _MACHINES.get(platform.machine(), platform.machine())


class System:
    """The operating system's files for one architecture.

    :param environ: the environment of the task.
    :param cache: where package lists of another architecture are kept.
    """

    def __init__(self, environ: t.Mapping[str, str], cache: Path, architecture: str) -> None:
        self.environ = {**environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
        self.architecture = architecture
        self.triplet = _TRIPLETS.get(architecture, architecture)
        self._lists = cache / "apt" / architecture
        self.has_packages = all(shutil.which(name, path=environ.get("PATH")) for name in ("apt-get", "dpkg-deb"))

    @property
    def release(self) -> str:
        """The operating system and its version, such as ``Debian 12``; part of the key of what is made of it."""
        system = platform.freedesktop_os_release() if Path("/etc/os-release").exists() else {}
        return f"{system.get('NAME', 'Linux').split()[0]} {system.get('VERSION_ID', '')}".strip()

    def unpack(self, packages: t.Sequence[str], work: Path, closure: bool) -> tuple[Path, str]:
        """Unpacks packages into a folder. Returns the root of the files and where they came from.

        :param closure: take the libraries that the packages depend on, too.
        :raises PlatformError: when there is no apt here, and the host's files are of another architecture.
        """
        if not self.has_packages:
            if host_architecture() != self.architecture:
                raise PlatformError(
                    f"{', '.join(packages)} for {self.architecture} cannot be had on a {host_architecture()} host "
                    "without apt; make the bundle on Debian or Ubuntu, or on that architecture, or set a mirror"
                )
            return Path("/"), f"files of the host ({self.release})"
        downloads, root = work / "packages", work / "root"
        downloads.mkdir()
        root.mkdir()
        self._download(packages, closure, downloads)
        for package in sorted(downloads.iterdir()):
            run(["dpkg-deb", "--extract", str(package), str(root)], self.environ)
        found = sorted(package.name.split("_") for package in downloads.iterdir())
        versions = {name: version.replace("%3a", ":") for name, version, *_rest in found}
        shutil.rmtree(downloads)
        return root, f"{self.release} packages " + ", ".join(f"{name} {versions[name]}" for name in packages)

    def tools(self, recipe: SystemTools, work: Path, out: Path) -> str:
        """Writes ``tools.tar`` and returns where the files came from."""
        root, source = self.unpack(recipe.packages, work, closure=True)
        with (out / "tools.tar").open("wb") as stream:
            write_tar(collect(root, recipe.programs, recipe.links, self.triplet), stream)
        return source

    def file(self, recipe: SystemFile, work: Path, out: Path) -> str:
        """Takes one program and returns where it came from."""
        root, source = self.unpack(recipe.packages, work, closure=False)
        shutil.copyfile(root / recipe.path, out / recipe.file)
        (out / recipe.file).chmod(0o755)
        return source

    def _download(self, packages: t.Sequence[str], closure: bool, folder: Path) -> None:
        """Asks with the host's package lists, and with fresh ones of our own where these do not do."""
        if host_architecture() == self.architecture:
            try:
                self._attempt([], packages, closure, folder)
                return
            except PlatformError:
                pass  # the host has no lists, or old ones
        options = self._options()
        self._apt("apt-get", *options, "update")
        self._attempt(options, packages, closure, folder)

    def _attempt(self, options: t.Sequence[str], packages: t.Sequence[str], closure: bool, folder: Path) -> None:
        names = set(packages)
        if closure:
            answer = self._apt("apt-cache", *options, "depends", "--recurse", *_DEPENDENCIES, *packages)
            found = {line.partition(":")[0] for line in answer.splitlines() if re.match(r"[a-z]", line)}
            names |= {name for name in found if re.match(r"z?lib", name)}
        wanted = [f"{name}:{self.architecture}" for name in sorted(names)]
        self._apt("apt-get", *options, "download", *wanted, cwd=folder)

    def _options(self) -> list[str]:
        folders = {"Dir::State::Lists": self._lists / "lists", "Dir::Cache": self._lists / "cache"}
        for folder in folders.values():
            (folder / "partial").mkdir(parents=True, exist_ok=True)
        own = [f"-o{name}={folder}" for name, folder in folders.items()]
        return [*own, f"-oAPT::Architecture={self.architecture}", f"-oAPT::Architectures={self.architecture}"]

    def _apt(self, program: str, *arguments: str, cwd: Path | None = None) -> str:
        return run([program, "-qq", "-oAPT::Sandbox::User=root", *arguments], self.environ, cwd)


def collect(root: Path, programs: t.Sequence[str], links: t.Mapping[str, str], triplet: str) -> Tree:
    """The tree of an image: programs, the libraries they load, loader and links, below a merged usr.

    :raises PlatformError: naming every program and library that is not there.
    """
    tree: Tree = {name: Entry(link=f"usr/{name}") for name in _MERGED}
    tree |= {path: Entry(link=target) for path, target in links.items()} | {"tmp": Entry(0o1777)}
    missing: list[str] = []
    queue: list[str] = []
    for program in programs:
        wanted = program.replace("{triplet}", triplet)
        found = _files(root, wanted)
        if not found:
            missing.append(wanted)
        queue += found
    while queue:
        path = queue.pop()
        if path in tree:
            continue
        entry, more = _take(root, path, triplet, missing)
        tree[path] = entry
        queue += more
    if missing:
        raise PlatformError(
            f"not found on this system: {', '.join(sorted(set(missing)))}; "
            "install the packages that hold them, or set a mirror"
        )
    return tree


def _take(root: Path, path: str, triplet: str, missing: list[str]) -> tuple[Entry, list[str]]:
    source = _locate(root, path)
    if source is None:
        missing.append(path)
        return Entry(data=b""), []
    if source.is_symlink():
        target = str(source.readlink())
        if "/" not in target and _locate(root, str(PurePosixPath(path).parent / target)) is not None:
            return Entry(link=target), [str(PurePosixPath(path).parent / target)]
    content = _resolve(root, source).read_bytes()
    more: list[str] = []
    found = elf.dependencies(content)
    if found is not None:
        libraries = {name: _library(root, name, triplet) for name in found.needed}
        missing += [name for name, place in libraries.items() if place is None]
        more = [place for place in libraries.values() if place is not None]
        more += [_merged(found.interpreter)] if found.interpreter else []
    executable = found is not None or bool(_resolve(root, source).stat().st_mode & stat.S_IXUSR)
    return Entry(0o755 if executable else 0o644, data=content), more


def _merged(path: str) -> str:
    """The path below a merged usr."""
    bare = path.strip("/")
    return f"usr/{bare}" if bare.split("/")[0] in _MERGED else bare


def _locate(root: Path, path: str) -> Path | None:
    """Where a merged path is in an unpacked root, which may not be merged."""
    for candidate in (path, path.removeprefix("usr/")):
        if os.path.lexists(root / candidate):
            return root / candidate
    return None


def _resolve(root: Path, path: Path) -> Path:
    """Follows links, absolute ones below the root."""
    for _depth in range(16):
        if not path.is_symlink():
            return path
        target = str(path.readlink())
        base = _locate(root, _merged(target)) if target.startswith("/") else path.parent / target
        path = base if base is not None else root / target.lstrip("/")
    raise PlatformError(f"too many links at {path}")


def _library(root: Path, name: str, triplet: str) -> str | None:
    for folder in (f"usr/lib/{triplet}", "usr/lib64", "usr/lib"):
        if _locate(root, f"{folder}/{name}") is not None:
            return f"{folder}/{name}"
    return None


def _files(root: Path, path: str) -> list[str]:
    """A path as it stands, or with a trailing slash every file below it."""
    place = _locate(root, path.rstrip("/"))
    if place is None:
        return []
    if not path.endswith("/"):
        return [path]
    return [f"{path}{file.relative_to(place)}" for file in sorted(place.rglob("*")) if not file.is_dir()]
