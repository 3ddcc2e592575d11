# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The platform's add-ons as deliveries, on created clusters: brought, taken over from an older release, taken away."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.delivery import held as held_module
from ansible_collections.lodestar.platform.plugins.module_utils.delivery.addons import read_all
from ansible_collections.lodestar.platform.plugins.module_utils.delivery.held import Held
from ansible_collections.lodestar.platform.plugins.module_utils.delivery.operate import OPERATION
from ansible_collections.lodestar.platform.plugins.module_utils.delivery.record import Records
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import (
    access,
    addon_coredns,
    addon_kube_router,
    addon_metrics_server,
    addons,
)
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.access_secret import Stored, to_secret
from ansible_collections.lodestar.platform.plugins.module_utils.kube.apply import plan_objects
from ansible_collections.lodestar.platform.plugins.module_utils.kube.applyset import ApplySet, set_of
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.kube.transport import one_look
from ansible_collections.lodestar.platform.plugins.module_utils.kube.wait import missing
from ansible_collections.lodestar.platform.plugins.module_utils.plan import Plan, carry_out

from ..harness.apiserver import ApiServer
from ..harness.people import steps
from . import plays
from .conftest import LODESTAR, connection, minted, run, take_us_away
from .test_addons import WANTED

Object = dict[str, t.Any]
SET = "delivery-addon-metrics-server"
API = ("apiregistration.k8s.io/v1", "APIService", "v1beta1.metrics.k8s.io")


class Fleet:
    """A hub and a created cluster, and runs of the module."""

    def __init__(self, hub: ApiServer, hub_access: Object, east: ApiServer, name: str) -> None:
        self.hub, self.hub_access, self.east, self.name = hub, hub_access, east, name
        self.access = minted(east, access.access_objects("lifecycle"))
        made = self.access
        stored = Stored(
            name, made["server"], made["ca_data"], made["token"], made["expires"], 3600, made["uid"], "lifecycle",
            access.rights_digest("lifecycle"),
        )  # fmt: skip
        labels = {"lodestar.platform/cluster": name}
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
        with Client(hub.admin) as client:
            client.apply(space, force=True)
            client.apply(to_secret(stored), force=True)
        common = {"mode": "create", "colocated": False, "labels": {}, "access": {"tier": "lifecycle"}}
        self.clusters: dict[str, Object] = {
            "hub": {"name": "hub", "role": "global", "control_plane": ["h1"], **common},
            name: {"name": name, "role": "workload", "control_plane": ["e1", "e2"], **common},
        }

    def __call__(self, *items: Object, check: bool = False, **given: t.Any) -> Object:
        """A run, with metrics-server as declared, and not waited for, since nothing runs pods here."""
        declared = [{"name": "metrics-server", "wait": False, **item} for item in items or ({},)]
        known = {"deliveries": [], "clusters": self.clusters, "hub_access": self.hub_access, "addons": declared}
        return run(OPERATION, check, **{**known, **given})

    def done(self, *items: Object, **given: t.Any) -> Object:
        answer = self(*items, **given)
        assert not answer.get("failed"), answer["msg"]
        return answer

    def writes(self, mark: tuple[int, int]) -> list[t.Any]:
        """What our identity wrote on both clusters since a mark."""
        found = zip((self.hub, self.east), mark, strict=True)
        return [one for server, since in found for one in server.audit.since(since, LODESTAR) if one.writes]

    def mark(self) -> tuple[int, int]:
        return self.hub.audit.mark(), self.east.audit.mark()


@pytest.fixture(scope="module")
def made(hub: ApiServer, hub_access: Object, nodeless: ApiServer) -> t.Iterator[Fleet]:
    yield Fleet(hub, hub_access, nodeless, "made-east")
    take_us_away([nodeless], hub)


@pytest.fixture
def fleet(made: Fleet) -> t.Iterator[Fleet]:
    yield made
    run(addons.OPERATION, access=made.access, **{**WANTED, "addons": []})
    made.done({"state": "absent"})


def test_every_created_cluster_gets_it_as_check_mode_says_before_there_is_any(fleet: Fleet) -> None:
    predicted = fleet.done(check=True, founding=list(fleet.clusters), hub_access=None)
    answer = fleet.done()
    assert [(step["target"], step["id"]) for step in predicted["plan"]] == [
        (step["target"], step["id"]) for step in answer["plan"]
    ]
    states = answer["outcome"]["addon-metrics-server"]
    assert {name: one["state"] for name, one in states.items()} == dict.fromkeys(fleet.clusters, "delivered")
    with Client(fleet.east.admin) as client:
        deployment = client.get("apps/v1", "Deployment", "metrics-server", "kube-system") or {}
        assert deployment["spec"]["replicas"] == 2
        assert client.get(*API)
    mark = fleet.mark()
    again = fleet.done()
    assert (again["changed"], again["problems"], fleet.writes(mark)) == (False, [], [])
    newer = fleet.done({"repository": "registry.example.org/metrics-server", "version": "v9"}, check=True)
    assert {step["id"].rpartition("/")[2] for step in newer["plan"]} == {"metrics-server"}
    assert {step["target"] for step in newer["plan"]} == set(fleet.clusters)


def test_a_run_that_is_limited_asks_no_other_cluster_and_takes_nothing_away(fleet: Fleet) -> None:
    mark = fleet.hub.audit.mark()
    answer = fleet.done(only=[fleet.name])
    assert set(answer["outcome"]["addon-metrics-server"]) == {fleet.name}
    assert fleet.done(only=[fleet.name], addon_names={fleet.name: ["kube-router"]})["plan"] == []
    with Client(fleet.hub.admin) as client:
        assert client.get(*API) is None
    assert len([one for one in fleet.hub.audit.since(mark, LODESTAR) if one.writes]) == 1
    left = fleet.done(addon_names={fleet.name: ["kube-router"]})
    assert {name: one["state"] for name, one in left["outcome"]["addon-metrics-server"].items()} == {
        "hub": "delivered",
        fleet.name: "withdrawn",
    }


def test_it_is_taken_over_from_an_older_release_as_it_stands(fleet: Fleet) -> None:
    """There it was a member of the add-ons' set. The metrics API never goes away, and nothing is written twice."""
    image = "lodestar.platform/bundle/metrics-server:v0.8.0"
    chosen = addons.settings({**WANTED, "images": {}})
    objects = [
        *addon_coredns.objects(),
        *addon_kube_router.objects(chosen),
        *addon_metrics_server.objects(image, 2),
    ]
    old = ApplySet(addons.SET)
    with Client(connection(fleet.access)) as client:
        carry_out(Plan(steps=plan_objects(client, objects, applyset=old, target="east")))
        before = [one["metadata"]["uid"] for one in held(client, objects)]
        mark = fleet.mark()
        assert steps(run(addons.OPERATION, access=fleet.access, **WANTED)) == []
        answer = fleet.done()
        assert [step for step in answer["plan"] if step["action"] == "delete"] == []
        there = held(client, objects)
        assert [one["metadata"]["uid"] for one in there] == before
        assert [one for one in there if set_of(one) != ApplySet(SET).id] == []
        writes = fleet.writes(mark)
        assert not [one for one in writes if one.verb == "delete"]
        deployment = client.get("apps/v1", "Deployment", "metrics-server", "kube-system") or {}
        assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] != image
        mark = fleet.mark()
        assert steps(run(addons.OPERATION, access=fleet.access, **WANTED)) == []
        assert fleet.done()["plan"] == []
        assert fleet.writes(mark) == []


class Looked:
    """Whether a look finds that the cluster holds what is declared of metrics-server."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet, self.selectors = fleet, (ApplySet(SET).selector, ApplySet(addons.SET).selector)

    def __call__(self, *items: Object, names: t.Mapping[str, t.Sequence[str]] | None = None) -> bool:
        declared = [{"name": "metrics-server", **item} for item in items or ({},)]
        known = read_all(declared, self.fleet.clusters, names or {})
        with Client(self.fleet.hub.admin) as hub:
            held = Held(known, Records(hub))
        with one_look(self.selectors), Client(connection(self.fleet.access)) as client:
            return held.on(self.fleet.clusters[self.fleet.name], client)


@pytest.fixture
def api_served(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pod runs here that could serve the metrics API, of which the API server itself says so again and again."""

    def missing_but_for_apis(obj: Object | None) -> str:
        return "" if obj is not None and obj["kind"] == "APIService" else missing(obj)

    monkeypatch.setattr(held_module, "missing", missing_but_for_apis)


def pods_run(east: ApiServer) -> None:
    """Says what a controller would say if metrics-server ran."""
    with Client(east.admin) as admin:
        there = admin.get("apps/v1", "Deployment", "metrics-server", "kube-system") or {}
        counts = ("replicas", "updatedReplicas", "availableReplicas", "readyReplicas")
        status = {"observedGeneration": there["metadata"]["generation"], **dict.fromkeys(counts, 2)}
        metadata = {key: there["metadata"][key] for key in ("name", "namespace")}
        deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "status": status}
        admin.apply(deployment, subresource="status", force=True)


def test_a_look_tells_whether_a_cluster_holds_it(fleet: Fleet, api_served: None) -> None:
    holds = Looked(fleet)
    assert not holds()
    assert holds({"state": "absent"})
    fleet.done()
    assert not holds(), "its pods do not run yet"
    pods_run(fleet.east)
    mark = fleet.east.audit.mark()
    assert holds()
    listed = [one.uri.partition("?")[0] for one in fleet.east.audit.since(mark, LODESTAR) if one.verb == "list"]
    assert len(set(listed)) == len(listed) > 3
    assert not holds({"state": "absent"}), "it is to leave"
    assert not holds(names={fleet.name: ["kube-router"]}), "it is to leave this cluster"
    assert not holds({"replicas": 3})
    with Client(fleet.east.admin) as admin:
        admin.merge("v1", "Service", "metrics-server", {"metadata": {"labels": {"k8s-app": "other"}}}, "kube-system")
    assert not holds(), "somebody has edited it"
    fleet.done()
    assert holds()
    with Client(fleet.hub.admin) as admin:
        assert admin.delete("v1", "ConfigMap", SET, "lodestar-system")
    assert not holds(), "the hub does not say that it is there"


def test_what_an_earlier_look_has_seen_is_not_asked_again(fleet: Fleet) -> None:
    fleet.done()
    mark = fleet.mark()
    answer = fleet.done(settled=[fleet.name])
    assert fleet.east.audit.since(mark[1], LODESTAR) == []
    assert {name: one["state"] for name, one in answer["outcome"]["addon-metrics-server"].items()} == dict.fromkeys(
        fleet.clusters, "unchanged"
    )
    assert (answer["plan"], answer["problems"], fleet.writes(mark)) == ([], [], [])
    # What is to leave it is asked for all the same.
    left = fleet.done(settled=[fleet.name], addon_names={fleet.name: ["kube-router"]})
    assert left["outcome"]["addon-metrics-server"][fleet.name]["state"] == "withdrawn"


def test_it_leaves_from_its_api_on(fleet: Fleet) -> None:
    """An API whose server is gone stalls the deletion of namespaces, so the API goes first."""
    fleet.done()
    predicted = fleet.done({"state": "absent"}, check=True)
    mark = fleet.east.audit.mark()
    answer = fleet.done({"state": "absent"})
    assert [step["id"] for step in predicted["plan"]] == [step["id"] for step in answer["plan"]]
    deleted = [one.uri for one in fleet.east.audit.since(mark, LODESTAR) if one.verb == "delete"]
    assert "apiservices" in deleted[0]
    assert f"configmaps/applyset-{SET}" in deleted[-1]
    with Client(fleet.east.admin) as client:
        assert client.get(*API) is None
    with Client(fleet.hub.admin) as client:
        assert client.get("v1", "ConfigMap", SET, "lodestar-system") is None
    mark = fleet.mark()
    assert fleet.done({"state": "absent"})["plan"] == []
    assert fleet.east.audit.since(mark[1], LODESTAR) == []


def test_an_operators_delivery_has_none_of_its_rights(fleet: Fleet) -> None:
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "mine"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [],
    }
    mark = fleet.mark()
    answer = fleet(deliveries=[{"name": "mine", "objects": [role], "clusters": {"names": [fleet.name]}}])
    assert answer["failed"]
    assert "No grant can give clusterrolebindings.rbac.authorization.k8s.io" in answer["msg"]
    assert fleet.writes(mark) == []


def held(client: Client, objects: t.Iterable[Object]) -> list[Object]:
    """What there is of metrics-server."""
    named = {(obj["kind"], obj["metadata"]["name"]) for obj in addon_metrics_server.objects("", 1)}
    found = [
        client.get(obj["apiVersion"], obj["kind"], obj["metadata"]["name"], obj["metadata"].get("namespace"))
        for obj in objects
        if (obj["kind"], obj["metadata"]["name"]) in named
    ]
    assert len(found) == len(named)
    assert all(found)
    return [obj for obj in found if obj]


def test_a_longer_run_goes_on_and_its_report_tells_what_is_wrong(fleet: Fleet, tmp_path: Path) -> None:
    """The part of a site run, on the hub alone: its metrics-server never becomes ready here."""
    steps_of_play = tmp_path / "play.yml"
    steps_of_play.write_text(PLAY)
    item = {"name": "metrics-server", "wait_timeout": 1}
    user = plays.Fleet(tmp_path / "user", fleet.hub_access, {}, platform_addons=[item])
    predicted = user.run(steps_of_play, "--check")
    failed = user.run(steps_of_play)
    assert predicted.steps() == failed.steps()
    assert failed.code != 0
    assert "#ready" in failed.output
    assert "the run went on" in failed.output
    assert plays.changed_on(failed.output, "hub")
    entry = json.loads((tmp_path / "user" / "report.json").read_text())["clusters"][0]
    assert (entry["cluster"], entry["changed"]["delivery"]) == ("hub", len(failed.steps()))

    again = plays.Fleet(
        tmp_path / "user", fleet.hub_access, {}, platform_addons=[{"name": "metrics-server", "wait": False}]
    )
    done = again.run(steps_of_play)
    assert (done.code, done.steps()) == (0, [])


def test_what_differs_of_deliveries_is_part_of_the_drift_report(fleet: Fleet, tmp_path: Path) -> None:
    user = plays.Fleet(
        tmp_path / "user", fleet.hub_access, {}, platform_addons=[{"name": "metrics-server", "wait": False}]
    )
    fleet.done(only=["hub"])
    with Client(fleet.hub.admin) as client:
        client.merge("apps/v1", "Deployment", "metrics-server", {"spec": {"replicas": 7}}, "kube-system")
    given = ["-e", '{"drift_sets": ["deliveries"]}', "-e", f"drift_report_path={tmp_path / 'drift.json'}"]
    for enforced, state in (([], "found"), (["-e", "drift_enforce=deliveries"], "repaired")):
        done = user.play("drift", *given, *enforced)
        assert (done.returncode == 0) == bool(enforced), done.stdout + done.stderr
        (found,) = json.loads((tmp_path / "drift.json").read_text())["drift"]
        assert (found["cluster"], found["set"], found["state"]) == ("hub", "delivery-addon-metrics-server", state)
        assert (found["difference"], found["fields"]) == ("edited", ["spec.replicas"])
    with Client(fleet.hub.admin) as client:
        there = client.get("apps/v1", "Deployment", "metrics-server", "kube-system") or {}
    assert there["spec"]["replicas"] == 1


PLAY = """
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.import_role: {name: lodestar.platform.fleet}
- hosts: clusters
  gather_facts: false
  tasks:
    - ansible.builtin.include_role: {name: lodestar.platform.access}
      when: inventory_hostname == lodestar_fleet.hub
    - ansible.builtin.include_role: {name: lodestar.platform.delivery, tasks_from: addons}
      run_once: true
    - ansible.builtin.debug: {msg: the run went on}
    - ansible.builtin.include_role: {name: lodestar.platform.report}
      vars: {report_path: "{{ inventory_dir }}/report.json"}
"""
