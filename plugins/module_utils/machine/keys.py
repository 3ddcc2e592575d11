# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Steps that write keys which a cluster was given: by its control planes, or by its recovery file.

Private to the collection.
"""

from __future__ import annotations

import functools
import os
import typing as t

from ..errors import PlatformError
from . import host, paths, recovery, settings
from .node import Steps
from .probe import Holding

Material = t.Mapping[str, t.Any]


def encryption_step(founding: bool, recovered: t.Collection[str]) -> str:
    """What is done about the encryption key, in words."""
    if not founding:
        return "write the cluster's encryption key"
    if recovery.ENCRYPTION in recovered:
        return "write the encryption key of the recovery file"
    return "make the key that encrypts Secrets at rest"


def write_encryption(founding: bool, recovered: t.Collection[str], material: Material | None) -> None:
    """Writes the encryption key: the cluster's, the recovery file's, or a new one.

    :raises PlatformError: the first two were not handed over.
    """
    host.make_directory(paths.SETTINGS, 0o700)
    if founding and recovery.ENCRYPTION not in recovered:
        content = settings.new_encryption()
    elif founding:
        content = _recovered(recovery.ENCRYPTION, material)
    elif material and material.get("encryption"):
        content = str(material["encryption"])
    else:
        raise PlatformError("the join material holds no encryption key")
    host.write(paths.ENCRYPTION, content, 0o600)


def add_recovered(steps: Steps, recovered: t.Collection[str], material: Material | None, found: Holding) -> None:
    """Adds certificates and keys of the recovery file, which kubeadm then uses instead of making its own.

    A founding that goes on has them already.
    """
    if found.resumable:
        return
    for name in (name for name in recovered if name != recovery.ENCRYPTION):
        steps.add(
            f"file:{recovery.KEYS[name]}",
            "create",
            f"write {name} of the recovery file",
            functools.partial(_write, name, material),
            after="(secret)",
        )


def _write(name: str, material: Material | None) -> None:
    path = recovery.KEYS[name]
    for directory in (paths.PKI, os.path.dirname(path)):
        host.make_directory(directory, 0o755)
    host.write(path, _recovered(name, material), 0o644 if name.endswith(".crt") else 0o600)


def _recovered(name: str, material: Material | None) -> str:
    """A key of the recovery file. New ones must not be made in its place."""
    text = ((material or {}).get("recovery") or {}).get(name)
    if not text:
        raise PlatformError(f"the {name} of the recovery file was not handed over")
    return str(text)
