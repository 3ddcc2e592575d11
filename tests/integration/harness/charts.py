# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Helm charts that tests make, and helm itself, with a note of how it was called."""

from __future__ import annotations

import io
import json
import tarfile
import typing as t
from dataclasses import dataclass
from pathlib import Path

Object = dict[str, t.Any]

#: Says of a release what its values and the cluster say; the password is as secret as anything in a Secret.
SETTINGS = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-settings
  labels: {app.kubernetes.io/managed-by: {{ .Release.Service }}}
data:
  mode: {{ .Values.mode | quote }}
  size: {{ .Values.size | default "none" | quote }}
  namespace: {{ .Release.Namespace }}
"""
#: Notes the arguments, and whatever of the environment is about clusters; then it is the real one.
_NOTING = """\
#!/bin/sh
echo "$* KUBECONFIG=$KUBECONFIG ${K8S_AUTH_API_KEY:+K8S_AUTH_API_KEY}" >> "%s"
exec "%s" "$@"
"""


@dataclass(frozen=True)
class Helm:
    """A folder to be the only one on the PATH, in which helm notes how it was called."""

    folder: Path

    @staticmethod
    def noting(program: Path, folder: Path) -> Helm:
        """Wraps the real program."""
        folder.mkdir()
        script = folder / "helm"
        script.write_text(_NOTING % (folder / "calls", program))
        script.chmod(0o755)
        return Helm(folder)

    @property
    def environ(self) -> dict[str, str]:
        """The environment of a task; a cluster's credential stands in it, which helm must not get."""
        known = {"HOME": str(self.folder), "K8S_AUTH_API_KEY": "a-token", "KUBECONFIG": "/root/.kube/config"}
        return {"PATH": f"{self.folder}:/usr/bin:/bin", **known}

    def calls(self) -> list[str]:
        """The calls since this was asked last."""
        path = self.folder / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return lines


def made(folder: Path, templates: t.Mapping[str, str], values: t.Any = None, **about: t.Any) -> Path:
    """Writes a chart as a directory, with these templates, default values, and whatever else its Chart.yaml says."""
    (folder / "templates").mkdir(parents=True)
    about = {"apiVersion": "v2", "name": folder.name, "version": "1.2.3", **about}
    (folder / "Chart.yaml").write_text("\n".join(f"{key}: {json.dumps(value)}" for key, value in about.items()) + "\n")
    (folder / "values.yaml").write_text(json.dumps({"mode": "plain", **(values or {})}))
    for name, text in templates.items():
        (folder / "templates" / name).write_text(text)
    return folder


def packed(chart: Path) -> bytes:
    """A chart as helm packages it."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        archive.add(chart, chart.name)
    return stream.getvalue()
