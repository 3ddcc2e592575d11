# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a cluster keeps for life: a declaration that says something else is refused by name."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.errors import InvalidInput
from ansible_collections.lodestar.platform.plugins.module_utils.machine import lasting
from ansible_collections.lodestar.platform.plugins.module_utils.machine.decide import decide
from ansible_collections.lodestar.platform.tests.unit.machine.examples import (
    cluster,
    empty,
    half_founded,
    joined_worker,
    member,
)

MANIFEST = """\
spec:
  containers:
  - command:
    - kube-controller-manager
    - --allocate-node-cidrs=true
    - --cluster-cidr=10.244.0.0/16
    - --cluster-name=east
    - --service-cluster-ip-range=10.96.0.0/12
"""
KUBECONFIG = """\
apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: aaaa
    server: https://192.0.2.10:6443
  name: east
"""
FOUNDED = {"endpoint": "192.0.2.10:6443", "pod_cidr": "10.244.0.0/16", "service_cidr": "10.96.0.0/12"}
NETWORK = {"pod_cidr": "10.244.0.0/16", "service_cidr": "10.96.0.0/12", "dns_domain": "cluster.local"}
ENDPOINT = {"address": "192.0.2.10", "port": 6443, "provider": "kube_vip", "interface": None}


def test_what_kubeadm_wrote_is_read() -> None:
    assert lasting.parsed(MANIFEST, KUBECONFIG) == FOUNDED
    assert lasting.parsed("", "") == {}


def test_a_declaration_that_fits() -> None:
    assert lasting.problems(cluster(), "e1", FOUNDED) == []
    assert lasting.problems(cluster(), "e1", {}) == []
    spelt = {**NETWORK, "pod_cidr": "FD00:0::/48"}
    assert lasting.problems(cluster(network=spelt), "e1", {"pod_cidr": "fd00::/48"}) == []


CHANGED = [
    (
        {"network": {**NETWORK, "pod_cidr": "10.200.0.0/16"}},
        "cluster_network.pod_cidr",
        "10.200.0.0/16",
        "10.244.0.0/16",
    ),
    (
        {"network": {**NETWORK, "service_cidr": "10.64.0.0/12"}},
        "cluster_network.service_cidr",
        "10.64.0.0/12",
        "10.96.",
    ),
    ({"endpoint": {**ENDPOINT, "address": "192.0.2.99"}}, "endpoint", "192.0.2.99:6443", "192.0.2.10:6443"),
    ({"endpoint": {**ENDPOINT, "port": 443}}, "endpoint", "192.0.2.10:443", "192.0.2.10:6443"),
]


@pytest.mark.parametrize(("changes", "key", "value", "before"), CHANGED)
@pytest.mark.parametrize("probe", [member, half_founded])
def test_a_change_is_refused_by_name(
    changes: dict[str, t.Any], key: str, value: str, before: str, probe: t.Callable[..., dict[str, t.Any]]
) -> None:
    """Of a cluster that stands and of one whose founding was interrupted: its certificates and Services hold it."""
    one = cluster(control_plane=["e1"], workers=["w1"], **changes)
    with pytest.raises(InvalidInput) as caught:
        decide(one, {"e1": probe(lasting=FOUNDED), "w1": joined_worker()})
    assert all(word in str(caught.value) for word in (f"east: {key}", value, before, "e1", "Set it back"))


def test_another_version_than_a_node_runs() -> None:
    assert lasting.version_problem(cluster(), "e1", "1.36.3") is None
    said = str(lasting.version_problem(cluster(version="1.37.2"), "e1", "1.36.3"))
    assert all(
        word in said
        for word in (
            "east: kubernetes_version = '1.37.2'",
            "e1",
            "Set it back to '1.36.3'",
            "lodestar.platform.upgrade",
        )
    )


def test_what_counts_for_nothing_does_not_stop_a_founding() -> None:
    """Files of an init that was killed before etcd, and machines that hold nothing."""
    begun = empty(
        empty=False, static_pods=["kube-controller-manager"], lasting={**FOUNDED, "endpoint": "192.0.2.99:6443"}
    )
    one = cluster(control_plane=["e1"], workers=[])
    assert decide(one, {"e1": begun})["e1"].action == "found"
