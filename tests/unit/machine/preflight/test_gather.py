# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What machines have registered is found in the variables of a run's hosts, and so are the peers of each."""

from __future__ import annotations

import typing as t

from ansible_collections.lodestar.platform.plugins.plugin_utils.preflight import look_of, peers, served
from ansible_collections.lodestar.platform.tests.unit.machine.examples import cluster, machine
from ansible_collections.lodestar.platform.tests.unit.machine.preflight.machines import NODES

MACHINES = {name: machine(name, "control_plane" if name[0] == "e" else "worker", node_ip=NODES[name]) for name in NODES}


def seen(member: bool = False, **more: t.Any) -> dict[str, t.Any]:
    """The variables of a host that was looked at."""
    look = {"preflight": {"facts": {"member": member}}, "plan": [], "changed": True}
    return {"lodestar_seen": look, "lodestar_fleet": {"machines": MACHINES}, **more}


class HostVars(dict[str, t.Any]):
    """As Ansible's, without templates."""

    def raw_get(self, host: str) -> t.Any:
        return self[host]


def variables(**hosts: t.Any) -> dict[str, t.Any]:
    return {"hostvars": HostVars(hosts), "ansible_play_hosts_all": list(hosts)}


def names(me: str, everybody: bool = False, **hosts: t.Any) -> list[str]:
    return [item["name"] for item in peers(cluster(), MACHINES[me], variables(**hosts), everybody)]


def test_why_a_look_failed() -> None:
    def look(**result: t.Any) -> tuple[str, str]:
        found = look_of({"lodestar_seen": result})
        return found["trouble"], found.get("message", "")

    assert look(plan=[], changed=False) == ("", "")
    assert look(failed=True, plan=[], msg="no\nand more") == ("refused", "no")
    assert look(failed=True, msg="Missing sudo password") == ("not run", "Missing sudo password")
    assert look(unreachable=True, msg="x" * 300) == ("unreachable", "x" * 200 + "...")
    assert look_of({})["trouble"] == "unreachable"


def test_a_refusal_does_not_hide_the_facts() -> None:
    look = look_of({"lodestar_seen": {"failed": True, "plan": [], "msg": "no", "preflight": {"facts": {"uid": 0}}}})
    assert look["preflight"] == {"facts": {"uid": 0}}


def test_what_was_probed_comes_along() -> None:
    look = look_of({**seen(), "preflight_listening": {"listening": [179]}, "preflight_probed": {"probes": []}})
    assert (look["listening"], look["probes"]) == ([179], [])
    skipped = look_of({**seen(), "preflight_listening": {"skipped": True}})
    assert (skipped["listening"], skipped["probes"]) == (None, None)


def test_only_pairs_with_a_new_machine_are_probed() -> None:
    hosts = {"e1": seen(True), "e2": seen(True), "e3": seen(True), "w1": seen(True), "w2": seen()}
    assert names("w2", **hosts) == ["e1", "e2", "e3", "w1"]
    assert names("e1", **hosts) == ["w2"]
    assert names("e1", everybody=True, **hosts) == ["e2", "e3", "w1", "w2"]


def test_with_a_limit_a_new_machine_probes_the_others() -> None:
    assert names("w2", w2=seen()) == ["e1", "e2", "e3", "w1"]
    assert names("w2", w2=seen(True)) == []


def test_a_machine_that_was_not_reached_is_no_peer() -> None:
    dead = {"lodestar_seen": {"unreachable": True}}
    assert names("w2", e1=dead, e2=seen(True), e3={}, w1=seen(), w2=seen()) == ["e2", "w1"]


def test_a_peers_own_listener_is_told_with_its_token() -> None:
    listening = {"preflight_listening": {"listening": [10250], "token": "t"}}
    (peer,) = peers(cluster(), MACHINES["w1"], variables(w1=seen(True), w2=seen(**listening)), False)
    assert (peer["address"], peer["token"]) == (NODES["w2"], "t")
    assert {item["port"]: item["ours"] for item in peer["ports"]} == {10250: True, 179: False}


def test_a_member_that_serves_all_its_ports_need_not_listen() -> None:
    def facts(*ports: int, member: bool = True, address: str = "::") -> dict[str, t.Any]:
        return {"member": member, "listeners": [{"port": port, "address": address} for port in ports]}

    me = MACHINES["w1"]
    assert served(cluster(), me, facts(179, 10250)) == [179, 10250]
    assert served(cluster(), me, facts(179, 10250, address=me["node_ip"])) == [179, 10250]
    assert served(cluster(), me, facts(10250)) == []
    assert served(cluster(), me, facts(179, 10250, address="127.0.0.1")) == []
    assert served(cluster(), me, facts(179, 10250, member=False)) == []
