# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which nodes leave a cluster, and which must not."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.errors import InvalidInput, Refused
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import removal

Object = dict[str, t.Any]


def machine(name: str, cluster: str = "east", role: str = "worker", node_name: str = "") -> Object:
    return {"name": name, "cluster": cluster, "role": role, "node_name": node_name or name, "node_ip": f"ip-{name}"}


def node(name: str, leads: bool = False, ready: bool = True) -> Object:
    labels = {removal.CONTROL_PLANE: ""} if leads else {}
    status: Object = {
        "conditions": [{"type": "Ready", "status": "True" if ready else "Unknown"}],
        "addresses": [{"type": "Hostname", "address": name}, {"type": "InternalIP", "address": f"ip-{name}"}],
    }
    return {"metadata": {"name": name, "labels": labels}, "status": status}


MACHINES = {
    item["name"]: item
    for item in (
        machine("e1", role="control_plane"),
        machine("e2", role="control_plane"),
        machine("e3", node_name="east-three"),
        machine("w1", "west"),
    )
}
NODES = [node("e1", leads=True), node("e2", leads=True), node("east-three"), node("old", ready=False)]


def decide(
    *names: str, unreachable: t.Sequence[str] = (), nodes: t.Sequence[Object] = NODES
) -> tuple[list[removal.Leaving], list[str]]:
    return removal.decide({"name": "east"}, MACHINES, names, unreachable, nodes)


def test_a_machine_is_known_by_its_name_and_by_its_nodes() -> None:
    for name in ("e3", "east-three"):
        found, helpers = decide(name)
        assert found == [removal.Leaving(name, "e3", "east-three", "ip-e3", "worker", True, True)]
        assert helpers == ["e1", "e2"]


def test_workers_leave_before_control_planes() -> None:
    found, helpers = decide("e2", "e3")
    assert [item.name for item in found] == ["e3", "e2"]
    assert helpers == ["e1"]


def test_names_of_others_are_left_out() -> None:
    assert decide("w1", "nobody")[0] == []


def test_a_dead_machine_is_not_reached() -> None:
    dead = [node("e1", leads=True), node("e2", leads=True, ready=False)]
    found, helpers = decide("e2", unreachable=["e2"], nodes=dead)
    assert [(item.machine, item.reachable, item.role) for item in found] == [("e2", False, "control_plane")]
    assert helpers == ["e1"]


def test_a_surplus_node_has_its_address_and_role_from_the_cluster() -> None:
    found, _helpers = decide("old", unreachable=["old"])
    assert found == [removal.Leaving("old", "", "old", "ip-old", "worker", False, True)]
    leading = [*NODES, node("older", leads=True, ready=False)]
    assert decide("older", unreachable=["older"], nodes=leading)[0][0].role == "control_plane"


def test_what_is_alive_is_not_dead() -> None:
    with pytest.raises(Refused, match="e2 is Ready, so its machine is not dead"):
        decide("e2", unreachable=["e2"])


@pytest.mark.parametrize("names", [("e1", "e2"), ("e1", "e2", "e3")])
def test_the_last_control_plane_stays(names: tuple[str, ...]) -> None:
    with pytest.raises(Refused, match=r"e1, e2: no control plane would be left\. .*platform\.destroy and destroy=east"):
        decide(*names)


def test_a_machine_that_has_never_joined_can_leave_whatever_it_was_meant_to_be() -> None:
    found, _helpers = decide("e2", nodes=[node("e1", leads=True)])
    assert [(item.name, item.present) for item in found] == [("e2", False)]


def test_a_control_plane_outside_of_the_inventory_helps_nobody() -> None:
    nodes = [node("e1", leads=True), node("stranger", leads=True)]
    assert decide("e1", nodes=nodes)[1] == []


def test_names_are_checked_before_anything_is_asked() -> None:
    with pytest.raises(InvalidInput) as caught:
        removal._check(["e3", "east-three", "old", "typo"], ["old", "e1"], MACHINES)
    assert [(problem.key, problem.value) for problem in caught.value.problems] == [
        ("remove_unreachable", "e1"),
        ("remove_nodes", "typo"),
    ]


def test_surplus_is_what_no_machine_stands_for() -> None:
    assert removal.surplus(NODES, {"e1", "e2", "east-three"}) == ["old"]
    assert removal.surplus(NODES, {item["metadata"]["name"] for item in NODES}) == []
