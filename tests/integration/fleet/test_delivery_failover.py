# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A member is killed during a delivery, replaced, and comes back: three rules of deliveries, on real API servers.

OCM's controller is played by its own evaluation, to which its real decisions are held elsewhere.
"""

from __future__ import annotations

import json
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.delivery.operate import OPERATION
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import access, access_info
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.access_secret import Stored, to_secret
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.records_plan import OPERATION as RECORD
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.placement.info import OPERATION as INFO
from ansible_collections.lodestar.platform.plugins.module_utils.placement.input_plan import OPERATION as INPUTS

from ...conftest import Bar
from ..harness.apiserver import ApiServer
from .conftest import LODESTAR, minted, run, take_us_away
from .test_delivery import PLACEMENT, SETS, decide, placement_objects

Object = dict[str, t.Any]
EAST, NORTH = NAMES = ("away-east", "away-north")
GRANTS = {"resources": ["configmaps", "deployments.apps"]}
UNREACHABLE = "cluster.open-cluster-management.io/unreachable"


class Away:
    """A hub with two members, of which a Placement chooses one, and a run of everything that decides and delivers."""

    def __init__(self, hub: ApiServer, hub_access: Object, servers: t.Mapping[str, ApiServer]) -> None:
        self.hub, self.hub_access, self.servers, self.space = hub, hub_access, servers, ""
        self.clusters: dict[str, Object] = {
            name: {
                "name": name, "mode": "attach", "role": "workload", "colocated": False, "labels": {"size": "large"},
                "access": {"tier": "tenant", "grants": GRANTS}, "tenants": [],
            }
            for name in NAMES
        }  # fmt: skip

    def item(self, name: str, **rule: str) -> Object:
        """A delivery of settings and a Deployment."""
        where, labels = {"namespace": self.space}, {"app": name}
        template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": "web:1"}]}}
        spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}
        objects = [
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **where}, "data": {"mode": "plain"}},
            {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, **where}, "spec": spec},
        ]
        placed = {"namespace": self.space, "name": "place"}
        return {
            "name": f"{self.space}-{name}",
            "objects": objects,
            "wait": False,
            "placement": placed,
            "failover": rule,
        }

    def begin(self, space: str) -> None:
        """Begins anew, with a Placement that replaces a silent cluster at once."""
        self.space = space
        toleration = {"key": UNREACHABLE, "operator": "Exists", "tolerationSeconds": 0}
        with Client(self.hub.admin) as client:
            for obj in placement_objects(space):
                if obj["kind"] == "Placement":
                    obj["spec"] |= {"numberOfClusters": 1, "tolerations": [toleration]}
                client.apply(obj, force=True)
        for server in self.servers.values():
            with Client(server.admin) as client:
                client.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}}, force=True)
        self.decide()

    def decide(self) -> list[str]:
        """Keeps the inputs true, and decides as OCM does. Returns the decision."""
        answer = run(INPUTS, clusters=self.clusters, hub_access=self.hub_access, scores=[])
        assert not answer.get("failed"), answer["msg"]
        given = {key: value for key, value in self.hub_access.items() if key != "uid"}
        (item,) = run(INFO, access=given, namespace=self.space)["placements"]
        with Client(self.hub.admin) as client:
            decide(client, self.space, *item["foretold"])
        return list(item["foretold"])

    def __call__(self, *items: Object, **given: t.Any) -> Object:
        known = {"hub_access": self.hub_access, "clusters": self.clusters, "decision_timeout": 1}
        return run(OPERATION, deliveries=list(items), **{**known, **given})

    def done(self, *items: Object, **given: t.Any) -> dict[str, dict[str, str]]:
        """A run, and by name of a delivery its states by cluster."""
        self.answer = self(*items, **given)
        assert not self.answer.get("failed"), self.answer["msg"]
        return states(self.answer)

    def there(self, cluster: str) -> list[str]:
        """The deliveries of which something is on a cluster."""
        with Client(self.servers[cluster].admin) as client:
            found = client.list(
                "v1", "ConfigMap", namespace=self.space, label_selector="applyset.kubernetes.io/part-of"
            )
            found += client.list("apps/v1", "Deployment", namespace=self.space)
        return sorted({str(obj["metadata"]["name"]) for obj in found})

    def record(self, name: str) -> Object:
        """What the hub keeps of where a delivery is."""
        with Client(self.hub.admin) as client:
            found = client.get("v1", "ConfigMap", f"delivery-{self.space}-{name}", "lodestar-system") or {}
        return {key: json.loads(text) for key, text in found["data"].items()}

    def deleted(self, marks: t.Mapping[str, int]) -> dict[str, list[str]]:
        """By server, what was deleted since the marks."""
        known = {"hub": self.hub, **self.servers}
        found = {name: known[name].audit.since(mark, LODESTAR) for name, mark in marks.items()}
        return {name: [one.uri for one in asked if one.verb == "delete"] for name, asked in found.items()}

    def marks(self, *names: str) -> dict[str, int]:
        known = {"hub": self.hub, **self.servers}
        return {name: known[name].audit.mark() for name in names}


def states(answer: Object) -> dict[str, dict[str, str]]:
    return {
        name.rpartition("-")[2]: {cluster.rpartition("-")[2]: one["state"] for cluster, one in sorted(found.items())}
        for name, found in answer["outcome"].items()
    }


@pytest.fixture(scope="module")
def away(
    hub: ApiServer, hub_access: Object, tmp_path_factory: pytest.TempPathFactory, tools: dict[str, Path]
) -> t.Iterator[Away]:
    """Two members of their own, since one of them is killed."""
    servers = {name: ApiServer(tmp_path_factory.mktemp(name), tools) for name in NAMES}
    try:
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda server: server.__enter__(), servers.values()))
        with Client(hub.admin) as client:
            for name, server in servers.items():
                take_in(client, name, server, hub_access)
        yield Away(hub, hub_access, servers)
        take_us_away([], hub)
    finally:
        for server in servers.values():
            server.__exit__()


def take_in(client: Client, name: str, server: ApiServer, hub_access: Object) -> None:
    """What attaching leaves on the hub."""
    made = minted(server, access.access_objects("tenant", grants=GRANTS))
    rights = access.rights_digest("tenant", grants=GRANTS)
    given = [made[key] for key in ("server", "ca_data", "token", "expires")]
    labels = {"lodestar.platform/cluster": name}
    client.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}, force=True)
    client.apply(to_secret(Stored(name, *given, 3600, made["uid"], "tenant", rights)), force=True)
    reached = {key: value for key, value in made.items() if key != "uid"}
    known = {"mode": "attach", "tier": "tenant", "cluster_labels": {"size": "large"}}
    done = run(RECORD, cluster=name, access=reached, hub_access=hub_access, **known)
    assert not done.get("failed"), done["msg"]


@pytest.fixture
def fleet(away: Away, prefix: str, monkeypatch: pytest.MonkeyPatch) -> t.Iterator[Away]:
    monkeypatch.setattr(access_info.judge, "__defaults__", (2.0,))
    monkeypatch.setattr(access_info, "DEADLINE", 2.0)
    # A run need not wait long for a server that is dead.
    monkeypatch.setitem(t.cast("dict[str, t.Any]", Client.__init__.__kwdefaults__), "deadline", 4.0)
    away.begin(prefix)
    yield away
    for server in away.servers.values():
        if not server.alive:
            server.revive()
    with Client(away.hub.admin) as client:
        for obj in client.list("v1", "ConfigMap", namespace="lodestar-system"):
            if obj["metadata"]["name"].startswith(f"delivery-{prefix}"):
                client.delete("v1", "ConfigMap", obj["metadata"]["name"], "lodestar-system")
        for kind in ("PlacementDecision", "Placement"):
            for obj in client.list(PLACEMENT, kind):
                client.delete(PLACEMENT, kind, obj["metadata"]["name"], obj["metadata"]["namespace"])
        for kind, namespace in (("ManagedClusterSetBinding", prefix), ("ManagedClusterSet", None)):
            client.delete(SETS, kind, "default", namespace)


def killing(fleet: Away, monkeypatch: pytest.MonkeyPatch, *items: Object, at: tuple[str, str]) -> Object:
    """A run during which the first cluster dies, just before an object of this kind and name is written there."""
    real = Client.apply

    def apply(self: Client, obj: Object, **options: t.Any) -> Object:
        east = fleet.servers[EAST]
        if (obj["kind"], obj["metadata"]["name"]) == at and self.connection.server == east.url and east.alive:
            east.kill()
        return real(self, obj, **options)

    with monkeypatch.context() as patched:
        patched.setattr(Client, "apply", apply)
        answer = fleet(*items)
    assert not fleet.servers[EAST].alive
    return answer


def test_a_member_that_is_killed_is_replaced_by_the_rules_and_one_run_settles_its_return(
    fleet: Away, monkeypatch: pytest.MonkeyPatch, bar: Bar
) -> None:
    items = [fleet.item("keep"), fleet.item("once", surplus="remove"), fleet.item("solo", duplicates="forbid")]
    fleet.done(items[2])
    answer = killing(fleet, monkeypatch, *items, at=("Deployment", "once"))
    assert answer["failed"]
    assert states(answer) == {"keep": {"east": "delivered"}, "once": {"east": "failed"}, "solo": {"east": "unchanged"}}
    assert fleet.decide() == [NORTH]
    marks = fleet.marks("hub", NORTH)

    # No more than so much moves, and every place that waits is named.
    both, moved = {"east": "waiting", "north": "waiting"}, {"east": "unreachable", "north": "delivered"}
    assert fleet.done(*items, failover_limit="1") == {"keep": moved, "once": both, "solo": both}
    assert f"delivery {fleet.space}-once: {EAST}: waiting: it does not answer" in "\n".join(fleet.answer["problems"])
    # A quarter of three places, rounded up. Of one nobody can prove that it does not run there any more.
    rest = {"east": "unreachable", "north": "unchanged"}
    assert fleet.done(*items) == {"keep": rest, "once": moved, "solo": both}
    assert f"delivery_presume_lost={EAST}" in "\n".join(fleet.answer["problems"])
    assert fleet.there(NORTH) == ["keep", "once"]
    assert fleet.done(*items, presume_lost=[EAST]) == {"keep": rest, "once": rest, "solo": moved}
    assert fleet.there(NORTH) == ["keep", "once", "solo"]
    assert fleet.record("solo")["lost"][EAST]["presumed"] is True
    assert fleet.record("keep")["lost"][EAST]["presumed"] is False
    assert fleet.done(*items) == dict.fromkeys(("keep", "once", "solo"), rest)
    assert fleet.answer["changed"] is False
    assert [fleet.record(name)["clusters"] for name in ("keep", "once", "solo")] == [[EAST, NORTH]] * 3
    # On the hub's word alone nothing was deleted anywhere.
    assert fleet.deleted(marks) == {"hub": [], NORTH: []}

    fleet.servers[EAST].revive()
    assert fleet.there(EAST) == ["keep", "once", "solo"]
    assert fleet.decide() == [NORTH]
    marks = fleet.marks(NORTH)
    settled = fleet.done(*items)
    assert settled == {
        "keep": {"east": "surplus", "north": "unchanged"},
        "once": {"east": "withdrawn", "north": "unchanged"},
        "solo": {"east": "withdrawn", "north": "unchanged"},
    }
    assert (fleet.answer["problems"], fleet.deleted(marks)) == ([], {NORTH: []})
    assert "surplus: it answers again" in "\n".join(fleet.answer["warnings"])
    assert (fleet.there(EAST), fleet.there(NORTH)) == (["keep"], ["keep", "once", "solo"])
    assert [fleet.record(name) for name in ("once", "solo")] == [{"clusters": [NORTH]}] * 2
    # It is shown until the rule is another one.
    shown = fleet.done(*items)
    assert (shown["keep"]["east"], fleet.answer["changed"]) == ("surplus", False)
    items[0] = fleet.item("keep", surplus="remove")
    assert fleet.done(*items)["keep"] == {"east": "withdrawn", "north": "unchanged"}
    assert fleet.there(EAST) == []
    assert fleet.record("keep") == {"clusters": [NORTH]}
    bar(
        "a cluster is killed during deliveries and comes back after failover: deleted while it was silent, copies that "
        "the rule forbids, runs that settle its return",
        "0, 0, 1",
    )


@pytest.mark.full
@pytest.mark.parametrize("kind", ["ConfigMap", "Deployment", "ledger"])
@pytest.mark.parametrize("rule", ["keep", "remove", "forbid"])
def test_wherever_it_is_killed_one_run_settles_it(
    fleet: Away, monkeypatch: pytest.MonkeyPatch, kind: str, rule: str
) -> None:
    failover = {"duplicates": "forbid"} if rule == "forbid" else {"surplus": rule}
    item = fleet.item("web", **failover)
    name = f"applyset-delivery-{item['name']}" if kind == "ledger" else "web"
    answer = killing(fleet, monkeypatch, item, at=("ConfigMap" if kind == "ledger" else kind, name))
    assert states(answer) == {"web": {"east": "failed"}}
    assert fleet.decide() == [NORTH]
    given = {"presume_lost": [EAST]} if rule == "forbid" else {}
    if rule == "forbid":
        assert fleet.done(item)["web"] == {"east": "waiting", "north": "waiting"}
        assert fleet.there(NORTH) == []
    assert fleet.done(item, **given)["web"] == {"east": "unreachable", "north": "delivered"}
    fleet.servers[EAST].revive()
    left = fleet.there(EAST)
    assert bool(left) is (kind == "Deployment")
    assert fleet.decide() == [NORTH]
    there = "surplus" if rule == "keep" and kind != "ledger" else "withdrawn"
    assert fleet.done(item)["web"] == {"east": there, "north": "unchanged"}
    assert fleet.there(EAST) == (left if there == "surplus" else [])
    assert fleet.done(item)["web"]["north"] == "unchanged"
    assert fleet.answer["changed"] is False


@pytest.mark.full
def test_one_that_is_decided_again_is_held_and_no_surplus(fleet: Away, monkeypatch: pytest.MonkeyPatch) -> None:
    item = fleet.item("web")
    killing(fleet, monkeypatch, item, at=("Deployment", "web"))
    fleet.decide()
    assert fleet.done(item)["web"] == {"east": "unreachable", "north": "delivered"}
    fleet.servers[EAST].revive()
    fleet.clusters[NORTH]["labels"] = {"size": "small"}
    try:
        assert fleet.decide() == [EAST]
        assert fleet.done(item)["web"] == {"east": "delivered", "north": "withdrawn"}
        assert fleet.record("web") == {"clusters": [EAST]}
    finally:
        fleet.clusters[NORTH]["labels"] = {"size": "large"}
        fleet.decide()


@pytest.mark.full
def test_a_rollout_keeps_in_mind_what_was_replaced(fleet: Away, monkeypatch: pytest.MonkeyPatch) -> None:
    item = fleet.item("web")
    # Nothing of it becomes ready without controllers.
    item |= {"objects": item["objects"][:1], "wait": True, "rollout": {"type": "Progressive"}}
    fleet.done(item)
    fleet.servers[EAST].kill()
    assert fleet.decide() == [NORTH]
    assert fleet.done(item)["web"] == {"east": "unreachable", "north": "delivered"}
    marks = fleet.record("web")["lost"]
    item["objects"][0]["data"] = {"mode": "other"}
    assert fleet.done(item)["web"] == {"east": "unreachable", "north": "delivered"}
    assert fleet.record("web")["lost"] == marks
    fleet.servers[EAST].revive()
    fleet.decide()
    assert fleet.done(item)["web"] == {"east": "surplus", "north": "unchanged"}
    assert fleet.answer["changed"] is False
