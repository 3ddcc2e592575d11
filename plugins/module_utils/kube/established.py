# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting for what a write makes possible. Private to the collection."""

from __future__ import annotations

import functools
import time
import typing as t

from .client import Client
from .errors import NotFound
from .resources import from_crd
from .wait import missing, pod_trouble, wait_for

_CRD_DEADLINE = 30.0
_MOST_PODS = 8


def wait_established(client: Client, crd: t.Mapping[str, t.Any]) -> None:
    """Waits until a CRD is established and each of its versions is served: the first happens before the second.

    :raises wait.NotReady: after 30 s.
    """
    name = crd["metadata"]["name"]
    wait_for(
        missing, lambda: client.get("apiextensions.k8s.io/v1", "CustomResourceDefinition", name), _CRD_DEADLINE, 0.1
    )
    resources = from_crd(crd)
    client.learn(resources)
    for resource in resources:
        client.forget(resource.api_version)
        path = resource.path()
        wait_for(str, functools.partial(_unserved, client, path), _CRD_DEADLINE, 0.1)


def _unserved(client: Client, path: str) -> str:
    try:
        client.request("GET", path, query={"limit": 1})
    except NotFound:
        return f"{path} is not served"
    return ""


def wait_ready(
    client: Client,
    objects: t.Iterable[t.Mapping[str, t.Any]],
    deadline: float,
    pause: t.Callable[[float], object] = time.sleep,
) -> None:
    """Waits until all of these objects are ready, and names at the deadline what is missing and the pods behind it.

    :param objects: only apiVersion, kind, name and namespace are read from them.
    :param pause: waits so many seconds; may raise to end it all.
    :raises wait.NotReady: at the deadline.
    """
    left = list(objects)

    def read() -> list[tuple[t.Mapping[str, t.Any], str]]:
        found = []
        for obj in left:
            metadata = obj["metadata"]
            there = client.get(obj["apiVersion"], obj["kind"], metadata["name"], metadata.get("namespace"))
            text = missing(there) if there is not None else f"{obj['kind']} {metadata['name']} does not exist"
            if text:
                found.append((there or obj, text))
        left[:] = [obj for obj, _text in found]
        return found

    def explain() -> str:
        return "\n".join(line for obj in left for line in pods_behind(client, obj))

    wait_for(lambda found: "; ".join(text for _obj, text in found), read, deadline, 1.0, explain, pause)


def pods_behind(client: Client, workload: t.Mapping[str, t.Any]) -> list[str]:
    """What ails the pods that a workload's selector matches: one line a pod that is not ready, at most eight."""
    labels = ((workload.get("spec") or {}).get("selector") or {}).get("matchLabels") or {}
    if not labels:
        return []
    selector = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
    pods = client.list("v1", "Pod", namespace=workload["metadata"].get("namespace"), label_selector=selector)
    lines = [f"Pod {pod['metadata']['name']}: {pod_trouble(pod)}" for pod in pods if missing(pod)]
    return lines[:_MOST_PODS] or ([] if pods else [f"no pods match {selector}"])
