# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The writes by which the hub says what placements decide by: taints and scores. Private to the collection."""

from __future__ import annotations

import typing as t

from ..fleet.records import CLUSTER_API
from ..kube.client import Client
from ..kube.errors import Conflict
from ..plan import Step
from . import health, score_object
from .selection import Object

#: After the records, whose condition the taints follow.
_TAINT_WAVE, _SCORE_WAVE = 3001, 3002
_ATTEMPTS = 3


def taint_step(hub: Client, target: str, record: Object, available: str, access_lost: bool, now: str) -> Step | None:
    """Gives a cluster the taints of its health, and takes away those that it has no more; None if it has them.

    :param record: its ManagedCluster.
    :param available: what its condition will say.
    """
    name = str(record["metadata"]["name"])

    def wanted(obj: Object) -> tuple[list[Object], list[Object]]:
        there = list((obj.get("spec") or {}).get("taints") or ())
        return there, health.tainted(there, available, access_lost, now)

    before, after = wanted(record)
    if before == after:
        return None
    return Step(
        id=f"{CLUSTER_API}/ManagedCluster/{name}#taints",
        action="update",
        target=target,
        description=f"write the taints of ManagedCluster {name}",
        before={"taints": before},
        after={"taints": after},
        perform=lambda: _write_taints(hub, name, wanted),
        wave=_TAINT_WAVE,
    )


def _write_taints(hub: Client, name: str, wanted: t.Callable[[Object], tuple[list[Object], list[Object]]]) -> None:
    """The list is one field for all who write taints, so it is written only as it was read."""
    for attempt in range(_ATTEMPTS):
        found = hub.get(CLUSTER_API, "ManagedCluster", name)
        before, after = wanted(found or {})
        if found is None or before == after:
            return
        version = {"resourceVersion": found["metadata"]["resourceVersion"]}
        try:
            hub.merge(CLUSTER_API, "ManagedCluster", name, {"metadata": version, "spec": {"taints": after or None}})
            return
        except Conflict:
            if attempt == _ATTEMPTS - 1:
                raise


def score_step(
    hub: Client, target: str, cluster: str, found: Object | None, status: dict[str, t.Any] | None
) -> Step | None:
    """Writes the scores of a cluster; removes the object where there are none to be kept.

    :param found: the object as it is.
    :param status: of :func:`score_object.status`, None where nothing is to be written.
    """
    if status is None:
        return None
    identity = {"id": f"{score_object.SCORE_API}/{score_object.KIND}/{cluster}/{score_object.NAME}", "target": target}
    if not status["scores"] and not status["conditions"]:
        return end_step(hub, target, found) if found is not None else None
    obj = score_object.render(cluster)

    def perform() -> None:
        if found is None:
            hub.apply(obj)
        place = {key: obj["metadata"][key] for key in ("name", "namespace")}
        hub.apply({**obj, "metadata": place, "status": status}, force=True, subresource="status")

    return Step(
        **identity,
        action="create" if found is None else "update",
        description=f"write the scores of {cluster}",
        before=None if found is None else {"scores": score_object.values_of(found)},
        after={"scores": {item["name"]: item["value"] for item in status["scores"]}},
        perform=perform,
        wave=_SCORE_WAVE,
    )


def end_step(hub: Client, target: str, found: Object) -> Step:
    """Removes the scores of a cluster."""
    metadata = found["metadata"]
    name, namespace = str(metadata["name"]), str(metadata["namespace"])
    place = (score_object.SCORE_API, score_object.KIND, name, namespace)
    return Step(
        id=f"{score_object.SCORE_API}/{score_object.KIND}/{namespace}/{name}",
        action="delete",
        target=target,
        description=f"delete the scores of {namespace}",
        before={"scores": score_object.values_of(found)},
        perform=lambda: hub.delete(*place, metadata.get("uid")),
        wave=_SCORE_WAVE,
    )
