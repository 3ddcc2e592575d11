# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Drains against a real Eviction API, with exactly the rights of tier lifecycle.

No kubelet runs, so pods get no time to end; nor does any controller, so what a budget allows is written into its
status.
"""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import access, drain
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client

from ..harness.apiserver import ApiServer
from ..harness.people import steps
from .conftest import LODESTAR, minted, run

Object = dict[str, t.Any]


@pytest.fixture
def admin(member: ApiServer) -> t.Iterator[Client]:
    with Client(member.admin) as client:
        yield client


@pytest.fixture
def lifecycle(member: ApiServer) -> Object:
    made = minted(member, access.access_objects("lifecycle"))
    return {key: made[key] for key in ("server", "ca_data", "token")}


@pytest.fixture
def node(admin: Client, prefix: str) -> str:
    """A node with two pods of one controller and one of a DaemonSet, in a namespace of its name."""
    admin.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": prefix}})
    admin.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": prefix}})
    for name, owner in (("web-1", "ReplicaSet"), ("web-2", "ReplicaSet"), ("agent", "DaemonSet")):
        admin.create(pod(prefix, name, owner))
    return prefix


def pod(node: str, name: str, owner: str) -> Object:
    reference = {"apiVersion": "apps/v1", "kind": owner, "name": "x", "uid": "u", "controller": True}
    metadata = {"name": name, "namespace": node, "labels": {"app": "web"}, "ownerReferences": [reference]}
    spec = {"nodeName": node, "containers": [{"name": "c", "image": "i"}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def protect(admin: Client, node: str, allowed: int) -> None:
    metadata = {"name": "web", "namespace": node}
    spec = {"selector": {"matchLabels": {"app": "web"}}, "minAvailable": 2}
    budget = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": metadata, "spec": spec}
    made = admin.create(budget)
    figures = {"disruptionsAllowed": allowed, "currentHealthy": 2, "desiredHealthy": 2, "expectedPods": 2}
    status = {**figures, "observedGeneration": made["metadata"]["generation"]}
    admin.apply({**budget, "status": status}, subresource="status")
    for name in ("web-1", "web-2"):
        ready = {"conditions": [{"type": "Ready", "status": "True"}], "phase": "Running"}
        admin.apply({**pod(node, name, "ReplicaSet"), "status": ready}, subresource="status")


def drained(lifecycle: Object, node: str, check: bool = False, **given: t.Any) -> Object:
    wanted = {"cluster": "east", "node": node, "timeout": 20, "grace_period": 0, "access": lifecycle, **given}
    return run(drain.OPERATION, check, **wanted)


def names(admin: Client, node: str) -> list[str]:
    return sorted(item["metadata"]["name"] for item in admin.list("v1", "Pod", namespace=node))


def unschedulable(admin: Client, node: str) -> bool:
    return bool((admin.get("v1", "Node", node) or {})["spec"].get("unschedulable"))


def test_a_node_is_drained_and_given_back(admin: Client, member: ApiServer, lifecycle: Object, node: str) -> None:
    mark = member.audit.mark()
    predicted = drained(lifecycle, node, check=True)
    assert not [item for item in member.audit.since(mark, LODESTAR) if item.writes]
    done = drained(lifecycle, node)
    assert done["plan"] == predicted["plan"]
    assert steps(done) == [f"update v1/Node/{node}", *(f"delete v1/Pod/{node}/web-{one}" for one in (1, 2))]
    assert names(admin, node) == ["agent"]
    assert unschedulable(admin, node)
    mark = member.audit.mark()
    assert drained(lifecycle, node)["changed"] is False
    assert not [item for item in member.audit.since(mark, LODESTAR) if item.writes]
    assert steps(drained(lifecycle, node, state="uncordoned")) == [f"update v1/Node/{node}"]
    assert not unschedulable(admin, node)
    assert drain.MARK not in (admin.get("v1", "Node", node) or {})["metadata"].get("annotations", {})


def test_a_budget_that_allows_nothing_is_named_and_the_node_given_back(
    admin: Client, lifecycle: Object, node: str
) -> None:
    protect(admin, node, allowed=0)
    assert f"PodDisruptionBudget {node}/web allows 0 disruptions" in drained(lifecycle, node, check=True)["warnings"][0]
    done = drained(lifecycle, node, timeout=3)
    assert done["failed"]
    assert f"PodDisruptionBudget {node}/web allows 0 disruptions (2 pods healthy, 2 needed, 2 expected)" in done["msg"]
    assert f"protects {node}/web-1, {node}/web-2" in done["msg"]
    assert done["msg"].endswith(f"Node {node} was uncordoned.")
    assert names(admin, node) == ["agent", "web-1", "web-2"]
    assert not unschedulable(admin, node)


def test_a_budget_that_allows_one_lets_one_go(admin: Client, lifecycle: Object, node: str) -> None:
    protect(admin, node, allowed=1)
    done = drained(lifecycle, node, timeout=3)
    assert done["failed"]
    assert len(done["remaining"]) == 1
    assert len(names(admin, node)) == 2


def test_a_cordon_of_somebody_else_stays(admin: Client, lifecycle: Object, node: str) -> None:
    admin.merge("v1", "Node", node, {"spec": {"unschedulable": True}})
    protect(admin, node, allowed=0)
    assert drained(lifecycle, node, timeout=2)["failed"]
    assert unschedulable(admin, node)
    assert drained(lifecycle, node, state="uncordoned")["changed"] is False
    assert unschedulable(admin, node)
