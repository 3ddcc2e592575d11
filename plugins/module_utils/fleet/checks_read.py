# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the objects of a cluster that is to join the fleet. Private to the collection."""

from __future__ import annotations

import typing as t

from ..errors import PlatformError
from ..kube.applyset import PART_OF
from ..kube.client import Client
from ..kube.errors import ApiError
from .checks_model import Observation
from .identity import NAMESPACE, read_mark, uid_of

_Value = t.TypeVar("_Value")
_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
_ADMISSION = "admissionregistration.k8s.io/v1"


def attempt(seen: Observation, key: str, read: t.Callable[[], _Value]) -> _Value | None:
    """What a read answers; ``None`` where it cannot be read, and why is noted under the key."""
    try:
        return read()
    except (ApiError, PlatformError) as exc:
        seen.unreadable[key] = str(exc)
        return None


def read(client: Client, seen: Observation) -> None:
    """Fills in what its objects tell."""
    groups = attempt(seen, "groups", lambda: client.request("GET", "/apis").get("groups") or ())
    seen.groups = [str(item["name"]) for item in groups or ()]
    seen.nodes = attempt(seen, "nodes", lambda: client.list("v1", "Node"))
    spaces = attempt(seen, "namespaces", lambda: client.list("v1", "Namespace"))
    if spaces is None:
        space = attempt(seen, "uid", lambda: client.get("v1", "Namespace", "kube-system"))
        spaces_seen = [space] if space else []
    else:
        spaces_seen = spaces
        seen.namespaces = [str(item["metadata"]["name"]) for item in spaces]
        seen.foreign_namespaces = [
            str(item["metadata"]["name"]) for item in spaces if PART_OF not in (item["metadata"].get("labels") or {})
        ]
    by_name = {item["metadata"]["name"]: item for item in spaces_seen}
    seen.uid = uid_of(by_name.get("kube-system")) or None
    seen.mark = read_mark(by_name.get(NAMESPACE))
    _read_network(client, seen)
    seen.webhooks = attempt(
        seen,
        "webhooks",
        lambda: [
            *client.list(_ADMISSION, "ValidatingWebhookConfiguration"),
            *client.list(_ADMISSION, "MutatingWebhookConfiguration"),
        ],
    )
    classes = attempt(seen, "storage", lambda: client.list("storage.k8s.io/v1", "StorageClass"))
    if classes is not None:
        seen.default_classes = sorted(
            str(item["metadata"]["name"])
            for item in classes
            if (item["metadata"].get("annotations") or {}).get(_DEFAULT_CLASS) == "true"
        )
    seen.metrics_api = "metrics.k8s.io" in seen.groups if groups is not None else None


def _read_network(client: Client, seen: Observation) -> None:
    sets = attempt(seen, "daemon_sets", lambda: client.list("apps/v1", "DaemonSet"))
    if sets is not None:
        seen.daemon_sets = sorted(str(item["metadata"]["name"]) for item in sets)
        specs = [((item.get("spec") or {}).get("template") or {}).get("spec") or {} for item in sets]
        seen.daemon_containers = sorted({str(one["name"]) for spec in specs for one in spec.get("containers") or ()})
    # Kubernetes 1.33 and newer tell the ranges of services.
    ranges = attempt(seen, "ranges", lambda: client.list("networking.k8s.io/v1", "ServiceCIDR"))
    services = [str(cidr) for item in ranges or () for cidr in (item.get("spec") or {}).get("cidrs") or ()]
    pods = [str(cidr) for node in seen.nodes or () for cidr in (node.get("spec") or {}).get("podCIDRs") or ()]
    seen.ranges = sorted({*services, *pods})
