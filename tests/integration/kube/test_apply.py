# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A set of objects on a real API server: made, unchanged, drifted, pruned, adopted, refused."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.errors import InvalidInput, Refused
from ansible_collections.lodestar.platform.plugins.module_utils.kube.apply import ApplySet, plan_objects
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.kube.steps import ObjectStep
from ansible_collections.lodestar.platform.plugins.module_utils.plan import Plan, Step, carry_out

from ..harness.apiserver import ApiServer
from ..harness.objects import tenant_objects

RBAC = "rbac.authorization.k8s.io/v1"


def plan(client: Client, objects: list[dict[str, t.Any]], name: str, **options: t.Any) -> list[Step]:
    force = options.pop("force", False)
    return plan_objects(client, objects, applyset=ApplySet(name, force=force), target="east", **options)


def run(client: Client, objects: list[dict[str, t.Any]], name: str, **options: t.Any) -> list[Step]:
    steps = plan(client, objects, name, **options)
    carry_out(Plan(steps=steps, parallel=8))
    return steps


def ids(steps: list[Step]) -> list[str]:
    return [step.id for step in steps]


def edit(api: ApiServer, path: str, patch: t.Any, manager: str = "kubectl-edit") -> None:
    """Changes an object as a person with an editor does."""
    with Client(api.admin) as admin:
        admin.request(
            "PATCH", path, query={"fieldManager": manager}, body=patch, content_type="application/merge-patch+json"
        )


def test_new_objects_are_made_and_the_plan_says_which(client: Client, prefix: str) -> None:
    objects = tenant_objects(prefix, 2)
    steps = run(client, objects, prefix)
    made = {f"{obj['apiVersion']}/{obj['kind']}/" for obj in objects}
    assert len(steps) == len(objects) + 1 + any(step.id == "v1/Namespace/lodestar-system" for step in steps)
    assert all(step.action == "create" and step.before is None for step in steps)
    assert all(any(step.id.startswith(kind) for step in steps) for kind in made)
    assert client.get("v1", "ResourceQuota", "quota", f"{prefix}-0") is not None


def test_unchanged_costs_a_list_a_kind_and_no_write(api: ApiServer, client: Client, prefix: str) -> None:
    objects = tenant_objects(prefix, 3)
    run(client, objects, prefix)
    mark = api.audit.mark()
    assert plan(client, objects, prefix) == []
    seen = api.audit.since(mark)
    assert not [request for request in seen if request.writes]
    kinds = {obj["kind"] for obj in objects}
    assert sorted(request.verb for request in seen) == ["get"] + ["list"] * len(kinds)


def test_check_mode_on_an_empty_cluster_equals_what_the_run_does(api: ApiServer, client: Client, prefix: str) -> None:
    objects = tenant_objects(prefix, 2)
    mark = api.audit.mark()
    predicted = [step.as_dict() for step in plan(client, objects, prefix)]
    seen = api.audit.since(mark)
    assert not [request for request in seen if request.writes or "dryRun" in request.uri]
    assert predicted == [step.as_dict() for step in run(client, objects, prefix)]


def test_drift_is_named_exactly_and_undone(api: ApiServer, client: Client, prefix: str) -> None:
    objects = tenant_objects(prefix, 3)
    run(client, objects, prefix)
    client.delete(RBAC, "RoleBinding", "admins", f"{prefix}-0")
    client.delete("networking.k8s.io/v1", "NetworkPolicy", "default-deny", f"{prefix}-1")
    edit(api, f"/api/v1/namespaces/{prefix}-2/resourcequotas/quota", {"spec": {"hard": {"pods": "9999"}}})
    edit(api, f"/api/v1/namespaces/{prefix}-1", {"metadata": {"labels": {"team": "other", "extra": "kept"}}})
    expected = {
        f"{RBAC}/RoleBinding/{prefix}-0/admins",
        f"networking.k8s.io/v1/NetworkPolicy/{prefix}-1/default-deny",
        f"v1/ResourceQuota/{prefix}-2/quota",
        f"v1/Namespace/{prefix}-1",
    }
    steps = run(client, objects, prefix)
    assert set(ids(steps)) == expected
    quota = next(step for step in steps if "ResourceQuota" in step.id)
    assert (quota.before["spec"]["hard"]["pods"], quota.after["spec"]["hard"]["pods"]) == ("9999", "20")
    assert plan(client, objects, prefix) == []
    namespace = client.get("v1", "Namespace", f"{prefix}-1")
    assert namespace is not None
    assert namespace["metadata"]["labels"]["extra"] == "kept"


def test_a_widened_rule_inside_an_atomic_list_is_drift(api: ApiServer, client: Client, prefix: str) -> None:
    objects = tenant_objects(prefix, 1)
    run(client, objects, prefix)
    path = f"/apis/networking.k8s.io/v1/namespaces/{prefix}-0/networkpolicies/same-tenant"
    peers = [{"podSelector": {}, "namespaceSelector": {}}]
    edit(api, path, {"spec": {"ingress": [{"from": peers}]}})
    steps = run(client, objects, prefix)
    assert ids(steps) == [f"networking.k8s.io/v1/NetworkPolicy/{prefix}-0/same-tenant"]
    assert plan(client, objects, prefix) == []


def test_a_field_that_is_no_longer_declared_goes_and_is_shown(client: Client, prefix: str) -> None:
    objects = tenant_objects(prefix, 1)
    run(client, objects, prefix)
    quota = next(obj for obj in objects if obj["kind"] == "ResourceQuota")
    del quota["spec"]["hard"]["pods"]
    steps = run(client, objects, prefix)
    assert ids(steps) == [f"v1/ResourceQuota/{prefix}-0/quota"]
    assert steps[0].before["spec"]["hard"]["pods"] == "20"
    assert "pods" not in steps[0].after["spec"]["hard"]
    there = client.get("v1", "ResourceQuota", "quota", f"{prefix}-0")
    assert there is not None
    assert "pods" not in there["spec"]["hard"]
    assert plan(client, objects, prefix) == []


def test_what_is_no_longer_declared_is_pruned_and_the_parent_follows(client: Client, prefix: str) -> None:
    objects = tenant_objects(prefix, 1)
    run(client, objects, prefix)
    kept = [obj for obj in objects if obj["kind"] != "NetworkPolicy"]
    steps = run(client, kept, prefix)
    deleted = [step for step in steps if step.action == "delete"]
    assert {step.id.split("/")[2] for step in deleted} == {"NetworkPolicy"}
    assert len(steps) == len(deleted) + 1
    parent = client.get("v1", "ConfigMap", f"applyset-{prefix}", "lodestar-system")
    assert parent is not None
    recorded = parent["metadata"]["annotations"]["applyset.kubernetes.io/contains-group-kinds"]
    assert "NetworkPolicy" not in recorded
    assert plan(client, kept, prefix) == []


def test_without_prune_nothing_is_deleted_and_the_members_stay_known(client: Client, prefix: str) -> None:
    objects = tenant_objects(prefix, 1)
    run(client, objects, prefix)
    assert plan(client, objects[:1], prefix, prune=False) == []
    assert {step.action for step in plan(client, objects[:1], prefix)} == {"delete", "update"}


def test_an_empty_declaration_prunes_everything_only_when_told(client: Client, prefix: str) -> None:
    objects = [obj for obj in tenant_objects(prefix, 1) if obj["kind"] != "Namespace"]
    client.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"{prefix}-0"}})
    run(client, objects, prefix)
    with pytest.raises(Refused) as refusal:
        plan(client, [], prefix)
    assert "prune_all" in str(refusal.value)
    run(client, [], prefix, prune_all=True)
    assert client.list(RBAC, "RoleBinding", namespace=f"{prefix}-0") == []
    assert plan(client, [], prefix) == []


def test_an_object_of_somebody_else_is_not_taken(api: ApiServer, client: Client, prefix: str) -> None:
    objects = tenant_objects(prefix, 1)
    theirs = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"{prefix}-0", "labels": {"team": "them"}}}
    with Client(api.admin) as admin:
        admin.request("POST", "/api/v1/namespaces", query={"fieldManager": "terraform"}, body=theirs)
    with pytest.raises(Refused) as refusal:
        plan(client, objects, prefix)
    assert f"Namespace {prefix}-0" in str(refusal.value)
    assert "terraform" in str(refusal.value)
    with pytest.raises(Refused, match=r"adopt: \[Namespace\]"):
        plan(client, objects, prefix, adopt=["ConfigMap"])
    run(client, objects, prefix, adopt=["Namespace"])
    assert plan(client, objects, prefix) == []


def test_of_many_new_namespaces_one_that_exists_is_found(api: ApiServer, client: Client, prefix: str) -> None:
    """So many cost one LIST, which is that of the members as well, and not a GET each."""
    objects = tenant_objects(prefix, 9)
    theirs = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"{prefix}-4"}}
    with Client(api.admin) as admin:
        admin.request("POST", "/api/v1/namespaces", query={"fieldManager": "terraform"}, body=theirs)
    mark = api.audit.mark()
    with pytest.raises(Refused) as refusal:
        plan(client, objects, prefix)
    assert f"Namespace {prefix}-4" in str(refusal.value)
    assert "1 refusal(s)" in str(refusal.value)
    kinds = {obj["kind"] for obj in objects}
    inside = [obj for obj in objects if obj["metadata"].get("namespace") == f"{prefix}-4"]
    verbs = [request.verb for request in api.audit.since(mark)]
    assert (verbs.count("list"), verbs.count("get")) == (len(kinds), len(inside) + 1)


def test_a_namespace_is_no_member_of_a_new_set_that_declares_none(api: ApiServer, client: Client, prefix: str) -> None:
    """Its set may have lost its parent: what is in the namespace is not deleted for that."""
    spaces = [obj for obj in tenant_objects(prefix, 10) if obj["kind"] == "Namespace"]
    spaces[0]["metadata"]["labels"] = {"applyset.kubernetes.io/part-of": ApplySet(prefix).id}
    with Client(api.admin) as admin:
        for space in spaces:
            admin.apply(space)
    objects = [obj for obj in tenant_objects(prefix, 10) if obj["kind"] == "LimitRange"][1:]
    assert {step.action for step in plan(client, objects, prefix)} == {"create"}


def test_what_goes_is_planned_in_the_order_of_kinds(client: Client, prefix: str) -> None:
    run(client, tenant_objects(prefix, 2), prefix)
    ordered = Plan(steps=plan(client, [], prefix, prune_all=True)).ordered()
    going = [step for step in ordered if isinstance(step, ObjectStep)]
    kinds = [(step.wave, step.obj["apiVersion"], step.obj["kind"]) for step in going]
    assert kinds == sorted(kinds)
    assert len(kinds) == len(tenant_objects(prefix, 2))


def test_an_object_of_another_set_is_not_taken(client: Client, prefix: str) -> None:
    objects = tenant_objects(prefix, 1)
    run(client, objects, prefix)
    with pytest.raises(Refused) as refusal:
        plan(client, objects[:1], f"{prefix}-other")
    assert ApplySet(prefix).id in str(refusal.value)


def test_a_field_that_another_manager_declares_is_a_named_refusal(api: ApiServer, client: Client, prefix: str) -> None:
    objects = tenant_objects(prefix, 1)
    run(client, objects, prefix)
    with Client(api.admin) as admin:
        admin.request(
            "PATCH",
            f"/api/v1/namespaces/{prefix}-0/resourcequotas/quota",
            query={"fieldManager": "argocd-controller", "force": "true"},
            body={
                "apiVersion": "v1",
                "kind": "ResourceQuota",
                "metadata": {"name": "quota"},
                "spec": {"hard": {"pods": "5"}},
            },
            content_type="application/apply-patch+yaml",
        )
    with pytest.raises(Refused) as refusal:
        plan(client, objects, prefix)
    assert "argocd-controller" in str(refusal.value)
    assert "spec.hard.pods" in str(refusal.value)
    assert ids(run(client, objects, prefix, force=True)) == [f"v1/ResourceQuota/{prefix}-0/quota"]
    assert plan(client, objects, prefix) == []


def test_a_label_of_the_set_that_somebody_removed_comes_back(api: ApiServer, client: Client, prefix: str) -> None:
    objects = tenant_objects(prefix, 1)
    run(client, objects, prefix)
    labels = {"applyset.kubernetes.io/part-of": None}
    edit(api, f"/api/v1/namespaces/{prefix}-0/limitranges/limits", {"metadata": {"labels": labels}})
    assert ids(run(client, objects, prefix)) == [f"v1/LimitRange/{prefix}-0/limits"]
    assert plan(client, objects, prefix) == []


def test_a_binding_to_another_role_is_replaced(client: Client, prefix: str) -> None:
    objects = tenant_objects(prefix, 1)
    run(client, objects, prefix)
    binding = next(obj for obj in objects if obj["kind"] == "RoleBinding")
    binding["roleRef"]["name"] = "edit"
    steps = run(client, objects, prefix)
    assert [(step.action, step.description.split()[0]) for step in steps] == [("update", "replace")]
    there = client.get(RBAC, "RoleBinding", binding["metadata"]["name"], f"{prefix}-0")
    assert there is not None
    assert there["roleRef"]["name"] == "edit"
    assert plan(client, objects, prefix) == []


def test_a_changed_secret_is_noticed_and_never_shown(client: Client, prefix: str) -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "canary", "namespace": "default"},
        "stringData": {"password": "canary-old", "user": "root"},
    }
    secret["metadata"]["name"] = prefix
    run(client, [secret], prefix)
    assert plan(client, [secret], prefix) == []
    secret["stringData"]["password"] = "canary-new"
    steps = run(client, [secret], prefix)
    assert "canary" not in str([step.as_dict() for step in steps])
    assert steps[0].before["data"] != steps[0].after["data"]
    assert plan(client, [secret], prefix) == []


def test_empty_and_defaulted_fields_are_not_drift(client: Client, prefix: str) -> None:
    objects = [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": prefix, "namespace": "default", "labels": {}, "creationTimestamp": None},
            "spec": {
                "selector": {"matchLabels": {"app": prefix}},
                "template": {
                    "metadata": {"labels": {"app": prefix}},
                    "spec": {
                        "securityContext": {},
                        "tolerations": [{"operator": "Exists", "effect": "NoSchedule"}],
                        "volumes": [{"name": "tmp", "emptyDir": {}}],
                        "containers": [
                            {
                                "name": "app",
                                "image": "example/app:1",
                                "ports": [{"containerPort": 53}, {"containerPort": 53, "protocol": "UDP"}],
                                "resources": {"requests": {"cpu": "1000m", "memory": "1024Mi"}},
                                "env": [{"name": "EMPTY", "value": ""}],
                                "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
                                "args": [],
                            }
                        ],
                    },
                },
            },
            "status": {},
        },
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": prefix, "namespace": "default"},
            "spec": {"podSelector": {}, "ingress": [], "policyTypes": ["Ingress"]},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": prefix, "namespace": "default"},
            "spec": {"selector": {"app": prefix}, "ports": [{"name": "dns", "port": 53, "targetPort": 53}]},
        },
    ]
    run(client, objects, prefix)
    assert plan(client, objects, prefix) == []


def crd(prefix: str) -> dict[str, t.Any]:
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"things.{prefix}.example.com"},
        "spec": {
            "group": f"{prefix}.example.com",
            "scope": "Namespaced",
            "names": {"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "properties": {
                                "spec": {"type": "object", "properties": {"size": {"type": "integer", "default": 1}}}
                            },
                        }
                    },
                }
            ],
        },
    }


def thing(prefix: str) -> dict[str, t.Any]:
    return {
        "apiVersion": f"{prefix}.example.com/v1",
        "kind": "Thing",
        "metadata": {"name": "one", "namespace": "default"},
        "spec": {},
    }


def test_a_definition_and_its_resources_are_one_declaration(client: Client, prefix: str) -> None:
    objects = [thing(prefix), crd(prefix)]
    run(client, objects, prefix)
    assert plan(client, objects, prefix) == []
    steps = run(client, [crd(prefix)], prefix)
    assert [step.action for step in steps if step.id.endswith("/one")] == ["delete"]


def test_a_kind_that_will_come_is_planned_and_a_misspelt_one_is_refused(client: Client, prefix: str) -> None:
    assert ids(plan(client, [thing(prefix)], prefix))[-1] == f"{prefix}.example.com/v1/Thing/default/one"
    wrong = {"apiVersion": "apps/v1", "kind": "Deploymnet", "metadata": {"name": "x", "namespace": "default"}}
    with pytest.raises(InvalidInput) as refusal:
        plan(client, [wrong], prefix)
    assert "Deployment" in str(refusal.value)
    stray = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}
    with pytest.raises(InvalidInput) as refusal:
        plan(client, [stray], prefix)
    assert "metadata.namespace" in str(refusal.value)


def test_a_terminating_object_is_a_named_refusal(api: ApiServer, client: Client, prefix: str) -> None:
    objects = tenant_objects(prefix, 1)
    run(client, objects, prefix)
    client.delete("v1", "Namespace", f"{prefix}-0")
    with pytest.raises(Refused) as refusal:
        plan(client, objects, prefix)
    assert "is being deleted" in str(refusal.value)
    assert "kubernetes" in str(refusal.value)


def test_adopting_what_others_spell_differently_takes_it_without_a_conflict(
    api: ApiServer, client: Client, prefix: str
) -> None:
    objects = tenant_objects(prefix, 1)
    quota = next(obj for obj in objects if obj["kind"] == "ResourceQuota")
    theirs = {
        **quota,
        "spec": {"hard": {"pods": "20", "requests.cpu": "4", "requests.memory": "8Gi", "limits.cpu": "8"}},
    }
    with Client(api.admin) as admin:
        admin.request("POST", "/api/v1/namespaces", query={"fieldManager": "hand"}, body=objects[0])
        path = f"/api/v1/namespaces/{prefix}-0/resourcequotas"
        admin.request("POST", path, query={"fieldManager": "hand"}, body=theirs)
    run(client, objects, prefix, adopt=["all"])
    assert plan(client, objects, prefix) == []


def test_a_declared_neighbour_in_the_same_object_is_no_conflict(api: ApiServer, client: Client, prefix: str) -> None:
    objects = tenant_objects(prefix, 1)
    run(client, objects, prefix)
    path = f"/api/v1/namespaces/{prefix}-0/resourcequotas/quota"
    theirs = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "quota", "annotations": {"theirs": "kept"}},
        "spec": {"hard": {"services": "5"}},
    }
    with Client(api.admin) as admin:
        query = {"fieldManager": "argocd-controller"}
        admin.request("PATCH", path, query=query, body=theirs, content_type="application/apply-patch+yaml")
    assert plan(client, objects, prefix) == []
    edit(api, path, {"metadata": {"annotations": {"lodestar.platform/digest": None}}, "spec": {"hard": None}})
    with Client(api.admin) as admin:
        admin.request("PATCH", path, query=query, body=theirs, content_type="application/apply-patch+yaml")
    assert ids(run(client, objects, prefix)) == [f"v1/ResourceQuota/{prefix}-0/quota"]
    there = client.get("v1", "ResourceQuota", "quota", f"{prefix}-0")
    assert there is not None
    assert there["spec"]["hard"]["services"] == "5"
    assert there["spec"]["hard"]["pods"] == "20"
