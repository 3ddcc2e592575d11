# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lets the bundle's API server judge what it would be started with, on the controller. Private to the collection."""

from __future__ import annotations

import socket
import typing as t
from pathlib import Path

from ansible_collections.lodestar.platform.plugins.module_utils.bundle import flags, manifest
from ansible_collections.lodestar.platform.plugins.module_utils.machine import arguments, authentication


def unknown_arguments(bundle: manifest.Manifest, cluster: t.Mapping[str, t.Any]) -> dict[str, str | None]:
    """Declared arguments that the bundle's API server does not know."""
    declared = cluster.get("api_server_args") or {}
    return arguments.unknown(declared, flags.api_server_help(bundle, cluster["version"])) if declared else {}


def refused_authentication(bundle: manifest.Manifest, cluster: t.Mapping[str, t.Any]) -> str:
    """What the bundle's API server has against the declared sign-on; empty where it has nothing, or cannot be asked."""
    text = authentication.document(cluster)
    if text is None:
        return ""
    return authentication.refusal(flags.api_server_says(bundle, cluster["version"], _judging, text))


def _judging(folder: Path) -> list[str]:
    """The arguments, without the program's name. The keys are made for this one process, and sign nothing."""
    # A dependency of ansible-core, which ansible-test lacks where it imports every plugin.
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    public, private = folder / "tokens.pub", folder / "tokens.key"
    public.write_bytes(
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    private.touch(mode=0o600)
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    return authentication.judging(port, str(public), str(private), f"--cert-dir={folder}")[1:]
