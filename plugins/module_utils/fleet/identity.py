# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who a cluster is, and whose: its kube-system UID, and the mark that its hub leaves on it. Pure.

A cluster's identity is the UID of its namespace C(kube-system), which lives as long as the cluster's etcd data and is
what Karmada, KubeSphere and the OCM claim C(id.k8s.io) use too. Private to the collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..declaration import DNS_LABEL, is_label_value, shown
from ..errors import InvalidInput, Problem, Refused

NAMESPACE = "lodestar-system"
SERVICE_ACCOUNT = "lodestar"

#: Label of hub objects that belong to a member cluster: its UID, so that one LIST finds every record of it.
UID_LABEL = "lodestar.platform/uid"
#: Label of hub objects that belong to a member cluster: its name in the fleet.
CLUSTER_LABEL = "lodestar.platform/cluster"
#: What labels of records begin with that mean something to the platform, which no cluster can declare for itself.
RECORD_LABELS = ("lodestar.platform/", "applyset.kubernetes.io/", "cluster.open-cluster-management.io/clusterset")
#: Annotations of the namespace lodestar-system of a member: the mark.
MARK_HUB = "lodestar.platform/hub-uid"
MARK_CLUSTER = "lodestar.platform/cluster"
#: Namespaces of the hub carry the names of clusters, so a cluster cannot be called like one that has another meaning.
_RESERVED = ("default", "local-cluster")
_RESERVED_PREFIXES = ("kube-", "openshift-", "open-cluster-management", "lodestar-")


def name_problem(name: str) -> str:
    """Why no cluster can be called so, C("") when one can."""
    if not DNS_LABEL.fullmatch(name):
        return "a cluster's name must be at most 63 lowercase letters, digits and hyphens (RFC 1123)"
    if name in _RESERVED or name.startswith(_RESERVED_PREFIXES):
        return "the global cluster has a namespace of each cluster's name, and this one has another meaning"
    return ""


def uid_of(namespace: t.Mapping[str, t.Any] | None) -> str:
    """The UID of a namespace that a cluster has told, C("") where it is none: it becomes a label and a selector."""
    uid = ((namespace or {}).get("metadata") or {}).get("uid")
    return uid if isinstance(uid, str) and is_label_value(uid) else ""


def guard_name(name: str) -> None:
    """Refuses what is no name of a cluster, before it is looked for anywhere.

    :raises InvalidInput: with the rule.
    """
    reason = name_problem(name)
    if reason:
        raise InvalidInput([Problem("cluster", shown(name), reason, "Give the name of a cluster of the fleet")])


@dataclass(frozen=True)
class Mark:
    """What a hub writes on its members.

    :param hub_uid: kube-system UID of the hub.
    :param cluster: the member's name in that hub's fleet.
    """

    hub_uid: str
    cluster: str

    def annotations(self) -> dict[str, str]:
        """The mark as annotations of the member's namespace lodestar-system."""
        return {MARK_HUB: self.hub_uid, MARK_CLUSTER: self.cluster}


def read_mark(namespace: t.Mapping[str, t.Any] | None) -> Mark | None:
    """The mark on a member.

    :param namespace: the member's Namespace lodestar-system, or None where there is none.
    :returns: None where the namespace is missing or carries no whole mark.
    """
    annotations = ((namespace or {}).get("metadata") or {}).get("annotations") or {}
    if annotations.get(MARK_HUB) and annotations.get(MARK_CLUSTER):
        return Mark(hub_uid=str(annotations[MARK_HUB]), cluster=str(annotations[MARK_CLUSTER]))
    return None


def guard_mark(cluster: str, hub_uid: str | None, mark: Mark | None) -> None:
    """Refuses a cluster that another hub manages, or that this hub knows under another name.

    :param hub_uid: kube-system UID of our hub; None while it is not known, when only the name can be compared.
    """
    if mark is None:
        return
    if hub_uid is not None and mark.hub_uid != hub_uid:
        raise Refused(
            f"{cluster}: the cluster behind this name is managed by another hub (UID {mark.hub_uid}), "
            f"as {mark.cluster!r}; the UID of this hub is {hub_uid}. Detach it from that hub first.",
            reason="other_hub",
            cluster=cluster,
            known_as=mark.cluster,
            other_hub=mark.hub_uid,
        )
    if mark.cluster != cluster:
        raise Refused(
            f"{cluster}: the cluster behind this name is already in this fleet as {mark.cluster!r}. "
            f"Remove {cluster!r} from the inventory, or detach {mark.cluster!r} first.",
            reason="known_as_other",
            cluster=cluster,
            known_as=mark.cluster,
        )


def guard_uid(cluster: str, recorded: str | None, observed: str) -> None:
    """Refuses when another cluster now answers behind a name than the one that was recorded."""
    if recorded and recorded != observed:
        raise Refused(
            f"{cluster}: another cluster answers behind this name: kube-system UID {observed}, recorded is {recorded}. "
            f"If the cluster was rebuilt on purpose, remove its record first (recreate: {cluster}); "
            "otherwise correct its address or kubeconfig.",
            reason="other_cluster",
            cluster=cluster,
            recorded=recorded,
            observed=observed,
        )


def guard_unique(identities: t.Mapping[str, str], records: t.Iterable[tuple[str, str]] = ()) -> None:
    """Refuses the same cluster under two names.

    :param identities: cluster name -> kube-system UID, of the clusters of this run.
    :param records: (cluster name, kube-system UID) as the hub has them.
    :raises Refused: naming every such cluster with both of its names.
    """
    names: dict[str, set[str]] = {}
    for name, uid in [*identities.items(), *records]:
        if uid:
            names.setdefault(uid, set()).add(name)
    twice = {uid: sorted(found) for uid, found in sorted(names.items()) if len(found) > 1}
    if not twice:
        return
    lines = "; ".join(f"{' and '.join(map(repr, found))} are one cluster (UID {uid})" for uid, found in twice.items())
    raise Refused(
        f"the same cluster stands under two names: {lines}. Keep one of them in the inventory; nothing was changed.",
        reason="same_cluster",
        duplicates=twice,
    )
