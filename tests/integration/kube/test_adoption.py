# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was taken over from somebody else is given back as it was."""

from __future__ import annotations

import copy
import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.errors import Refused
from ansible_collections.lodestar.platform.plugins.module_utils.kube.apply import ApplySet
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client

from ..harness.apiserver import ApiServer
from ..harness.objects import RBAC, tenant_objects
from .test_apply import edit, ids, plan, run

_BY_SERVER = ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields")

Object = dict[str, t.Any]


def deployment(namespace: str, image: str) -> Object:
    labels = {"app": "web"}
    container = {"name": "main", "image": image}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {"selector": {"matchLabels": labels}, "template": template},
    }


def theirs(prefix: str) -> list[Object]:
    """Objects that somebody made by hand, under the names of a tenant's, each with another content."""
    space, quota, limits, admins, *_rest, policy = copy.deepcopy(tenant_objects(prefix, 1))
    space["metadata"]["labels"] = {"pod-security.kubernetes.io/enforce": "privileged", "theirs": "kept"}
    quota["spec"] = {"hard": {"pods": "5", "requests.cpu": "4", "services": "2"}}
    quota["metadata"]["annotations"] = {"theirs": "kept"}
    limits["spec"]["limits"] = [{"type": "Pod", "max": {"cpu": "2"}}, *limits["spec"]["limits"]]
    admins["subjects"] = [{"apiGroup": RBAC, "kind": "User", "name": "mallory"}]
    policy["spec"] = {"podSelector": {"matchLabels": {"app": "x"}}, "policyTypes": ["Ingress"]}
    mine = deployment(f"{prefix}-0", "one:1")
    mine["spec"]["template"]["spec"]["containers"].append({"name": "side", "image": "side:1"})
    return [space, quota, limits, admins, policy, mine]


def make(api: ApiServer, objects: list[Object]) -> None:
    with Client(api.admin) as admin:
        for obj in objects:
            path = admin.resource(obj["apiVersion"], obj["kind"]).path(obj["metadata"].get("namespace"))
            admin.request("POST", path, query={"fieldManager": "terraform"}, body=obj)


def standing(client: Client, objects: list[Object]) -> list[Object]:
    """What the server holds of them, without what it counts itself."""
    found = []
    for obj in objects:
        metadata = obj["metadata"]
        there = client.get(obj["apiVersion"], obj["kind"], metadata["name"], metadata.get("namespace"))
        assert there is not None, metadata
        kept = {key: value for key, value in there["metadata"].items() if key not in _BY_SERVER}
        found.append({**{key: value for key, value in there.items() if key != "status"}, "metadata": kept})
    return found


def field_managers(client: Client, objects: list[Object]) -> set[str]:
    found = set()
    for obj in objects:
        metadata = obj["metadata"]
        there = client.get(obj["apiVersion"], obj["kind"], metadata["name"], metadata.get("namespace"))
        assert there is not None, metadata
        found |= {str(item["manager"]) for item in there["metadata"].get("managedFields") or ()}
    return found


def test_what_was_adopted_is_handed_back_and_what_was_made_is_deleted(
    api: ApiServer, client: Client, prefix: str
) -> None:
    before = theirs(prefix)
    make(api, before)
    originals = standing(client, before)
    declared = [*tenant_objects(prefix, 1), deployment(f"{prefix}-0", "two:2")]
    run(client, declared, prefix, adopt=["all"])
    assert standing(client, before) != originals
    mark = api.audit.mark()
    assert plan(client, declared, prefix) == []
    assert not [request for request in api.audit.since(mark) if request.writes]

    # A change of the set in between keeps what is known of the adopted.
    run(client, [obj for obj in declared if obj["metadata"]["name"] != "viewers"], prefix)
    planned = plan(client, [], prefix, prune_all=True)
    handed = {step.id for step in planned if step.description.startswith("hand back")}
    assert len(handed) == len(before)
    done = run(client, [], prefix, prune_all=True)
    assert [(step.id, step.action, step.before, step.after) for step in done] == [
        (step.id, step.action, step.before, step.after) for step in planned
    ]
    assert standing(client, before) == originals
    assert field_managers(client, before) == {"terraform"}
    policies = client.list("networking.k8s.io/v1", "NetworkPolicy", namespace=f"{prefix}-0")
    assert [item["metadata"]["name"] for item in policies] == ["dns"]
    parent = client.get("v1", "ConfigMap", ApplySet(prefix).parent_name, "lodestar-system")
    assert parent is not None
    assert not parent.get("data")
    assert plan(client, [], prefix) == []


def test_an_adopted_object_that_leaves_the_declaration_alone_is_handed_back(
    api: ApiServer, client: Client, prefix: str
) -> None:
    before = theirs(prefix)
    make(api, before)
    declared = tenant_objects(prefix, 1)
    quota = next(obj for obj in before if obj["kind"] == "ResourceQuota")
    original = standing(client, [quota])
    run(client, declared, prefix, adopt=["all"])
    steps = run(client, [obj for obj in declared if obj["kind"] != "ResourceQuota"], prefix)
    assert ids(steps)[-1] == f"v1/ResourceQuota/{prefix}-0/quota"
    assert standing(client, [quota]) == original
    assert plan(client, [obj for obj in declared if obj["kind"] != "ResourceQuota"], prefix) == []


def test_an_adopted_object_that_was_deleted_since_is_ours(api: ApiServer, client: Client, prefix: str) -> None:
    before = theirs(prefix)
    make(api, before)
    declared = tenant_objects(prefix, 1)
    run(client, declared, prefix, adopt=["all"])
    with Client(api.admin) as admin:
        admin.delete("v1", "ResourceQuota", "quota", f"{prefix}-0")
    run(client, declared, prefix)
    steps = run(client, [obj for obj in declared if obj["kind"] != "ResourceQuota"], prefix)
    assert [(step.id, step.action) for step in steps if "ResourceQuota" in step.id] == [
        (f"v1/ResourceQuota/{prefix}-0/quota", "delete")
    ]


def test_what_only_another_object_could_be_is_not_adopted(api: ApiServer, client: Client, prefix: str) -> None:
    before = theirs(prefix)
    admins = next(obj for obj in before if obj["kind"] == "RoleBinding")
    admins["roleRef"] = {"apiGroup": RBAC, "kind": "ClusterRole", "name": "view"}
    make(api, before)
    mark = api.audit.mark()
    with pytest.raises(Refused) as refusal:
        run(client, tenant_objects(prefix, 1), prefix, adopt=["all"])
    assert "RoleBinding" in str(refusal.value)
    assert "another roleRef" in str(refusal.value)
    assert not [request for request in api.audit.since(mark) if request.writes]


def test_a_secret_that_was_adopted_stays_and_its_values_are_kept_nowhere(
    api: ApiServer, client: Client, prefix: str
) -> None:
    make(api, [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": prefix}}])
    secret: Object = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s", "namespace": prefix},
        "data": {"key": "b2xk"},
    }
    make(api, [secret])
    run(client, [{**secret, "data": {"key": "bmV3"}}], prefix, adopt=["all"])
    parent = client.get("v1", "ConfigMap", ApplySet(prefix).parent_name, "lodestar-system")
    assert parent is not None
    assert "b2xk" not in str(parent)
    run(client, [], prefix, prune_all=True)
    there = client.get("v1", "Secret", "s", prefix)
    assert there is not None
    assert "applyset.kubernetes.io/part-of" not in (there["metadata"].get("labels") or {})


def test_a_value_that_somebody_edits_meanwhile_is_drift_and_not_what_comes_back(
    api: ApiServer, client: Client, prefix: str
) -> None:
    before = theirs(prefix)
    make(api, before)
    quota = next(obj for obj in before if obj["kind"] == "ResourceQuota")
    original = standing(client, [quota])
    declared = tenant_objects(prefix, 1)
    run(client, declared, prefix, adopt=["all"])
    edit(api, f"/api/v1/namespaces/{prefix}-0/resourcequotas/quota", {"spec": {"hard": {"pods": "999"}}})
    run(client, [], prefix, prune_all=True)
    assert standing(client, [quota]) == original
