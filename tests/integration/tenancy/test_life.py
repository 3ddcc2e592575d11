# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A tenant that is cordoned, retired, has nodes of its own, or objects of its own."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.tenancy.operate import OPERATION

from ..harness.apiserver import ApiServer
from ..harness.people import Answer, Person, execute, steps, until
from .conftest import may, ours, retire, run

Object = dict[str, t.Any]
MEMBERS = [
    {"kind": "Group", "name": "heads", "role": "owner"},
    {"kind": "Group", "name": "heads", "role": "viewer"},
    {"kind": "Group", "name": "coders", "role": "developer"},
]
#: One that is going, one with a namespace that is, one with nodes of its own, and one that is as usual.
TENANTS: list[Object] = [
    {"name": "going", "namespaces": ["going"], "state": {"east": "retired", "west": "active"}, "members": MEMBERS},
    {"name": "slow", "namespaces": ["fast", {"name": "slow", "state": "cordoned"}], "members": MEMBERS},
    {"name": "apart", "namespaces": ["apart"], "nodes": {"labels": {"pool": "apart", "zone": "a"}}},
    {"name": "usual", "namespaces": ["usual"], "members": MEMBERS},
]


@pytest.fixture(scope="module")
def living(own: ApiServer) -> ApiServer:
    """The server with the tenants, once what they may not do is in force."""
    done = run(own, *TENANTS, prune_namespaces=True)
    assert len(done["guards"]) == 2 * 2, done
    dev = Person(own, "system:masters")
    until(lambda: bool(pod(dev, "slow").message and pod(dev, "apart").message), 20)
    return own


@pytest.fixture
def dev(living: ApiServer) -> Person:
    """Somebody whom RBAC allows everything."""
    return Person(living, "system:masters")


def pod(who: Person, namespace: str, **spec: t.Any) -> Answer:
    body = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "a"}], **spec}}
    return who.post(f"/api/v1/namespaces/{namespace}/pods", body)


def config(who: Person, namespace: str) -> Answer:
    return who.post(f"/api/v1/namespaces/{namespace}/configmaps", {"metadata": {"name": "c"}})


def test_a_cordoned_namespace_takes_no_new_workload_and_goes_on(living: ApiServer, dev: Person) -> None:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "a"}]}}
    workload = {"metadata": {"name": "w"}, "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template}}
    refused = "is cordoned, so that tenant slow starts nothing new there"
    path = "/apis/apps/v1/namespaces/{}/deployments"
    assert refused in dev.post(path.format("slow"), workload).message
    assert refused in pod(dev, "slow").message
    assert (
        pod(dev, "fast").message == dev.post(path.format("fast"), workload).message == config(dev, "slow").message == ""
    )
    for name in ("system:serviceaccount:kube-system:replicaset-controller", "system:kube-controller-manager"):
        assert pod(Person(living, "system:masters", user=name), "slow").message == ""
    assert pod(Person(living, "system:masters", "lodestar:break-glass"), "slow").message == ""
    assert refused in pod(Person(living, "system:masters", user="system:serviceaccount:slow:default"), "slow").message
    # What is there scales and changes.
    keeper = Person(living, "system:masters", user="system:kube-controller-manager")
    assert keeper.post(path.format("slow"), workload, dry_run=False).status == 201
    assert dev.patch(f"{path.format('slow')}/w", {"spec": {"replicas": 3}}).status == 200
    until(lambda: may(living, "create", "configmaps", "slow", "coders"))


def test_members_only_read_what_is_retired(living: ApiServer, dev: Person) -> None:
    assert "is retired, so that tenant going starts nothing new there" in pod(dev, "going").message
    groups = ("heads", "coders")
    until(lambda: all(may(living, "get", "pods", "going", group) for group in groups))
    until(lambda: not any(may(living, "create", "configmaps", "going", group) for group in groups))
    until(lambda: all(may(living, "create", "configmaps", "usual", group) for group in groups))
    assert steps(run(living, *TENANTS)) == []


OWN = {"pool": "apart", "zone": "a"}
TAINT = "lodestar.platform/tenant"


@pytest.mark.parametrize(
    ("namespace", "spec", "told"),
    [
        ("apart", {}, "add to spec.nodeSelector: pool=apart, zone=a"),
        ("apart", {"nodeSelector": {"pool": "apart", "zone": "b"}}, "add to spec.nodeSelector: zone=a"),
        ("apart", {"nodeSelector": {**OWN, "more": ""}}, ""),
        ("apart", {"nodeSelector": OWN, "tolerations": [{"key": TAINT, "value": "apart"}]}, ""),
        ("apart", {"nodeSelector": OWN, "tolerations": [{"key": TAINT, "operator": "Exists"}]}, "must not tolerate"),
        ("usual", {}, ""),
        ("usual", {"tolerations": [{"key": "example.org/spot", "operator": "Exists"}]}, ""),
        ("usual", {"tolerations": [{"key": TAINT, "value": "apart"}]}, "tenant usual must not tolerate"),
        ("usual", {"tolerations": [{"operator": "Exists"}]}, "tenant usual must not tolerate"),
        ("usual", {"tolerations": [{"operator": "Exists", "effect": "NoExecute"}]}, "tenant usual must not tolerate"),
        ("kube-system", {"tolerations": [{"operator": "Exists"}]}, ""),
    ],
)  # fmt: skip
@pytest.mark.proves("tenants.nodes.labels")
def test_pods_run_on_the_nodes_of_their_tenant(dev: Person, namespace: str, spec: Object, told: str) -> None:
    message = pod(dev, namespace, **spec).message
    assert told in message
    assert bool(message) is bool(told)


def test_a_pod_does_not_get_the_toleration_of_another_tenant_later(living: ApiServer, dev: Person) -> None:
    """Kubernetes lets tolerations be added to a pod that is there, as long as none goes."""
    spec = {"containers": [{"name": "c", "image": "a"}], "tolerations": [{"key": "spot", "operator": "Exists"}]}
    path = "/api/v1/namespaces/usual/pods"
    assert dev.post(path, {"metadata": {"name": "later"}, "spec": spec}, dry_run=False).status == 201
    kept = dev.call("GET", f"{path}/later").body["spec"]["tolerations"]
    for brought in ({"key": TAINT, "value": "apart"}, {"operator": "Exists"}):
        answer = dev.patch(f"{path}/later", {"spec": {"tolerations": [*kept, brought]}})
        assert "tenant usual must not tolerate" in answer.message
    assert (
        dev.patch(f"{path}/later", {"spec": {"tolerations": [*kept, {"key": "gpu", "operator": "Exists"}]}}).status
        == 200
    )
    # What it has already is not held against it.
    rescuer = Person(living, "system:masters", "lodestar:break-glass")
    kept = dev.call("GET", f"{path}/later").body["spec"]["tolerations"]
    assert rescuer.patch(f"{path}/later", {"spec": {"tolerations": [*kept, {"operator": "Exists"}]}}).status == 200
    assert dev.patch(f"{path}/later", {"metadata": {"labels": {"a": "b"}}}).status == 200


TEMPLATE: Object = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "a"}]}}
SELECTED: Object = {"selector": {"matchLabels": {"a": "b"}}, "template": TEMPLATE}
CLAIM: Object = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
JOB: Object = {"template": {**TEMPLATE, "spec": {**TEMPLATE["spec"], "restartPolicy": "Never"}}}


@pytest.mark.parametrize(
    ("plural", "spec"),
    [
        ("api/v1/replicationcontrollers", {"selector": {"a": "b"}, "template": TEMPLATE}),
        ("api/v1/persistentvolumeclaims", CLAIM),
        ("apis/apps/v1/daemonsets", SELECTED),
        ("apis/apps/v1/replicasets", SELECTED),
        ("apis/apps/v1/statefulsets", {"serviceName": "s", **SELECTED}),
        ("apis/batch/v1/cronjobs", {"schedule": "@daily", "jobTemplate": {"spec": JOB}}),
        ("apis/batch/v1/jobs", JOB),
    ],
)  # fmt: skip
def test_no_kind_of_workload_begins_in_a_cordoned_namespace(dev: Person, plural: str, spec: Object) -> None:
    version, _slash, resource = plural.rpartition("/")
    answers = {
        space: dev.post(f"/{version}/namespaces/{space}/{resource}", {"metadata": {"name": "w"}, "spec": spec})
        for space in ("slow", "fast")
    }
    assert "is cordoned, so that tenant slow starts nothing new there" in answers["slow"].message
    assert answers["fast"].status == 201


#: What each state lets people do: new pods, and changes by members.
MAY = {"active": (True, True), "cordoned": (False, True), "retired": (False, False)}
ELSEWHERE = {"active": "retired", "cordoned": "active", "retired": "active"}


@pytest.mark.proves(
    "tenants.state=active",
    "tenants.state=cordoned",
    "tenants.state=retired",
    "tenants.state.<cluster>=active",
    "tenants.state.<cluster>=cordoned",
    "tenants.state.<cluster>=retired",
    "tenants.namespaces.state=active",
    "tenants.namespaces.state=cordoned",
    "tenants.namespaces.state=retired",
    "tenants.namespaces.state.<cluster>=active",
    "tenants.namespaces.state.<cluster>=cordoned",
    "tenants.namespaces.state.<cluster>=retired",
)
def test_a_state_counts_wherever_it_is_said_and_the_later_of_two(own: ApiServer, prefix: str) -> None:
    wanted, declared = {}, []
    for place, state in enumerate(MAY):
        here = {"east": state, "west": ELSEWHERE[state]}
        for level, of_tenant, of_namespace in (
            ("a", state, None),
            ("b", here, None),
            ("c", None, state),
            ("d", None, here),
            ("e", "cordoned", state),
        ):
            name = f"{prefix}-{level}{place}"
            said = [{"state": one} if one else {} for one in (of_tenant, of_namespace)]
            declared.append({"name": name, "namespaces": [{"name": name, **said[1]}], "members": MEMBERS, **said[0]})
            wanted[name] = MAY["cordoned" if (level, state) == ("e", "active") else state]
    assert steps(run(own, *declared, prune_namespaces=True))
    dev, coder = Person(own, "system:masters"), Person(own, "coders", user="coder")

    def found() -> dict[str, tuple[bool, bool]]:
        return {name: (pod(dev, name).message == "", config(coder, name).status == 201) for name in wanted}

    until(lambda: found() == wanted)


@pytest.mark.proves(
    "tenants.objects",
    "tenancy:grants",
)
def test_objects_of_a_tenants_own_list_come_are_held_and_go(own: ApiServer, prefix: str) -> None:
    retire(own)
    obj = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "site", "namespace": prefix},
        "data": {"a": "b"},
    }
    tenant = {"name": prefix, "namespaces": [prefix], "objects": [obj]}
    given: Object = {"prune_namespaces": True, "tier": "tenant"}
    identity = ours(own, resources=["configmaps"])
    mark = own.audit.mark()
    answer = execute(OPERATION, identity, tenants=[tenant], **given)
    assert [(item["key"], item["value"]) for item in answer["problems"]] == [
        (f"tenants[{prefix}].objects", "configmaps")
    ]
    answer = execute(OPERATION, ours(own), tenants=[tenant], **{**given, "grants": {"resources": ["configmaps"]}})
    assert "cluster_access.grants.resources" in answer["msg"]
    ours(own, resources=["configmaps"])
    us = "system:serviceaccount:lodestar-system:lodestar"
    assert not [request for request in own.audit.since(mark, us) if request.writes]
    given["grants"] = {"resources": ["configmaps"]}
    assert f"create v1/ConfigMap/{prefix}/site" in steps(execute(OPERATION, identity, tenants=[tenant], **given))
    member = Person(own, "system:masters", user="member")
    path = f"/api/v1/namespaces/{prefix}/configmaps"
    assert member.patch(f"{path}/site", {"data": {"a": "c"}}).status == 200
    assert steps(execute(OPERATION, identity, tenants=[tenant], **given)) == [f"update v1/ConfigMap/{prefix}/site"]
    with Client(own.admin) as admin:
        assert (admin.get("v1", "ConfigMap", "site", prefix) or {})["data"] == {"a": "b"}
    # What a member made is not the platform's because of its name.
    assert member.post(path, {"metadata": {"name": "theirs"}}, dry_run=False).status == 201
    theirs = {**obj, "metadata": {"name": "theirs", "namespace": prefix}}
    answer = execute(OPERATION, identity, tenants=[{**tenant, "objects": [obj, theirs]}], **given)
    assert f"ConfigMap {prefix}/theirs exists and is not of this set" in answer["msg"]
    assert steps(execute(OPERATION, identity, tenants=[{**tenant, "objects": []}], **given))[-1:] != []
    with Client(own.admin) as admin:
        assert admin.get("v1", "ConfigMap", "site", prefix) is None
        assert admin.get("v1", "ConfigMap", "theirs", prefix) is not None
