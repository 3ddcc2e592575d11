# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Deliveries to three clusters by the access that the hub keeps: held, moved, taken up after a death, withdrawn."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.delivery.operate import OPERATION
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import access, access_info
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.access_secret import Stored, to_secret
from ansible_collections.lodestar.platform.plugins.module_utils.kube.applyset import PART_OF
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client

from ..harness.apiserver import ApiServer
from .conftest import LODESTAR, minted, run, take_us_away
from .plays import Fleet, changed

Object = dict[str, t.Any]
SIZES = {"east": "small", "west": "large", "north": "large"}
NAMES = tuple(SIZES)
GRANTS = {"resources": ["configmaps", "deployments.apps"]}
CLUSTER = "cluster.open-cluster-management.io/v1"
PLACEMENT = "cluster.open-cluster-management.io/v1beta1"
SETS = "cluster.open-cluster-management.io/v1beta2"
SET_LABEL = "cluster.open-cluster-management.io/clusterset"


class Killed(BaseException):
    """The run ends here, as by a signal."""


class Deliveries:
    """The fleet, and runs of the module."""

    def __init__(self, servers: t.Mapping[str, ApiServer], hub: ApiServer, hub_access: Object, prefix: str) -> None:
        self.servers, self.hub, self.hub_access = servers, hub, hub_access
        self.name = self.space = f"{prefix}-shop"
        self.clusters: dict[str, Object] = {
            name: {
                "name": name, "mode": "attach", "role": "workload", "colocated": False,
                "labels": {"size": SIZES[name]}, "access": {"tier": "tenant", "grants": GRANTS},
            }
            for name in servers
        }  # fmt: skip

    def item(self, *places: str, **changes: t.Any) -> Object:
        """A delivery of a namespace, a ConfigMap and a Deployment, which is waited for no longer than needed."""
        where = {} if "placement" in changes else {"clusters": {"names": list(places)}}
        objects = [space(self.space), settings(self.space), deployment(self.space)]
        return {"name": self.name, "objects": objects, "wait": False, **where, **changes}

    def __call__(self, *items: Object, check: bool = False, **given: t.Any) -> Object:
        known = {"hub": "hub", "hub_access": self.hub_access, "clusters": self.clusters, "decision_timeout": 1}
        return run(OPERATION, check, deliveries=list(items), **{**known, **given})

    def done(self, *items: Object, **given: t.Any) -> Object:
        answer = self(*items, **given)
        assert not answer.get("failed"), answer["msg"]
        return answer

    def states(self, answer: Object) -> dict[str, str]:
        return {cluster: one["state"] for cluster, one in answer["outcome"][self.name].items()}

    def there(self, cluster: str, kind: str = "ConfigMap", name: str = "settings") -> Object | None:
        with Client(self.servers[cluster].admin) as client:
            return client.get("v1" if kind == "ConfigMap" else "apps/v1", kind, name, self.space)

    def ledger(self, cluster: str) -> bool:
        with Client(self.servers[cluster].admin) as client:
            return client.get("v1", "ConfigMap", f"applyset-delivery-{self.name}", "lodestar-system") is not None

    def recorded(self) -> list[str] | None:
        with Client(self.hub.admin) as client:
            found = client.get("v1", "ConfigMap", f"delivery-{self.name}", "lodestar-system")
        return None if found is None else json.loads(found["data"]["clusters"])

    def make_ready(self, cluster: str, replicas: int = 2) -> None:
        with Client(self.servers[cluster].admin) as client:
            there = client.get("apps/v1", "Deployment", "web", self.space) or {}
            counts = dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas", "readyReplicas"), replicas)
            status = {"observedGeneration": there["metadata"]["generation"], **counts}
            path = f"/apis/apps/v1/namespaces/{self.space}/deployments/web/status"
            client.request(
                "PATCH", path, body={"status": status}, content_type="application/merge-patch+json",
                query={"fieldManager": "test"},
            )  # fmt: skip


def space(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def settings(namespace: str, **data: str) -> Object:
    metadata = {"name": "settings", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data or {"mode": "plain"}}


def deployment(namespace: str) -> Object:
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": "web:1"}]}}
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": namespace},
        "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": template},
    }  # fmt: skip


@pytest.fixture(scope="module")
def attached(
    nodeless: ApiServer, more: list[ApiServer], hub: ApiServer, hub_access: Object
) -> t.Iterator[dict[str, ApiServer]]:
    """Three clusters without nodes, of which the hub keeps what attaching leaves."""
    servers = dict(zip(NAMES, [nodeless, *more], strict=True))
    assert hub_access
    with Client(hub.admin) as client:
        for name, server in servers.items():
            attach(client, name, server)
    yield servers
    take_us_away(list(servers.values()), hub)


@pytest.fixture
def fleet(
    attached: dict[str, ApiServer], hub: ApiServer, hub_access: Object, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> t.Iterator[Deliveries]:
    monkeypatch.setattr(access_info.judge, "__defaults__", (2.0,))
    yield Deliveries(attached, hub, hub_access, prefix)
    label = "lodestar.platform/record"
    with Client(hub.admin) as client:
        for obj in client.list("v1", "ConfigMap", namespace="lodestar-system", label_selector=label):
            client.delete("v1", "ConfigMap", obj["metadata"]["name"], "lodestar-system")
        for kind in ("PlacementDecision", "Placement"):
            for obj in client.list(PLACEMENT, kind):
                client.delete(PLACEMENT, kind, obj["metadata"]["name"], obj["metadata"]["namespace"])
        for obj in client.list(SETS, "ManagedClusterSetBinding"):
            client.delete(SETS, obj["kind"], obj["metadata"]["name"], obj["metadata"]["namespace"])
        for obj in client.list(SETS, "ManagedClusterSet"):
            if PART_OF not in (obj["metadata"].get("labels") or {}):
                client.delete(SETS, obj["kind"], obj["metadata"]["name"])


def attach(client: Client, name: str, server: ApiServer) -> None:
    """What attaching leaves on the hub."""
    made = minted(server, access.access_objects("tenant", grants=GRANTS))
    stored = Stored(
        name, made["server"], made["ca_data"], made["token"], made["expires"], 3600, made["uid"], "tenant",
        access.rights_digest("tenant", grants=GRANTS),
    )  # fmt: skip
    mark = {"lodestar.platform/cluster": name}
    client.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": mark}}, force=True)
    client.apply(to_secret(stored), force=True)
    labels = {SET_LABEL: "default", "size": SIZES[name], **mark}
    record = {"apiVersion": CLUSTER, "kind": "ManagedCluster", "metadata": {"name": name, "labels": labels}}
    client.apply({**record, "spec": {"hubAcceptsClient": True}}, force=True)


def test_every_cluster_gets_its_own_and_a_second_run_writes_nothing(fleet: Deliveries) -> None:
    patch = {
        "clusters": {"selector": {"matchLabels": {"size": "small"}}},
        "target": {"kind": "ConfigMap", "name": "set*"},
        "patch": {"data": {"mode": "small"}},
    }
    item = fleet.item(
        *NAMES, patches=[patch], replicas={"division": "weighted", "weights": {"east": 1, "west": 1, "north": 3}}
    )
    item["objects"][2]["spec"]["replicas"] = 7
    marks = {name: server.audit.mark() for name, server in fleet.servers.items()}
    predicted = fleet.done(item, check=True)
    for name, server in fleet.servers.items():
        assert not [one for one in server.audit.since(marks[name], LODESTAR) if one.writes]
    answer = fleet.done(item)
    assert [step["id"] for step in answer["plan"]] == [step["id"] for step in predicted["plan"]]
    assert fleet.states(answer) == dict.fromkeys(NAMES, "delivered")
    assert {name: fleet.there(name)["data"]["mode"] for name in NAMES} == {
        "east": "small", "west": "plain", "north": "plain",
    }  # fmt: skip
    held = {name: fleet.there(name, "Deployment", "web")["spec"]["replicas"] for name in NAMES}
    assert sum(held.values()) == 7
    assert held == answer["replicas"][fleet.name][f"apps/v1/Deployment/{fleet.space}/web"]
    assert held["north"] > held["east"]
    assert fleet.recorded() == sorted(NAMES)

    marks = {name: server.audit.mark() for name, server in fleet.servers.items()}
    mark = fleet.hub.audit.mark()
    again = fleet.done(item)
    assert (again["changed"], fleet.states(again)) == (False, dict.fromkeys(NAMES, "unchanged"))
    assert not [one for one in fleet.hub.audit.since(mark, LODESTAR) if one.writes]
    for name, server in fleet.servers.items():
        asked = server.audit.since(marks[name], LODESTAR)
        assert not [one for one in asked if one.writes]
        # The identity, the ledgers, and one list a kind.
        assert len(asked) == 5

    with Client(fleet.servers["west"].admin) as client:
        client.merge("v1", "ConfigMap", "settings", {"data": {"mode": "edited"}}, fleet.space)
    repaired = fleet.done(item)
    assert [(step["target"], step["action"]) for step in repaired["plan"]] == [("west", "update")]
    assert fleet.there("west")["data"]["mode"] == "plain"


def test_a_silent_cluster_costs_the_others_nothing(fleet: Deliveries) -> None:
    with fleet.servers["west"].frozen():
        answer = fleet.done(fleet.item(*NAMES))
    assert fleet.states(answer) == {"east": "delivered", "north": "delivered", "west": "unreachable"}
    assert len(answer["problems"]) == 1
    assert "west: unreachable" in answer["problems"][0]
    # Where it could not be asked it cannot be left, either, and it is not forgotten.
    assert fleet.done(fleet.item(*NAMES))["problems"] == []
    with fleet.servers["west"].frozen():
        answer = fleet.done(fleet.item("east"))
    assert fleet.states(answer) == {"east": "unchanged", "north": "withdrawn", "west": "unreachable"}
    assert fleet.recorded() == ["east", "west"]
    assert fleet.there("west")
    assert fleet.states(fleet.done(fleet.item("east"))) == {"east": "unchanged", "west": "withdrawn"}
    assert fleet.recorded() == ["east"]


def test_it_leaves_a_cluster_only_when_it_is_ready_elsewhere(fleet: Deliveries) -> None:
    fleet.done(fleet.item("east"))
    moved = fleet.item("west", wait=True, wait_timeout=1)
    answer = fleet(moved)
    assert answer["failed"]
    assert "ready on west" in answer["msg"]
    assert fleet.states(answer) == {"west": "failed", "east": "not_begun"}
    assert fleet.there("east")
    assert fleet.there("west")
    assert fleet.recorded() == ["east", "west"]

    fleet.make_ready("west")
    answer = fleet.done(moved)
    assert fleet.states(answer) == {"west": "unchanged", "east": "withdrawn"}
    assert fleet.there("east") is None
    assert not fleet.ledger("east")
    assert fleet.recorded() == ["west"]
    assert not fleet.done(moved)["changed"]


def test_a_killed_run_is_taken_up(fleet: Deliveries, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet.done(fleet.item("east"))

    def killed_at(method: str, kind: str, *given: t.Any) -> None:
        real = getattr(Client, method)

        def call(self: Client, *args: t.Any, **options: t.Any) -> t.Any:
            what = args[0]["kind"] if isinstance(args[0], dict) else args[1]
            if what == kind:
                raise Killed
            return real(self, *args, **options)

        with monkeypatch.context() as patched:
            patched.setattr(Client, method, call)
            with pytest.raises(Killed):
                fleet(*given)

    # While it comes to west, and while it leaves east.
    killed_at("apply", "Deployment", fleet.item("west"))
    assert fleet.recorded() == ["east", "west"]
    assert fleet.there("west", "Deployment", "web") is None
    assert fleet.there("east", "Deployment", "web")
    killed_at("delete", "Namespace", fleet.item("west"))
    assert fleet.there("east", "Deployment", "web") is None
    assert fleet.ledger("east")

    # Whatever is decided meanwhile.
    answer = fleet.done(fleet.item("north"))
    assert fleet.states(answer) == {"north": "delivered", "east": "withdrawn", "west": "withdrawn"}
    assert (fleet.ledger("east"), fleet.ledger("west")) == (False, False)
    assert fleet.recorded() == ["north"]


def test_clusters_are_asked_where_the_hub_has_lost_its_record(fleet: Deliveries) -> None:
    fleet.done(fleet.item("east"))
    with Client(fleet.hub.admin) as client:
        client.delete("v1", "ConfigMap", f"delivery-{fleet.name}", "lodestar-system")
    answer = fleet.done(fleet.item("west"))
    assert fleet.states(answer) == {"west": "delivered", "east": "withdrawn"}
    assert fleet.recorded() == ["west"]


def test_what_is_declared_no_more_stays_until_it_is_withdrawn(fleet: Deliveries) -> None:
    fleet.done(fleet.item("east", "west"))
    answer = fleet.done()
    assert not answer["changed"]
    assert "stays on east, west" in answer["warnings"][0]
    nowhere = fleet.done({**fleet.item(), "clusters": {"selector": {"matchLabels": {"size": "none"}}}})
    assert not nowhere["changed"]
    assert "stays on east, west" in nowhere["problems"][0]
    assert "is declared" in fleet(fleet.item("east"), withdraw=[fleet.name])["msg"]

    predicted = fleet.done(withdraw=[fleet.name], check=True)
    answer = fleet.done(withdraw=[fleet.name])
    assert [step["id"] for step in predicted["plan"]] == [step["id"] for step in answer["plan"]]
    assert fleet.states(answer) == {"east": "withdrawn", "west": "withdrawn"}
    assert fleet.recorded() is None
    assert not fleet.done(withdraw=[fleet.name])["changed"]


def test_a_right_that_is_missing_is_named_before_anything_changes(fleet: Deliveries) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": fleet.space}}
    item = fleet.item("east", "west")
    answer = fleet({**item, "objects": [*item["objects"], secret]})
    assert answer["failed"]
    assert "Add to east: cluster_access: {grants: {resources: [secrets]}}" in answer["msg"]
    assert "Add to west: cluster_access" in answer["msg"]
    assert fleet.recorded() is None
    fleet.clusters["east"]["access"]["grants"] = {"resources": [*GRANTS["resources"], "services"]}
    service = {**secret, "kind": "Service", "spec": {"ports": [{"port": 80}]}}
    answer = fleet({**item, "objects": [*item["objects"], service]})
    assert "Add to west: cluster_access: {grants: {resources: [services]}}" in answer["msg"]
    assert (
        "east = 'configmaps, deployments.apps, services': the rights to manage these kinds are declared"
        in answer["msg"]
    )
    assert "lodestar.platform.attach" in answer["msg"]


def test_what_a_cluster_refuses_stops_no_other(fleet: Deliveries) -> None:
    with Client(fleet.servers["east"].admin) as client:
        for obj in (space(fleet.space), settings(fleet.space, mode="theirs")):
            client.create(obj)
    try:
        answer = fleet.done(fleet.item("east", "west"))
        assert fleet.states(answer) == {"east": "refused", "west": "delivered"}
        assert "adopt" in answer["problems"][0]
        assert fleet.there("east")["data"] == {"mode": "theirs"}
        assert fleet.states(fleet.done(fleet.item("east", "west", adopt=["all"])))["east"] == "delivered"
        # Two deliveries cannot hold one object; the second is told.
        answer = fleet.done(fleet.item("west"), {**fleet.item("west"), "name": f"{fleet.name}-too"})
        assert f"{fleet.name} declares there as well" in answer["problems"][0]
        # What was somebody's is handed back.
        fleet.done(withdraw=[fleet.name])
        assert fleet.there("east")["data"] == {"mode": "theirs"}
    finally:
        with Client(fleet.servers["east"].admin) as client:
            client.delete("v1", "Namespace", fleet.space)


def test_it_follows_the_decisions_of_a_placement(fleet: Deliveries) -> None:
    where = {"namespace": fleet.space, "name": "place"}
    item = fleet.item(placement=where)
    with Client(fleet.hub.admin) as client:
        for obj in placement_objects(fleet.space):
            client.apply(obj, force=True)
        answer = fleet.done(item)
        assert not answer["changed"]
        assert "OCM will add north, west" in answer["problems"][0]
        decide(client, fleet.space, "north", "west")
        answer = fleet.done(item)
        assert fleet.states(answer) == {"north": "delivered", "west": "delivered"}
        client.merge(CLUSTER, "ManagedCluster", "west", {"metadata": {"labels": {"size": "small"}}})
        waits = fleet.done(item)
        assert not waits["changed"]
        assert fleet.states(waits) == {"north": "waiting", "west": "waiting"}
        decide(client, fleet.space, "north")
        answer = fleet.done(item)
        assert fleet.states(answer) == {"north": "unchanged", "west": "withdrawn"}
        client.merge(CLUSTER, "ManagedCluster", "west", {"metadata": {"labels": {"size": "large"}}})


def test_the_playbook_delivers_and_says_what_became_of_it(
    fleet: Deliveries, hub_access: Object, tmp_path: Path
) -> None:
    folder = tmp_path / "apps"
    folder.mkdir()
    item = fleet.item("east", "north")
    (folder / "shop.yml").write_text("\n---\n".join(json.dumps(obj) for obj in item.pop("objects")))
    item["src"] = ["{{ inventory_dir }}/../apps"]
    declared = {
        name: {"cluster_labels": {"size": SIZES[name]}, "cluster_access": {"grants": GRANTS}} for name in fleet.servers
    }
    user = Fleet(tmp_path / "user", hub_access, declared, deliveries=[item])
    done = user.play("delivery", "-e", f"delivery_names={fleet.name},")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{fleet.name} on east: delivered" in done.stdout
    assert changed(done.stdout) == 1
    assert fleet.there("north")


@pytest.mark.full
def test_the_playbook_names_a_cluster_that_is_silent_and_what_is_wrong(
    fleet: Deliveries, hub_access: Object, tmp_path: Path
) -> None:
    item = fleet.item("east", "north")
    fleet.done(item)
    declared = {
        name: {"cluster_labels": {"size": SIZES[name]}, "cluster_access": {"grants": GRANTS}} for name in fleet.servers
    }
    user = Fleet(tmp_path / "user", hub_access, declared, deliveries=[item])
    with fleet.servers["east"].frozen():
        first = user.play("delivery")
        again = user.play("delivery")
    # The hub's record says once that it is silent; nothing else is changed.
    assert changed(first.stdout) == 1
    assert "TASK [lodestar.platform.placement : Keep true what placements decide by]" in first.stdout
    assert again.returncode != 0
    assert changed(again.stdout) == 0
    assert f"{fleet.name} on north: unchanged" in again.stdout
    assert f"delivery {fleet.name}: east: unreachable" in again.stdout
    wrong = Fleet(tmp_path / "wrong", hub_access, declared, deliveries=[{**item, "clusters": {"names": ["eats"]}}])
    refused = wrong.play("delivery", "--check")
    assert f"deliveries[{fleet.name}].clusters.names[0]" in refused.stdout + refused.stderr


def placement_objects(namespace: str) -> list[Object]:
    selector = {"labelSelector": {"matchLabels": {"size": "large"}}}
    metadata = {"namespace": namespace}
    return [
        space(namespace),
        {"apiVersion": SETS, "kind": "ManagedClusterSet", "metadata": {"name": "default"}, "spec": {}},
        {
            "apiVersion": SETS, "kind": "ManagedClusterSetBinding", "metadata": {"name": "default", **metadata},
            "spec": {"clusterSet": "default"},
        },
        {
            "apiVersion": PLACEMENT, "kind": "Placement", "metadata": {"name": "place", **metadata},
            "spec": {"predicates": [{"requiredClusterSelector": selector}]},
        },
        {
            "apiVersion": PLACEMENT, "kind": "PlacementDecision",
            "metadata": {
                "name": "place-decision-1", **metadata,
                "labels": {"cluster.open-cluster-management.io/placement": "place"},
            },
        },
    ]  # fmt: skip


def decide(client: Client, namespace: str, *names: str) -> None:
    """What OCM's controller writes."""
    path = f"/apis/{PLACEMENT}/namespaces/{namespace}/placementdecisions/place-decision-1/status"
    body = {"status": {"decisions": [{"clusterName": name, "reason": ""} for name in names]}}
    client.request("PATCH", path, body=body, content_type="application/merge-patch+json")
