# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a cluster may be founded: a table of what was seen and what follows."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.errors import InvalidInput, Refused
from ansible_collections.lodestar.platform.plugins.module_utils.machine.decide import decide
from ansible_collections.lodestar.platform.plugins.module_utils.machine.decision import OPERATION
from ansible_collections.lodestar.platform.plugins.module_utils.operation import Context
from ansible_collections.lodestar.platform.tests.unit.machine.examples import (
    cluster,
    empty,
    half_founded,
    joined_worker,
    member,
)

SILENT = {"answers": False, "ca_sha256": None}
NAMES = ("e1", "e2", "e3", "w1", "w2")


def probes(**changes: t.Any) -> dict[str, t.Any]:
    """Everything is empty but what is said."""
    return {**{name: empty() for name in NAMES}, **changes}


def actions(*arguments: t.Any, **named: t.Any) -> dict[str, str]:
    return {name: decision.action for name, decision in decide(*arguments, **named).items()}


def test_nothing_is_there() -> None:
    assert actions(cluster(), probes()) == {"e1": "found", "e2": "join", "e3": "join", "w1": "join", "w2": "join"}


@pytest.mark.parametrize("again", [None, "east"])
def test_a_cluster_that_is_being_destroyed_is_refused_whatever_is_there(again: str | None) -> None:
    params = {name: spec.get("default") for name, spec in OPERATION.arguments.items()}
    wanted = {**params, "cluster": cluster(), "probes": probes(), "recreate": again, "destroying": "east: it ends"}
    refused = OPERATION.execute(wanted, Context(environ={}), check_mode=False)
    assert (refused["failed"], refused["msg"]) == (True, "east: it ends")


def test_the_hub_itself_has_nobody_to_ask() -> None:
    assert actions({**cluster(), "role": "global"}, probes(), hub_asked=False)["e1"] == "found"


def test_all_is_there() -> None:
    everything = {name: member() for name in NAMES[:3]} | {name: joined_worker() for name in NAMES[3:]}
    assert set(actions(cluster(), everything, "uid-1").values()) == {"present"}


def test_one_lost_machine_joins_whoever_is_first() -> None:
    decisions = decide(cluster(), probes(e2=member(), e3=member(), w1=joined_worker(), w2=joined_worker()))
    assert decisions["e1"].action == "join"
    assert decisions["e1"].leaders == ("e2", "e3")


def test_only_one_worker_was_looked_at() -> None:
    """--limit: something answers at the endpoint, so it joins; the control planes are asked for material."""
    decisions = decide(cluster(), {"w2": empty(endpoint={"answers": True, "ca_sha256": "aa"})})
    assert {name: decision.action for name, decision in decisions.items()} == {"w2": "join"}
    assert decisions["w2"].leaders == ("e1", "e2", "e3")


def test_a_lost_step_is_repaired() -> None:
    one = cluster(control_plane=["e1"], workers=[])
    assert actions(one, {"e1": member(pending=["kubeadm:init"])}) == {"e1": "repair"}


def test_an_interrupted_founding_goes_on_where_it_began() -> None:
    """Also when it was not the first machine, and when its API server answers already."""
    own = {"answers": True, "ca_sha256": "aa"}
    assert actions(cluster(), probes(e2=half_founded(endpoint=own)))["e2"] == "found"
    assert actions(cluster(), probes(e2=half_founded(endpoint=SILENT, api_healthy=False)))["e1"] == "join"


def test_an_interrupted_founding_without_etcd_data_goes_on() -> None:
    """etcd runs a moment after kubeadm declared it; files from before that moment count for nothing."""
    declared = half_founded(etcd_data=False, endpoint=SILENT, api_healthy=False)
    assert actions(cluster(), probes(e1=declared))["e1"] == "found"
    begun = empty(empty=False, kubelet_identity=True, static_pods=["kube-apiserver"], ca_sha256="aa")
    assert actions(cluster(), probes(e1=begun))["e1"] == "found"


@pytest.mark.parametrize("final", [True, False])
def test_an_interrupted_join_goes_on(final: bool) -> None:
    """From 1.36 on, etcd is there before the kubelet has its certificate: that was once taken for half a founding."""
    seen = probes(e1=member(), e2=member(half_joined=True, kubelet_final=final, api_healthy=False), e3=member())
    decisions = decide(cluster(), seen)
    assert decisions["e2"].action == "join"
    assert decisions["e2"].leaders == ("e1", "e3")


@pytest.mark.parametrize(
    ("seen", "arguments", "reason"),
    [
        (probes(e1=member(api_healthy=False, endpoint=SILENT)), {}, "e1: etcd data; kubelet identity"),
        (probes(e2=None), {}, "e2: not reached in this run"),
        ({"e1": empty()}, {}, "control planes were not reached in this run: e2, e3"),
        (probes(w1=joined_worker(endpoint=SILENT)), {}, "workers belong to a cluster: w1"),
        (probes(), {"recorded_uid": "uid-1"}, "the hub has a record of it (uid-1)"),
        (probes(), {"hub_asked": False}, "could not be asked"),
        (probes(e1=empty(endpoint={"answers": True, "ca_sha256": "ff"})), {}, "answers at its endpoint"),
        (probes(e1=empty(endpoint={"answers": True, "ca_sha256": None})), {}, "answers at its endpoint"),
        (probes(e1=half_founded(), e2=half_founded()), {}, "more than one machine holds etcd data"),
        (
            probes(e1=half_founded(endpoint=SILENT), e2=member(api_healthy=False, endpoint=SILENT)),
            {},
            "control planes hold cluster state: e2",
        ),
        (
            probes(e1=member(api_healthy=False, endpoint=SILENT)),
            {"recreate": "east"},
            "control planes hold cluster state",
        ),
        (probes(), {"recorded_uid": "uid-1", "recreate": "west"}, "recreate: east"),
    ],
)
def test_not_founded(seen: dict[str, t.Any], arguments: dict[str, t.Any], reason: str) -> None:
    with pytest.raises(Refused) as caught:
        decide(cluster(), seen, **arguments)
    assert reason in str(caught.value)
    assert "Nothing was changed" in str(caught.value) or "nothing was changed" in str(caught.value)


def test_recreate_is_the_way_out() -> None:
    seen = probes(w1=joined_worker(endpoint=SILENT))
    assert actions(cluster(), seen, recorded_uid="uid-1", recreate="east")["e1"] == "found"
    assert actions(cluster(), seen, recorded_uid="uid-1", recreate="east")["w1"] == "join"


def test_recreate_goes_on_after_an_interruption() -> None:
    """The control plane is new, a worker still belongs to the old cluster: it leaves that one."""
    new = member(ca_sha256="bb", uid="uid-2", endpoint={"answers": True, "ca_sha256": "bb"})
    seen = probes(e1=new, e2=new, e3=new, w1=joined_worker(endpoint={"answers": True, "ca_sha256": "bb"}), w2=empty())
    assert actions(cluster(), seen, recreate="east")["w1"] == "join"
    with pytest.raises(Refused):
        decide(cluster(), seen)


@pytest.mark.parametrize(
    ("seen", "recorded", "reason"),
    [
        (probes(e1=member(), e2=member(ca_sha256="bb")), None, "2 different clusters"),
        (probes(e1=member(recorded={"name": "west", "uid": "x"})), None, "e1 belongs to west"),
        (probes(e1=member()), "uid-9", "the hub knows east as uid-9"),
        (probes(e1=member(), e2=half_founded()), None, "founding that never ended"),
    ],
)
def test_strangers_are_refused(seen: dict[str, t.Any], recorded: str | None, reason: str) -> None:
    with pytest.raises(Refused) as caught:
        decide(cluster(), seen, recorded)
    assert reason in str(caught.value)


def test_an_even_number_is_refused_at_creation_only() -> None:
    problem = {"key": "east", "value": 2, "reason": "an even number", "remedy": "Add one"}
    two = cluster(control_plane=["e1", "e2"], workers=[], creation_problems=[problem])
    with pytest.raises(InvalidInput):
        decide(two, {"e1": empty(), "e2": empty()})
    assert actions(two, {"e1": member(), "e2": empty()}) == {"e1": "present", "e2": "join"}


def test_a_member_that_is_not_as_declared_is_mended() -> None:
    everything = {name: member() for name in NAMES[:3]} | {name: joined_worker() for name in NAMES[3:]}
    everything["e2"] = member(pending=["static-pod:kube-apiserver"])
    everything["w1"] = joined_worker(lacks=["file:/var/lib/kubelet/config.yaml"])
    decisions = decide(cluster(), everything, "uid-1")
    assert {name: decision.action for name, decision in decisions.items()} == {
        "e1": "present",
        "e2": "repair",
        "e3": "present",
        "w1": "repair",
        "w2": "present",
    }
    assert decisions["w1"].reason == "not as declared: file:/var/lib/kubelet/config.yaml"


@pytest.mark.parametrize("lost", ["static-pod:kube-apiserver", "static-pod:etcd"])
def test_an_api_that_is_down_since_its_manifest_was_changed_is_mended(lost: str) -> None:
    """Nothing answers anywhere, and nothing is founded: what belongs to the cluster is brought back."""
    down = member(api_healthy=False, endpoint=SILENT, pending=[lost], uid=None)
    others = {"w1": joined_worker(endpoint=SILENT), "w2": empty()}
    decisions = decide({**cluster(), "control_plane": ["e1"]}, {"e1": down, **others})
    assert {name: item.action for name, item in decisions.items()} == {"e1": "repair", "w1": "present", "w2": "join"}
    assert decisions["w2"].leaders == ("e1",)
    assert [name for name, item in decisions.items() if item.breaks] == ["e1"]


def test_an_api_that_is_down_for_another_reason_is_not_touched() -> None:
    down = member(api_healthy=False, endpoint=SILENT, pending=["static-pod:kube-scheduler"], uid=None)
    with pytest.raises(Refused, match="control planes hold cluster state: e1"):
        decide({**cluster(), "control_plane": ["e1"]}, {"e1": down})


def test_one_control_plane_mends_what_all_share() -> None:
    everything = {name: member(shared=["configmap:kubelet-config"]) for name in NAMES[:3]}
    everything["e1"]["api_healthy"] = False
    decisions = decide(cluster(), everything | {"w1": joined_worker()}, "uid-1")
    assert {name: decision.shares for name, decision in decisions.items() if decision.shares} == {"e2": True}
    assert [name for name, decision in decisions.items() if decision.action == "repair"] == ["e2"]


def test_an_argument_that_the_api_server_does_not_know_is_refused_by_name() -> None:
    declared = cluster(api_server_args={"audit-log-max-age": 1, "qqqq": 2})
    unknown = {"audit-log-max-age": "audit-log-maxage", "qqqq": None}
    everything = {"e1": member(unknown_arguments=unknown), "e2": member(unknown_arguments=unknown)}
    with pytest.raises(InvalidInput) as caught:
        decide(declared, everything)
    text = str(caught.value)
    assert "east: api_server_args.audit-log-max-age = 1" in text
    assert "kube-apiserver 1.36.3 has no such argument. Did you mean audit-log-maxage" in text
    assert text.count("qqqq") == 1


def test_a_cluster_that_others_have_made_is_not_taken_over() -> None:
    seen = {"e1": member(prepared=True), "e2": member(prepared=False), "w1": joined_worker(prepared=False)}
    with pytest.raises(Refused, match=r"lodestar\.platform\.promote with -e promote=east") as refused:
        decide(cluster(), seen, "uid-1")
    assert str(refused.value).startswith("e2, w1 belong to a cluster that this platform has not made")
