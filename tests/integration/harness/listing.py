# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a cluster holds, to be compared with what it held before."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.kube.connection import Connection

Object = dict[str, t.Any]
#: What a cluster writes by itself all the time, and what is no object.
NOT_COMPARED = ("events", "leases", "endpointslices", "endpoints", "componentstatuses")
MEASURED = "metrics.k8s.io"
COUNTED = ("resourceVersion", "uid", "generation", "creationTimestamp", "managedFields")


def everything(connection: Connection) -> dict[str, Object]:
    """Every object of every kind that the server lists, without what it counts by itself and without status."""
    with Client(connection) as client:
        groups = [item for item in client.request("GET", "/apis")["groups"] if item["name"] != MEASURED]
        bases = ["/api/v1", *(f"/apis/{group['preferredVersion']['groupVersion']}" for group in groups)]
        return dict(item for base in bases for item in _group(client, base))


def _group(client: Client, base: str) -> t.Iterator[tuple[str, Object]]:
    for resource in client.request("GET", base)["resources"]:
        name = str(resource["name"])
        if "/" in name or "list" not in resource["verbs"] or name in NOT_COMPARED:
            continue
        for item in client.request("GET", f"{base}/{name}")["items"]:
            metadata = {key: value for key, value in item["metadata"].items() if key not in COUNTED}
            kept = {key: value for key, value in item.items() if key not in ("status", "metadata")}
            yield f"{base}/{name}/{metadata.get('namespace', '')}/{metadata['name']}", {**kept, "metadata": metadata}


def differences(before: dict[str, Object], after: dict[str, Object]) -> list[str]:
    """A line for each object that is not as it was."""
    return [
        f"{key}: {before.get(key)} -> {after.get(key)}"
        for key in sorted(set(before) | set(after))
        if before.get(key) != after.get(key)
    ]


def settled(connection: Connection, before: dict[str, Object], patience: float = 30) -> list[str]:
    """What still differs once the collector of garbage had its time."""
    until = time.monotonic() + patience
    while (found := differences(before, everything(connection))) and time.monotonic() < until:
        time.sleep(0.5)
    return found
