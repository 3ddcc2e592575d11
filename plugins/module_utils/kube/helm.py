# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Renders Helm charts with the program helm that the operator has. Private to the collection.

The program gets no credential of a cluster and asks none: what a chart wants to know of one is told by arguments.
Values and passwords reach it by its standard input or by files that only this user may read, never by its arguments.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import PlatformError

OCI = "oci://"
#: A registry may have to be asked.
_SECONDS = 120
_QUOTED = 2000
_APIS_AT_ONCE = 200
#: By these helm would reach a cluster, or render for another namespace than it is told.
_CLUSTERS = ("KUBECONFIG", "K8S_AUTH_", "HELM_KUBE", "HELM_NAMESPACE")
_INSTALL = (
    "Install helm 3 or 4 for the user that runs this task, or give the text that it renders as objects; nothing was "
    "changed."
)


class HelmFailed(PlatformError):
    """The program has refused a chart. The message is its own words, which may repeat a chart's values."""


@dataclass(frozen=True)
class Registry:
    """How to get at charts in a registry, which is always verified by TLS.

    :param ca_file: the CA that it is verified by; the system's by default.
    :param username: to sign on with, and C(password); without it what the user's C(helm registry login) has kept.
    """

    ca_file: str = ""
    username: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True)
class Release:
    """What a chart is rendered for.

    :param files: of values, the later ones win; C(values) win over all of them.
    :param capabilities: the version of Kubernetes and the APIs that templates are told; None for helm's own.
    """

    name: str
    namespace: str
    files: tuple[str, ...] = ()
    values: t.Mapping[str, t.Any] = field(default_factory=dict, repr=False)
    include_crds: bool = False
    capabilities: tuple[str, tuple[str, ...]] | None = None


class Helm:
    """The program.

    :param environ: C(PATH) of it says where C(helm) is.
    :raises PlatformError: it is not there; says what to install.
    """

    def __init__(self, environ: t.Mapping[str, str]) -> None:
        found = shutil.which("helm", path=environ.get("PATH"))
        if found is None:
            raise PlatformError(f"A delivery has a chart, and helm is not on the PATH of this task. {_INSTALL}")
        self._program = found
        kept = {key: value for key, value in environ.items() if not key.startswith(_CLUSTERS)}
        self._environ = {**kept, "KUBECONFIG": os.devnull}

    def template(self, chart: str, release: Release) -> str:
        """The manifests of a chart that lies on this machine, hooks among them, as text.

        :raises HelmFailed: the chart cannot be rendered.
        """
        arguments = ["template", release.name, chart, "--namespace", release.namespace]
        arguments += ["--include-crds"] if release.include_crds else []
        if release.capabilities is not None:
            version, apis = release.capabilities
            arguments += ["--kube-version", version]
            # One argument of all of them could be longer than Linux takes.
            for begin in range(0, len(apis), _APIS_AT_ONCE):
                arguments += ["--api-versions", ",".join(apis[begin : begin + _APIS_AT_ONCE])]
        for file in release.files:
            arguments += ["--values", file]
        return self._run([*arguments, "--values", "-"], json.dumps(release.values))

    def pull(self, chart: str, version: str, registry: Registry, folder: str) -> str:
        """Fetches a chart from a registry into a folder that is empty and private. Returns where it lies.

        :param version: empty where the chart is named by its digest.
        :raises HelmFailed: there is no such chart, or the registry is not to be had or not to be trusted.
        """
        environ = dict(self._environ)
        if registry.username:
            environ["HELM_REGISTRY_CONFIG"] = _sign_on(chart, registry, folder)
        arguments = ["pull", chart, "--destination", folder]
        arguments += ["--version", version] if version else []
        arguments += ["--ca-file", registry.ca_file] if registry.ca_file else []
        self._run(arguments, "", environ)
        found = sorted(Path(folder).glob("*.tgz"))
        if len(found) != 1:
            raise HelmFailed(f"{len(found)} charts came where one was asked for")
        return str(found[0])

    def _run(self, arguments: t.Sequence[str], given: str, environ: t.Mapping[str, str] | None = None) -> str:
        try:
            done = subprocess.run(
                [self._program, *arguments],
                env=environ or self._environ,
                input=given,
                capture_output=True,
                text=True,
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise HelmFailed(f"{self._program} {arguments[0]} did not end within {_SECONDS} s") from None
        except (OSError, UnicodeDecodeError) as exc:
            raise PlatformError(f"{self._program} cannot be run: {exc}. {_INSTALL}") from exc
        if done.returncode != 0:
            said = [line for line in done.stderr.splitlines() if line.strip() and not line.startswith("Use --debug")]
            raise HelmFailed("\n".join(said).removeprefix("Error: ")[-_QUOTED:] or f"exit status {done.returncode}")
        return done.stdout


def _sign_on(chart: str, registry: Registry, folder: str) -> str:
    """A file for helm that holds the user's name and password for the chart's registry alone."""
    host = chart.removeprefix(OCI).partition("/")[0]
    pair = base64.b64encode(f"{registry.username}:{registry.password}".encode()).decode()
    path = Path(folder) / "registry.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps({"auths": {host: {"auth": pair}}}), encoding="utf-8")
    return str(path)
