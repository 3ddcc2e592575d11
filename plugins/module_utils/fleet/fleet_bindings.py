# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Holds one cluster to the fleet's roles: who is its auditor, who administers it. Private to the collection."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ..errors import InvalidInput, Problem
from ..kube.absent import AbsentCluster
from ..kube.apply import ApplySet, plan_objects
from ..kube.client import Client
from ..kube.errors import Forbidden
from ..kube.steps import CLOSING_WAVE, delete_step
from ..plan import Step
from . import fleet_roles
from .access import ADMIN_BINDING, ADMIN_ROLE, AUDITOR_BINDINGS
from .fleet_roles import AUDITOR, FleetRole

Object = dict[str, t.Any]

SET = ApplySet("fleet-roles", force=True)
_GROUP = "rbac.authorization.k8s.io"


def objects(roles: t.Iterable[FleetRole]) -> list[Object]:
    """The bindings that give the roles. Pure.

    One a ClusterRole, under a name that stays: a binding's role cannot be changed but its subjects can, and our
    identity needs rights on these names only.
    """
    members: dict[str, set[tuple[str, str]]] = {}
    for role in roles:
        for binding in AUDITOR_BINDINGS if role.role == AUDITOR else (ADMIN_BINDING,):
            members.setdefault(binding, set()).update(role.members)
    granted = {**AUDITOR_BINDINGS, ADMIN_BINDING: ADMIN_ROLE}
    return [
        {
            "apiVersion": f"{_GROUP}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": _GROUP, "kind": "ClusterRole", "name": granted[name]},
            "subjects": [{"apiGroup": _GROUP, "kind": kind, "name": who} for kind, who in sorted(members[name])],
        }
        for name in sorted(members)
    ]


def check(items: t.Any, cluster: str, tier: str) -> list[FleetRole]:
    """The roles of a module's arguments, all of which are for this cluster.

    :raises InvalidInput: with every problem, also when the tier of our access cannot give a role.
    """
    roles, problems = fleet_roles.read(items)
    if not problems:
        problems = [
            Problem(f"fleet_roles[{role.name}].role", role.role, f"{cluster} cannot hold it: {why}", "Leave it out")
            for role in roles
            if (why := fleet_roles.why_not(role.role, {"name": cluster, "tier": tier}))
        ]
    if problems:
        raise InvalidInput(problems)
    return roles


def plan(
    member: Client, roles: t.Sequence[FleetRole], target: str, *, tier: str, coming: bool = False
) -> tuple[list[Step], str]:
    """The steps that make a cluster hold these roles, and no other of ours; and why it cannot, in words.

    Costs one request where nothing is declared nor held, and two where nothing changes. What somebody else has written
    to a binding of ours is taken back: rights are nothing to share. None that are left is a plan like any other, since
    a right that is taken away must not wait.

    :param coming: in check mode, our access is made anew by this run, as in :func:`properties.plan`.
    """
    if tier == "observe":
        return [], ""
    try:
        found = plan_objects(
            member, objects(roles), applyset=SET, target=target, prune_all=True, claim=lambda obj: True
        )
    except Forbidden:
        if coming:
            return plan(AbsentCluster(target), roles, target, tier=tier)
        return [], (
            f"{target}: its access has the rights of an earlier collection, which may not bind fleet_roles, so the "
            "cluster does not hold them until the access is made anew"
        )
    held = [step for step in found if tier == "lifecycle" or step.id.rpartition("/")[2] != ADMIN_BINDING]
    if len(held) == len(found):
        return found, ""
    return held, (
        f"{target}: the ClusterRoleBinding {ADMIN_BINDING} is of a time when the tier of our access was lifecycle, and "
        "with another one it cannot be removed: delete it as an administrator"
    )


def removal_steps(member: Client, target: str, tier: str) -> list[Step]:
    """Takes away what an earlier tier gave and this one cannot hold: by a credential that was supplied."""
    if tier == "lifecycle":
        return []
    there = member.list(f"{_GROUP}/v1", "ClusterRoleBinding", label_selector=SET.selector)
    steps = [
        delete_step(member, obj, target)
        for obj in there
        if tier == "observe" or obj["metadata"]["name"] == ADMIN_BINDING
    ]
    parent = member.get("v1", "ConfigMap", SET.parent_name, SET.namespace) if tier == "observe" else None
    return [*steps, *([] if parent is None else [replace(delete_step(member, parent, target), wave=CLOSING_WAVE)])]
