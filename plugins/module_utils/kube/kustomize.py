# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds a kustomization with the program that the operator has. Private to the collection."""

from __future__ import annotations

import shutil
import subprocess
import typing as t

from ..errors import PlatformError

#: The names under which a directory's kustomization is found.
KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_COMMANDS = (("kustomize", "build"), ("kubectl", "kustomize"))
#: Remote bases are fetched meanwhile.
_SECONDS = 120
_QUOTED = 2000


def build(folder: str, environ: t.Mapping[str, str]) -> str:
    """The manifests of a kustomization, as text. The program gets no credential of a cluster.

    :param environ: C(PATH) of it says where C(kustomize) or C(kubectl) is.
    :raises PlatformError: neither is there, or it fails; its own words are part of the message.
    """
    program, *arguments = _command(folder, environ)
    kept = {key: value for key, value in environ.items() if not key.startswith("K8S_AUTH_") and key != "KUBECONFIG"}
    try:
        done = subprocess.run(
            [program, *arguments, folder],
            env=kept,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise PlatformError(f"src {folder}: {program} did not end within {_SECONDS} s; nothing was changed") from None
    except OSError as exc:
        raise PlatformError(f"src {folder}: {program} cannot be run: {exc.strerror}; nothing was changed") from exc
    if done.returncode != 0:
        said = done.stderr.strip()[-_QUOTED:] or f"exit status {done.returncode}"
        raise PlatformError(f"src {folder}: the kustomization cannot be built, nothing was changed: {said}")
    return done.stdout


def _command(folder: str, environ: t.Mapping[str, str]) -> list[str]:
    for name, verb in _COMMANDS:
        program = shutil.which(name, path=environ.get("PATH"))
        if program is not None:
            return [program, verb]
    raise PlatformError(
        f"src {folder} is a kustomization, and neither kustomize nor kubectl is on the PATH of this task. Install one "
        "of them, or give its output as objects; nothing was changed."
    )
