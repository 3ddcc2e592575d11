# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The add-ons of a created cluster on a real API server, with the rights that a run has there."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import addons
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.machine import kubeapi, objects

from ..harness.apiserver import ApiServer
from ..harness.people import steps
from .conftest import LODESTAR, run

NETWORK = {"pod_cidr": "10.244.0.0/16", "service_cidr": "10.96.0.0/16"}
WANTED: dict[str, t.Any] = {
    "cluster": "east",
    "endpoint_host": "192.0.2.1",
    "endpoint_port": 6443,
    "network": NETWORK,
    "wait": False,
}


@pytest.fixture
def nothing_left(member: ApiServer, east: dict[str, t.Any]) -> t.Iterator[None]:
    """The cluster is without add-ons afterwards."""
    yield
    run(addons.OPERATION, access=east, **{**WANTED, "addons": []})
    with Client(member.admin) as client:
        client.delete("policy/v1", "PodDisruptionBudget", "coredns", "kube-system")


@pytest.mark.usefixtures("nothing_left")
def test_the_lifecycle_tier_can_apply_them_and_the_second_run_writes_nothing(
    member: ApiServer, east: dict[str, t.Any]
) -> None:
    planned = run(addons.OPERATION, check=True, cluster_exists=False, **WANTED)
    done = run(addons.OPERATION, access=east, **WANTED)
    assert len(steps(done)) > 5
    assert sorted(steps(planned)) == sorted(steps(done))
    mark = member.audit.mark()
    assert steps(run(addons.OPERATION, access=east, **WANTED)) == []
    assert not [item for item in member.audit.since(mark, LODESTAR) if item.writes]
    assert len(steps(run(addons.OPERATION, access=east, **{**WANTED, "addons": []}))) > 4


@pytest.mark.usefixtures("nothing_left")
def test_what_the_founding_control_plane_brought_is_theirs_and_is_not_written_again(
    member: ApiServer, east: dict[str, t.Any]
) -> None:
    """It applies the network as administrator; the set takes it for its own, and check mode has said so."""

    def connect() -> kubeapi.Api:
        pair = member.authority.client("kubernetes-admin", "system:masters")
        texts = (member.authority.pair.certificate, pair.certificate, pair.key)
        return kubeapi.Api("127.0.0.1", member.port, kubeapi.client_context(*(text.encode() for text in texts)))

    endpoint = {"address": WANTED["endpoint_host"], "port": WANTED["endpoint_port"]}
    brought = addons.network({"endpoint": endpoint, "network": NETWORK}, {})
    for wave, document in enumerate(brought):
        objects.step(document, "east", connect, wave).perform()
    planned = run(addons.OPERATION, check=True, cluster_exists=False, founded=True, **WANTED)
    done = run(addons.OPERATION, access=east, founded=True, **WANTED)
    assert sorted(steps(planned)) == sorted(steps(done))
    assert not [line for line in steps(done) if "kube-router" in line]
    assert steps(run(addons.OPERATION, access=east, **WANTED)) == []
    gone = steps(run(addons.OPERATION, access=east, **{**WANTED, "addons": []}))
    assert len([line for line in gone if "kube-router" in line]) == len(brought)


@pytest.mark.usefixtures("nothing_left")
def test_a_kubelet_that_is_told_to_ask_is_waited_for_and_its_node_is_held_to_its_marks(
    member: ApiServer, east: dict[str, t.Any]
) -> None:
    """A cluster that was promoted has Nodes that were never marked, and kubelets that never asked."""
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "promoted"}}
    marks = {"promoted": {"labels": {}, "taints": [], "dedicated": True}}
    with Client(member.admin) as client:
        client.apply(node)
        try:
            wanted = {**WANTED, "addons": [], "marks": marks, "kubelets": {"promoted": "192.0.2.21"}}
            planned = run(addons.OPERATION, check=True, access=east, asking=["promoted"], **wanted)
            assert {
                "update certificates.k8s.io/v1/CertificateSigningRequest/promoted",
                "update v1/Node/promoted",
            } <= set(steps(planned))
            assert "Signing" not in "".join(steps(run(addons.OPERATION, check=True, access=east, **wanted)))
        finally:
            client.delete("v1", "Node", "promoted")
