# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A bundle directory as it is, and how it is written. Private to the collection."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import InvalidInput, PlatformError, Problem
from . import manifest as manifests
from . import stamps
from .manifest import Artifact, Manifest
from .recipes import Output, Unit


@dataclass
class State:
    """A bundle directory as it is.

    :param manifest: what it says it holds; ``None`` when there is no bundle.
    :param intact: paths of the artifacts that are what the manifest says.
    """

    manifest: Manifest | None
    intact: set[str] = field(default_factory=set)

    @property
    def versions(self) -> tuple[str, ...]:
        """The Kubernetes versions that it says it is complete for."""
        return self.manifest.kubernetes if self.manifest else ()

    def part(self, unit: Unit, output: Output) -> Artifact | None:
        """The intact artifact that stands where that output would stand, if there is one."""
        for part in self.manifest.parts if self.manifest else ():
            if (part.name, part.kubernetes, part.path) == (output.name, unit.kubernetes, output.path):
                return part if part.path in self.intact else None
        return None


def observe(path: Path, architecture: str, verify: bool) -> State:
    """Looks at a bundle directory. Files whose size and times are as they were when last read are not read again.

    :raises InvalidInput: when it is of another architecture.
    """
    try:
        manifest = manifests.load(path)
    except PlatformError:
        return State(None)  # none, or one that nobody can use: all of it is made again
    if manifest.architecture != architecture:
        reason = f"it holds a bundle for {manifest.architecture}"
        raise InvalidInput([Problem("path", str(path), reason, f"Take another path for {architecture}")])
    damaged: t.Collection[str] = ()
    try:
        manifest.verify(manifest.parts if verify else stamps.unread(path, manifest.parts))
    except PlatformError as exc:
        if "damaged" not in exc.details:
            raise
        damaged = exc.details["damaged"]
    return State(manifest, {part.path for part in manifest.parts} - set(damaged))


def write(path: Path, manifest: Manifest) -> None:
    """Writes the manifest, and remembers that the files were read."""
    _replace(path / manifests.FILE, manifests.render(manifest))
    _replace(path / stamps.FILE, stamps.render(path, manifest))


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.partial-{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
