# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many clusters at the cost of one process: simulated API servers that answer what a real one has answered.

A recording is made of a real API server: everything that its audit log says was asked since a mark is asked once more,
as the same user. Each simulated cluster has a name, a UID, a port, a CA and a token of its own.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
import typing as t
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.lodestar.platform.plugins.module_utils.fleet import properties
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.records import Declared
from ansible_collections.lodestar.platform.plugins.module_utils.kube.applyset import digest
from ansible_collections.lodestar.platform.plugins.module_utils.kube.connection import Connection
from ansible_collections.lodestar.platform.plugins.module_utils.kube.transport import Transport

from . import pki
from .apiserver import Request

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Recording:
    """What one cluster has answered.

    :param name: its name in the fleet, and ``uid`` its identity: what is another one in each simulated cluster.
    :param answers: by request target, C(status), C(content_type) and C(body).
    """

    name: str
    uid: str
    answers: dict[str, dict[str, t.Any]]

    @staticmethod
    def make(name: str, uid: str, connection: Connection, asked: t.Iterable[Request]) -> Recording:
        """Asks a real server again what it was asked.

        :param connection: as the user whose requests these were.
        :raises AssertionError: one of them was no read.
        """
        requests = list(asked)
        assert requests, "nothing was asked"
        assert {request.verb for request in requests} <= {"get", "list"}, requests
        transport = Transport(connection, 1)
        headers = {"Authorization": f"Bearer {connection.token}", "Accept": "application/json"}
        answers = {}
        for target in sorted({request.uri for request in requests}):
            response = transport.exchange("GET", target, headers, None, time.monotonic() + 10)
            answers[target] = {
                "status": response.status,
                "content_type": response.headers["content-type"],
                "body": response.body.decode(),
            }
        transport.close()
        return Recording(name, uid, answers)


@dataclass
class Simulated:
    """One simulated cluster. The token is as long as a real one; the port is known once it runs."""

    name: str
    token: str = field(repr=False)
    uid: str = field(default_factory=lambda: str(uuid.uuid4()))
    authority: pki.Authority = field(default_factory=pki.Authority, repr=False)
    port: int = 0

    @property
    def url(self) -> str:
        """Address of its API server."""
        return f"https://127.0.0.1:{self.port}"

    @property
    def ca_data(self) -> str:
        """PEM of its CA."""
        return self.authority.pair.certificate


def _digests(name: str) -> list[str]:
    """What the ClusterProperties of a cluster carry of what was declared, which its name is a part of."""
    return [digest(obj) for obj in properties.objects(Declared(name, "attach", "workload"))]


class SimulatedFleet:
    """Entered, every cluster listens on a port of its own."""

    def __init__(self, recording: Recording, clusters: t.Sequence[Simulated]) -> None:
        self.clusters = {cluster.name: cluster for cluster in clusters}
        self._recording = recording
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> SimulatedFleet:
        command = [sys.executable, "-m", "tests.integration.harness.replay"]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        clusters = [self._declared(cluster) for cluster in self.clusters.values()]
        ports = self._ask({"answers": self._recording.answers, "clusters": clusters})
        for name, port in ports.items():
            self.clusters[name].port = port
        return self

    def __exit__(self, *_exc: object) -> None:
        process = t.cast("subprocess.Popen[str]", self._process)
        with process:
            process.terminate()

    def report(self) -> dict[str, dict[str, t.Any]]:
        """By cluster what has happened since the last report: C(requests), C(connections), C(writes), C(unauthorized)
        and C(unrecorded), the requests that the recorded cluster was never asked; what did not happen is missing."""
        answer: dict[str, dict[str, t.Any]] = self._ask({"do": "report"})
        return answer

    @contextlib.contextmanager
    def swallowing(self, name: str) -> t.Iterator[None]:
        """A cluster takes connections and answers nothing meanwhile."""
        self._ask({"do": "swallow", "name": name, "on": True})
        try:
            yield
        finally:
            self._ask({"do": "swallow", "name": name, "on": False})

    def _declared(self, cluster: Simulated) -> dict[str, t.Any]:
        serving = cluster.authority.serving()
        return {
            "name": cluster.name,
            "token": cluster.token,
            "certificate": serving.certificate,
            "key": serving.key,
            "words": {
                self._recording.uid: cluster.uid,
                **dict(zip(_digests(self._recording.name), _digests(cluster.name), strict=True)),
                self._recording.name: cluster.name,
            },
        }

    def _ask(self, command: t.Mapping[str, t.Any]) -> t.Any:
        process = t.cast("subprocess.Popen[str]", self._process)
        stdin, stdout = t.cast(t.IO[str], process.stdin), t.cast(t.IO[str], process.stdout)
        stdin.write(json.dumps(command) + "\n")
        stdin.flush()
        line = stdout.readline()
        assert line, "the process of the simulated clusters has ended"
        return json.loads(line)
