# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What placements decide by, kept by one task for two clusters: records, taints, scores, and nothing written twice."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import access, access_info
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.access_secret import Stored, to_secret
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.records_plan import OPERATION as RECORD
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.placement.info import OPERATION as INFO
from ansible_collections.lodestar.platform.plugins.module_utils.placement.input_plan import OPERATION

from ..harness.apiserver import ApiServer
from .conftest import LODESTAR, await_account, minted, run, take_us_away
from .test_attach import change_secret

Object = dict[str, t.Any]
CLUSTER = "cluster.open-cluster-management.io/v1"
SCORES = "cluster.open-cluster-management.io/v1alpha1"
TENANT = "input-shop"
TIERS = {"inputs-east": "tenant", "inputs-west": "observe"}
EAST, WEST = TIERS
TAINT = "cluster.open-cluster-management.io/unreachable"
NO_NEW = "lodestar.platform/not-available"


class Inputs:
    """The fleet, and runs of the module."""

    def __init__(self, servers: t.Mapping[str, ApiServer], hub: ApiServer, hub_access: Object, made: Object) -> None:
        self.servers, self.hub, self.hub_access, self.made = servers, hub, hub_access, made
        self.clusters = {
            name: {
                "name": name, "mode": "attach", "role": "workload", "colocated": False, "labels": {"size": "small"},
                "access": {"tier": tier, "grants": {}}, "cost": cost, "tenants": [TENANT],
            }
            for (name, tier), cost in zip(TIERS.items(), (1, 3), strict=True)
        }  # fmt: skip

    def __call__(self, check: bool = False, **given: t.Any) -> Object:
        answer = run(OPERATION, check, **{"clusters": self.clusters, "hub_access": self.hub_access, **given})
        assert not answer.get("failed"), answer["msg"]
        return answer

    def quiet(self, **given: t.Any) -> Object:
        """A run that writes nothing anywhere, and is refused nothing."""
        marks = {name: server.audit.mark() for name, server in [*self.servers.items(), ("hub", self.hub)]}
        answer = self(**given)
        assert answer["plan"] == []
        assert not answer["changed"]
        for name, server in [*self.servers.items(), ("hub", self.hub)]:
            asked = server.audit.since(marks[name], LODESTAR)
            assert [one.uri for one in asked if one.writes or one.code in (401, 403)] == []
        return answer

    def recorded(self, name: str, **given: t.Any) -> list[str]:
        """What keeping the records of a single cluster would write."""
        params = {"cluster": name, "mode": "attach", "tier": TIERS[name], "cluster_labels": {"size": "small"}, **given}
        if "unreachable" not in params:
            params["access"] = {key: value for key, value in self.made[name].items() if key != "uid"}
        answer = run(RECORD, "check" in params and params.pop("check"), hub_access=self.hub_access, **params)
        assert not answer.get("failed"), answer["msg"]
        return [step["id"] for step in answer["plan"]]

    def record(self, name: str) -> Object:
        with Client(self.hub.admin) as client:
            return client.get(CLUSTER, "ManagedCluster", name) or {}

    def taints(self, name: str) -> dict[str, str | None]:
        return {item["key"]: item.get("timeAdded") for item in self.record(name)["spec"].get("taints") or ()}

    def available(self, name: str) -> Object:
        conditions = {item["type"]: item for item in self.record(name)["status"]["conditions"]}
        return t.cast(Object, conditions["ManagedClusterConditionAvailable"])

    def scores(self, name: str) -> Object | None:
        with Client(self.hub.admin) as client:
            return client.get(SCORES, "AddOnPlacementScore", "lodestar", name)


@pytest.fixture(scope="module")
def attached(
    nodeless: ApiServer, more: list[ApiServer], hub: ApiServer, hub_access: Object
) -> t.Iterator[tuple[dict[str, ApiServer], Object]]:
    """Two clusters of which the hub keeps an access, one of which we may only observe; and the accesses."""
    servers, made = dict(zip(TIERS, [nodeless, more[0]], strict=True)), {}
    assert hub_access
    with Client(hub.admin) as client:
        for name, server in servers.items():
            one = made[name] = minted(server, access.access_objects(TIERS[name]))
            stored = Stored(
                name, one["server"], one["ca_data"], one["token"], one["expires"], 3600, one["uid"], TIERS[name],
            )  # fmt: skip
            labels = {"lodestar.platform/cluster": name}
            client.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
            client.apply(to_secret(stored), force=True)
    yield servers, made
    take_us_away(list(servers.values()), hub)


@pytest.fixture
def fleet(
    attached: tuple[dict[str, ApiServer], Object], hub: ApiServer, hub_access: Object, monkeypatch: pytest.MonkeyPatch
) -> t.Iterator[Inputs]:
    """The same with records, one with a node."""
    monkeypatch.setattr(access_info.judge, "__defaults__", (2.0,))
    monkeypatch.setattr(access_info, "DEADLINE", 2.0)
    servers, made = attached
    found = Inputs(servers, hub, hub_access, made)
    for name in TIERS:
        assert found.recorded(name)
    with populated(servers[EAST]):
        yield found
    with Client(hub.admin) as client:
        for name in TIERS:
            client.delete(CLUSTER, "ManagedCluster", name)
            client.delete(SCORES, "AddOnPlacementScore", "lodestar", name)


class populated:
    """A node with one pod, and a quota of a tenant."""

    def __init__(self, server: ApiServer) -> None:
        self.server = server

    def __enter__(self) -> None:
        with Client(self.server.admin) as client:
            client.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}})
            status = {
                "allocatable": {"cpu": "4", "memory": "8Gi", "pods": "100"},
                "conditions": [{"type": "Ready", "status": "True"}],
            }
            change(client, "/api/v1/nodes/n1/status", {"status": status})
            # What the admission of Nodes adds to a new one.
            client.merge("v1", "Node", "n1", {"spec": {"taints": None}})
            await_account(self.server, "default")
            client.create(pod("one", "1", "2Gi"))
            client.create(
                {
                    "apiVersion": "v1", "kind": "ResourceQuota",
                    "metadata": {"name": "q", "namespace": "default", "labels": {"lodestar.platform/tenant": TENANT}},
                    "spec": {"hard": {"requests.storage": "10Gi"}},
                }
            )  # fmt: skip
            change(
                client, "/api/v1/namespaces/default/resourcequotas/q/status",
                {"status": {"hard": {"requests.storage": "10Gi"}, "used": {"requests.storage": "7Gi"}}},
            )  # fmt: skip

    def __exit__(self, *_exc: object) -> None:
        with Client(self.server.admin) as client:
            client.delete("v1", "ResourceQuota", "q", "default")
            for obj in client.list("v1", "Pod", namespace="default"):
                path = f"/api/v1/namespaces/default/pods/{obj['metadata']['name']}"
                client.request("DELETE", path, body={"gracePeriodSeconds": 0}, content_type="application/json")
            client.delete("v1", "Node", "n1")


def change(client: Client, path: str, body: Object) -> None:
    client.request(
        "PATCH", path, body=body, content_type="application/merge-patch+json", query={"fieldManager": "test"}
    )


def pod(name: str, cpu: str, memory: str = "100Mi") -> Object:
    container = {"name": "c", "image": "i", "resources": {"requests": {"cpu": cpu, "memory": memory}}}
    spec = {"nodeName": "n1", "containers": [container], "automountServiceAccountToken": False}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"}, "spec": spec}


def values(obj: Object | None) -> dict[str, int]:
    return {item["name"]: item["value"] for item in (obj or {})["status"]["scores"]}


def test_scores_are_kept_and_live_ones_write_nothing_twice(fleet: Inputs) -> None:
    mark = fleet.hub.audit.mark()
    predicted = fleet(check=True)
    assert not [one for one in fleet.hub.audit.since(mark, LODESTAR) if one.writes]
    answer = fleet()
    assert [step["id"] for step in answer["plan"]] == [step["id"] for step in predicted["plan"]]
    # The node came after the records.
    assert [step["id"].rpartition("/")[2] for step in answer["plan"]] == ["status", "lodestar", "lodestar"]
    assert values(fleet.scores(EAST)) == answer["clusters"][EAST]["scores"]
    found = values(fleet.scores(EAST))
    latency = found.pop("latency")
    assert found == {
        "cpuAvailable": 50, "memAvailable": 50, "podsAvailable": 100, "cost": 100, f"budget-{TENANT}": -40,
    }  # fmt: skip
    assert latency > 0
    # Where pods may not be listed there is no score of them, and the reason is told.
    assert set(values(fleet.scores(WEST))) == {"latency", "cost"}
    assert "observe" in answer["clusters"][WEST]["left_out"]["cpuAvailable"]
    assert set(answer["clusters"][WEST]["left_out"]) == {
        "cpuAvailable", "memAvailable", "podsAvailable", f"budget-{TENANT}",
    }  # fmt: skip

    fleet.quiet()
    assert [fleet.recorded(name, check=True) for name in TIERS] == [[], []]

    before = fleet.scores(EAST)
    with Client(fleet.servers[EAST].admin) as client:
        # A little more than before is noise, and much more is not.
        client.create(pod("two", "100m"))
        fleet.quiet()
        client.create(pod("three", "1"))
    moved = fleet()
    assert [step["id"] for step in moved["plan"]] == [f"{SCORES}/AddOnPlacementScore/{EAST}/lodestar"]
    after = fleet.scores(EAST)
    assert values(after)["cpuAvailable"] == 0
    kept = {item["type"]: item for item in (before or {})["status"]["conditions"]}
    for item in (after or {})["status"]["conditions"]:
        if values(after)[item["type"]] == values(before)[item["type"]]:
            assert item == kept[item["type"]]
        else:
            assert item["message"] != kept[item["type"]]["message"]
    fleet.quiet()


def test_taints_follow_whether_a_cluster_answers(fleet: Inputs) -> None:
    fleet()
    assert fleet.taints(WEST) == {}
    scores = fleet.scores(WEST)
    with fleet.servers[WEST].frozen():
        lost = fleet()
        assert (lost["clusters"][WEST]["state"], lost["clusters"][EAST]["state"]) == ("unreachable", "usable")
        assert f"{WEST}: unreachable" in lost["warnings"][0]
        assert fleet.available(WEST)["status"] == "Unknown"
        taints = fleet.taints(WEST)
        assert set(taints) == {TAINT, NO_NEW}
        assert all(taints.values())
        assert fleet.scores(WEST) == scores
        # The same once more, whoever looks, and nothing of somebody else's.
        with Client(fleet.hub.admin) as client:
            mine = {"key": "maintenance", "effect": "NoSelect"}
            spec = {"taints": [mine, *fleet.record(WEST)["spec"]["taints"]]}
            client.merge(CLUSTER, "ManagedCluster", WEST, {"spec": spec})
        fleet.quiet()
        assert fleet.recorded(WEST, unreachable="no answer", check=True) == []
        assert fleet.taints(WEST) == {"maintenance": None, **taints}
    back = fleet()
    assert [step["id"].rpartition("/")[2] for step in back["plan"]] == ["status", "status", f"{WEST}#taints"]
    assert fleet.available(WEST)["status"] == "True"
    assert fleet.taints(WEST) == {"maintenance": None}
    # The records' set does not know of taints, and takes none away.
    assert fleet.recorded(WEST, cluster_labels={"size": "large"})
    assert fleet.taints(WEST) == {"maintenance": None}
    assert fleet()["changed"]
    fleet.quiet()


def test_an_access_that_has_ended_says_nothing_of_the_cluster(fleet: Inputs) -> None:
    fleet()
    change_secret(fleet.hub, WEST, expires="2020-01-01T00:00:00Z")
    answer = fleet()
    assert answer["clusters"][WEST]["state"] == "expired"
    assert set(fleet.taints(WEST)) == {NO_NEW}
    assert fleet.recorded(WEST, unreachable="ended", access_state="expired", check=True) == []
    fleet.quiet()
    change_secret(fleet.hub, WEST, expires=fleet.made[WEST]["expires"])
    fleet()
    assert fleet.taints(WEST) == {}


def test_what_is_not_wanted_goes_and_what_is_not_ours_stays(fleet: Inputs) -> None:
    theirs = {"apiVersion": SCORES, "kind": "AddOnPlacementScore", "metadata": {"name": "lodestar", "namespace": WEST}}
    with Client(fleet.hub.admin) as client:
        client.create(theirs)
        answer = fleet(scores=["cost"], taints=False)
        assert values(fleet.scores(EAST)) == {"cost": 100}
        assert "of somebody else" in answer["warnings"][0]
        assert answer["clusters"][WEST]["state"] == "usable"
        assert fleet(scores=[])["clusters"][EAST]["scores"] == {}
        assert fleet.scores(EAST) is None
        assert fleet.scores(WEST)
        fleet.quiet(scores=[])
        client.delete(SCORES, "AddOnPlacementScore", "lodestar", WEST)
    with fleet.servers[WEST].frozen():
        fleet(taints=False)
    assert fleet.taints(WEST) == {}


def test_a_score_is_explained_with_what_was_measured_and_since_when(fleet: Inputs) -> None:
    fleet()
    coordinate = {"type": "AddOn", "addOn": {"resourceName": "lodestar", "scoreName": "cpuAvailable"}}
    placement = {"name": "shop", "prioritizerPolicy": {"configurations": [{"scoreCoordinate": coordinate}]}}
    with Client(fleet.hub.admin) as client:
        client.apply({"apiVersion": f"{CLUSTER[:-2]}v1beta2", "kind": "ManagedClusterSet",
                      "metadata": {"name": "default"}, "spec": {}}, force=True)  # fmt: skip
    given = {key: value for key, value in fleet.hub_access.items() if key != "uid"}
    answer = run(INFO, access=given, placements=[placement])
    (item,) = answer["placements"]
    (score,) = [
        one
        for cluster in item["clusters"]
        if cluster["name"] == EAST
        for one in cluster["scores"]
        if one["prioritizer"] == "AddOn/lodestar/cpuAvailable"
    ]
    assert score["score"] == 50
    assert (score["measured"], score["not_measured_since"]) == ("3.0 of 4.0 CPUs are free", None)
    assert any(f"(3.0 of 4.0 CPUs are free, since {score['since']})" in line for line in answer["table"])
