# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a tenant's own roles come to be, though our identity holds few of the rights in them. Private to the collection.

Kubernetes lets nobody write or bind a Role that holds more than they do, and our identity may bind C(admin) without
holding it. So for the moment in which such a Role or its binding is written, it binds C(admin) to itself in that
namespace, and nowhere else. What C(admin) does not hold there cannot be given in this way, and is refused before
anything is written.
"""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ..errors import Refused
from ..fleet.access import WIDEST_ROLE
from ..fleet.identity import NAMESPACE, SERVICE_ACCOUNT
from ..kube.absent import AbsentCluster
from ..kube.apply import ApplySet
from ..kube.client import Client
from ..kube.errors import Forbidden
from ..kube.resources import object_id
from ..plan import Step

Object = dict[str, t.Any]

_RBAC = "rbac.authorization.k8s.io"
#: Seconds until every API server of a cluster has noticed a new binding, at most.
_PATIENCE = 10.0


def lacking(rules: t.Iterable[Object], held: t.Sequence[Object]) -> list[str]:
    """What a Role would give that is not held, as C(verb resource.group); the same question that Kubernetes asks. Pure.

    :param rules: of the Role; they hold no wildcard.
    :param held: of the ClusterRole that is held.
    """
    return [
        f"{verb} {resource}{'.' + group if group else ''}{' ' + name if name else ''}"
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
        for name in rule.get("resourceNames") or [""]
        if not any(_covers(one, verb, group, resource, name) for one in held)
    ]


def _covers(held: Object, verb: str, group: str, resource: str, name: str) -> bool:
    _main, slash, sub = resource.partition("/")
    resources = {"*", resource, *([f"*/{sub}"] if slash else [])}
    names = held.get("resourceNames") or []
    return bool(
        {"*", verb} & set(held.get("verbs") or ())
        and {"*", group} & set(held.get("apiGroups") or ())
        and resources & set(held.get("resources") or ())
        and (not names or name in names)
    )


def prepared(
    client: Client, steps: t.Sequence[Step], objects: t.Iterable[Object], applyset: ApplySet, cluster: str
) -> list[Step]:
    """The steps, those that write Roles and bindings of ClusterRoles made possible. Reads only; pays only for those.

    :param objects: what is declared.
    :raises Refused: a Role holds more than can be given, or a ClusterRole is not ours to bind.
    """
    if isinstance(client, AbsentCluster):
        return list(steps)
    declared = {object_id(obj): obj for obj in objects}
    pending = [declared[step.id] for step in steps if step.action != "delete" and step.id in declared]
    giving = {object_id(obj): obj for obj in pending if _gives(obj)}
    roles = [declared[f"{_RBAC}/v1/Role/{obj['metadata']['namespace']}/{_role_of(obj)}"] for obj in giving.values()]
    refusals = _unbindable(client, pending) + (_too_much(client, roles) if roles else [])
    if refusals:
        listed = "\n".join(f"- {line}" for line in refusals)
        raise Refused(f"{len(refusals)} refusal(s) on {cluster}, nothing was changed:\n{listed}", refusals=refusals)

    def patient(step: Step) -> Step:
        given = giving.get(step.id)
        if given is None or step.action == "delete":
            return step
        return dataclasses.replace(step, perform=lambda: _granting(client, given, step.perform, applyset))

    return [patient(step) for step in steps]


def _gives(obj: Object) -> bool:
    """True for a Role, and for the binding of one: both are asked for what the Role holds."""
    return bool(obj["kind"] == "Role" or (obj["kind"] == "RoleBinding" and obj["roleRef"]["kind"] == "Role"))


def _role_of(obj: Object) -> str:
    name: str = obj["metadata"]["name"] if obj["kind"] == "Role" else obj["roleRef"]["name"]
    return name


def _too_much(client: Client, roles: t.Iterable[Object]) -> list[str]:
    widest = client.get(f"{_RBAC}/v1", "ClusterRole", WIDEST_ROLE) or {}
    held = widest.get("rules") or []
    refusals = {}
    for role in roles:
        missing = lacking(role["rules"], held)
        if missing:
            name = role["metadata"]["name"].removeprefix("lodestar-role-")
            tenant = next(iter(role["metadata"]["labels"].values()))
            refusals[tenant, name] = (
                f"tenants[{tenant}].roles[{name}]: {', '.join(missing)}: the ClusterRole {WIDEST_ROLE} does not hold "
                "this here, and nobody can grant what they do not hold. Let an administrator make a ClusterRole of it, "
                "name that in cluster_access.grants.cluster_roles, and give it to the member as cluster_role"
            )
    return list(refusals.values())


def _unbindable(client: Client, objects: t.Iterable[Object]) -> list[str]:
    names = {
        obj["roleRef"]["name"]
        for obj in objects
        if obj["kind"] == "RoleBinding" and obj["metadata"]["name"].startswith("lodestar-cluster-role-")
    }
    return [
        f"the ClusterRole {name}: our identity may not bind it on this cluster yet. Rights change with the next "
        "access: on an attached cluster run with rekey and an administrator's credential, a created one renews itself"
        for name in sorted(names)
        if not client.can("bind", _RBAC, "clusterroles", name=name)
    ]


def _granting(client: Client, given: Object, write: t.Callable[[], object], applyset: ApplySet) -> None:
    """Writes a Role or its binding while C(admin) is bound to our identity in its namespace.

    The binding is a member of the set, so that a later run removes what a killed one leaves.
    """
    metadata = given["metadata"]
    binding = applyset.member(
        {
            "apiVersion": f"{_RBAC}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": f"lodestar-granting-{metadata['name']}", "namespace": metadata["namespace"]},
            "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": WIDEST_ROLE},
            "subjects": [{"kind": "ServiceAccount", "name": SERVICE_ACCOUNT, "namespace": NAMESPACE}],
        }
    )
    until = time.monotonic() + _PATIENCE
    try:
        while True:
            # Another run that writes the same Role may have taken the binding back meanwhile.
            client.apply(binding, force=True)
            try:
                write()
                return
            except Forbidden:
                if time.monotonic() > until:
                    raise
            time.sleep(0.1)
    finally:
        client.delete(binding["apiVersion"], "RoleBinding", binding["metadata"]["name"], metadata["namespace"])
