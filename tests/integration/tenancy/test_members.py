# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Roles beyond the four: ClusterRoles by name, and rules of a tenant's own, by an identity that holds neither."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.kube.connection import Connection
from ansible_collections.lodestar.platform.plugins.module_utils.tenancy.operate import OPERATION

from ..harness.apiserver import ApiServer
from ..harness.people import Person, execute, steps, until
from .conftest import RBAC, may, ours, retire

IDENTITY = "system:serviceaccount:lodestar-system:lodestar"
GRANTS = {"cluster_roles": ["quota-reader"]}


@pytest.fixture
def identity(own: ApiServer) -> Connection:
    """Our identity with tier tenant, which may bind one ClusterRole more."""
    with Client(own.admin) as admin:
        rules = [{"apiGroups": ["example.org"], "resources": ["widgets"], "verbs": ["get", "create"]}]
        role = {"apiVersion": RBAC, "kind": "ClusterRole", "metadata": {"name": "quota-reader"}, "rules": rules}
        admin.apply(role, force=True)
    retire(own)
    return ours(own, **GRANTS)


def tenant(prefix: str, *rules: dict[str, t.Any], **changes: t.Any) -> dict[str, t.Any]:
    return {
        "name": prefix,
        "namespaces": [prefix, f"{prefix}-b"],
        "roles": [{"name": "shell", "rules": list(rules)}],
        "members": [
            {"kind": "Group", "name": f"{prefix}-ops", "role": "shell"},
            {"kind": "Group", "name": f"{prefix}-readers", "cluster_role": "quota-reader"},
        ],
        **changes,
    }


SHELL = {"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["create"]}
ONE_SECRET = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"], "resourceNames": ["token"]}


@pytest.mark.proves(
    "tenants.members.cluster_role",
    "tenants.members.role=own",
    "tenants.roles.name",
    "tenants.roles.rules.apiGroups",
    "tenants.roles.rules.resources",
    "tenants.roles.rules.verbs",
    "tenants.roles.rules.resourceNames",
    "tenancy:grants",
)
def test_members_may_what_their_own_role_and_their_cluster_role_say(
    own: ApiServer, identity: Connection, prefix: str
) -> None:
    given: dict[str, t.Any] = {"grants": GRANTS, "prune_namespaces": True}
    declared = tenant(prefix, SHELL, ONE_SECRET)
    predicted = execute(OPERATION, identity, check=True, tenants=[declared], **given)
    assert steps(execute(OPERATION, identity, tenants=[declared], **given)) == steps(predicted)
    ops, readers = f"{prefix}-ops", f"{prefix}-readers"
    until(lambda: may(own, "create", "pods/exec", f"{prefix}-b", ops))
    until(lambda: may(own, "get", "secrets", prefix, ops, name="token"))
    assert not may(own, "get", "secrets", prefix, ops, name="other")
    assert not may(own, "create", "pods/exec", "default", ops)
    until(lambda: may(own, "create", "widgets", prefix, readers, group="example.org"))
    assert not may(own, "delete", "widgets", prefix, readers, group="example.org")
    # What our identity was given for that moment is gone, and an unchanged role takes none of it.
    until(lambda: not may(own, "get", "secrets", prefix, user=IDENTITY))
    mark = own.audit.mark()
    assert steps(execute(OPERATION, identity, tenants=[declared], **given)) == []
    assert not [request for request in own.audit.since(mark, IDENTITY) if request.writes]
    fewer = tenant(prefix, SHELL)
    assert steps(execute(OPERATION, identity, tenants=[fewer], **given)) == [
        f"update {RBAC}/Role/{space}/lodestar-role-shell" for space in (prefix, f"{prefix}-b")
    ]
    until(lambda: not may(own, "get", "secrets", prefix, ops, name="token"))
    with Client(own.admin) as admin:
        names = {item["metadata"]["name"] for item in admin.list(RBAC, "RoleBinding", namespace=prefix)}
    assert names == {"lodestar-role-shell", "lodestar-cluster-role-quota-reader"}


def test_what_nobody_can_grant_is_refused_by_name_before_anything_is_written(
    own: ApiServer, identity: Connection, prefix: str
) -> None:
    mark = own.audit.mark()
    nodes = {"apiGroups": ["", "apps"], "resources": ["nodes"], "verbs": ["get"]}
    answer = execute(OPERATION, identity, tenants=[tenant(prefix, SHELL, nodes)], grants=GRANTS, prune_namespaces=True)
    assert answer["failed"]
    assert f"tenants[{prefix}].roles[shell]: get nodes, get nodes.apps: " in answer["msg"]
    assert "cluster_access.grants.cluster_roles" in answer["msg"]
    members = [{"kind": "Group", "name": "a", "cluster_role": "unknown"}]
    lone = {"name": prefix, "namespaces": [prefix], "members": members}
    answer = execute(OPERATION, identity, tenants=[lone], prune_namespaces=True)
    assert [item["key"] for item in answer["problems"]] == [f"tenants[{prefix}].members.cluster_role"]
    # Declared, but the rights on the cluster are still those of before.
    grants = {"cluster_roles": ["unknown"]}
    answer = execute(OPERATION, identity, tenants=[lone], grants=grants, prune_namespaces=True)
    assert "the ClusterRole unknown: our identity may not bind it on this cluster yet" in answer["msg"]
    assert not [request for request in own.audit.since(mark, IDENTITY) if request.writes]


def test_what_a_killed_run_left_of_its_rights_is_taken_back(own: ApiServer, identity: Connection, prefix: str) -> None:
    declared = tenant(prefix, SHELL)
    given: dict[str, t.Any] = {"tenants": [declared], "grants": GRANTS}
    assert steps(execute(OPERATION, identity, prune_namespaces=True, **given))
    member = Person(own, "system:masters")
    path = f"/apis/{RBAC}/namespaces/{prefix}/rolebindings"
    labels = member.call("GET", f"{path}/lodestar-role-shell").body["metadata"]["labels"]
    left = {
        "metadata": {"name": "lodestar-granting-lodestar-role-shell", "labels": labels},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"},
        "subjects": [{"kind": "ServiceAccount", "name": "lodestar", "namespace": "lodestar-system"}],
    }
    assert member.post(path, left, dry_run=False).status == 201
    assert steps(execute(OPERATION, identity, **given)) == [
        f"delete {RBAC}/RoleBinding/{prefix}/lodestar-granting-lodestar-role-shell"
    ]


#: What somebody with a role may do in the tenant's namespaces: read, write, and give rights to others.
RIGHTS = {
    "owner": (True, True, True),
    "admin": (True, True, True),
    "developer": (True, True, False),
    "viewer": (True, False, False),
}
KINDS = ("Group", "User", "ServiceAccount")


def rights(who: Person, namespace: str) -> tuple[bool, bool, bool]:
    """Whether somebody reads pods, writes ConfigMaps and binds roles there."""
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
    binding = {"metadata": {"name": "b"}, "roleRef": role, "subjects": []}
    answers = (
        who.call("GET", f"/api/v1/namespaces/{namespace}/pods"),
        who.post(f"/api/v1/namespaces/{namespace}/configmaps", {"metadata": {"name": "c"}}),
        who.post(f"/apis/{RBAC}/namespaces/{namespace}/rolebindings", binding),
    )
    assert {answer.status for answer in answers} <= {200, 201, 403}, answers
    return t.cast("tuple[bool, bool, bool]", tuple(answer.status != 403 for answer in answers))


@pytest.mark.proves(
    "tenants.members.kind=Group",
    "tenants.members.kind=ServiceAccount",
    "tenants.members.kind=User",
    "tenants.members.name",
    "tenants.members.namespace",
    "tenants.members.role=admin",
    "tenants.members.role=developer",
    "tenants.members.role=owner",
    "tenants.members.role=viewer",
)
def test_each_role_gives_its_rights_to_whoever_has_it_and_to_nobody_else(own: ApiServer, prefix: str) -> None:
    retire(own)
    homes = {"ServiceAccount": {"namespace": f"{prefix}-ci"}}
    members = [
        {"kind": kind, "name": f"{prefix}-{role}", "role": role, **homes.get(kind, {})}
        for role in RIGHTS
        for kind in KINDS
    ]
    declared = {"name": prefix, "namespaces": [prefix], "members": members}
    assert steps(execute(OPERATION, own.runner, tenants=[declared], prune_namespaces=True))

    def people(name: str, home: str) -> list[Person]:
        account = f"system:serviceaccount:{home}:{name}"
        return [Person(own, name, user="somebody"), Person(own, user=name), Person(own, user=account)]

    for role, wanted in RIGHTS.items():
        for person in people(f"{prefix}-{role}", f"{prefix}-ci"):
            until(lambda person=person, wanted=wanted: rights(person, prefix) == wanted)
            assert not any(rights(person, "default"))
        stranger = people(f"{prefix}-{role}", "elsewhere")[2]
        assert not any(rights(stranger, prefix))
    assert not any(any(rights(person, prefix)) for person in people("nobody", f"{prefix}-ci"))
