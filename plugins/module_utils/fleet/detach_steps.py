# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a detachment: on the member, then on the hub. Private to the collection."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass, replace

from ..errors import PlatformError
from ..kube.apply import ApplySet, plan_objects
from ..kube.client import Client
from ..kube.errors import Forbidden, NotFound, Unauthorized
from ..kube.resources import object_id
from ..kube.steps import delete_step, hand_back_step
from ..plan import Step
from . import properties, traces
from .access_secret import secret_name
from .identity import CLUSTER_LABEL, NAMESPACE
from .records import CLUSTER_API
from .tombstone import Tombstone, read, same_wait

Object = dict[str, t.Any]

#: After the last object of ours on the member: the sets' parents, the proof, the access; then the hub.
_PARENTS_WAVE, _PROOF_WAVE, _ACCESS_WAVE, _HUB_WAVE = 1500, 2400, 2500, 3000
#: Seconds between two looks at what is to be gone.
_INTERVAL = 1.0
_RBAC = "rbac.authorization.k8s.io/v1"


@dataclass(frozen=True)
class Known:
    """What the hub has of a cluster: its record, its namespace, and the access to it."""

    name: str
    hub_name: str
    record: Object | None
    namespace: Object | None
    secret: Object | None

    @property
    def labels(self) -> t.Mapping[str, str]:
        """The labels of its record, none without one."""
        return ((self.record or {}).get("metadata") or {}).get("labels") or {}

    @property
    def ours(self) -> bool:
        """True when the namespace of that name is this cluster's."""
        labels = ((self.namespace or {}).get("metadata") or {}).get("labels") or {}
        return bool(labels.get(CLUSTER_LABEL) == self.name)


def known(hub: Client, cluster: str, hub_name: str) -> Known:
    """Reads it: three requests."""
    return Known(
        cluster,
        hub_name,
        hub.get(CLUSTER_API, "ManagedCluster", cluster),
        hub.get("v1", "Namespace", cluster),
        hub.get("v1", "Secret", secret_name(cluster), cluster),
    )


# -- the member


@dataclass(frozen=True)
class Leaving:
    """A member that is being left.

    :param tier: of our identity; None when the credential was supplied, and may do what our identity may not.
    :param timeout: seconds for what is deleted to be gone.
    """

    cluster: str
    client: Client
    tier: str | None
    timeout: float


def member_steps(leaving: Leaving, keep_namespaces: bool) -> list[Step]:
    """Removes what is ours, hands back what is not, and forgets the sets."""
    client, cluster = leaving.client, leaving.cluster
    found = traces.find(client, leaving.tier)
    steps = []
    for obj in found.members:
        item = found.entry(obj)
        kept = keep_namespaces and obj["kind"] == "Namespace"
        if obj["metadata"].get("deletionTimestamp"):
            continue
        if item is not None or kept:
            steps.append(hand_back_step(client, obj, item, cluster))
        else:
            steps.append(delete_step(client, obj, cluster))
    if leaving.tier != "observe":
        doomed = [step.id for step in steps if step.action == "delete"]
        steps += properties.definition_steps(client, cluster, doomed)
    parents = [replace(delete_step(client, item, cluster), wave=_PARENTS_WAVE) for item in found.parents]
    return steps + parents


def proof_step(leaving: Leaving, hub: Client, known: Known, stone: Tombstone) -> Step:
    """Looks once more for what is ours, and notes on the hub that nothing is left but the access."""
    clean = replace(stone, clean=True)

    def perform() -> None:
        _prove(leaving)
        hub.merge("v1", "Namespace", known.name, {"metadata": clean.metadata()})

    return Step(
        id=f"v1/Namespace/{known.name}#clean",
        action="update",
        target=known.hub_name,
        description=f"note that {known.name} holds nothing of ours any more but the access",
        before={"clean": False},
        after={"clean": True},
        perform=perform,
        wave=_PROOF_WAVE,
    )


def _prove(leaving: Leaving) -> None:
    def complaint(left: t.Sequence[Object]) -> PlatformError:
        listed = "\n".join(f"- {traces.told(item)}" for item in left[:20])
        return PlatformError(
            f"{leaving.cluster}: {len(left)} object(s) of ours are still there after {leaving.timeout:.0f} s:\n"
            f"{listed}\nThe access was left in place: clear what holds them, and run again.",
            left=[traces.told(item) for item in left],
        )

    _wait_gone(lambda: traces.find(leaving.client, leaving.tier).members, leaving.timeout, complaint)


def _wait_gone(
    read: t.Callable[[], t.Sequence[Object]],
    timeout: float,
    complaint: t.Callable[[t.Sequence[Object]], PlatformError],
) -> None:
    """Waits until there is nothing left to read, and complains about it at the deadline."""
    until = time.monotonic() + timeout
    while left := read():
        if time.monotonic() >= until:
            raise complaint(left)
        time.sleep(_INTERVAL)


def access_step(leaving: Leaving) -> Step | None:
    """Deletes our identity: the namespace lodestar-system, and with it the rights that are tied to it."""
    client = leaving.client
    there = client.get("v1", "Namespace", NAMESPACE)
    if there is None:
        return None
    rights = _rights(client) if leaving.tier is None else []

    def complaint(left: t.Sequence[Object]) -> PlatformError:
        return PlatformError(
            f"{leaving.cluster}: {traces.told(left[0])} is still there after {leaving.timeout:.0f} s. "
            "Nothing else of ours is on the cluster: clear what holds it, and run again."
        )

    def perform() -> None:
        for obj in rights:
            client.delete(_RBAC, obj["kind"], obj["metadata"]["name"], uid=obj["metadata"]["uid"])
        client.delete("v1", "Namespace", NAMESPACE, uid=there["metadata"]["uid"])
        _wait_gone(lambda: _access_left(leaving), leaving.timeout, complaint)

    listed = [f"{obj['kind']} {obj['metadata']['name']}" for obj in rights]
    return Step(
        id=f"v1/Namespace/{NAMESPACE}",
        action="delete",
        target=leaving.cluster,
        description=f"delete our access: {', '.join([f'Namespace {NAMESPACE}', *listed])}",
        before={"kind": "Namespace", "metadata": {"name": NAMESPACE}},
        perform=perform,
        wave=_ACCESS_WAVE,
    )


def _rights(client: Client) -> list[Object]:
    kinds = ("ClusterRoleBinding", "ClusterRole")
    return [obj for kind in kinds for obj in client.list(_RBAC, kind, label_selector=traces.ACCESS.selector)]


def _access_left(leaving: Leaving) -> list[Object]:
    """The namespace, until it is gone, or our token with it."""
    try:
        there = leaving.client.get("v1", "Namespace", NAMESPACE)
    except Unauthorized:
        return []
    except Forbidden:
        # Rights go before the ServiceAccount does.
        if leaving.tier is None:
            raise
        return []
    return [] if there is None else [there]


# -- the hub


def hub_steps(hub: Client, known: Known, timeout: float) -> list[Step]:
    """Removes the records, the access and the namespace of the cluster from the hub.

    :param timeout: seconds for the namespace to be gone.
    """
    name = known.name
    applyset = ApplySet(f"record-{name}")
    found = plan_objects(hub, [], applyset=applyset, target=known.hub_name, prune_all=True)
    parent = hub.get("v1", "ConfigMap", applyset.parent_name, applyset.namespace)
    steps = [replace(step, wave=_HUB_WAVE) for step in found if applyset.parent_name not in step.id]
    doomed = [item for item in (parent, known.secret) if item is not None]
    steps += [replace(delete_step(hub, item, known.hub_name), wave=_HUB_WAVE + 1) for item in doomed]
    return [*steps, *_namespace_step(hub, known, timeout)]


def _namespace_step(hub: Client, known: Known, timeout: float) -> list[Step]:
    """Deletes the cluster's namespace, until it is gone: the same name can be attached again at once then."""
    there = known.namespace
    if there is None or not known.ours:
        return []
    step = delete_step(hub, there, known.hub_name)

    def read() -> list[Object]:
        left = hub.get("v1", "Namespace", known.name)
        return [] if left is None else [left]

    def complaint(left: t.Sequence[Object]) -> PlatformError:
        return PlatformError(
            f"{known.hub_name}: {traces.told(left[0])} is still there after {timeout:.0f} s. "
            f"Nothing else of {known.name} is left on the hub: clear what holds it, and run again."
        )

    def perform() -> None:
        step.perform()
        _wait_gone(read, timeout, complaint)

    return [replace(step, perform=perform, wave=_HUB_WAVE + 2)]


def tombstone_steps(hub: Client, known: Known, stone: Tombstone) -> list[Step]:
    """Remembers on the hub that a cluster is to be detached once it can be reached, and stops managing it."""
    steps = []
    for obj in (known.namespace, known.secret, known.record):
        there = read(obj)
        if obj is None or (there is not None and same_wait(there, stone)):
            continue
        steps.append(mark_step(hub, known, obj, stone.metadata(), _told(there), _told(stone)))
    return steps


def mark_step(hub: Client, known: Known, obj: Object, metadata: Object, before: Object, after: Object) -> Step:
    """Marks an object of a cluster that is on its way out; its record accepts the cluster no longer.

    :param metadata: labels and annotations.
    :param before: what a plan shows, and so is C(after): first the state, such as C({"detaching": True}).
    """
    kind, version, there = str(obj["kind"]), str(obj["apiVersion"]), obj["metadata"]
    changes = {"metadata": metadata, **({"spec": {"hubAcceptsClient": False}} if obj is known.record else {})}

    def perform() -> None:
        try:
            hub.merge(version, kind, there["name"], changes, there.get("namespace"))
        except NotFound:
            return

    return Step(
        id=object_id(obj),
        action="update",
        target=known.hub_name,
        description=f"mark {kind} {there['name']} as {next(iter(after))}",
        before=before,
        after=after,
        perform=perform,
        wave=_HUB_WAVE,
    )


def _told(stone: Tombstone | None) -> Object:
    """A tombstone in a plan: without the time, which another look would tell otherwise."""
    if stone is None:
        return {"detaching": False}
    return {"detaching": True, "namespaces": stone.namespaces, "cause": stone.cause}
