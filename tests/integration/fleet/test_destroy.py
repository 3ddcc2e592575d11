# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hub's side of the end of a created cluster: marked first, forgotten last, and whatever interrupts it."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.access_info import OPERATION as INFO
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.attach import OPERATION as ATTACH
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.destroy import OPERATION as DESTROY
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.destroy import plan as plan_destruction
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.fleet_info import OPERATION as FLEET
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.records_plan import OPERATION as RECORD
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.operation import Context

from ..harness.apiserver import ApiServer
from ..harness.people import steps
from .conftest import LODESTAR, RBAC, run
from .test_detach import everything, settled

Object = dict[str, t.Any]
Destroy = t.Callable[..., Object]


def reach(access: Object) -> Object:
    return {key: access[key] for key in ("server", "ca_data", "token", "expires")}


def found(name: str, access: Object, hub_access: Object) -> None:
    """What a site run has on the hub of a cluster that it founded."""
    given: Object = {"cluster": name, "access": reach(access), "hub_access": hub_access, "tier": "lifecycle"}
    for operation in (ATTACH, RECORD):
        done = run(operation, **given)
        assert not done.get("failed"), done


def inventory(name: str, *nodes: str, mode: str = "create", role: str = "workload") -> Object:
    """What the inventory has of a cluster: its entry, and its machines."""
    machines = {node: {"name": node, "cluster": name, "node_name": node} for node in nodes}
    return {"declared": {"name": name, "mode": mode, "role": role}, "machines": machines}


@pytest.fixture
def destroy(hub_access: Object, prefix: str) -> Destroy:
    def run_one(state: str = "destroying", check: bool = False, **given: t.Any) -> Object:
        wanted = {**inventory(prefix, "e1", "e2"), **given}
        return run(DESTROY, check, cluster=prefix, state=state, hub_access=hub_access, **wanted)

    return run_one


def test_the_hub_marks_a_cluster_and_forgets_it_as_foreseen(
    hub: ApiServer, east: Object, hub_access: Object, prefix: str, destroy: Destroy
) -> None:
    before = everything(hub)
    found(prefix, east, hub_access)
    foreseen = [destroy(state, check=True) for state in ("destroying", "absent")]
    unmarked = destroy("absent")
    assert "does not have it as being destroyed" in unmarked["msg"]
    assert run(INFO, cluster=prefix, hub_access=hub_access)["state"] == "usable"
    marked = destroy()
    assert steps(marked) == steps(foreseen[0]) == [
        f"update v1/Secret/{prefix}/{prefix}-kubeconfig",
        f"update cluster.open-cluster-management.io/v1/ManagedCluster/{prefix}",
        f"update v1/Namespace/{prefix}",
    ]  # fmt: skip
    assert east["token"] not in json.dumps([foreseen, marked])
    again = destroy()
    assert steps(again) == []
    assert again["since"]
    assert _refusals(east, hub_access, prefix) == [("destroying", f"-e destroy={prefix} -e destroy_confirm={prefix}")]

    gone = destroy("absent")
    assert steps(gone) == steps(foreseen[1])
    assert {line.split()[0] for line in foreseen[0]["removed"]} == {
        "ManagedCluster", "ClusterProfile", "ConfigMap", "Secret", "Namespace",
    }  # fmt: skip
    assert settled(hub, before) == []
    for state in ("destroying", "absent"):
        done = destroy(state)
        assert (steps(done), done["known"]) == ([], False)
    found(prefix, east, hub_access)  # the name is free again
    destroy()
    destroy("absent")


def _refusals(east: Object, hub_access: Object, prefix: str) -> list[tuple[str, str]]:
    """How site runs and readers of the fleet see a cluster that is being destroyed."""
    known = run(INFO, cluster=prefix, hub_access=hub_access)
    assert known["access"] is None
    kept = run(ATTACH, cluster=prefix, access=reach(east), hub_access=hub_access, tier="lifecycle")
    told = run(FLEET, access=reach(hub_access), names=[prefix])
    assert (told["clusters"][0]["destroying"], kept["reason"]) == (True, "destroying")
    assert "destroying" in told["table"][1].split()
    words = f"-e destroy={prefix} -e destroy_confirm={prefix}"
    assert all(words in text for text in (known["reason"], kept["msg"], *told["problems"]))
    return [(known["state"], words)]


def test_what_was_killed_at_any_step_goes_on(
    hub: ApiServer, east: Object, hub_access: Object, prefix: str, destroy: Destroy
) -> None:
    before = everything(hub)
    for state in ("destroying", "absent"):
        killed_after, total = 0, 1
        while killed_after < total:
            found(prefix, east, hub_access)
            if state == "absent":
                destroy()
            total = _kill(hub_access, prefix, state, killed_after)
            if (state, killed_after) != ("destroying", 0):
                assert run(INFO, cluster=prefix, hub_access=hub_access)["state"] == "destroying", killed_after
            for left in ("destroying", "absent"):
                done = destroy(left)
                assert not done.get("failed"), (state, killed_after, done)
            assert settled(hub, before) == [], (state, killed_after)
            killed_after += 1


def _kill(hub_access: Object, prefix: str, state: str, after: int) -> int:
    """Does the first steps, and returns how many there were."""
    params = {name: spec.get("default") for name, spec in DESTROY.arguments.items()}
    params.update(cluster=prefix, state=state, hub_access=hub_access, timeout=60, **inventory(prefix, "e1", "e2"))
    context = Context(environ={})
    with context.resources:
        made = plan_destruction(params, context)
        for step in made.ordered()[:after]:
            step.perform()
    return len(made.steps)


def test_a_mark_that_an_operator_takes_away_leaves_a_cluster_as_it_was(
    hub: ApiServer, east: Object, hub_access: Object, prefix: str, destroy: Destroy
) -> None:
    found(prefix, east, hub_access)
    before = everything(hub)
    marked = destroy()
    gone = {"metadata": {key: {"lodestar.platform/destroying": None} for key in ("labels", "annotations")}}
    with Client(hub.admin) as client:
        for step in marked["plan"]:
            api_version, kind, *namespace, name = step["id"].rsplit("/", 3 if "/Secret/" in step["id"] else 2)
            client.merge(api_version, kind, name, gone, namespace[0] if namespace else None)
    assert run(INFO, cluster=prefix, hub_access=hub_access)["state"] == "usable"
    found(prefix, east, hub_access)
    assert settled(hub, before) == []
    destroy()
    destroy("absent")


def test_what_runs_on_it_is_told(
    member: ApiServer, east: Object, hub_access: Object, prefix: str, destroy: Destroy
) -> None:
    found(prefix, east, hub_access)
    space = f"{prefix}-shop"
    made: list[Object] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}},
        *(_pod(space, name) for name in ("web-1", "web-2")),
        _pod("kube-system", "coredns", {"k8s-app": "kube-dns"}),
        {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": f"{prefix}-data"},
            "spec": {
                "capacity": {"storage": "5Gi"},
                "accessModes": ["ReadWriteOnce"],
                "persistentVolumeReclaimPolicy": "Delete",
                "claimRef": {"namespace": space, "name": "data"},
                "nfs": {"server": "192.0.2.9", "path": "/x"},
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "web", "namespace": space},
            "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]},
        },
    ]
    with Client(member.admin) as client:
        for obj in made:
            client.create(obj)
        runs = destroy(check=True)["runs"]
        assert (runs["known"], runs["namespaces"]) == (True, {space: 2})
        volume = {"name": f"{prefix}-data", "claim": f"{space}/data", "capacity": "5Gi", "reclaim_policy": "Delete"}
        assert runs["volumes"] == [volume]
        assert runs["load_balancers"] == [{"name": f"{space}/web", "addresses": []}]
        told = "\n".join(destroy(check=True)["told"])
        assert all(word in told for word in (f"namespace {space}: 2 pods", "reclaim policy Delete", "e1, e2"))
        role = client.get(RBAC, "ClusterRole", "lodestar:lifecycle")
        assert role is not None
        # As an access of before this right.
        for rule in role["rules"]:
            rule["resources"] = [name for name in rule["resources"] if name != "persistentvolumes"]
        client.merge(RBAC, "ClusterRole", "lodestar:lifecycle", {"rules": role["rules"]})
        older = destroy(check=True)["runs"]
        assert (older["known"], older["namespaces"], older["volumes"]) == (True, {space: 2}, None)
        # No controller runs that would let it go.
        client.merge("v1", "PersistentVolume", f"{prefix}-data", {"metadata": {"finalizers": None}})
        for obj in reversed(made[1:]):
            client.delete("v1", obj["kind"], obj["metadata"]["name"], obj["metadata"].get("namespace"))
    with member.frozen():
        done = destroy()
    assert (done["runs"]["known"], done["changed"]) == (False, True)
    assert "what runs on it is not known" in done["warnings"][0]
    destroy("absent")


def _pod(space: str, name: str, labels: Object | None = None) -> Object:
    metadata = {"name": name, "namespace": space, "labels": labels or {}}
    spec = {"containers": [{"name": "c", "image": "i"}], "automountServiceAccountToken": False}
    account = {"serviceAccountName": "default"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {**spec, **account}}


def test_what_must_not_end_is_refused_and_nothing_is_written(
    hub: ApiServer, member: ApiServer, east: Object, hub_access: Object, prefix: str, destroy: Destroy
) -> None:
    found(prefix, east, hub_access)
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    with Client(member.admin) as client:
        for name in ("e1", "e2", "e9"):
            node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}
            client.create(node)
            client.apply({**node, "status": ready}, subresource="status")
        mark = hub.audit.mark()
        nobody: Object = {"declared": {}, "machines": {}}
        for given, words in (
            (
                inventory(prefix, "e1", "e2", mode="attach"),
                "recorded it as created, and the inventory has cluster_mode",
            ),
            (inventory(prefix, "e1", role="global"), "this is the global cluster, whose own records are in its etcd"),
            (nobody, "its machines are not in the inventory"),
            ({**nobody, "forget": True}, "its API still answers"),
            ({"forget": True}, "destroy_forget = True: its machines stand in the inventory: e1, e2"),
            ({}, "e9 is a Node of it, and no machine of the inventory stands for it"),
            ({"unreachable": ["e9"]}, "e9 is Ready, so its machine is not dead"),
            ({"unreachable": ["e1", "e9"]}, "e1 is Ready, so its machine is not dead"),
            ({"unreachable": ["nobody"]}, "is no machine and no Node"),
        ):
            refused = destroy(**given)
            assert refused.get("failed"), given
            assert words in refused["msg"], given
        itself = run(DESTROY, cluster="hub", hub_access=hub_access)
        assert f"it records 1 other cluster(s): {prefix}" in itself["msg"]
        assert not [item for item in hub.audit.since(mark, LODESTAR) if item.writes]
        client.apply({**node, "status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}}, subresource="status")
        assert steps(destroy(check=True, unreachable=["e9"]))
        for name in ("e1", "e2", "e9"):
            client.delete("v1", "Node", name)
    run(RECORD, cluster=prefix, mode="attach", access=reach(east), hub_access=hub_access)
    attached = destroy()
    assert f"lodestar.platform.detach and -e detach_clusters={prefix}" in attached["msg"]


def test_a_cluster_whose_machines_are_gone_is_forgotten_when_told_so(
    hub: ApiServer, member: ApiServer, east: Object, hub_access: Object, prefix: str, destroy: Destroy
) -> None:
    before = everything(hub)
    found(prefix, east, hub_access)
    gone: Object = {"declared": {}, "machines": {}, "forget": True}
    with member.frozen():
        assert len(steps(destroy(**gone))) == 3
    refused = destroy("absent", **{**gone, "forget": False})
    assert refused["reason"] == "machines_unknown"
    destroy("absent", **gone)
    assert settled(hub, before) == []
    nothing = destroy(declared={}, machines={})
    assert steps(nothing) == []
    assert "the hub does not know it" in nothing["warnings"][0]
