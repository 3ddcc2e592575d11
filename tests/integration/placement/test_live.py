# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""OCM's placement controller at work on a real hub: what it decides is what we foretell, and then it is settled."""

from __future__ import annotations

import datetime
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import addon_placement
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.kube.connection import Connection
from ansible_collections.lodestar.platform.plugins.module_utils.placement.info import OPERATION as INFO
from ansible_collections.lodestar.platform.plugins.module_utils.placement.operate import OPERATION
from ansible_collections.lodestar.platform.plugins.module_utils.placement.render import NAMESPACE

from ...conftest import Bar
from ..fleet.plays import Fleet, changed
from ..harness.apiserver import ApiServer
from ..harness.people import execute, until
from . import cases
from .conftest import CLUSTER_API, PLACEMENT_API, SET, SET_API, record
from .oracle import controlling

Object = dict[str, t.Any]
Key = tuple[str, str, str, str]
SCORE_API = "cluster.open-cluster-management.io/v1alpha1"
KINDS = {
    "sets": (SET_API, "ManagedClusterSet"),
    "clusters": (CLUSTER_API, "ManagedCluster"),
    "bindings": (SET_API, "ManagedClusterSetBinding"),
    "scores": (SCORE_API, "AddOnPlacementScore"),
    "decisions": (PLACEMENT_API, "PlacementDecision"),
}
CLUSTERS = 12


IMAGE = "registry.example.org/placement:v1"
CONTROLLER = "system:serviceaccount:lodestar-system:placement-controller"
#: Asked for, and gone without: who owns its pod, and events of its own start, which stand in its log as well.
IN_VAIN = {("list", "", "pods", "lodestar-system"), ("create", "", "events", "lodestar-system")}


@pytest.fixture
def controller(hub: ApiServer, ours: Connection) -> t.Iterator[None]:
    """OCM's controller with the rights that we give it, and no others."""
    done = execute(OPERATION, ours, placements=[], controller_image=IMAGE)
    assert not done.get("failed"), done["msg"]
    with controlling(hub):
        yield
    done = execute(OPERATION, ours, placements=[], prune_all=True)
    assert not done.get("failed"), done["msg"]


def check_rights(hub: ApiServer, mark: int) -> None:
    """The controller has used every right of its own but one, and missed none."""
    given = {
        (verb, group, resource)
        for item in addon_placement.RULES
        for group in item["apiGroups"]
        for resource in item["resources"]
        for verb in item["verbs"]
        # One that goes on stands in no audit log yet; without it the controller would decide nothing.
        if verb != "watch"
    }
    requests = hub.audit.since(mark, CONTROLLER)
    used = {right[:3] for item in requests if item.code not in (401, 403) for right in item.rights}
    refused = {right for item in requests if item.code == 403 for right in item.rights}
    assert refused <= IN_VAIN
    assert given - used <= {("update", "cluster.open-cluster-management.io", "placements/finalizers")}


class Live(cases.Maker):
    """Cases that an API server takes, and in which nothing ends while they are looked at."""

    def moment(self, seconds: float) -> str:
        now = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
        return now.strftime("%Y-%m-%dT%H:%M:%SZ")

    def taint(self) -> Object:
        return {**super().taint(), "timeAdded": self.moment(-self.chance.choice([30, 200, 900]))}

    def prioritizer(self) -> Object:
        """With a weight of Steady below 0 a decision would never settle, which is why no declaration may have one."""
        found = super().prioritizer()
        steady = found["scoreCoordinate"].get("builtIn") == "Steady"
        return {**found, "weight": abs(found["weight"])} if steady else found

    def score(self, cluster: str, resource: str) -> Object:
        found = super().score(cluster, resource)
        found["status"]["scores"].append({"name": "spare", "value": 0})
        return found

    def objects(self, names: list[str]) -> dict[Key, Object]:
        """What the hub holds beside the Placement, by kind, namespace and name; without decisions."""
        parts = {
            "sets": [self.cluster_set(name) for name in cases.SETS if self.often(0.9)],
            "clusters": [self.cluster(name) for name in names],
            "bindings": self.bindings(),
            "scores": [self.score(name, kind) for name in names for kind in cases.SCORES if self.often(0.7)],
        }
        found = {}
        for part, items in parts.items():
            for item in items:
                obj = {"apiVersion": KINDS[part][0], "kind": KINDS[part][1], **item}
                metadata = obj["metadata"]
                metadata.pop("deletionTimestamp", None)
                until_when = obj.get("status", {}).get("validUntil")
                if until_when:
                    obj["status"]["validUntil"] = self.moment(self.chance.choice([-3600, 3600]))
                found[obj["kind"], metadata.get("namespace", ""), metadata["name"]] = obj
        return t.cast(dict[Key, Object], found)


def apply(admin: Client, obj: Object) -> None:
    """Writes an object, and replaces its status."""
    there = admin.apply({key: value for key, value in obj.items() if key != "status"}, force=True)
    if "status" not in obj:
        return
    conditions = {"conditions": []} if obj["kind"] in ("ManagedCluster", "AddOnPlacementScore") else {}
    metadata = there["metadata"]
    path = admin.resource(obj["apiVersion"], obj["kind"]).path(metadata.get("namespace"), metadata["name"], "status")
    body = {**there, "status": {**conditions, **obj["status"]}}
    admin.request("PUT", path, body=body, content_type="application/json")


class Hub:
    """The hub's objects, written where they change."""

    def __init__(self, admin: Client) -> None:
        self.admin = admin
        self.held: dict[Key, Object] = {}

    def hold(self, wanted: dict[Key, Object]) -> None:
        for key, obj in wanted.items():
            if self.held.get(key) != obj:
                apply(self.admin, obj)
        for key, obj in self.held.items():
            if key not in wanted:
                metadata = obj["metadata"]
                self.admin.delete(obj["apiVersion"], obj["kind"], metadata["name"], metadata.get("namespace"))
        self.held = wanted


@pytest.mark.timeout(1800)
@pytest.mark.full
def test_ocm_at_work_decides_as_we_foretell_in_every_random_case(
    hub: ApiServer, ours: Connection, controller: None, bar: Bar
) -> None:
    names = [f"c{number:02}" for number in range(CLUSTERS)]
    stages: set[str] = set()
    chosen = 0
    with Client(hub.admin) as admin:
        for name in (*names, cases.NAMESPACE, "others"):
            admin.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        held, before = Hub(admin), {}
        for seed in range(200):
            maker = Live(seed, wild=False)
            if seed % 10 == 0:
                before = maker.objects(names)
            changed = maker.objects(maker.chance.sample(names, 2))
            before = {**before, **{key: obj for key, obj in changed.items() if key[0] != "ManagedClusterSetBinding"}}
            held.hold(before)
            placement = {"apiVersion": PLACEMENT_API, "kind": "Placement", **maker.placement(CLUSTERS)}
            placement["metadata"] = {"name": f"case-{seed}", "namespace": cases.NAMESPACE}
            # What was decided before, more pages than there will be, and for another one.
            earlier = [(f"case-{seed}", cases.NAMESPACE, page) for page in (1, CLUSTERS + 1)]
            for of, namespace, page in [*earlier, (f"other-{seed}", "others", 1)]:
                decision = maker.decision(of, namespace, page, maker.chance.sample(names, 3))
                apply(admin, {"apiVersion": PLACEMENT_API, "kind": "PlacementDecision", **decision})
            # The controller reads each kind by a watch of its own.
            time.sleep(0.3)
            apply(admin, placement)
            answer = execute(INFO, ours, namespace=cases.NAMESPACE, names=[f"case-{seed}"], wait_timeout=20)
            assert not answer.get("failed"), answer["msg"]
            (item,) = answer["placements"]
            assert item["settled"], f"case {seed}: {item['difference']}\n{answer['table']}"
            assert item["decisions"] == item["foretold"] == sorted(c["name"] for c in item["clusters"] if c["chosen"])
            stages |= {cluster["stage"] for cluster in item["clusters"]}
            chosen += len(item["decisions"])
            admin.delete(PLACEMENT_API, "Placement", f"case-{seed}", cases.NAMESPACE)
            for page in admin.list(PLACEMENT_API, "PlacementDecision", namespace=cases.NAMESPACE):
                admin.delete(PLACEMENT_API, "PlacementDecision", page["metadata"]["name"], cases.NAMESPACE)
            until(lambda: not admin.list(PLACEMENT_API, "PlacementDecision", namespace=cases.NAMESPACE))
        held.hold({})
    assert stages >= {"", "ClusterSet", "Predicate", "TaintToleration", "NumberOfClusters"}
    assert chosen > 200
    check_rights(hub, 0)
    bar("placement: decisions of OCM's live controller foretold, of 200 random cases", "200")


@pytest.mark.full
def test_a_run_declares_and_tells_what_was_decided(
    hub: ApiServer, ours: Connection, hub_access: Object, controller: None, tmp_path: Path
) -> None:
    placement = {"name": "shop", "numberOfClusters": 1, "clusterSets": ["default"]}
    with Client(hub.admin) as admin:
        admin.apply(SET, force=True)
        until(lambda: admin.get("v1", "Namespace", NAMESPACE) is None)
        record(admin, "east")
        record(admin, "west")
        fleet = Fleet(tmp_path / "fleet", hub_access, {}, placements=[placement], placement_controller_image=IMAGE)
        first = fleet.play("placement")
        assert first.returncode == 0, first.stdout[-3000:]
        assert "shop: east (AllDecisionsScheduled)" in first.stdout
        again = fleet.play("placement")
        assert (again.returncode, changed(again.stdout)) == (0, 0)
        # It stays where it is, although nothing but its name speaks against the other one.
        admin.delete(CLUSTER_API, "ManagedCluster", "east")
        moved = fleet.play("placement")
        assert "shop: west (AllDecisionsScheduled)" in moved.stdout
        record(admin, "east")
        assert "shop: west (AllDecisionsScheduled)" in fleet.play("placement").stdout
        for name in ("east", "west"):
            admin.delete(CLUSTER_API, "ManagedCluster", name)
    # The last placement goes, and the controller stays.
    done = execute(OPERATION, ours, placements=[], controller_image=IMAGE)
    assert not done.get("failed"), done["msg"]
