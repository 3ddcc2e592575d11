# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is left to upgrade, told by what the machines hold: from its start, and from wherever it was killed."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.action import etcd_snapshot as snapshot_action
from ansible_collections.lodestar.platform.plugins.action import machine as machine_action
from ansible_collections.lodestar.platform.plugins.action import machine_stage as stage_action
from ansible_collections.lodestar.platform.plugins.module_utils.errors import InvalidInput, Refused
from ansible_collections.lodestar.platform.plugins.module_utils.machine import upgrade_announce
from ansible_collections.lodestar.platform.plugins.module_utils.machine.upgrade_decide import (
    Decision,
    Options,
    decide,
)
from ansible_collections.lodestar.platform.tests.unit.machine.examples import cluster

OLD, NEW = "1.36.3", "1.37.2"
HUB = {"name": "global", "running": NEW, "planned": NEW}
Probes = dict[str, dict[str, t.Any]]


def node(name: str, kubelet: str = OLD, **changes: t.Any) -> dict[str, t.Any]:
    plain = {"ready": True, "cordoned": False, "cordoned_by_us": False, "dedicated": name.startswith("e")}
    return {"name": name, "kubelet": kubelet, **plain, **changes}


def held(name: str, kubelet: str = OLD, pods: str = OLD, **changes: t.Any) -> dict[str, t.Any]:
    control = name.startswith("e")
    names = ("kube-apiserver", "kube-controller-manager", "kube-scheduler") if control else ()
    return {
        "name": name,
        "kubelet": kubelet,
        "kubelet_current": True,
        "member": True,
        "static_pods": dict.fromkeys(names, pods),
        "lasting": {},
        "unknown_arguments": {},
        "refused_authentication": "",
        "etcd_problem": None,
        "cluster": None,
        **changes,
    }


def probes(
    *machines: dict[str, t.Any], declared: str = OLD, nodes: t.Sequence[dict[str, t.Any]] = (), **known: t.Any
) -> Probes:
    """Three control planes and two workers on the old version, but for the machines that are given."""
    found = {name: held(name) for name in ("e1", "e2", "e3", "w1", "w2")}
    found.update({item["name"]: item for item in machines})
    seen = {item: node(item, found[item]["kubelet"] if found[item]["kubelet_current"] else OLD) for item in found}
    seen.update({item["name"]: item for item in nodes})
    for name in ("e1", "e2", "e3"):
        told = {"api": found[name]["static_pods"]["kube-apiserver"], "declared": declared, "nodes": list(seen.values())}
        found[name]["cluster"] = {**told, "webhooks": [], "deprecated": [], **known}
    return found


def done(name: str, **changes: t.Any) -> dict[str, t.Any]:
    return held(name, NEW, NEW, **changes)


def decided(found: Probes, version: str = NEW, options: Options | None = None, **changes: t.Any) -> Decision:
    names = {name: name for name in ("e1", "e2", "e3", "w1", "w2")}
    return decide(cluster(version=version, **changes), names, found, options or Options(hub=HUB))


def table(decision: Decision) -> dict[str, tuple[str, int, bool]]:
    return {name: (item["phase"], item["turn"], item["drain"]) for name, item in decision.machines.items()}


def test_from_the_start() -> None:
    decision = decided(probes())
    assert table(decision) == {
        "e1": ("apply", 1, True),
        "e2": ("node", 2, True),
        "e3": ("node", 3, True),
        "w1": ("node", 4, True),
        "w2": ("node", 5, True),
    }
    assert (decision.snapshot, decision.settled, decision.running) == ("e1", False, OLD)


def test_nothing_is_left() -> None:
    decision = decided(probes(*(done(name) for name in ("e1", "e2", "e3", "w1", "w2")), declared=NEW))
    assert decision.settled
    assert decision.snapshot is None
    assert not decision.waits_for_hub
    assert upgrade_announce.lines(cluster(version=NEW), decision) == ["east: 1.37.2 everywhere, nothing is left"]


@pytest.mark.parametrize(
    ("found", "phases"),
    [
        # The first manifests of e2 were changed, and nothing else: it goes on there.
        (probes(held("e2", OLD, NEW)), {"e1": "node", "e2": "apply", "e3": "node"}),
        # kubeadm has finished e1, whose kubelet is the old one: that part is done again, and changes nothing.
        (probes(held("e1", OLD, NEW), declared=NEW), {"e1": "apply", "e2": "node", "e3": "node"}),
        # Its kubelet was replaced and not restarted.
        (probes(done("e1", kubelet_current=False), declared=NEW), {"e1": "kubelet", "e2": "node", "e3": "node"}),
        # It was restarted, and is still cordoned by us; somebody else's cordon is theirs.
        (
            probes(done("e1"), declared=NEW, nodes=[node("e1", NEW, cordoned=True, cordoned_by_us=True)]),
            {"e1": "uncordon", "e2": "node", "e3": "node"},
        ),
        (probes(done("e1"), declared=NEW, nodes=[node("e1", NEW, cordoned=True)]), {"e1": "none", "e2": "node"}),
        # Only a worker is left.
        (
            probes(*(done(name) for name in ("e1", "e2", "e3", "w1")), declared=NEW),
            {"e1": "none", "e2": "none", "e3": "none", "w1": "none", "w2": "node"},
        ),
    ],
)
def test_it_goes_on_where_it_was_killed(found: Probes, phases: dict[str, str]) -> None:
    decision = decided(found)
    assert {name: decision.machines[name]["phase"] for name in phases} == phases
    busy = [entry["turn"] for name, entry in decision.machines.items() if entry["phase"] not in ("none", "uncordon")]
    assert sorted(busy) == list(range(1, len(busy) + 1))


def test_workers_go_in_batches_and_those_that_were_begun_first() -> None:
    found = probes(nodes=[node("w2", OLD, cordoned=True, cordoned_by_us=True)])
    decision = decided(found)
    assert (decision.machines["w2"]["turn"], decision.machines["w1"]["turn"]) == (4, 5)
    together = decided(found, options=Options("2", hub=HUB))
    assert {together.machines[name]["turn"] for name in ("w1", "w2")} == {4}
    with pytest.raises(InvalidInput, match="upgrade_max_unavailable"):
        decided(found, options=Options("101%", hub=HUB))


def test_pods_are_moved_where_it_helps() -> None:
    patch = decided(probes(), version="1.36.9", options=Options(hub=HUB))
    assert not any(entry["drain"] for entry in patch.machines.values())
    always = decided(probes(), version="1.36.9", options=Options(drain="always", hub=HUB))
    assert all(entry["drain"] for entry in always.machines.values())
    never = decided(probes(), options=Options(drain="never", hub=HUB))
    assert not any(entry["drain"] for entry in never.machines.values())
    # w2 is cordoned by somebody else, so the pods of w1 have nowhere to go; on a node that is not ready none ends.
    lonely = decided(probes(nodes=[node("w2", OLD, cordoned=True)]))
    assert (lonely.machines["w1"]["drain"], lonely.machines["w2"]["drain"]) == (False, True)
    assert not decided(probes(nodes=[node("w2", OLD, ready=False)])).machines["w2"]["drain"]


@pytest.mark.parametrize(
    ("found", "version", "words"),
    [
        (probes(), "1.35.4", ["cannot be downgraded", "the API server of e1"]),
        (probes(held("e2", OLD, NEW)), "1.36.3", ["cannot be downgraded", "the API server of e2"]),
        (probes(), "1.38.0", ["skips a minor", "1.37"]),
        (probes(nodes=[node("old", "1.33.0")]), NEW, ["old (1.33.0)"]),
        (probes(webhooks=[{"configuration": "c", "webhook": "w", "matches": ["pods"]}]), NEW, ["c/w"]),
        (probes(deprecated=[{"resource": "a/v1/b", "removed_in": "1.37", "callers": ["x"]}]), NEW, ["a/v1/b", "by x"]),
    ],
)
def test_what_must_not_be_is_refused_by_name(found: Probes, version: str, words: list[str]) -> None:
    with pytest.raises(InvalidInput) as caught:
        decided(found, version)
    assert all(word in str(caught.value) for word in ["nothing was changed", *words])


def test_arguments_that_the_new_api_server_does_not_know_are_refused() -> None:
    found = probes(held("e1", unknown_arguments={"feature-gate": "feature-gates"}))
    with pytest.raises(InvalidInput, match=r"kube-apiserver 1\.37\.2 has no such") as caught:
        decided(found, api_server_args={"feature-gate": "X=true"})
    assert all(word in str(caught.value) for word in ("api_server_args.feature-gate", "Did you mean feature-gates"))


@pytest.mark.parametrize(
    ("action", "seen", "asks"),
    [
        (stage_action, {"static_pods": {"kube-apiserver": OLD}}, True),
        (stage_action, {"static_pods": {"kube-apiserver": NEW}}, False),
        (stage_action, {"static_pods": {}}, False),
        (machine_action, {"etcd_data": False}, True),
        (machine_action, {"etcd_data": True}, False),
        (snapshot_action, {}, False),
    ],
)
def test_who_asks_the_bundles_api_server_what_it_knows(action: t.Any, seen: dict[str, t.Any], asks: bool) -> None:
    assert action.ActionModule._starts_api_server({"cluster": cluster(version=NEW)}, seen) is asks


def test_the_hub_goes_first() -> None:
    behind = {"name": "global", "running": OLD, "planned": OLD}
    with pytest.raises(InvalidInput, match="hub global"):
        decided(probes(), options=Options(hub=behind))
    together = decided(probes(), options=Options(hub={**behind, "planned": NEW}))
    assert together.waits_for_hub
    assert not decided(probes()).waits_for_hub
    assert not decided(probes(), options=Options()).waits_for_hub


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (lambda found: found.pop("e3"), "e3 was not reached"),
        (lambda found: found["e2"].update(cluster=None), "the API server of e2 does not answer"),
        (lambda found: found["e2"].update(etcd_problem="etcd has no quorum"), "e2: etcd has no quorum"),
    ],
)
def test_a_control_plane_that_is_not_whole_is_left(break_it: t.Callable[[Probes], t.Any], words: str) -> None:
    found = probes()
    break_it(found)
    with pytest.raises(Refused, match=words):
        decided(found)


def test_a_worker_is_upgraded_beside_an_ill_control_plane() -> None:
    found = probes(*(done(name) for name in ("e1", "e2", "e3")), declared=NEW)
    found["e2"]["etcd_problem"] = "not a healthy voter"
    assert decided(found).machines["w1"]["phase"] == "node"


def test_no_control_plane_answers() -> None:
    found = {name: probe | {"cluster": None} for name, probe in probes().items()}
    with pytest.raises(Refused, match="no control plane of east answers"):
        decided(found)


def test_a_cluster_that_was_never_made_has_nothing_to_do() -> None:
    found = {name: held(name, member=False) for name in ("e1", "e2", "e3", "w1")}
    decision = decided(found)
    assert decision.settled
    assert upgrade_announce.lines(cluster(version=NEW), decision) == [
        "east: holds nothing yet; lodestar.platform.site makes it"
    ]
    with pytest.raises(Refused, match="no control plane of east answers"):
        decided({"w1": found["w1"]})


def test_a_worker_that_was_not_reached_is_told() -> None:
    found = probes()
    del found["w2"]
    decision = decided(found)
    assert "w2" not in decision.machines
    assert decision.warnings == ["east: Node w2 is no part of this run and stays at 1.36.3"]


def test_the_outage_of_a_single_control_plane_is_announced() -> None:
    one = {"control_plane": ["e1"], "workers": ["w1"]}
    found = {name: probe for name, probe in probes().items() if name in ("e1", "w1")}
    lines = upgrade_announce.lines(cluster(version=NEW, **one), decided(found, **one))
    assert lines[0] == "east: 1.36.3 -> 1.37.2"
    said = "\n".join(lines)
    assert "unavailable: the API at 192.0.2.10:6443, for about a minute while e1 is upgraded" in said
    assert "unavailable: 1 of 1 workers at a time" in said
    three = "\n".join(upgrade_announce.lines(cluster(version=NEW), decided(probes())))
    assert "for a few seconds whenever its address moves" in three
    assert "its pods are evicted before" in three
