# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""For which clusters a tenant and a namespace are: what is there takes requests, and what is elsewhere does not."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.tenancy.operate import OPERATION

from ..harness.apiserver import ApiServer
from ..harness.choices import CHOICES, EAST
from ..harness.people import Person, execute, steps
from .conftest import ours, retire, run

Object = dict[str, t.Any]
#: Names of namespaces may not be the same for the tenants that choose, and for the namespaces of one that do.
WHOLE, PART = "whole", "part"


def tenants() -> list[Object]:
    """One tenant for each choice of clusters, and one that has a namespace for each."""
    chosen = [(name, {"clusters": clusters} if clusters else {}) for name, (clusters, _there) in CHOICES.items()]
    own = [{"name": f"{PART}-{name}", **clusters} for name, clusters in chosen]
    choosing = [{"name": f"{WHOLE}-{name}", "namespaces": [f"{WHOLE}-{name}"], **clusters} for name, clusters in chosen]
    return [*choosing, {"name": PART, "namespaces": own}]


def takes(who: Person, namespace: str) -> bool:
    """Whether a namespace takes an object; it refuses only because it is not there."""
    answer = who.post(f"/api/v1/namespaces/{namespace}/configmaps", {"metadata": {"name": "c"}})
    assert answer.status in (201, 404), answer.message
    return answer.status == 201


@pytest.mark.proves(
    "tenants.clusters.names",
    "tenants.clusters.selector.matchLabels",
    "tenants.clusters.selector.matchExpressions.key",
    "tenants.clusters.selector.matchExpressions.operator=DoesNotExist",
    "tenants.clusters.selector.matchExpressions.operator=Exists",
    "tenants.clusters.selector.matchExpressions.operator=In",
    "tenants.clusters.selector.matchExpressions.operator=NotIn",
    "tenants.clusters.selector.matchExpressions.values",
    "tenants.namespaces.clusters.names",
    "tenants.namespaces.clusters.selector.matchLabels",
    "tenants.namespaces.clusters.selector.matchExpressions.key",
    "tenants.namespaces.clusters.selector.matchExpressions.operator=DoesNotExist",
    "tenants.namespaces.clusters.selector.matchExpressions.operator=Exists",
    "tenants.namespaces.clusters.selector.matchExpressions.operator=In",
    "tenants.namespaces.clusters.selector.matchExpressions.operator=NotIn",
    "tenants.namespaces.clusters.selector.matchExpressions.values",
    "tenants.namespaces.name",
    "tenancy:cluster",
    "tenancy:cluster_labels",
    "tenancy:tenants",
)
def test_only_the_namespaces_that_are_for_this_cluster_are_there(own: ApiServer) -> None:
    assert steps(run(own, *tenants(), prune_namespaces=True, **EAST))
    dev = Person(own, "system:masters")
    wanted = {f"{level}-{name}": there for level in (WHOLE, PART) for name, (_clusters, there) in CHOICES.items()}
    assert {namespace: takes(dev, namespace) for namespace in wanted} == wanted


@pytest.mark.proves(
    "tenancy:cluster_role=global",
    "tenancy:cluster_role=workload",
    "tenancy:cluster_colocated",
    "tenancy:tier=observe",
    "tenancy:cluster_exists",
)
def test_what_kind_of_cluster_it_is_decides_whether_tenants_are_selected(own: ApiServer, prefix: str) -> None:
    retire(own)
    tenant = {"name": prefix, "namespaces": [prefix], "clusters": {"selector": {"matchLabels": EAST["cluster_labels"]}}}

    def planned(**given: t.Any) -> bool:
        answer = execute(OPERATION, own.runner, True, tenants=[tenant], prune_namespaces=True, **EAST, **given)
        return f"create v1/Namespace/{prefix}" in steps(answer)

    assert planned()
    assert planned(cluster_role="workload", tier="tenant")
    assert not planned(cluster_role="global")
    assert planned(cluster_role="global", cluster_colocated=True)
    assert not planned(tier="observe")
    assert planned(cluster_exists=False)
    named = {**tenant, "clusters": {"names": [EAST["cluster"]]}}
    mark = own.audit.mark()
    refused = execute(OPERATION, own.runner, tenants=[named], cluster_role="global", **EAST)
    assert "is the dedicated global cluster" in refused["msg"]
    assert "the cluster does not exist" in run(own, tenant, cluster_exists=False, **EAST)["msg"]
    assert own.audit.since(mark) == []


@pytest.mark.proves("tenancy:tier=tenant", "tenancy:tier=lifecycle")
def test_a_tenants_objects_are_those_that_our_tier_manages(own: ApiServer, prefix: str) -> None:
    retire(own)
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "robot", "namespace": prefix}}
    tenant = {"name": prefix, "namespaces": [prefix], "objects": [account]}
    given: Object = {"tenants": [tenant], "prune_namespaces": True}
    refused = execute(OPERATION, ours(own), tier="tenant", **given)
    assert "serviceaccounts" in refused["msg"]
    assert "cluster_access.grants.resources" in refused["msg"]
    assert f"create v1/ServiceAccount/{prefix}/robot" in steps(
        execute(OPERATION, ours(own, "lifecycle"), tier="lifecycle", **given)
    )


@pytest.mark.proves("tenant_settings.reserved_namespaces", "tenancy:settings")
def test_a_cluster_keeps_names_for_itself(own: ApiServer, prefix: str) -> None:
    retire(own)
    settings = {"reserved_namespaces": [f"{prefix}-infra-*", f"{prefix}-monitoring"]}
    given: Object = {"settings": settings, "prune_namespaces": True}
    for name in (f"{prefix}-infra-a", f"{prefix}-monitoring"):
        mark = own.audit.mark()
        answer = run(own, {"name": prefix, "namespaces": [prefix, name]}, **given)
        assert [(item["key"], item["value"]) for item in answer["problems"]] == [
            (f"tenants[{prefix}].namespaces", name)
        ]
        assert [request for request in own.audit.since(mark) if request.writes] == []
    free = [prefix, f"{prefix}-infra", f"{prefix}-monitoring-2"]
    assert steps(run(own, {"name": prefix, "namespaces": free}, **given))
    assert all(takes(Person(own, "system:masters"), name) for name in free)


@pytest.mark.proves("tenancy:force")
def test_a_conflict_over_a_namespace_is_named_and_decided_by_choice(own: ApiServer, prefix: str) -> None:
    tenant = {"name": prefix, "namespaces": [prefix], "labels": {"stage": "live"}}
    assert steps(run(own, tenant, prune_namespaces=True))
    theirs = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": prefix, "labels": {"stage": "trial"}}}
    path = f"/api/v1/namespaces/{prefix}?fieldManager=theirs&force=true"
    assert Person(own, "system:masters").patch(path, theirs, "application/apply-patch+yaml").status == 200
    mark = own.audit.mark()
    refused = run(own, tenant)
    assert "theirs" in refused["msg"]
    assert [request for request in own.audit.since(mark) if request.writes] == []
    assert steps(run(own, tenant, force=True)) == [f"update v1/Namespace/{prefix}"]
    with Client(own.admin) as admin:
        assert (admin.get("v1", "Namespace", prefix) or {})["metadata"]["labels"]["stage"] == "live"
