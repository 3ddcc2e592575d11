# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads a bundle directory, as far as the legacy cluster and operators need it. See docs/bundle.md for its layout."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass
from pathlib import Path

from .errors import TestbedError


@dataclass(frozen=True)
class Part:
    """An artifact: a program, or an archive of images with the references they are imported under."""

    name: str
    kind: str
    purpose: str
    file: Path
    sha256: str
    kubernetes: str | None
    references: tuple[str, ...]


@dataclass(frozen=True)
class Bundle:
    """The artifacts for one Kubernetes version."""

    root: Path
    kubernetes: str
    parts: tuple[Part, ...]

    def programs(self, *purposes: str) -> list[Part]:
        """The programs for any of these purposes."""
        return [part for part in self.parts if part.kind == "binary" and part.purpose in purposes]

    def archives(self) -> list[Part]:
        """The image archives of a workload cluster."""
        return [part for part in self.parts if part.kind == "image" and part.purpose != "hub"]

    def program(self, name: str) -> Part:
        """One program by name."""
        for part in self.parts:
            if part.kind == "binary" and part.name == name:
                return part
        raise TestbedError(f"the bundle {self.root} holds no {name} for Kubernetes {self.kubernetes}; make it again")

    def image(self, name: str) -> str:
        """The reference of an image by the last part of its repository; with several tags, the last one."""
        found = [
            ref for part in self.archives() for ref in part.references if ref.rpartition("/")[2].startswith(f"{name}:")
        ]
        if not found:
            raise TestbedError(f"the bundle {self.root} holds no image {name}; make it again")
        return found[-1]


def default_path(environ: t.Mapping[str, str]) -> Path:
    """Where the playbook ``lodestar.platform.bundle`` leaves a bundle, unless told otherwise."""
    cache = environ.get("XDG_CACHE_HOME") or Path(environ.get("HOME", "/root")) / ".cache"
    return Path(cache) / "lodestar" / "bundle"


def load(root: Path, kubernetes: str) -> Bundle:
    """Reads the bundle. Raises TestbedError when there is none, or none for that Kubernetes version."""
    try:
        manifest = json.loads((root / "manifest.json").read_text(encoding="utf-8"))
        return parse(manifest, root, kubernetes)
    except (OSError, ValueError, KeyError, TypeError) as exc:
        remedy = "make one with the playbook lodestar.platform.bundle, or name another with --bundle"
        raise TestbedError(f"no bundle in {root} ({exc}); {remedy}") from exc


def parse(manifest: t.Mapping[str, t.Any], root: Path, kubernetes: str) -> Bundle:
    """The bundle that a manifest describes, cut down to one Kubernetes version."""
    if kubernetes not in manifest["kubernetes"]:
        raise TestbedError(f"the bundle {root} is for Kubernetes {', '.join(manifest['kubernetes'])}, not {kubernetes}")
    parts = tuple(
        Part(
            item["name"],
            item["kind"],
            item["purpose"],
            root / item["path"],
            item["sha256"],
            item.get("kubernetes"),
            tuple(item.get("references") or ()),
        )
        for item in manifest["parts"]
        if item.get("kubernetes") in (None, kubernetes)
    )
    return Bundle(root, kubernetes, parts)


def newest_program(root: Path, name: str) -> Path:
    """A program of the newest Kubernetes version that the bundle is for."""
    try:
        versions = json.loads((root / "manifest.json").read_text(encoding="utf-8"))["kubernetes"]
        newest = max(versions, key=lambda version: [int(part) for part in version.split(".")])
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise TestbedError(f"no bundle in {root} ({exc}); make one, or name another with --bundle") from exc
    return load(root, newest).program(name).file
