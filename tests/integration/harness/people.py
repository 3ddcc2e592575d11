# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs an operation of the collection as its module would, and talks to the API as somebody else."""

from __future__ import annotations

import json
import ssl
import time
import typing as t
from dataclasses import dataclass

import urllib3
from ansible_collections.lodestar.platform.plugins.module_utils.kube.connection import Connection
from ansible_collections.lodestar.platform.plugins.module_utils.operation import Context, Operation

from .apiserver import ApiServer


def execute(operation: Operation, connection: Connection, check: bool = False, **given: t.Any) -> dict[str, t.Any]:
    """The operation's result, with the defaults of its arguments."""
    params = {name: spec.get("default") for name, spec in operation.arguments.items()}
    access = {"server": connection.server, "ca_data": connection.ca_data, "token": connection.token}
    return operation.execute({**params, "access": access, "cluster": "east", **given}, Context(environ={}), check)


def until(check: t.Callable[[], bool], patience: float = 30) -> None:
    """Waits for what a server takes up in its own time, such as a right that was given or taken away.

    :raises AssertionError: after ``patience`` seconds.
    """
    end = time.monotonic() + patience
    while not check():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.1)


def steps(result: dict[str, t.Any]) -> list[str]:
    """What a result says was done: ``action id`` of each step."""
    assert not result.get("failed"), result.get("msg")
    return [f"{step['action']} {step['id']}" for step in result["plan"]]


@dataclass(frozen=True)
class Answer:
    """What the API server said."""

    status: int
    body: dict[str, t.Any]
    warnings: list[str]

    @property
    def message(self) -> str:
        """Why it refused; empty when it did not."""
        return str(self.body.get("message", "")) if self.status >= 400 else ""


class Person:
    """Somebody with cluster-admin rights: C(dev) by default, or in other groups by impersonation."""

    def __init__(self, api: ApiServer, *groups: str, user: str = "dev") -> None:
        self._url = api.url
        context = ssl.create_default_context(cadata=api.runner.ca_data)
        self._pool = urllib3.PoolManager(ssl_context=context, retries=False)
        self._headers = urllib3.HTTPHeaderDict(
            {"Authorization": f"Bearer {api.runner.token}", "Impersonate-User": user}
        )
        for group in groups:
            self._headers.add("Impersonate-Group", group)

    def call(self, method: str, path: str, body: t.Any = None, kind: str = "application/json") -> Answer:
        """One request. The path may hold a query."""
        headers = self._headers.copy()
        headers["Content-Type"] = kind
        content = json.dumps(body) if body is not None else None
        response = self._pool.request(method, self._url + path, body=content, headers=headers)
        # A warning is: code, agent, quoted text (RFC 7234, 5.5).
        told = [str(json.loads(line.split(" ", 2)[2])) for line in response.headers.getlist("Warning")]
        return Answer(response.status, json.loads(response.data), told)

    def post(self, path: str, body: t.Any, dry_run: bool = True) -> Answer:
        """Creates something, or only asks whether it would be let through."""
        return self.call("POST", path + ("?dryRun=All" if dry_run else ""), body)

    def patch(self, path: str, body: t.Any, kind: str = "application/merge-patch+json") -> Answer:
        """Changes something."""
        return self.call("PATCH", path, body, kind)
