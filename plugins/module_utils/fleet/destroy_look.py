# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cluster that is to be destroyed still carries for others, as its own API tells. Private to the collection."""

from __future__ import annotations

import collections
import datetime
import typing as t
from dataclasses import dataclass, field

from ..errors import PlatformError, Refused
from ..kube import wait
from ..kube.client import Client
from ..kube.errors import Forbidden, Unauthorized
from .access_info import DEADLINE, kube_system_uid
from .access_secret import Stored, from_secret
from .detach_steps import Known
from .drain_pods import MIRROR, finished
from .identity import NAMESPACE, guard_uid

Object = t.Mapping[str, t.Any]

#: Pods of kube-system that come with every created cluster, by their label k8s-app.
_OURS = frozenset({"kube-dns", "kube-proxy", "kube-router", "metrics-server"})
#: How many lines of a kind a message has.
_SHOWN = 20


@dataclass(frozen=True)
class Seen:
    """What was seen of a cluster.

    :param lives: its API answered, and be it with a refusal.
    :param reason: why nothing more is known, C("") where it is.
    :param nodes: names of its Nodes, and whether each is ready.
    :param namespaces: how many pods run there that neither Kubernetes nor the platform brought, by namespace.
    :param volumes: its PersistentVolumes: C(name), C(claim), C(capacity) and C(reclaim_policy). None where the access
        may not list them, as one of an older release.
    :param load_balancers: its Services of that type: C(name) and C(addresses).
    """

    lives: bool = False
    reason: str = ""
    nodes: t.Mapping[str, bool] = field(default_factory=dict)
    namespaces: t.Mapping[str, int] = field(default_factory=dict)
    volumes: t.Sequence[Object] | None = ()
    load_balancers: t.Sequence[Object] = ()

    @property
    def known(self) -> bool:
        """True where its API told all of it."""
        return self.lives and not self.reason

    def outputs(self) -> dict[str, t.Any]:
        """As plain data, and as lines for people."""
        return {
            "known": self.known,
            "reason": self.reason,
            "namespaces": dict(self.namespaces),
            "volumes": None if self.volumes is None else list(self.volumes),
            "load_balancers": list(self.load_balancers),
            "told": self.told(),
        }

    def told(self) -> list[str]:
        """What is lost with the cluster, a line each."""
        if not self.known:
            return [f"what runs on it, which is not known: {self.reason}"]
        pods = [
            f"namespace {name}: {count} pod{'s' if count > 1 else ''} that the platform has not brought"
            for name, count in sorted(self.namespaces.items())
        ]
        volumes = [
            f"PersistentVolume {item['name']} ({item['claim'] or 'unclaimed'}, {item['capacity']}, reclaim policy"
            f" {item['reclaim_policy']}): what it stores outside of the kubelet's directories stays where it is, and"
            " nothing deletes it any more"
            for item in self.volumes or ()
        ]
        if self.volumes is None:
            volumes = ["its PersistentVolumes, which are not known: the access to it is of an older release"]
        balancers = [
            f"Service {item['name']} of type LoadBalancer ({', '.join(item['addresses']) or 'without an address'}):"
            " what carries it outside of the cluster stays"
            for item in self.load_balancers
        ]
        lines = [*_cut(pods), *_cut(volumes), *_cut(balancers)]
        return lines or ["nothing but what the platform has brought"]


def _cut(lines: t.Sequence[str]) -> list[str]:
    more = len(lines) - _SHOWN
    return [*lines[:_SHOWN], f"... and {more} more like this"] if more > 0 else list(lines)


def workloads(pods: t.Iterable[Object]) -> dict[str, int]:
    """How many pods of a cluster neither Kubernetes nor the platform brought, by namespace. Pure."""
    return dict(collections.Counter(str(pod["metadata"]["namespace"]) for pod in pods if not _brought(pod)))


def _brought(pod: Object) -> bool:
    metadata = pod["metadata"]
    if finished(pod) or MIRROR in (metadata.get("annotations") or {}) or metadata["namespace"] == NAMESPACE:
        return True
    return metadata["namespace"] == "kube-system" and (metadata.get("labels") or {}).get("k8s-app") in _OURS


def volumes(found: t.Iterable[Object]) -> list[dict[str, t.Any]]:
    """PersistentVolumes in short. Pure."""
    return [_volume(item) for item in sorted(found, key=lambda item: str(item["metadata"]["name"]))]


def _volume(found: Object) -> dict[str, t.Any]:
    spec = found.get("spec") or {}
    claim = spec.get("claimRef") or {}
    return {
        "name": str(found["metadata"]["name"]),
        "claim": f"{claim.get('namespace')}/{claim.get('name')}" if claim else "",
        "capacity": str((spec.get("capacity") or {}).get("storage") or "of an unknown size"),
        "reclaim_policy": str(spec.get("persistentVolumeReclaimPolicy") or "Retain"),
    }


def load_balancers(services: t.Iterable[Object]) -> list[dict[str, t.Any]]:
    """Services of type LoadBalancer in short. Pure."""
    return [
        {
            "name": f"{item['metadata']['namespace']}/{item['metadata']['name']}",
            "addresses": [
                str(entry.get("ip") or entry.get("hostname"))
                for entry in ((item.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
            ],
        }
        for item in services
        if (item.get("spec") or {}).get("type") == "LoadBalancer"
    ]


def look(client: Client) -> Seen:
    """Asks a cluster. Costs four requests.

    :raises ApiError: it does not answer, or refuses to.
    """
    nodes = {str(item["metadata"]["name"]): wait.is_ready(item) for item in client.list("v1", "Node")}
    return Seen(
        lives=True,
        nodes=nodes,
        namespaces=workloads(client.list("v1", "Pod")),
        volumes=_volumes_of(client),
        load_balancers=load_balancers(client.list("v1", "Service")),
    )


def _volumes_of(client: Client) -> list[dict[str, t.Any]] | None:
    try:
        return volumes(client.list("v1", "PersistentVolume"))
    except Forbidden:
        return None


def ask(known: Known, recorded_uid: str) -> Seen:
    """What the cluster tells by the access that the hub keeps. Never fails.

    :param recorded_uid: of the hub's record; a cluster that is another one tells nothing of this one.
    """
    try:
        stored = from_secret(known.name, known.secret)
        if stored is None:
            return Seen(reason="the hub keeps no access to it")
        with Client(stored.connection, deadline=DEADLINE) as client:
            guard_uid(known.name, stored.uid or recorded_uid, kube_system_uid(client, known.name))
            return look(client)
    except Refused:
        return Seen(reason="another cluster answers at its address")
    except (Unauthorized, Forbidden) as exc:
        return Seen(lives=True, reason=_unaccepted(stored, exc))
    except PlatformError as exc:
        return Seen(reason=str(exc))


def _unaccepted(stored: Stored | None, error: PlatformError) -> str:
    if stored is not None and stored.left(datetime.datetime.now(datetime.UTC)) <= 0:
        return f"the access to it ended at {stored.expires}; a site run renews it"
    return f"it refuses to tell ({error}); a site run renews the access and its rights"
