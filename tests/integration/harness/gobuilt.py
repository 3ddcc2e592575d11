# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs that tests need, built once from the Go modules that a go.sum pins, and kept in the cache by the digest of
their sources.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import tempfile
from pathlib import Path

_SOURCES = ("main.go", "go.mod", "go.sum")


def path_of(name: str, source: Path) -> Path:
    """Where a program is kept, whether it has been made or not.

    :param source: the folder of its module.
    """
    parts = [source / file for file in _SOURCES]
    digest = hashlib.sha256(b"".join(part.read_bytes() for part in parts if part.exists()))
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "lodestar" / name / digest.hexdigest()[:16]


def program(name: str, source: Path, package: str = ".") -> Path:
    """The program; made when it is not there, which takes minutes."""
    made = path_of(name, source)
    made.parent.mkdir(parents=True, exist_ok=True)
    with (made.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            _build(made, source, package)
    return made


def _build(made: Path, source: Path, package: str) -> None:
    with tempfile.TemporaryDirectory(dir=made.parent) as folder:
        environ = {
            **os.environ,
            "GOCACHE": f"{folder}/cache",
            "GOFLAGS": "-buildvcs=false -trimpath -mod=readonly",
            "GOWORK": "off",
            "CGO_ENABLED": "0",
        }
        command = ["go", "build", "-ldflags", "-s -w", "-o", f"{folder}/program", package]
        subprocess.run(command, cwd=source, env=environ, check=True)
        os.replace(f"{folder}/program", made)


def helm(major: int) -> Path:
    """The program helm of a major version, 3 or 4."""
    return program(f"helm{major}", Path(__file__).with_name(f"helm{major}"), f"helm.sh/helm/v{major}/cmd/helm")
