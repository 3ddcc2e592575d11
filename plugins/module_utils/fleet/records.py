# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster's records on the hub: OCM C(ManagedCluster) and SIG Multicluster C(ClusterProfile). Pure.

Names of conditions, reasons, claims and labels are those of their makers: open-cluster-management.io/api cluster/v1 and
sigs.k8s.io/cluster-inventory-api v1alpha1. Private to the collection.
"""

from __future__ import annotations

import base64
import typing as t
from dataclasses import dataclass, field
from fractions import Fraction

from ..kube import quantity
from . import capabilities
from .checks_distribution import Distribution
from .identity import CLUSTER_LABEL, NAMESPACE, UID_LABEL

Object = dict[str, t.Any]

CLUSTER_API = "cluster.open-cluster-management.io/v1"
PROFILE_API = "multicluster.x-k8s.io/v1alpha1"
CLUSTER_SET_LABEL = "cluster.open-cluster-management.io/clusterset"
#: Value of x-k8s.io/cluster-manager, and name of the access provider.
MANAGER = "lodestar"
ROLE_LABEL = "lodestar.platform/role"
MODE_LABEL = "lodestar.platform/mode"
#: Claim and property that say what the platform can do with a cluster, and the property that says why.
CAPABILITIES, TIER = "capabilities.lodestar.platform", "tier.lodestar.platform"
#: The condition that tells whether our access to the cluster is good, and the claim that says when it ends.
ACCESS, ACCESS_EXPIRES = "AccessValid", "access-expires.lodestar.platform"
#: The condition's reason by the state of an access that is good no more.
_ACCESS_LOST = {"expired": "AccessExpired", "refused": "AccessRefused"}
_RESOURCES = ("cpu", "memory", "ephemeral-storage", "pods")


@dataclass(frozen=True)
class Declared:
    """What the inventory says about a cluster that its records show.

    :param mode: C(create) or C(attach).
    :param role: C(global) or C(workload).
    :param tier: of our access to it, which bounds what the platform can do with it.
    """

    name: str
    mode: str
    role: str
    labels: t.Mapping[str, str] = field(default_factory=dict)
    cluster_set: str = "default"
    tier: str = ""

    @property
    def capabilities(self) -> str:
        """What the platform can do with it, by name; the API takes no empty claim."""
        return ",".join(capabilities.able(self.mode, self.tier)) or "none"


@dataclass(frozen=True)
class Observed:
    """What was seen of a cluster.

    :param ca_data: PEM certificates of its API server.
    :param nodes: its Nodes, as the API returned them.
    :param api_groups: names of the API groups that it serves.
    :param access_expires: end of our access, RFC 3339; empty where it is not known, and what was recorded stays.
    """

    uid: str
    server: str
    ca_data: str
    version: str
    nodes: t.Sequence[t.Mapping[str, t.Any]]
    distribution: Distribution
    api_groups: t.Sequence[str] = ()
    access_expires: str = ""


def managed_cluster(declared: Declared, uid: str, server: str, ca_data: str) -> Object:
    """OCM's record, without its status."""
    client: Object = {"url": server}
    if ca_data:
        client["caBundle"] = base64.b64encode(ca_data.encode()).decode()
    return {
        "apiVersion": CLUSTER_API,
        "kind": "ManagedCluster",
        "metadata": {"name": declared.name, "labels": _labels(declared, uid)},
        "spec": {"hubAcceptsClient": True, "managedClusterClientConfigs": [client]},
    }


def _labels(declared: Declared, uid: str) -> dict[str, str]:
    return {
        **{key: str(value) for key, value in declared.labels.items()},
        CLUSTER_SET_LABEL: declared.cluster_set,
        CLUSTER_LABEL: declared.name,
        ROLE_LABEL: declared.role,
        MODE_LABEL: declared.mode,
        UID_LABEL: uid,
    }


def cluster_profile(declared: Declared) -> Object:
    """The SIG's record, without its status."""
    return {
        "apiVersion": PROFILE_API,
        "kind": "ClusterProfile",
        "metadata": {
            "name": declared.name,
            "namespace": NAMESPACE,
            "labels": {"x-k8s.io/cluster-manager": MANAGER, CLUSTER_LABEL: declared.name},
        },
        "spec": {"displayName": declared.name, "clusterManager": {"name": MANAGER}},
    }


def managed_cluster_status(
    declared: Declared, observed: Observed, before: t.Mapping[str, t.Any] | None, now: str
) -> Object:
    """The status of OCM's record.

    :param before: the status that is there: conditions keep their C(lastTransitionTime) while their status stays.
    :param now: RFC 3339.
    """
    capacity, allocatable = total(observed.nodes, "capacity"), total(observed.nodes, "allocatable")
    claim, condition = _access(observed.access_expires, before or {})
    return {
        "version": {"kubernetes": observed.version},
        "capacity": capacity,
        "allocatable": allocatable,
        "clusterClaims": [
            *claim,
            {"name": CAPABILITIES, "value": declared.capabilities},
            {"name": "id.k8s.io", "value": observed.uid},
            {"name": "kubeversion.open-cluster-management.io", "value": observed.version},
            {"name": "platform.open-cluster-management.io", "value": observed.distribution.platform},
            {"name": "product.open-cluster-management.io", "value": observed.distribution.product},
        ],
        "conditions": transitions(
            [
                _condition("HubAcceptedManagedCluster", "HubClusterAdminAccepted", "Accepted by the inventory"),
                _condition("ManagedClusterJoined", "ManagedClusterJoined", f"Joined by {declared.mode}"),
                _condition("ManagedClusterConditionAvailable", "ManagedClusterAvailable", "The cluster's API answers"),
                *condition,
            ],
            (before or {}).get("conditions") or (),
            now,
        ),
    }


def _access(expires: str, before: t.Mapping[str, t.Any]) -> tuple[list[Object], list[Object]]:
    """The claim and the condition of our access. What they say changes with the access and not with the time."""
    if not expires:
        claims = [item for item in before.get("clusterClaims") or () if item.get("name") == ACCESS_EXPIRES]
        return claims, [item for item in before.get("conditions") or () if item.get("type") == ACCESS]
    text = f"The access ends at {expires}; a run renews it when no more than half of its lifetime is left"
    return [{"name": ACCESS_EXPIRES, "value": expires}], [_condition(ACCESS, "AccessGranted", text)]


def cluster_properties(declared: Declared) -> dict[str, str]:
    """The well-known properties of KEP-2149, alike in the ClusterProfile and on the member itself.

    The id is the cluster's name: a DNS label, unique on the hub (its namespaces carry these names), and fixed for as
    long as the cluster is in the fleet, as the KEP demands; and it is fit for the names of multi-cluster DNS, and for
    people, which the UID of kube-system (the claim C(id.k8s.io)) is not.
    """
    return {"cluster.clusterset.k8s.io": declared.name, "clusterset.k8s.io": declared.cluster_set}


def cluster_profile_status(
    declared: Declared, observed: Observed, before: t.Mapping[str, t.Any] | None, now: str
) -> Object:
    """The status of the SIG's record. Properties carry no time, which would change at every look."""
    cluster = {"server": observed.server}
    if observed.ca_data:
        cluster["certificate-authority-data"] = base64.b64encode(observed.ca_data.encode()).decode()
    properties = {
        **cluster_properties(declared),
        "id.k8s.io": observed.uid,
        CAPABILITIES: declared.capabilities,
        "distribution.lodestar.platform": observed.distribution.name,
        "mode.lodestar.platform": declared.mode,
        "role.lodestar.platform": declared.role,
        **({TIER: declared.tier} if declared.tier else {}),
    }
    return {
        "version": {"kubernetes": observed.version},
        "properties": [{"name": key, "value": value} for key, value in sorted(properties.items())],
        "accessProviders": [{"name": MANAGER, "cluster": cluster}],
        "conditions": transitions(
            [
                _condition("ControlPlaneHealthy", "ApiAnswers", "The cluster's API answers"),
                _condition("Joined", "Joined", f"Joined by {declared.mode}"),
            ],
            (before or {}).get("conditions") or (),
            now,
        ),
    }


#: The condition of each record that tells whether the cluster answers, its reason when nobody knows, and when its API
#: answers with failures only.
_ANSWERS = {
    "ManagedCluster": (
        "ManagedClusterConditionAvailable",
        "ManagedClusterLeaseUpdateStopped",
        "ManagedClusterKubeAPIServerUnavailable",
    ),
    "ClusterProfile": ("ControlPlaneHealthy", "ApiUnreachable", "ApiFails"),
}
#: The state of a cluster that answers, and can serve nothing.
UNAVAILABLE = "unavailable"
_OURS = ("version", "capacity", "allocatable", "clusterClaims", "properties", "accessProviders")


def unreachable_status(
    kind: str, before: t.Mapping[str, t.Any], why: str, now: str, state: str = "unreachable"
) -> Object:
    """The status of a record of a cluster that cannot be reached: what was seen last, and since when it is not seen.

    :param kind: C(ManagedCluster) or C(ClusterProfile).
    :param state: of our access by :func:`access_info.judge`; C(expired) and C(refused) end it. With C(unavailable) the
        cluster answers, and its condition is false.
    :param before: the status that is there.
    :param why: for people; kept as it is while the condition stays, so that the same state writes nothing.
    """
    name, unknown, fails = _ANSWERS[kind]
    status, reason = ("False", fails) if state == UNAVAILABLE else ("Unknown", unknown)
    there = list(before.get("conditions") or ())
    old: t.Mapping[str, t.Any] = next((item for item in there if item.get("type") == name), {})
    said = f"{'Fails' if state == UNAVAILABLE else 'Not reached'} since {now}: {why}"
    message = str(old.get("message")) if old.get("status") == status else said
    wanted = [item for item in there if item.get("type") != name]
    wanted.append(_condition(name, reason, message, status=status))
    if kind == "ManagedCluster" and state in _ACCESS_LOST:
        wanted = [item for item in wanted if item.get("type") != ACCESS] + [_lost(there, _ACCESS_LOST[state], why)]
    kept = {key: before[key] for key in _OURS if key in before}
    return {**kept, "conditions": transitions(wanted, there, now)}


def _lost(there: t.Sequence[t.Mapping[str, t.Any]], reason: str, why: str) -> Object:
    """The condition of an access that is good no more; the message stays while the reason does."""
    old: t.Mapping[str, t.Any] = next((item for item in there if item.get("type") == ACCESS), {})
    return _condition(ACCESS, reason, str(old["message"]) if old.get("reason") == reason else why, status="False")


def _condition(kind: str, reason: str, message: str, status: str = "True") -> Object:
    return {"type": kind, "status": status, "reason": reason, "message": message}


def transitions(wanted: t.Sequence[Object], before: t.Iterable[t.Mapping[str, t.Any]], now: str) -> list[Object]:
    """Conditions with their C(lastTransitionTime): the one that is there while the status has not changed."""
    there = {item.get("type"): item for item in before}
    answer = []
    for item in wanted:
        old = there.get(item["type"]) or {}
        since = old.get("lastTransitionTime") if old.get("status") == item["status"] else None
        answer.append({**item, "lastTransitionTime": since or now})
    return answer


def total(nodes: t.Iterable[t.Mapping[str, t.Any]], key: str) -> dict[str, str]:
    """The sum of a resource list over nodes, as OCM's agents report it.

    :param key: C(capacity) or C(allocatable).
    """
    sums: dict[str, Fraction] = {}
    for node in nodes:
        resources = (node.get("status") or {}).get(key) or {}
        for name in _RESOURCES:
            amount = quantity.parse(resources.get(name))
            if amount is not None:
                sums[name] = sums.get(name, Fraction(0)) + amount
    return {name: _spell(name, amount) for name, amount in sorted(sums.items())}


def _spell(name: str, amount: Fraction) -> str:
    """In the spelling that the API server keeps as it is: thousandths of CPUs where needed, KiB of memory."""
    if name == "cpu" and amount.denominator != 1:
        return f"{round(amount * 1000)}m"
    if name in ("memory", "ephemeral-storage") and amount >= 1024:
        return f"{amount // 1024}Ki"
    return str(amount // 1)
