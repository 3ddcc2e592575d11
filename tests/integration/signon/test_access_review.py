# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What access_review says, against what the authorizer of a real API server says."""

from __future__ import annotations

import itertools
import json
import random
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import rbac
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.access_review import OPERATION as REVIEW
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client

from ..harness.apiserver import ApiServer
from ..harness.people import execute
from .conftest import give

Object = dict[str, t.Any]
GROUP = "rbac.authorization.k8s.io"
VERBS = ("get", "list", "delete", "escalate")
RESOURCES = (("", "pods", ""), ("", "pods", "log"), ("", "secrets", ""), ("apps", "deployments", "scale"))


def a_rule(chance: random.Random) -> Object:
    return {
        "verbs": chance.sample([*VERBS, "*"], 2),
        "apiGroups": chance.choice([[""], ["apps"], ["", "apps"], ["*"]]),
        "resources": chance.sample(
            ["pods", "pods/log", "secrets", "deployments", "deployments/scale", "*/log", "*"], 2
        ),
        **({"resourceNames": ["one"]} if chance.random() < 0.3 else {}),
    }


def a_subject(chance: random.Random, prefix: str) -> Object:
    kind = chance.choice(["User", "Group", "ServiceAccount"])
    if kind == "ServiceAccount":
        return {"kind": kind, "name": f"s{chance.randrange(2)}", "namespace": f"{prefix}-{chance.choice('ab')}"}
    return {"apiGroup": GROUP, "kind": kind, "name": f"{prefix}-{kind[0].lower()}{chance.randrange(3)}"}


def some_rbac(chance: random.Random, prefix: str) -> list[Object]:
    """Roles and bindings of all kinds, also such as name a role that does not exist."""
    found: list[Object] = []
    for number, space in itertools.product(range(4), ("", f"{prefix}-a", f"{prefix}-b")):
        metadata = {"name": f"{prefix}-{number}", **({"namespace": space} if space else {})}
        role = {"kind": "Role" if space else "ClusterRole", "metadata": metadata}
        rules = [a_rule(chance) for _index in range(chance.randrange(1, 3))]
        if not space and number == 0:
            rules.append({"verbs": ["get"], "nonResourceURLs": [f"/{prefix}/*"]})
        found.append({"apiVersion": rbac.API, **role, "rules": rules})
    for number in range(14):
        space = chance.choice(["", f"{prefix}-a", f"{prefix}-b"])
        kind = chance.choice(["Role", "ClusterRole"]) if space else "ClusterRole"
        metadata = {"name": f"{prefix}-{number}", **({"namespace": space} if space else {})}
        binding = {"kind": "RoleBinding" if space else "ClusterRoleBinding", "metadata": metadata}
        ref = {"apiGroup": GROUP, "kind": kind, "name": f"{prefix}-{chance.randrange(5)}"}
        subjects = [a_subject(chance, prefix) for _index in range(chance.randrange(1, 3))]
        found.append({"apiVersion": rbac.API, **binding, "roleRef": ref, "subjects": subjects})
    return found


def reviewed(client: Client, who: rbac.Identity, request: rbac.Request) -> bool:
    """What the server's authorizer says."""
    spec: Object = {"user": who.user, "groups": sorted(who.groups)}
    if request.path:
        spec["nonResourceAttributes"] = {"verb": request.verb, "path": request.path}
    else:
        spec["resourceAttributes"] = {key: value for key, value in vars(request).items() if key != "path" and value}
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
    answer = client.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", body=body)
    return bool(answer["status"]["allowed"])


def settled(client: Client, prefix: str) -> None:
    """Waits until the authorizer, which watches, has seen what was written last."""
    binding = {"apiVersion": rbac.API, "kind": "ClusterRoleBinding", "metadata": {"name": f"{prefix}-last"}}
    subject = {"apiGroup": GROUP, "kind": "User", "name": f"{prefix}-last"}
    role = {"apiGroup": GROUP, "kind": "ClusterRole", "name": "cluster-admin"}
    client.create({**binding, "roleRef": role, "subjects": [subject]})
    who = rbac.identity(rbac.Subject("User", f"{prefix}-last"))
    until = time.monotonic() + 20
    while not reviewed(client, who, rbac.Request("get", resource="secrets")):
        assert time.monotonic() < until
        time.sleep(0.1)
    client.delete(rbac.API, "ClusterRoleBinding", f"{prefix}-last")


def requests(prefix: str) -> list[rbac.Request]:
    """Verbs on resources, of all and of single objects, in and out of namespaces; and paths."""
    found = [
        rbac.Request(verb, *resource, namespace=space, name=name)
        for verb, resource, space, name in itertools.product(
            VERBS, RESOURCES, ("", f"{prefix}-a", f"{prefix}-b"), ("", "one", "two")
        )
    ]
    return [*found, rbac.Request("get", path=f"/{prefix}/x"), rbac.Request("get", path=f"/{prefix}")]


@pytest.mark.parametrize("seed", range(3))
def test_it_tells_what_the_authorizer_tells(cluster: ApiServer, prefix: str, seed: int) -> None:
    chance = random.Random(seed)
    with Client(cluster.admin) as client:
        for space in (f"{prefix}-a", f"{prefix}-b"):
            client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}})
        for obj in some_rbac(chance, prefix):
            client.create(obj)
        settled(client, prefix)
        found = rbac.grants({kind: client.list(rbac.API, kind) for kind in rbac.KINDS})
        people = [
            rbac.identity(rbac.Subject("User", f"{prefix}-u{number}"), [f"{prefix}-g{number}", f"{prefix}-g0"])
            for number in range(3)
        ]
        people += [rbac.identity(rbac.Subject("ServiceAccount", "s1", f"{prefix}-a"))]
        people += [
            rbac.identity(rbac.Subject("Group", f"{prefix}-g1")),
            rbac.identity(rbac.Subject("Group", "system:masters")),
        ]
        cases = chance.sample([(who, request) for who in people for request in requests(prefix)], 260)
        told = [bool(rbac.allowing(found, who, request)) for who, request in cases]
        assert told == [reviewed(client, who, request) for who, request in cases]
        assert 30 < sum(told) < 230, "the cases tell nothing"


@pytest.fixture
def shop(cluster: ApiServer, prefix: str) -> str:
    """A tenant with one namespace, and somebody who was let in by hand."""
    tenant = {
        "name": prefix,
        "namespaces": [prefix],
        "members": [{"kind": "Group", "name": f"{prefix}-devs", "role": "developer"}],
    }
    assert give(cluster, tenant)
    binding = {"apiVersion": rbac.API, "kind": "RoleBinding", "metadata": {"name": "by-hand", "namespace": prefix}}
    subject = {"apiGroup": GROUP, "kind": "User", "name": f"{prefix}-mallory"}
    role = {"apiGroup": GROUP, "kind": "ClusterRole", "name": "admin"}
    with Client(cluster.admin) as client:
        client.create({**binding, "roleRef": role, "subjects": [subject]})
    return prefix


def who(answer: Object) -> set[tuple[str, str]]:
    assert not answer.get("failed"), answer.get("msg")
    return {(row["subject"]["name"], row["binding"]) for row in answer["rows"]}


def test_a_tenant_and_its_namespaces(cluster: ApiServer, shop: str) -> None:
    answer = execute(REVIEW, cluster.runner, tenant=shop, resources=["deployments.apps"])
    developers = (f"{shop}-devs", f"RoleBinding {shop}/lodestar-developer")
    assert who(answer) == {developers, (f"{shop}-mallory", f"RoleBinding {shop}/by-hand")}
    (row,) = [row for row in answer["rows"] if row["subject"]["name"] == f"{shop}-devs"]
    assert (row["namespace"], row["role"]) == (shop, "ClusterRole edit")
    assert {"create", "delete"} <= {verb for rule in row["rules"] for verb in rule["verbs"]}
    assert {item for rule in row["rules"] for item in rule["resources"]} == {"deployments.apps"}
    assert any(shop in line and "RoleBinding" in line for line in answer["table"])


def test_who_can_delete_secrets_in_a_namespace(cluster: ApiServer, shop: str, tmp_path: Path) -> None:
    path = tmp_path / "review.json"
    asked = {"verbs": ["delete"], "resources": ["secrets"], "namespaces": [shop], "report_path": str(path)}
    mark = cluster.audit.mark()
    answer = execute(REVIEW, cluster.runner, **asked)
    lists = [request for request in cluster.audit.since(mark) if request.verb == "list"]
    assert sorted(request.target["resource"] for request in lists) == sorted(
        ["roles", "rolebindings", "clusterroles", "clusterrolebindings"]
    )
    assert not [request for request in cluster.audit.since(mark) if request.writes]
    people = {name for name, _binding in who(answer) if name.startswith((f"{shop}-", "system:", "runner"))}
    # The runner of these tests is a cluster-admin; what belongs to the system is left out.
    assert people == {"runner", f"{shop}-devs", f"{shop}-mallory"}
    assert json.loads(path.read_text())["rows"] == answer["rows"]
    everybody = {name for name, _binding in who(execute(REVIEW, cluster.runner, **asked, system=True))}
    assert {"system:masters", "namespace-controller"} <= everybody


def test_a_default_binding_that_was_widened_is_told(cluster: ApiServer, prefix: str) -> None:
    path = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/system:monitoring"
    subjects = [
        {"apiGroup": GROUP, "kind": "Group", "name": "system:monitoring"},
        {"apiGroup": GROUP, "kind": "Group", "name": f"{prefix}-ops"},
    ]
    with Client(cluster.admin) as client:
        client.request("PATCH", path, body={"subjects": subjects}, content_type="application/merge-patch+json")
    answer = execute(REVIEW, cluster.runner, verbs=["get"])
    assert (f"{prefix}-ops", "ClusterRoleBinding system:monitoring") in who(answer)
    assert "system:monitoring" not in {name for name, _binding in who(answer)}


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({}, "asks for every right of everybody"),
        ({"subject": {"kind": "Group", "name": "a"}, "tenant": "b"}, "is asked together with a subject"),
        ({"subject": {"kind": "ServiceAccount", "name": "a"}}, "subject.namespace"),
        ({"subject": {"kind": "Group", "name": "a", "groups": ["b"]}}, "subject.groups"),
        ({"verbs": ["Delete"]}, "verbs[0]"),
        ({"resources": ["pods/"]}, "resources[0]"),
        ({"namespaces": ["a b"], "deadline": 0}, "deadline"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(cluster: ApiServer, asked: Object, named: str) -> None:
    answer = execute(REVIEW, cluster.runner, **asked)
    assert answer["failed"]
    assert named in answer["msg"]
