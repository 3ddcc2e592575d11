# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nodes leave a real etcd and a real API server, as the control plane that stays takes them out."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.errors import Refused
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.machine import kubeapi, removal
from ansible_collections.lodestar.platform.plugins.module_utils.plan import Plan, carry_out

from ..harness.apiserver import ApiServer
from .test_membership import ADDRESSES, Cluster, etcd, members

__all__ = ["etcd"]

EAST = {"name": "east", "endpoint": {"address": "192.0.2.10", "port": 6443, "provider": "kube_vip"}}
NAMES = ("m1", "m2", "m3")


@pytest.fixture
def nodes(api: ApiServer, monkeypatch: pytest.MonkeyPatch) -> t.Iterator[t.Callable[[], list[str]]]:
    """A Node for each member, and for a worker; says which are left."""

    def local(_address: str, _port: int, timeout: float = 10) -> kubeapi.Api:
        pair = api.authority.client("kubernetes-admin", "system:masters")
        texts = (api.authority.pair.certificate, pair.certificate, pair.key)
        return kubeapi.Api("127.0.0.1", api.port, kubeapi.client_context(*(text.encode() for text in texts)), timeout)

    monkeypatch.setattr(kubeapi, "local_admin", local)
    with Client(api.admin) as client:
        for name in (*NAMES, "w1"):
            client.apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}})

        def left() -> list[str]:
            return sorted(item["metadata"]["name"] for item in client.list("v1", "Node"))

        yield left
        for name in (*NAMES, "w1"):
            client.delete("v1", "Node", name)


def planned(helper: str, *leaving: str) -> Plan:
    machine = {"name": helper, "node_name": helper, "node_ip": ADDRESSES[helper]}
    return removal.plan(EAST, machine, [{"node_name": name, "node_ip": ADDRESSES.get(name, "")} for name in leaving])


def test_three_become_one(etcd: Cluster, nodes: t.Callable[[], list[str]]) -> None:
    etcd.start(*NAMES)
    members("m1", NAMES)
    plan = planned("m1", "w1", "m3", "m2")
    ids = ["v1/Node/w1", "etcd-member:m3", "v1/Node/m3", "etcd-member:m2", "v1/Node/m2"]
    assert [step.id for step in plan.ordered()] == ids
    assert nodes() == [*NAMES, "w1"]
    carry_out(plan)
    assert [member.name for member in members("m1", ["m1"])] == ["m1"]
    assert nodes() == ["m1"]
    assert planned("m1", "w1", "m3", "m2").steps == []


def test_the_member_that_holds_the_quorum_stays(etcd: Cluster, nodes: t.Callable[[], list[str]]) -> None:
    etcd.start(*NAMES)
    members("m1", NAMES)
    etcd.kill("m3")
    members("m1", ["m1", "m2"])
    for leaving in (["m2"], ["m2", "m3"]):
        with pytest.raises(Refused, match=r"m2 must not leave east: etcd would lose its quorum.*nothing was changed"):
            planned("m1", *leaving)
    assert nodes() == [*NAMES, "w1"]
    # The dead one first, and then the other one may.
    carry_out(planned("m1", "m3", "m2"))
    assert [member.name for member in members("m1", ["m1"])] == ["m1"]
    assert nodes() == ["m1", "w1"]
