# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rollouts of deliveries: cluster by cluster and group by group, until too many have failed."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import access_info
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client

from ..harness.apiserver import ApiServer
from .conftest import take_us_away
from .many import Many, states
from .test_delivery import PLACEMENT, SETS, Killed

Object = dict[str, t.Any]
#: The third pair, by name, is where sets break.
NAMES = ("a1", "a2", "b1", "b2", "c1", "c2")
BROKEN = "web:broken"


def progressive(**changes: t.Any) -> Object:
    """One cluster after the other, two at a time, without patience."""
    block = {"maxConcurrency": 2, "progressDeadline": "3s", **changes}
    return {"rollout": {"type": "Progressive", "progressive": block}}


@pytest.fixture(scope="module")
def there(
    tmp_path_factory: pytest.TempPathFactory, tools: dict[str, Path], hub: ApiServer, hub_access: Object
) -> t.Iterator[Many]:
    """Six members."""
    with ApiServer(tmp_path_factory.mktemp("members"), tools) as server:
        with Many(hub, hub_access, server, {name: {"pair": name[0]} for name in NAMES}) as many:
            yield many
        take_us_away([], hub)


@pytest.fixture
def fleet(there: Many, prefix: str, monkeypatch: pytest.MonkeyPatch) -> t.Iterator[Many]:
    there.begin(prefix)
    monkeypatch.setattr(access_info.judge, "__defaults__", (2.0,))
    there.controllers.broken = lambda member, image: image == BROKEN and member.startswith("b")
    yield there
    there.members.silent.clear()
    there.controllers.broken = lambda member, image: False
    there.forget()


def test_so_many_clusters_are_under_way_at_once_and_a_failure_stops_it(fleet: Many) -> None:
    fleet.controllers.look(fleet.name)
    first = fleet.done(fleet.item(**progressive()))
    assert states(first) == {"delivered": list(NAMES)}
    assert fleet.controllers.under_way == 2
    assert [step["target"] for step in first["plan"] if step["action"] == "create" and "Deployment" in step["id"]] == [
        *NAMES
    ]
    again = fleet.done(fleet.item(**progressive()))
    assert (again["changed"], fleet.written()) == (False, {})

    fleet.controllers.look(fleet.name)
    stopped = fleet(fleet.item(BROKEN, **progressive()))
    assert stopped["failed"]
    assert states(stopped) == {"delivered": ["a1", "a2"], "failed": ["b1", "b2"], "not_begun": ["c1", "c2"]}
    assert "in all clusters 2 failed (b1, b2), and 0 may (maxFailures: 0)" in stopped["msg"]
    assert "2 cluster(s) were not begun: c1, c2" in stopped["msg"]
    assert "in all clusters 2 failed" in stopped["outcome"][fleet.name]["c1"]["reason"]
    assert fleet.controllers.under_way == 2
    assert not {"c1", "c2"} & set(fleet.written())
    assert fleet.images() == {**dict.fromkeys(NAMES, BROKEN), "c1": "web:1", "c2": "web:1"}


@pytest.mark.full
def test_failures_within_the_budget_do_not_stop_it(fleet: Many) -> None:
    fleet.done(fleet.item(**progressive()))
    answer = fleet(fleet.item(BROKEN, **progressive(maxFailures="30%")))
    assert states(answer) == {"delivered": ["a1", "a2", "c1", "c2"], "failed": ["b1", "b2"]}
    assert answer["failed"]
    assert "rollout" not in answer["msg"]


def test_groups_come_one_after_the_other_and_mandatory_ones_first(fleet: Many) -> None:
    groups = [
        {"groupName": name * 2, "groupClusterSelector": {"labelSelector": {"matchLabels": {"pair": name}}}}
        for name in "abc"
    ]
    block = {"mandatoryDecisionGroups": [{"groupName": "cc"}], "progressDeadline": "3s"}
    rollout = {
        "type": "ProgressivePerGroup",
        "progressivePerGroup": block,
        "groupStrategy": {"decisionGroups": groups},
    }
    fleet.done(fleet.item(rollout=rollout))
    fleet.controllers.look(fleet.name)
    planned = fleet.done(fleet.item(BROKEN, rollout=rollout), check=True)
    assert [stage["name"] for stage in planned["rollouts"][fleet.name]["stages"]] == [
        "mandatory group 2 (cc)", "group 0 (aa)", "group 1 (bb)",
    ]  # fmt: skip
    assert fleet.written() == {}
    assert states(fleet(fleet.item(BROKEN, rollout=rollout))) == {
        "delivered": ["a1", "a2", "c1", "c2"], "failed": ["b1", "b2"],
    }  # fmt: skip
    order = list(dict.fromkeys(name[0] for some in fleet.controllers.seen for name in sorted(some)))
    assert order == ["c", "a", "b"]
    # The mandatory group tolerates none, and nothing comes after it.
    fleet.controllers.broken = lambda member, image: image == "web:3" and member == "c1"
    answer = fleet(fleet.item("web:3", rollout={**rollout, "progressivePerGroup": {**block, "maxFailures": 2}}))
    assert states(answer) == {"delivered": ["c2"], "failed": ["c1"], "not_begun": ["a1", "a2", "b1", "b2"]}


@pytest.mark.full
def test_a_cluster_must_stay_ready(fleet: Many) -> None:
    item = fleet.item(**progressive(maxConcurrency=1, minSuccessTime="2s"), clusters={"names": ["a1", "a2"]})
    fleet.done(item)
    ready = iter([True])
    answer: Object = {}

    def flaps(member: str, image: str) -> bool:
        return image == "web:2" and member == "a1" and not next(ready, False)

    fleet.controllers.broken = flaps
    with fleet.restarting("a1", after=1.0):
        answer = fleet(fleet.item("web:2", **{**item, "objects": fleet.item("web:2")["objects"]}))
    assert states(answer) == {"failed": ["a1"], "not_begun": ["a2"]}
    assert "is no more after 2 s (minSuccessTime)" in answer["msg"]


@pytest.mark.full
def test_a_cluster_that_cannot_be_reached_fails_when_its_turn_comes(fleet: Many) -> None:
    fleet.done(fleet.item(**progressive()))
    fleet.members.silent.add("b1")
    answer = fleet(fleet.item("web:2", **progressive(maxConcurrency=1)))
    assert states(answer) == {
        "delivered": ["a1", "a2"], "not_begun": ["b2", "c1", "c2"], "unreachable": ["b1"],
    }  # fmt: skip
    fleet.members.silent.clear()
    # That says nothing about the set, so the next run goes on.
    assert states(fleet.done(fleet.item("web:2", **progressive()))) == {
        "delivered": ["b1", "b2", "c1", "c2"], "unchanged": ["a1", "a2"],
    }  # fmt: skip


def test_what_has_stopped_stays_so_until_somebody_decides(fleet: Many) -> None:
    good, bad = fleet.item(**progressive()), fleet.item(BROKEN, **progressive())
    answers = [fleet.done(good)]
    assert fleet.standing()["state"] == "complete"
    answers += [fleet(bad)]
    noted = fleet.standing()
    assert (noted["state"], noted["touched"], noted["waiting"]) == ("stopped", ["a1", "a2", "b1", "b2"], ["c1", "c2"])
    assert set(noted["failed"]) == {"b1", "b2"}

    answers += [fleet.done(bad)]
    assert (answers[-1]["changed"], fleet.written()) == (False, {})
    assert states(answers[-1]) == {"stopped": list(NAMES)}
    (problem,) = answers[-1]["problems"]
    for text in ("in all clusters 2 failed (b1, b2)", "not begun: c1, c2", "delivery_rollback=", "delivery_resume="):
        assert text in problem

    predicted = fleet.done(bad, rollback=[fleet.name], check=True)
    assert fleet.written() == {}
    answers += [fleet.done(bad, rollback=[fleet.name])]
    assert [step["id"] for step in answers[-1]["plan"]] == [step["id"] for step in predicted["plan"]]
    assert states(answers[-1]) == {"rolled_back": ["a1", "a2", "b1", "b2"]}
    assert set(fleet.written()) == {"hub", "a1", "a2", "b1", "b2"}
    assert set(fleet.images().values()) == {"web:1"}
    assert len({str(data) for data in fleet.held("Secret", "login").values()}) == 1

    answers += [fleet.done(bad), fleet.done(bad, rollback=[fleet.name])]
    assert fleet.written() == {}
    assert [answer["changed"] for answer in answers[-2:]] == [False, False]
    assert "was rolled back" in answers[-2]["problems"][0]
    assert answers[-1]["problems"] == []

    fleet.controllers.broken = lambda member, image: False
    answers += [fleet.done(bad, resume=[fleet.name])]
    assert states(answers[-1]) == {"delivered": list(NAMES)}
    assert not fleet.done(bad)["changed"]
    assert fleet.written() == {}
    assert "is on its clusters as the last good set" in fleet(bad, rollback=[fleet.name])["msg"]
    told = json.dumps(answers)
    assert "<hidden>" in told
    for obj in (good["objects"][2], bad["objects"][2]):
        assert obj["data"]["password"] not in told


@pytest.mark.full
def test_every_cluster_gets_back_exactly_what_it_had(fleet: Many) -> None:
    """With patches, divided replicas, another layout of the set, and a cluster that came with the bad one."""
    patch = {
        "clusters": {"selector": {"matchLabels": {"pair": "a"}}},
        "target": {"kind": "ConfigMap"},
        "patch": {"data": {"mode": "a"}},
    }
    weights = {name: place + 1 for place, name in enumerate(NAMES[:-1])}
    good = fleet.item(
        **progressive(), clusters={"names": list(NAMES[:-1])}, patches=[patch],
        replicas={"division": "weighted", "weights": weights},
    )  # fmt: skip
    good["objects"][3]["spec"]["replicas"] = 30
    fleet.done(good)
    before = fleet.everything()
    bad = fleet.item(BROKEN, **progressive(maxFailures=2))
    extra = {**bad["objects"][1], "metadata": {**bad["objects"][1]["metadata"], "name": "extra"}}
    answer = fleet({**bad, "objects": [*bad["objects"][:1], extra, *bad["objects"][2:]]})
    assert states(answer) == {"delivered": ["a1", "a2", "c1", "c2"], "failed": ["b1", "b2"]}
    assert set(fleet.held("ConfigMap", "extra")) >= {"a1", "c2"}
    # It did not stop, so the next run would try again; to go back is possible all the same.
    assert fleet.standing()["state"] == "progressing"
    declared = {**bad, "objects": [*bad["objects"][:1], extra, *bad["objects"][2:]]}
    assert states(fleet.done(declared, rollback=[fleet.name])) == {"rolled_back": list(NAMES)}
    after = fleet.everything()
    assert {place: obj for place, obj in after.items() if not place.startswith("c2-")} == before
    added = {place: obj for place, obj in after.items() if place.startswith("c2-")}
    assert {place.partition("/")[2] for place in added} == {"ConfigMap/settings", "Secret/login", "Deployment/web"}
    assert next(obj for place, obj in added.items() if place.endswith("web"))["spec"]["replicas"] == 0
    # What is not declared any more takes along what is kept of it.
    fleet.done(withdraw=[fleet.name])
    assert fleet.kept() == ["delivery-digests"]


@pytest.mark.full
def test_killed_runs_are_taken_up_on_the_way_and_on_the_way_back(fleet: Many, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet.done(fleet.item(**progressive()))
    bad = fleet.item("web:2", **progressive())

    def killed_after(writes: int, **given: t.Any) -> None:
        left = iter(range(writes))
        real = Client.apply

        def apply(self: Client, obj: Object, **options: t.Any) -> Object:
            if obj["kind"] == "Deployment" and next(left, None) is None:
                raise Killed
            return real(self, obj, **options)

        with monkeypatch.context() as patched:
            patched.setattr(Client, "apply", apply)
            with pytest.raises(Killed):
                fleet(bad, **given)

    killed_after(3)
    noted = fleet.standing()
    # What was under way beside it may have come a step further.
    assert noted["state"] == "progressing"
    assert noted["touched"][:4] == ["a1", "a2", "b1", "b2"]
    assert "c2" not in noted["touched"]
    changed = {name for name, image in fleet.images().items() if image == "web:2"}
    assert changed < set(noted["touched"])
    # On the way back as well, and then by an ordinary run.
    killed_after(1, rollback=[fleet.name])
    assert fleet.standing()["state"] == "rolling_back"
    answer = fleet.done(bad)
    assert set(fleet.images().values()) == {"web:1"}
    assert "c2" not in fleet.written()
    assert fleet.standing()["state"] == "rolled_back"
    assert answer["rollouts"][fleet.name]["way"] == "back"
    # A run that was killed on its way goes on where it was.
    killed_after(2, resume=[fleet.name])
    assert states(fleet.done(bad))["delivered"][-2:] == ["c1", "c2"]
    assert fleet.standing()["state"] == "complete"
    assert not fleet.done(bad)["changed"]


@pytest.mark.full
def test_the_first_set_has_nothing_to_go_back_to(fleet: Many) -> None:
    item = fleet.item(BROKEN, **progressive(maxConcurrency=1), clusters={"names": ["a1", "b1", "c1"]})
    assert states(fleet(item)) == {"delivered": ["a1"], "failed": ["b1"], "not_begun": ["c1"]}
    assert "has no last good set" in fleet(item, rollback=[fleet.name])["msg"]
    assert fleet.written() == {}
    assert "delivery_rollback" not in fleet.done(item)["problems"][0]
    # Another declaration is another rollout.
    assert set(states(fleet.done({**item, "objects": fleet.item("web:2")["objects"]}))) == {"delivered"}
    for given, text in (
        ({"rollback": ["other"]}, "is no delivery of this run"),
        ({"rollback": [fleet.name], "resume": [fleet.name]}, "is to be resumed as well"),
    ):
        assert text in fleet(item, **given)["msg"]
    plain = {key: value for key, value in item.items() if key != "rollout"}
    assert "without a rollout" in fleet(plain, rollback=[fleet.name])["msg"]
    # Without a rollout nothing is kept.
    fleet.done({**plain, "objects": fleet.item("web:2")["objects"]})
    assert fleet.kept() == ["delivery-digests"]


@pytest.mark.full
def test_groups_are_those_of_the_decisions(fleet: Many) -> None:
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": fleet.name}}
    where = {"namespace": fleet.name, "name": "place"}
    block = {"mandatoryDecisionGroups": [{"groupName": "canary"}], "progressDeadline": "3s"}
    item = fleet.item(placement=where, rollout={"type": "ProgressivePerGroup", "progressivePerGroup": block})
    with Client(fleet.hub.admin) as client:
        for obj in (space, *placed(fleet.name, [("canary", "c1"), ("", "a1", "b1")])):
            client.apply(obj, force=True)
            if obj["kind"] == "PlacementDecision":
                client.apply(obj, force=True, subresource="status")
        try:
            answer = fleet.done(item, check=True)
            stages = answer["rollouts"][fleet.name]["stages"]
            assert [(one["name"], one["clusters"]) for one in stages] == [
                ("mandatory group 0 (canary)", ["c1"]), ("group 1", ["a1", "b1"]),
            ]  # fmt: skip
            # OCM is about to group them otherwise.
            for obj in placed(fleet.name, [("canary", "a1"), ("", "b1", "c1")])[-2:]:
                client.apply(obj, force=True, subresource="status")
            assert "OCM will make other groups" in fleet.done(item)["problems"][0]
            block["mandatoryDecisionGroups"] = [{"groupName": "canari"}]
            assert "declares no group canari" in fleet.done(item)["problems"][0]
        finally:
            for kind in ("Placement", "PlacementDecision"):
                for obj in client.list(PLACEMENT, kind, namespace=fleet.name):
                    client.delete(PLACEMENT, kind, obj["metadata"]["name"], fleet.name)
            client.delete(SETS, "ManagedClusterSetBinding", "default", fleet.name)


def placed(namespace: str, groups: t.Sequence[tuple[str, ...]]) -> list[Object]:
    """A Placement of three clusters whose first group is c1, and decisions in these groups: name, and clusters."""
    where = {"namespace": namespace}
    mark = "cluster.open-cluster-management.io"
    chosen = {
        "matchExpressions": [{"key": "lodestar.platform/cluster", "operator": "In", "values": ["a1", "b1", "c1"]}]
    }
    canary = {"labelSelector": {"matchLabels": {"pair": "c"}}}
    strategy = {"groupStrategy": {"decisionGroups": [{"groupName": "canary", "groupClusterSelector": canary}]}}
    predicate = {"requiredClusterSelector": {"labelSelector": chosen}}
    spec = {"predicates": [predicate], "decisionStrategy": strategy}
    decisions = [
        {
            "apiVersion": PLACEMENT, "kind": "PlacementDecision",
            "metadata": {"name": f"place-decision-{place + 1}", **where, "labels": {
                f"{mark}/placement": "place", f"{mark}/decision-group-index": str(place),
                f"{mark}/decision-group-name": name,
            }},
            "status": {"decisions": [{"clusterName": cluster, "reason": ""} for cluster in clusters]},
        }
        for place, (name, *clusters) in enumerate(groups)
    ]  # fmt: skip
    return [
        {"apiVersion": SETS, "kind": "ManagedClusterSet", "metadata": {"name": "default"}, "spec": {}},
        {
            "apiVersion": SETS, "kind": "ManagedClusterSetBinding", "metadata": {"name": "default", **where},
            "spec": {"clusterSet": "default"},
        },
        {"apiVersion": PLACEMENT, "kind": "Placement", "metadata": {"name": "place", **where}, "spec": spec},
        *decisions,
    ]  # fmt: skip
