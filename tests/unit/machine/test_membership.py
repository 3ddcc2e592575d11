# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who leaves etcd so that another can join, and what is refused with which figures."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.errors import Refused
from ansible_collections.lodestar.platform.plugins.module_utils.machine import joining, membership
from ansible_collections.lodestar.platform.plugins.module_utils.machine.decide import decide
from ansible_collections.lodestar.platform.plugins.module_utils.machine.etcd import Member, peer_url
from ansible_collections.lodestar.platform.plugins.module_utils.machine.turns import turns
from ansible_collections.lodestar.platform.tests.unit.machine.examples import cluster, empty, machine, member

ADDRESSES = {f"e{number}": f"192.0.2.{10 + number}" for number in range(1, 8)}


def voter(name: str, healthy: bool = True, learner: bool = False, started: bool = True) -> Member:
    peers = (peer_url(ADDRESSES[name]),)
    return Member(f"id-{name}", name if started else "", peers, (), learner=learner, healthy=healthy)


def joiner(name: str, **more: t.Any) -> dict[str, t.Any]:
    return machine(name, node_ip=ADDRESSES[name], **more)


def nodes(*names: str) -> dict[str, str]:
    return {name: ADDRESSES[name] for name in names}


def outcome(
    members: list[Member], new: dict[str, t.Any], *inventory: str, data: bool = False, gone: t.Collection[str] = ()
) -> tuple[list[str], str | None, str | None]:
    """Ids that leave before, the one that leaves after, and the problem."""
    known = nodes(*inventory)
    planned = membership.change(members, new, data, gone, known)
    problem = membership.problem(members, new, data, planned, known)
    return [item.id for item in planned.before], planned.after.id if planned.after else None, problem


def test_an_empty_machine_of_a_known_name_goes_first() -> None:
    members = [voter("e1", healthy=False), voter("e2"), voter("e3")]
    assert outcome(members, joiner("e1"), "e1", "e2", "e3") == (["id-e1"], None, None)


def test_a_dead_one_that_is_replaced_goes_first_and_a_living_one_last() -> None:
    members = [voter("e1", healthy=False), voter("e2"), voter("e3")]
    new = joiner("e4", replaces="e1")
    assert outcome(members, new, "e4", "e2", "e3") == (["id-e1"], None, None)
    assert outcome([voter("e1"), *members[1:]], new, "e4", "e2", "e3") == ([], "id-e1", None)


def test_the_only_control_plane_can_be_replaced_while_it_lives() -> None:
    assert outcome([voter("e1")], joiner("e4", replaces="e1"), "e4") == ([], "id-e1", None)


def test_no_member_comes_while_one_is_ill() -> None:
    """etcd would refuse it, and kubeadm would wait for minutes."""
    members = [voter(f"e{number}", healthy=number != 2) for number in range(1, 6)]
    before, after, problem = outcome(members, joiner("e6"), *(f"e{number}" for number in range(1, 7)))
    assert (before, after) == ([], None)
    assert "4 of 5 etcd members are healthy, ill: e2" in str(problem)


def test_two_dead_ones_of_five_leave_together() -> None:
    members = [voter(f"e{number}", healthy=number > 2) for number in range(1, 6)]
    everyone = [f"e{number}" for number in range(1, 6)]
    dead = membership.gone(members, [joiner("e1"), joiner("e2")])
    assert dead == ["id-e1", "id-e2"]
    assert outcome(members, joiner("e1"), *everyone, gone=dead) == (["id-e1", "id-e2"], None, None)
    assert "ill: e2" in str(outcome(members, joiner("e1"), *everyone)[2])


def test_who_came_back_in_the_meantime_stays() -> None:
    members = [voter("e1"), voter("e2", healthy=False), voter("e3")]
    assert outcome(members, joiner("e2"), "e1", "e2", "e3", gone=["id-e1", "id-e2"])[0] == ["id-e2"]


@pytest.mark.parametrize(
    ("members", "new", "words"),
    [
        ([voter("e1", False), voter("e2", False), voter("e3")], joiner("e1"), "1 of 3 voters are healthy, ill: e1, e2"),
        ([voter("e1", False), voter("e2")], joiner("e1"), "1 of 2 voters are healthy"),
        (
            [voter("e1"), voter("e2", False), voter("e3")],
            joiner("e4", replaces="e3"),
            "2 of 3 etcd members are healthy",
        ),
    ],
)
def test_quorum_is_told_in_figures(members: list[Member], new: dict[str, t.Any], words: str) -> None:
    assert words in str(outcome(members, new, "e1", "e2", "e3", "e4")[2])


def test_a_name_that_the_cluster_does_not_know() -> None:
    members = [voter("e1", healthy=False), voter("e2"), voter("e3")]
    probe = joiner("e4", replaces="e11")
    probe.pop("name")  # what a machine reports of itself has none
    problem = str(outcome(members, probe, "e4", "e2", "e3")[2])
    assert "e4 says replaces: e11" in problem
    assert "not in the inventory: e1. Did you mean e1?" in problem
    # It has left already: an earlier run was interrupted.
    assert outcome(members[1:], joiner("e4", replaces="e1"), "e4", "e2", "e3") == ([], None, None)


def test_learners_that_were_left_behind() -> None:
    voters = [voter("e1"), voter("e2")]
    stranger = voter("e7", healthy=False, learner=True, started=False)
    assert outcome([*voters, stranger], joiner("e3"), "e1", "e2", "e3") == (["id-e7"], None, None)
    own = voter("e3", healthy=False, learner=True, started=False)
    assert outcome([*voters, own], joiner("e3"), "e1", "e2", "e3") == (["id-e3"], None, None)
    assert outcome([*voters, own], joiner("e3"), "e1", "e2", "e3", data=True) == ([], None, None)
    problem = outcome([*voters, own], joiner("e4"), "e1", "e2", "e3", "e4")[2]
    assert "the join of e3 is not finished" in str(problem)


def reporting(*members: Member, **changes: t.Any) -> dict[str, t.Any]:
    return member(members=[membership.reported(item) for item in members], voter=True, **changes)


def seen(name: str, probe: dict[str, t.Any], replaces: str | None = None) -> dict[str, t.Any]:
    return {"members": [], "voter": False, **probe, "node_name": name, "node_ip": ADDRESSES[name], "replaces": replaces}


def checked(probes: dict[str, dict[str, t.Any]]) -> dict[str, t.Any]:
    known = {name: seen(name, probe, probe.get("replaces")) for name, probe in probes.items()}
    east = cluster(control_plane=list(known), workers=[])
    return joining.checked(east, known, decide(east, known), nodes(*known))


def test_only_the_first_join_takes_out_those_that_are_gone() -> None:
    members = [voter(f"e{number}", healthy=number > 2) for number in range(1, 6)]
    decided = checked({"e1": empty(), "e2": empty(), **{f"e{n}": reporting(*members) for n in (3, 4, 5)}})
    assert (decided["e1"].gone, decided["e1"].removed) == (("id-e1", "id-e2"), ())
    assert (decided["e2"].gone, decided["e2"].removed) == ((), ("id-e1", "id-e2"))
    assert (decided["e3"].gone, decided["e3"].removed) == ((), ())


def test_what_the_joins_would_do_is_refused_before_the_first() -> None:
    members = [voter("e1"), voter("e2", healthy=False), voter("e3")]
    others = {"e1": reporting(*members), "e2": reporting(*members, api_healthy=False)}
    with pytest.raises(Refused, match=r"nothing was changed, since e4 cannot .* 2 of 3 etcd members are healthy"):
        checked({**others, "e4": empty(replaces="e3")})


def test_one_that_stays_too_long_leaves_if_the_others_are_enough() -> None:
    """The run that replaced e1 was killed before e1 left."""
    members = [voter("e1"), voter("e2"), voter("e3"), voter("e4")]
    late = reporting(*members, pending=["retire:e1"], replaces="e1")
    assert checked({"e4": late, "e2": reporting(*members), "e3": reporting(*members)})["e4"].action == "repair"
    ill = [voter("e1"), voter("e2", healthy=False), voter("e3", healthy=False), voter("e4")]
    with pytest.raises(Refused, match="2 of 4 voters are healthy"):
        checked({"e4": reporting(*ill, pending=["retire:e1"], replaces="e1"), "e3": reporting(*ill)})


def test_interrupted_joins_go_on_before_others_begin() -> None:
    """etcd has one learner at a time."""
    members = [voter("e2"), voter("e3", learner=True)]
    half = member(half_joined=True, api_healthy=False)
    probes = {"e1": empty(), "e2": reporting(*members), "e3": half}
    decided = checked(probes)
    order = turns(cluster(control_plane=list(probes), workers=[]), probes, decided)
    assert {name: item.action for name, item in decided.items()} == {"e1": "join", "e2": "present", "e3": "join"}
    assert order["e3"] < order["e1"]


def test_a_member_without_its_manifests_joins_again() -> None:
    bare = member(static_pods=["kube-controller-manager", "kube-scheduler"], api_healthy=False)
    east = cluster(control_plane=["e1", "e2", "e3"], workers=[])
    decided = decide(east, {"e1": bare, "e2": member(), "e3": member()})
    assert (decided["e1"].action, decided["e1"].leaders) == ("join", ("e2", "e3"))


def test_an_endpoint_whose_name_a_machine_does_not_know() -> None:
    named = cluster(endpoint={"address": "api.example.org", "port": 6443, "provider": "external", "interface": None})
    lost = {"answers": False, "ca_sha256": None, "resolves": False}
    with pytest.raises(Exception, match=r"endpoint.address = 'api.example.org'.*cannot resolve: e1, e2.*/etc/hosts"):
        decide(named, {"e1": empty(endpoint=lost), "e2": empty(endpoint=lost), "e3": empty(), "w1": empty()})
