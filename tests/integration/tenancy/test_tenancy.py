# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module against a real API server: what a tenant gets, and how its objects are held."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.policy import operate as policy
from ansible_collections.lodestar.platform.plugins.module_utils.tenancy.operate import OPERATION

from ..harness.apiserver import ApiServer
from ..harness.people import Person, execute, steps, until
from .conftest import RBAC, may, ours, retire, run, shop

NETWORK = "networking.k8s.io/v1"


def test_check_predicts_the_first_run(own: ApiServer, prefix: str) -> None:
    retire(own)
    mark = own.audit.mark()
    predicted = run(own, shop(prefix), check=True, prune_namespaces=True)
    assert not [request for request in own.audit.since(mark) if request.writes]
    done = run(own, shop(prefix), prune_namespaces=True)
    assert steps(predicted) == steps(done)
    assert len(done["objects"][prefix]) == 2 * 10
    assert run(own, shop(prefix))["changed"] is False


def test_second_run_writes_nothing_and_lists_each_kind_once(own: ApiServer, held: dict[str, t.Any]) -> None:
    mark = own.audit.mark()
    assert steps(run(own, held)) == []
    seen = [(request.verb, request.uri.split("?")[0].rsplit("/", 1)[-1]) for request in own.audit.since(mark)]
    kinds = ["limitranges", "namespaces", "networkpolicies", "resourcequotas", "rolebindings"]
    assert sorted(seen) == [("get", "applyset-tenancy"), *(("list", kind) for kind in kinds)]


def test_drift_of_four_objects_is_named_exactly_and_mended(own: ApiServer, held: dict[str, t.Any]) -> None:
    name = held["name"]
    with Client(own.admin) as admin:
        admin.delete(RBAC, "RoleBinding", "lodestar-developer", name)
        admin.delete(NETWORK, "NetworkPolicy", "lodestar-default-deny", f"{name}-b")
        edit = {"content_type": "application/merge-patch+json"}
        admin.request(
            "PATCH",
            f"/api/v1/namespaces/{name}/resourcequotas/lodestar",
            body={"spec": {"hard": {"pods": "7777"}}},
            **edit,
        )
        labels = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "privileged"}}}
        admin.request("PATCH", f"/api/v1/namespaces/{name}-b", body=labels, **edit)
    expected = {
        f"update v1/Namespace/{name}-b",
        f"update v1/ResourceQuota/{name}/lodestar",
        f"create {NETWORK}/NetworkPolicy/{name}-b/lodestar-default-deny",
        f"create {RBAC}/RoleBinding/{name}/lodestar-developer",
    }
    predicted = run(own, held, check=True)
    assert set(steps(predicted)) == expected
    assert '"pods": "7777"' in "".join(item["before"] for item in predicted["diff"])
    mark = own.audit.mark()
    assert steps(run(own, held)) == steps(predicted)
    assert len([request for request in own.audit.since(mark) if request.writes]) == 4
    assert steps(run(own, held)) == []


def test_an_isolation_that_somebody_opens_by_hand_is_closed(own: ApiServer, held: dict[str, t.Any]) -> None:
    """As members with the role edit may: by a rule that is added, or by a selector under which nothing is isolated."""
    name = held["name"]
    path = f"/apis/{NETWORK}/namespaces/{name}/networkpolicies/lodestar-default-deny"
    member = Person(own, "system:masters", user="member")
    for opened in ({"ingress": [{}]}, {"egress": [{}]}, {"podSelector": {"matchLabels": {"app": "none"}}}):
        assert member.patch(path, {"spec": opened}).status == 200
        predicted = run(own, held, check=True)
        assert steps(predicted) == [f"update {NETWORK}/NetworkPolicy/{name}/lodestar-default-deny"], opened
        assert steps(run(own, held)) == steps(predicted)
        with Client(own.admin) as admin:
            there = admin.get(NETWORK, "NetworkPolicy", "lodestar-default-deny", name) or {}
        assert there["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
        assert steps(run(own, held)) == []


def test_members_come_and_go_without_touching_anything_else(own: ApiServer, held: dict[str, t.Any]) -> None:
    name = held["name"]
    fewer = {**held, "members": [{"kind": "Group", "name": "others", "role": "developer"}]}
    assert set(steps(run(own, fewer))) == {
        f"{action} {RBAC}/RoleBinding/{space}/lodestar-{role}"
        for space in (name, f"{name}-b")
        for action, role in (("update", "developer"), ("delete", "owner"), ("delete", "viewer"))
    }


def test_what_members_may_do(own: ApiServer, held: dict[str, t.Any]) -> None:
    name = held["name"]
    devs, guests, boss = f"{name}-devs", f"{name}-guests", f"{name}-boss"
    until(lambda: may(own, "create", "deployments", f"{name}-b", devs, group="apps"))
    until(lambda: may(own, "get", "pods", name, guests))
    until(lambda: may(own, "create", "rolebindings", name, user=boss, group="rbac.authorization.k8s.io"))
    assert not may(own, "create", "rolebindings", name, devs, group="rbac.authorization.k8s.io")
    assert not may(own, "create", "deployments", name, guests, group="apps")
    assert not may(own, "get", "pods", "kube-system", devs)
    assert not may(own, "update", "resourcequotas", name, user=boss)
    assert not may(own, "update", "namespaces", name, user=boss)


def test_defaults_and_pod_security_apply(own: ApiServer, held: dict[str, t.Any]) -> None:
    name = held["name"]
    dev = Person(own, "system:masters")
    # The quota is fresh: it counts nothing until a controller manager runs.
    with Client(own.admin) as admin:
        for space in (name, f"{name}-b"):
            admin.delete("v1", "ResourceQuota", "lodestar", space)
    pod: dict[str, t.Any] = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "a"}]}}
    answer = dev.post(f"/api/v1/namespaces/{name}/pods", pod)
    assert answer.message == ""
    assert answer.body["spec"]["containers"][0]["resources"] == {
        "limits": {"cpu": "500m", "memory": "512Mi"},
        "requests": {"cpu": "100m", "memory": "512Mi"},
    }
    assert 'would violate PodSecurity "restricted' in " ".join(answer.warnings)
    assert 'violates PodSecurity "restricted' in dev.post(f"/api/v1/namespaces/{name}-b/pods", pod).message
    pod["spec"]["hostNetwork"] = True
    assert 'violates PodSecurity "baseline' in dev.post(f"/api/v1/namespaces/{name}/pods", pod).message


@pytest.mark.proves("tenancy:prune_namespaces")
def test_a_namespace_is_deleted_in_two_explicit_steps(own: ApiServer, held: dict[str, t.Any]) -> None:
    name = held["name"]
    fewer = {**held, "namespaces": [name]}
    leaving = {**held, "namespaces": [name, {**held["namespaces"][1], "state": "retired"}]}

    def refused(*tenants: dict[str, t.Any], **options: t.Any) -> str:
        mark = own.audit.mark()
        answer = execute(OPERATION, own.runner, tenants=list(tenants), **options)
        assert answer["failed"]
        assert not [request for request in own.audit.since(mark) if request.writes]
        return str(answer["msg"])

    for tenants in ([], [fewer]):
        for options in ({}, {"prune_namespaces": True}):
            told = refused(*tenants, **options)
            assert f"{name}-b (tenant {name})" in told
            assert "state: retired" in told
    assert f"update v1/Namespace/{name}-b" in steps(run(own, leaving))
    told = refused(fewer)
    assert f"{name}-b (tenant {name})" in told
    assert "prune_namespaces: true." in told
    # What has not been retired stays, whatever goes with it.
    assert f": {name} (tenant {name})." in refused(prune_namespaces=True)
    done = execute(OPERATION, own.runner, tenants=[fewer], prune_namespaces=True)
    assert f"delete v1/Namespace/{name}-b" in steps(done)
    assert not [step for step in steps(done) if not step.startswith("delete ") and "ConfigMap" not in step]
    with Client(own.admin) as admin:
        there = admin.get("v1", "Namespace", f"{name}-b")
    assert there is None or there["metadata"]["deletionTimestamp"]
    assert steps(run(own, fewer)) == []


@pytest.mark.proves("tenancy:adopt")
def test_a_namespace_of_somebody_else_is_taken_only_when_told(own: ApiServer, held: dict[str, t.Any]) -> None:
    foreign = f"{held['name']}-foreign"
    with Client(own.admin) as admin:
        admin.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": foreign, "labels": {"a": "b"}}})
    other = {"name": foreign, "namespaces": [foreign]}
    refused = run(own, held, other)
    assert refused["failed"]
    assert f"Namespace {foreign} exists and is not of this set" in refused["msg"]
    done = run(own, held, other, adopt=["Namespace"])
    assert f"update v1/Namespace/{foreign}" in steps(done)
    with Client(own.admin) as admin:
        assert (admin.get("v1", "Namespace", foreign) or {})["metadata"]["labels"]["a"] == "b"


def test_members_cannot_keep_the_platform_out_of_their_namespaces(own: ApiServer, held: dict[str, t.Any]) -> None:
    """Members may write some kinds there: neither a name that they took first nor a field of theirs stops a run."""
    name = held["name"]
    member = Person(own, "system:masters", user="member")
    open_to_all = {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{}]}
    path = f"/apis/{NETWORK}/namespaces/{name}/networkpolicies"
    taken = {"metadata": {"name": "lodestar-allow-namespace"}, "spec": open_to_all}
    assert member.post(path, taken, dry_run=False).status == 201
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
    binding = {"metadata": {"name": "lodestar-admin"}, "roleRef": role, "subjects": []}
    assert member.post(f"/apis/{RBAC}/namespaces/{name}/rolebindings", binding, dry_run=False).status == 201
    theirs = {
        "apiVersion": NETWORK,
        "kind": "NetworkPolicy",
        "metadata": {"name": "lodestar-allow-dns"},
        "spec": open_to_all,
    }
    query = "?fieldManager=theirs&force=true"
    assert member.patch(f"{path}/lodestar-allow-dns{query}", theirs, "application/apply-patch+yaml").status == 200
    changed = {**held, "isolation": "namespace", "members": [{"kind": "User", "name": "a", "role": "admin"}]}
    done = steps(run(own, changed))
    assert f"update {NETWORK}/NetworkPolicy/{name}/lodestar-allow-namespace" in done
    assert f"update {NETWORK}/NetworkPolicy/{name}/lodestar-allow-dns" in done
    assert f"update {RBAC}/RoleBinding/{name}/lodestar-admin" in done
    with Client(own.admin) as admin:
        there = admin.get(RBAC, "RoleBinding", "lodestar-admin", name) or {}
        assert (there["roleRef"]["name"], there["subjects"][0]["name"]) == ("admin", "a")
        policy_there = admin.get(NETWORK, "NetworkPolicy", "lodestar-allow-namespace", name) or {}
        assert policy_there["spec"]["ingress"] == [{"from": [{"podSelector": {}}]}]
    assert steps(run(own, changed)) == []


def test_wrong_tenants_are_refused_before_anything_is_read(own: ApiServer) -> None:
    mark = own.audit.mark()
    answer = run(
        own, shop("a", isolation="total"), {"name": "b", "namespaces": ["kube-b"], "clusters": {"names": ["west"]}}
    )
    assert answer["failed"]
    assert [problem["key"] for problem in answer["problems"]] == [
        "tenants[a].isolation",
        "tenants[b].namespaces[0].name",
    ]
    assert own.audit.since(mark) == []


def test_the_rights_of_tier_tenant_are_enough(own: ApiServer, held: dict[str, t.Any]) -> None:
    """The identity that runs get on attached clusters can hold tenants and policies, and change and remove them."""
    identity = ours(own)
    rules = [
        {"name": "limits", "rule": "required_resources", "mode": "audit"},
        {"name": "team", "rule": "required_labels", "mode": "audit", "parameters": {"labels": ["team"]}},
    ]
    changed = {**held, "quota": {"pods": 3}, "members": held["members"][:1]}
    new = {"name": f"{held['name']}-new", "namespaces": [f"{held['name']}-new"], "members": held["members"][1:]}
    for tenants in ([held, new], [changed, new], [held]):
        retire(own)
        answer = execute(OPERATION, identity, tenants=tenants, prune_namespaces=True)
        assert answer.get("changed"), answer
    for policies, options in ((rules, {}), (rules[:1], {}), ([], {"prune_all": True})):
        answer = execute(policy.OPERATION, identity, policies=policies, **options)
        assert answer.get("changed"), answer
