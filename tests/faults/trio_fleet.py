# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fleet of five machines that come and go, and a client that writes all the while."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import tempfile
import threading
import time
import types
import typing as t
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.e2e.driver import ROOT, Fleet
from tests.faults.solo_fleet import members, overlay

INVENTORY = ROOT / "tests" / "faults" / "trio"
MACHINES = ("t1", "t2", "t3", "t4", "t5")

Variables = t.Mapping[str, t.Any]


@dataclass(frozen=True)
class Trio(Fleet):
    """Five machines for one cluster, the global one."""

    def operator(self) -> None:
        """Gives the tests an identity in the cluster."""
        self.testbed("operator", "--definition", str(self.definition))

    def empty(self, *machines: str) -> None:
        """New disks for machines."""
        self.testbed("reimage", *machines)

    def start_over(self) -> None:
        """Empty machines, and no key and no identity of a cluster of before."""
        self.empty(*MACHINES)
        for name in ("recovery-trio.json", "kubeconfig"):
            (self.state / name).unlink(missing_ok=True)

    def unready(self) -> list[str]:
        """Nodes that are not Ready."""
        items = self.get("trio", "nodes")["items"]
        return [
            item["metadata"]["name"]
            for item in items
            if not any(c["type"] == "Ready" and c["status"] == "True" for c in item["status"]["conditions"])
        ]

    def nodes(self) -> list[str]:
        """Names of all Nodes."""
        return sorted(item["metadata"]["name"] for item in self.get("trio", "nodes")["items"])

    def voters(self, machine: str) -> list[str]:
        """Names of etcd's members, each of which votes."""
        rows = [line.split() for line in members(self, machine)]
        assert all(row[1:] == ["started", "learner=false"] for row in rows), rows
        return [row[0] for row in rows]


def trio_fleet() -> Trio:
    """The suite's own."""
    return Trio("trio", ROOT / ".cache" / "testbed" / "trio", INVENTORY, INVENTORY / "testbed.yml")


def declared(
    directory: Path,
    control_plane: t.Sequence[str] | t.Mapping[str, Variables],
    workers: t.Sequence[str] = (),
    **cluster: t.Any,
) -> tuple[str, str]:
    """An inventory that gives machines a role, as arguments of ansible-playbook.

    :param directory: a new one below it is used.
    :param control_plane: names, or variables by name.
    :param cluster: variables of the cluster.
    """
    seats = control_plane if isinstance(control_plane, t.Mapping) else {name: {} for name in control_plane}
    groups = {
        group: {
            "hosts": {
                name: {"ansible_host": f"{{{{ testbed.machines.{name}.address }}}}", **variables}
                for name, variables in hosts.items()
            }
        }
        for group, hosts in (("trio_control_plane", seats), ("trio_workers", {name: {} for name in workers}))
        if hosts
    }
    files: dict[str, t.Any] = {"hosts.yml": {"machines": {"children": {"trio_machines": {"children": groups}}}}}
    if cluster:
        files["host_vars/trio.yml"] = cluster
    return overlay(Path(tempfile.mkdtemp(dir=directory)), files)


class Writer:
    """Writes a ConfigMap through the cluster's endpoint every 200 ms, and notes when that does not work."""

    def __init__(self, fleet: Fleet, context: str) -> None:
        config = yaml.safe_load((fleet.state / "kubeconfig").read_text())
        user = next(item["user"] for item in config["users"] if item["name"] == context)
        cluster = next(item["cluster"] for item in config["clusters"] if item["name"] == context)
        self._url = urllib.parse.urlsplit(cluster["server"])
        self._tls = ssl.create_default_context(
            cadata=base64.b64decode(cluster["certificate-authority-data"]).decode("ascii")
        )
        with tempfile.NamedTemporaryFile() as file:
            file.write(base64.b64decode(user["client-certificate-data"]))
            file.write(base64.b64decode(user["client-key-data"]))
            file.flush()
            self._tls.load_cert_chain(file.name)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.answers: list[float] = []
        self.failures: list[str] = []

    def __enter__(self) -> Writer:
        self._write(0)
        self.answers.append(time.monotonic())
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()
        self.answers.append(time.monotonic())

    def _run(self) -> None:
        number = 0
        while not self._done.wait(0.2):
            number += 1
            try:
                self._write(number)
            except (OSError, http.client.HTTPException) as exc:
                self.failures.append(repr(exc))
            else:
                self.answers.append(time.monotonic())

    def _write(self, number: int) -> None:
        path = "/api/v1/namespaces/default/configmaps/writer?fieldManager=test&force=true"
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "writer"}, "data": {"n": str(number)}}
        connection = http.client.HTTPSConnection(str(self._url.hostname), self._url.port, context=self._tls, timeout=2)
        try:
            connection.request("PATCH", path, json.dumps(body), {"Content-Type": "application/apply-patch+yaml"})
            answer = connection.getresponse()
            text = answer.read()
            if answer.status not in (200, 201):
                raise http.client.HTTPException(f"{answer.status} {text[:200]!r}")
        finally:
            connection.close()

    @property
    def longest(self) -> float:
        """Seconds of the longest time without an answer."""
        return max(later - earlier for earlier, later in zip(self.answers, self.answers[1:], strict=False))
