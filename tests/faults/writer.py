# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client that goes on writing through a cluster's endpoint, and knows afterwards which writes were acknowledged."""

from __future__ import annotations

import http.client
import json
import threading
import time
import typing as t
import urllib.parse
from dataclasses import dataclass, field

from ansible_collections.lodestar.platform.plugins.module_utils.kube import connection, tls

from tests.e2e.driver import Fleet

_NAME = "lodestar-writer"
_INTERVAL = 0.2
_TIMEOUT = 2.0


@dataclass
class Written:
    """What became of the writes.

    :param acknowledged: their numbers.
    :param failed: how many were refused or not answered.
    :param gap: the longest time, in seconds, between two acknowledged ones.
    :param lost: acknowledged, and not there at the end.
    """

    acknowledged: list[int] = field(default_factory=list)
    failed: int = 0
    gap: float = 0.0
    lost: list[int] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Failed requests as a share of all."""
        return self.failed / max(1, self.failed + len(self.acknowledged))

    def __str__(self) -> str:
        return (
            f"{len(self.acknowledged)} acknowledged, {len(self.lost)} lost, {self.failed} failed ({self.share:.1%}),"
            f" longest gap {self.gap:.1f} s"
        )


class Writer:
    """Adds a key to a ConfigMap every 200 ms, until it is left. Use it as a context; C(written) is whole afterwards."""

    def __init__(self, fleet: Fleet, context: str) -> None:
        self.fleet, self.context = fleet, context
        self.written = Written()
        settings = {"kubeconfig": str(fleet.state / "kubeconfig"), "context": context}
        resolved = connection.resolve({**dict.fromkeys(connection.ARGUMENTS), **settings}, {})
        address = urllib.parse.urlsplit(resolved.server)
        self._connection = http.client.HTTPSConnection(
            address.hostname or "", address.port, context=tls.context(resolved), timeout=_TIMEOUT
        )
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> t.Self:
        self.fleet.kubectl(self.context, "delete", "configmap", _NAME, "--ignore-not-found")
        self.fleet.kubectl(self.context, "create", "configmap", _NAME)
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._end.set()
        self._thread.join(30)
        self._connection.close()
        there = self.fleet.get(self.context, "configmap", _NAME).get("data") or {}
        self.written.lost = [number for number in self.written.acknowledged if f"w{number}" not in there]

    def _run(self) -> None:
        number, last = 0, time.monotonic()
        while not self._end.wait(_INTERVAL):
            number += 1
            if not self._write(number):
                self.written.failed += 1
                continue
            now = time.monotonic()
            self.written.acknowledged.append(number)
            self.written.gap, last = max(self.written.gap, now - last), now

    def _write(self, number: int) -> bool:
        headers = {"Content-Type": "application/merge-patch+json"}
        body = json.dumps({"data": {f"w{number}": "1"}})
        try:
            self._connection.request("PATCH", f"/api/v1/namespaces/default/configmaps/{_NAME}", body, headers)
            answer = self._connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            return False
        return answer.status == 200
