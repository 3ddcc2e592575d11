# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may do what by RBAC objects: what integration tests do not see with random cases."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import access_query, rbac

Object = dict[str, t.Any]


def question(**given: t.Any) -> access_query.Query:
    defaults: Object = {
        "subject": None,
        "tenant": None,
        "verbs": [],
        "resources": [],
        "namespaces": [],
        "system": False,
    }
    return access_query.read({**defaults, **given})


def cluster(*bindings: Object, **roles: list[Object]) -> dict[str, list[Object]]:
    found: dict[str, list[Object]] = {kind: [] for kind in rbac.KINDS}
    found["ClusterRole"] = [{"metadata": {"name": name}, "rules": rules} for name, rules in roles.items()]
    for item in bindings:
        found["RoleBinding" if "namespace" in item["metadata"] else "ClusterRoleBinding"].append(item)
    return found


def binding(name: str, role: str, *subjects: Object, namespace: str = "", **labels: str) -> Object:
    metadata: Object = {"name": name, "labels": labels, **({"namespace": namespace} if namespace else {})}
    return {"metadata": metadata, "roleRef": {"kind": "ClusterRole", "name": role}, "subjects": list(subjects)}


READ = {"apiGroups": ["", "apps"], "resources": ["pods", "deployments"], "verbs": ["get", "list"]}
ANNA = {"kind": "User", "name": "anna"}


def test_an_account_without_a_namespace_is_one_of_its_bindings() -> None:
    """As the authorizer has it: a RoleBinding's own namespace, and in a ClusterRoleBinding nobody."""
    account = {"kind": "ServiceAccount", "name": "robot"}
    found = cluster(binding("a", "read", account, namespace="team"), binding("b", "read", account), read=[READ])
    who = rbac.identity(rbac.Subject("ServiceAccount", "robot", "team"))
    request = rbac.Request("get", resource="pods", namespace="team")
    assert [grant.binding for grant in rbac.allowing(rbac.grants(found), who, request)] == ["RoleBinding team/a"]


def test_empty_lists_may_be_absent_or_null() -> None:
    found = cluster(binding("a", "read", ANNA), read=[])
    found["ClusterRole"][0]["rules"] = None
    found["ClusterRoleBinding"].append({**binding("b", "read"), "subjects": None})
    assert access_query.answer(question(verbs=["get"]), "east", found) == []


def test_rows_hold_what_was_asked_and_nothing_else() -> None:
    found = cluster(
        binding("a", "read", ANNA, namespace="team"),
        binding("b", "all", {"kind": "Group", "name": "ops"}),
        read=[READ],
        all=list(rbac.EVERYTHING),
    )
    rows = access_query.answer(question(verbs=["list"], resources=["deployments"], namespaces=["team"]), "east", found)
    told = {(row["subject"]["name"], row["namespace"]): row["rules"] for row in rows}
    assert told["anna", "team"] == [
        # The rule is about both groups, and so is the answer: nobody said which.
        {"verbs": ["list"], "resources": ["deployments", "deployments.apps"], "names": [], "urls": []}
    ]
    assert told["ops", "*"] == [{"verbs": ["list"], "resources": ["deployments.*"], "names": [], "urls": []}]
    rows = access_query.answer(question(resources=["deployments.batch"]), "east", found)
    assert [row["subject"]["name"] for row in rows] == ["ops"]
    assert access_query.answer(question(namespaces=["other"], verbs=["get"]), "east", found)[0]["binding"].endswith(
        " b"
    )


def test_the_table_shows_everything_and_cuts_what_is_long() -> None:
    rules = [{**READ, "resources": [f"resource{number}" for number in range(60)]}]
    found = cluster(binding("a", "read", ANNA), binding("b", "all", ANNA), read=rules, all=list(rbac.EVERYTHING))
    rows = access_query.answer(question(subject={"kind": "User", "name": "anna"}), "east", found)
    lines = access_query.table(rows, {"west": "it is gone"}, 2)
    assert lines[1].endswith(" ...")
    assert lines[2].endswith("everything")
    assert lines[-1] == "- west did not answer, and may hold more: it is gone"
    assert access_query.table([], {}, 2) == ["Nothing on 2 cluster(s)."]


@pytest.mark.parametrize(
    ("name", "default", "hidden"),
    [
        ("system:kube-scheduler", True, True),
        ("system:kube-scheduler", False, False),
        ("system:authenticated", True, False),
        ("system:serviceaccounts:team", True, False),
        ("ops", True, False),
    ],
)
def test_what_belongs_to_the_system(name: str, default: bool, hidden: bool) -> None:
    grant = rbac.Grant(rbac.Subject("Group", name), "", "", "", (), default)
    assert rbac.is_systems(grant) is hidden
