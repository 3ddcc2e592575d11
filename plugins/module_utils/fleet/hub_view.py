# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fleet as the hub records it, a plain mapping a cluster, with no credential in it. Private to the collection.

A *view* has C(name), C(uid), C(mode), C(role), C(cluster_set), C(labels) (those of the inventory), C(version),
C(distribution), C(server), C(capacity), C(allocatable), C(taints), C(available) (C(True), C(False) or C(Unknown)),
C(conditions), by type C(status), C(reason), C(message) and C(since), C(lacking), what the platform cannot do with it
and why, C(access_expires), when our access to it ends as far as it was recorded (RFC 3339), C(detaching), whether it is
on its way out, C(destroying), whether its end has begun, and C(destroying_since).
"""

from __future__ import annotations

import typing as t

from ..kube.applyset import PART_OF
from ..kube.client import Client
from ..kube.errors import Forbidden
from . import capabilities, records
from .identity import CLUSTER_LABEL, NAMESPACE, UID_LABEL
from .tombstone import DESTROYING, DETACHING, UNTOLD, Tombstone, read_ending
from .tombstone import read as read_tombstone

View = dict[str, t.Any]
Object = t.Mapping[str, t.Any]

#: OCM's condition that tells whether a cluster answers.
AVAILABLE = "ManagedClusterConditionAvailable"
_OWN_LABELS = frozenset(
    {
        CLUSTER_LABEL,
        UID_LABEL,
        records.ROLE_LABEL,
        records.MODE_LABEL,
        records.CLUSTER_SET_LABEL,
        PART_OF,
        DETACHING,
        DESTROYING,
    },
)


def read(hub: Client, names: t.Collection[str] = (), label_selector: str | None = None) -> list[View]:
    """The clusters that the hub records, by name. Costs two requests.

    :param names: only these; all by default.
    :param label_selector: only those whose record matches it, in the syntax of Kubernetes.
    """
    found = hub.list(records.CLUSTER_API, "ManagedCluster", label_selector=label_selector)
    profiles = {
        str(item["metadata"]["name"]): item
        for item in hub.list(records.PROFILE_API, "ClusterProfile", namespace=NAMESPACE)
    }
    views = [view(item, profiles.get(item["metadata"]["name"])) for item in found]
    return sorted((item for item in views if not names or item["name"] in names), key=lambda item: item["name"])


def detachments(hub: Client, clusters: t.Iterable[View], names: t.Collection[str] = ()) -> list[tuple[str, Tombstone]]:
    """Detachments that are not finished, by name: of clusters without a record as well. Costs one request.

    :param clusters: what :func:`read` has found.
    :param names: only these; all by default.
    """
    try:
        spaces = hub.list("v1", "Namespace", label_selector=DETACHING)
    except Forbidden:
        spaces = []  # whoever reads the records alone sees those of recorded clusters
    marks = {str(item["name"]): UNTOLD for item in clusters if item["detaching"]}
    marks.update({str(item["metadata"]["name"]): read_tombstone(item) or UNTOLD for item in spaces})
    return sorted((name, stone) for name, stone in marks.items() if not names or name in names)


def view(record: Object, profile: Object | None = None) -> View:
    """One cluster, from its ManagedCluster and its ClusterProfile. Pure."""
    metadata, spec, status = record["metadata"], record.get("spec") or {}, record.get("status") or {}
    labels = metadata.get("labels") or {}
    claims = {item["name"]: item.get("value") for item in status.get("clusterClaims") or ()}
    clients = spec.get("managedClusterClientConfigs") or [{}]
    conditions, properties, ending = _conditions(status), _properties(profile), read_ending(record)
    return {
        "name": str(metadata["name"]),
        "uid": labels.get(UID_LABEL) or claims.get("id.k8s.io"),
        "mode": labels.get(records.MODE_LABEL),
        "role": labels.get(records.ROLE_LABEL),
        "cluster_set": labels.get(records.CLUSTER_SET_LABEL),
        "labels": {key: value for key, value in sorted(labels.items()) if key not in _OWN_LABELS},
        "version": (status.get("version") or {}).get("kubernetes"),
        "distribution": properties.get("distribution.lodestar.platform"),
        "server": clients[0].get("url"),
        "capacity": dict(status.get("capacity") or {}),
        "allocatable": dict(status.get("allocatable") or {}),
        "taints": [dict(item) for item in spec.get("taints") or ()],
        "available": (conditions.get(AVAILABLE) or {"status": "Unknown"})["status"],
        "conditions": conditions,
        "lacking": capabilities.lacking(str(labels.get(records.MODE_LABEL)), properties.get(records.TIER, "")),
        "access_expires": claims.get(records.ACCESS_EXPIRES),
        "detaching": DETACHING in labels,
        "destroying": ending is not None,
        "destroying_since": ending.since if ending is not None else None,
    }


def _conditions(status: Object) -> dict[str, dict[str, str | None]]:
    return {
        str(item["type"]): {
            "status": item.get("status"),
            "reason": item.get("reason"),
            "message": item.get("message"),
            "since": item.get("lastTransitionTime"),
        }
        for item in status.get("conditions") or ()
    }


def _properties(profile: Object | None) -> dict[str, str]:
    listed = ((profile or {}).get("status") or {}).get("properties") or ()
    return {str(item["name"]): str(item["value"]) for item in listed}
