# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Members leave etcd one after the other, and never at the cost of its quorum."""

from __future__ import annotations

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.errors import Refused
from ansible_collections.lodestar.platform.plugins.module_utils.machine import etcd, removal

ADDRESSES = {"e1": "192.0.2.1", "e2": "192.0.2.2", "e3": "192.0.2.3"}


def members(**health: bool) -> list[etcd.Member]:
    return [
        etcd.Member(f"id-{name}", name, (etcd.peer_url(ADDRESSES[name]),), (), learner=False, healthy=healthy)
        for name, healthy in health.items()
    ]


def leaving(*names: str) -> list[dict[str, str]]:
    return [{"node_name": name, "node_ip": ADDRESSES.get(name, "192.0.2.9")} for name in names]


def gone(found: dict[str, etcd.Member]) -> list[str]:
    return [member.name for member in found.values()]


@pytest.mark.parametrize(
    ("health", "names", "may"),
    [
        ({"e1": True, "e2": True, "e3": True}, ["e3"], True),
        ({"e1": True, "e2": True, "e3": True}, ["e3", "e2"], True),
        ({"e1": True, "e2": True, "e3": False}, ["e3"], True),
        ({"e1": True, "e2": True, "e3": False}, ["e3", "e2"], True),
        ({"e1": True, "e2": True, "e3": False}, ["e2"], False),
        ({"e1": True, "e2": True, "e3": False}, ["e2", "e3"], False),
        ({"e1": True, "e2": True}, ["e2"], True),
        ({"e1": True, "e2": False}, ["e2"], False),
        ({"e1": True, "e2": False, "e3": False}, ["e3"], False),
    ],
)
def test_quorum_holds_on_the_way(health: dict[str, bool], names: list[str], may: bool) -> None:
    if may:
        assert gone(removal.doomed(members(**health), leaving(*names), "east")) == names
        return
    with pytest.raises(Refused, match=r"must not leave east: etcd (would lose its|has no) quorum.*nothing was changed"):
        removal.doomed(members(**health), leaving(*names), "east")


def test_a_worker_has_no_member() -> None:
    assert removal.doomed(members(e1=True), leaving("w1"), "east") == {}


def test_a_member_without_a_name_is_known_by_its_address() -> None:
    learner = etcd.Member("id", "", (etcd.peer_url("192.0.2.3"),), (), learner=True)
    assert removal.doomed([*members(e1=True), learner], leaving("e3"), "east") == {"e3": learner}


def test_an_unknown_address_matches_nothing() -> None:
    """The peer URL of an address that nobody knows must not match a member that has none."""
    odd = etcd.Member("id", "e2", (), (), learner=False, healthy=True)
    nobody = [{"node_name": "e9", "node_ip": ""}]
    assert removal.doomed([*members(e1=True), odd], nobody, "east") == {}


def test_nobody_takes_itself_out() -> None:
    machine = {"name": "e1", "node_name": "e1", "node_ip": "192.0.2.1"}
    with pytest.raises(Refused, match="e1 cannot take itself out of east"):
        removal.plan({"name": "east"}, machine, leaving("e1"))
