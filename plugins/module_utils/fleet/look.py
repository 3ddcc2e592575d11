# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a cluster says of itself, and what many say at once: each within a deadline, none keeps the others waiting.

Private to the collection.
"""

from __future__ import annotations

import datetime
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor

from ..errors import PlatformError
from ..kube import wait
from ..kube.applyset import ID
from ..kube.client import Client
from ..kube.errors import NONSENSE, Forbidden
from . import checks_distribution, records
from .access_info import judge, kube_system_uid, stored_access
from .identity import NAMESPACE, Mark, read_mark

Object = t.Mapping[str, t.Any]
#: What is read of a cluster besides, from its client and its Nodes.
Further = t.Callable[[Client, t.Sequence[Object]], dict[str, t.Any]]
#: The labels of a Node that say what it is for.
_ROLE = "node-role.kubernetes.io/"


def observe(client: Client, cluster: str) -> records.Observed:
    """Identity, version, distribution and nodes of a cluster. Costs four requests.

    :raises ApiError: the cluster does not answer, or refuses to.
    """
    uid = kube_system_uid(client, cluster)
    version = str(client.version()["gitVersion"])
    groups = [str(item["name"]) for item in client.request("GET", "/apis").get("groups") or ()]
    nodes = client.list("v1", "Node")
    made = client.connection
    found = checks_distribution.recognise(version, groups, nodes)
    return records.Observed(uid, made.server, made.ca_data, version, nodes, found, groups)


def facts(client: Client, cluster: str) -> dict[str, t.Any]:
    """What :func:`observe` sees, as plain data."""
    seen = observe(client, cluster)
    return {
        "server": seen.server,
        "uid": seen.uid,
        "version": seen.version,
        "distribution": {"name": seen.distribution.name, "evidence": seen.distribution.evidence},
        "api_groups": sorted(seen.api_groups),
        "nodes": [node(item) for item in sorted(seen.nodes, key=lambda item: str(item["metadata"]["name"]))],
        "capacity": records.total(seen.nodes, "capacity"),
        "allocatable": records.total(seen.nodes, "allocatable"),
    }


def ours(client: Client) -> dict[str, t.Any]:
    """What the platform has on a cluster: C(mark) (C(hub_uid), C(cluster)) and C(sets), the sets of objects by name.

    Costs two requests. C(sets) is ``None`` where this identity may not see them.
    """
    mark = read_mark(client.get("v1", "Namespace", NAMESPACE))
    try:
        sets = client.list("v1", "ConfigMap", namespace=NAMESPACE, label_selector=ID)
    except Forbidden:
        return {"mark": _told(mark), "sets": None}
    return {
        "mark": _told(mark),
        "sets": sorted(str(item["metadata"]["name"]).removeprefix("applyset-") for item in sets),
    }


def _told(mark: Mark | None) -> dict[str, str] | None:
    return None if mark is None else {"hub_uid": mark.hub_uid, "cluster": mark.cluster}


def node(found: Object) -> dict[str, t.Any]:
    """A Node in short. Pure."""
    status, spec, metadata = found.get("status") or {}, found.get("spec") or {}, found["metadata"]
    labels = metadata.get("labels") or {}
    return {
        "name": str(metadata["name"]),
        "ready": wait.is_ready(found),
        "schedulable": not spec.get("unschedulable"),
        "version": (status.get("nodeInfo") or {}).get("kubeletVersion"),
        "architecture": (status.get("nodeInfo") or {}).get("architecture"),
        "roles": sorted(key.removeprefix(_ROLE) for key in labels if key.startswith(_ROLE)),
        "addresses": [str(item["address"]) for item in status.get("addresses") or ()],
        "taints": [dict(item) for item in spec.get("taints") or ()],
    }


def live(hub: Client, cluster: str, deadline: float, further: Further | None = None) -> dict[str, t.Any]:
    """Tries the access that the hub keeps for a cluster: C(state) and C(reason) of :func:`access_info.judge`,
    C(expires), C(seconds) of its fastest answer, C(version) and the number of C(nodes), C(ready) and C(total).

    Costs the hub one request and the cluster three. It raises nothing: what is wrong is the answer.

    :param further: reads more from the same client, given the Nodes; what it returns is part of the answer.
    """
    answer: dict[str, t.Any] = dict.fromkeys(("expires", "tier", "seconds", "version", "nodes"))
    try:
        stored = stored_access(hub, cluster)
        if stored is None:
            return {**answer, "state": "absent", "reason": "the hub keeps no access for it"}
        answer.update(expires=stored.expires, tier=stored.tier)
        until = time.monotonic() + deadline
        state, reason, access = judge(stored, datetime.datetime.now(datetime.UTC), deadline)
        answer.update(state=state, reason=reason)
        if access is not None:
            with Client(stored.connection, deadline=deadline, until=max(until, time.monotonic() + 1.0)) as client:
                there = client.list("v1", "Node")
                nodes = [node(item) for item in there]
                answer.update(version=str(client.version()["gitVersion"]), seconds=round(client.latency, 4))
                answer.update(further(client, there) if further is not None else {})
            answer["nodes"] = {"ready": sum(item["ready"] for item in nodes), "total": len(nodes)}
    except PlatformError as exc:
        answer.update(state="refused" if getattr(exc, "status", None) else "unreachable", reason=str(exc))
    except NONSENSE as exc:
        # One cluster that answers nonsense must not keep the others from being told.
        reason = f"{cluster} answers with something that is no object of Kubernetes ({type(exc).__name__})"
        answer.update(state="unreachable", reason=reason)
    return answer


def live_all(
    hub: Client, clusters: t.Sequence[str], deadline: float, at_once: int, further: Further | None = None
) -> dict[str, dict[str, t.Any]]:
    """:func:`live` of many clusters, C(at_once) of them at a time."""
    with ThreadPoolExecutor(max_workers=max(1, min(at_once, len(clusters)))) as pool:
        return dict(zip(clusters, pool.map(lambda name: live(hub, name, deadline, further), clusters), strict=True))
