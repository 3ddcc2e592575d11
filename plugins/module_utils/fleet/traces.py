# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of ours a member holds besides the access to it: the members of all sets. Private to the collection."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..kube import ledger
from ..kube.applyset import ID, PART_OF, ApplySet, kinds_of, set_id
from ..kube.client import Client
from ..kube.errors import Forbidden
from ..kube.observed import serving
from ..kube.operate import RESERVED
from ..kube.resources import object_id
from .access import RULES, needs
from .identity import NAMESPACE
from .properties import RESOURCE as PROPERTY

Object = dict[str, t.Any]

ACCESS = ApplySet("access")
#: Of these our sets consist on an attached cluster, also when a parent is lost.
_KINDS = (
    ("v1", "Namespace"),
    ("v1", "ResourceQuota"),
    ("v1", "LimitRange"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
    ("rbac.authorization.k8s.io/v1", "Role"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
    ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy"),
    ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding"),
    (PROPERTY.api_version, PROPERTY.kind),
)
#: Likewise, where the cluster has them.
_MAYBE = (
    "MutatingAdmissionPolicy.admissionregistration.k8s.io",
    "MutatingAdmissionPolicyBinding.admissionregistration.k8s.io",
)


@dataclass(frozen=True)
class Traces:
    """What was found.

    :param parents: the sets' parents, but the one of the access.
    :param members: the members of these sets.
    :param taken: entries of the ledgers, by the object's key.
    """

    parents: list[Object]
    members: list[Object]
    taken: dict[tuple[str, str, str], Object]

    def entry(self, member: Object) -> Object | None:
        """What is kept of a member that was taken over from somebody else."""
        return ledger.held(self.taken, member)


def find(member: Client, tier: str | None = None) -> Traces:
    """Everything of ours on a cluster but the access. Costs one LIST of the parents and one a kind.

    :param tier: that of the identity; what it may not list is left out, since it cannot have made such objects. None
        for an administrator.
    """
    parents = [
        {**item, "apiVersion": "v1", "kind": "ConfigMap"}
        for item in member.list("v1", "ConfigMap", namespace=NAMESPACE, label_selector=ID)
        if item["metadata"]["name"] != ACCESS.parent_name
    ]
    listable = {right[1:3] for right in needs(tier) if right[0] == "list"} if tier in RULES else None
    member.learn([PROPERTY])
    maybe = [served for name in _MAYBE if (served := serving(member, name)) is not None]
    resources = {kind: member.resource(*kind) for kind in (*_KINDS, *maybe)}
    kinds = {kind for kind, at in resources.items() if listable is None or (at.group, at.plural) in listable}
    for name in {name for parent in parents for name in kinds_of(parent)} - {PROPERTY.group_kind}:
        served = serving(member, name)
        if served is not None:
            kinds.add(served)
    ids = {set_id(str(item["metadata"]["name"]), NAMESPACE, "ConfigMap") for item in parents}
    ids |= {ApplySet(name).id for name in RESERVED} - {ACCESS.id}
    selector = f"{PART_OF} in ({','.join(sorted(ids))})"
    members = [item for kind in sorted(kinds) for item in _list(member, kind, selector)]
    taken = {key: item for parent in parents for key, item in ledger.entries(parent).items()}
    return Traces(parents, members, taken)


def _list(member: Client, kind: tuple[str, str], selector: str) -> list[Object]:
    try:
        return member.list(*kind, label_selector=selector)
    except Forbidden:
        return []


def told(member: Object) -> str:
    """An object that is still there, and what it waits for."""
    metadata, status = member["metadata"], member.get("status") or {}
    waiting = [*(metadata.get("finalizers") or ()), *((member.get("spec") or {}).get("finalizers") or ())]
    why = [
        str(item.get("message"))
        for item in status.get("conditions") or ()
        if item.get("status") == "True" and item.get("message")
    ]
    ending = f" waits for {', '.join(waiting)}" if metadata.get("deletionTimestamp") and waiting else ""
    return object_id(member) + ending + (f" ({'; '.join(why)})" if ending and why else "")
