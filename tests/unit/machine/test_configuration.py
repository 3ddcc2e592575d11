# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Configurations of kubelet, kube-proxy and kubeadm: read as kubeadm writes them, and compared by what they say."""

from __future__ import annotations

import json
import typing as t

import pytest
import yaml
from ansible_collections.lodestar.platform.plugins.module_utils.machine import (
    block_yaml,
    component_config,
    kubeadm,
    shared,
)
from ansible_collections.lodestar.platform.tests.unit.machine.examples import IMAGES, cluster

TRICKY = """\
---
# a comment
a: 1
b: "1"
c: 'it''s: x'
"d e": true
empty: {}
none:
also: null
list:
- x
- name: n
  value: "v: w"
  deep:
  - 1.5
nested:
  list:
    - 1
    - 2
  text: one two # said by hand
    three
  url: https://192.0.2.1:6443
  evictionHard:
    memory.available: 100Mi
last: []
"""


def test_yaml_is_read_as_a_library_reads_it() -> None:
    plain = TRICKY.replace(" # said by hand\n    three", "")
    assert block_yaml.load(plain) == yaml.safe_load(plain)
    assert block_yaml.load("a: one two\n  three\nb: 1\n") == {"a": "one two three", "b": 1}


@pytest.mark.parametrize("document", [component_config.kubelet(cluster()), component_config.kube_proxy(cluster())])
def test_what_is_written_is_read(document: dict[str, t.Any]) -> None:
    assert block_yaml.load(component_config.text_of(document)) == document
    assert block_yaml.load(yaml.safe_dump(document)) == document


@pytest.mark.parametrize("text", ["a: |\n  x\n", "a: 1\na: 2\n", "- x\ny: 1\n", "a: &b 1\n", 'a: "x\n', "just words"])
def test_what_is_not_known_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        block_yaml.load(text)
    assert block_yaml.mapping(text) is None


def as_kubeadm_writes(document: t.Mapping[str, t.Any], *dropped: str) -> dict[str, t.Any]:
    """With the fields that kubeadm adds empty, and without those that it leaves out."""
    empty = {
        "containerRuntimeEndpoint": "",
        "cpuManagerReconcilePeriod": "0s",
        "crashLoopBackOff": {},
        "logging": {
            "flushFrequency": 0,
            "options": {"json": {"infoBufferSize": "0"}, "text": {"infoBufferSize": "0"}},
            "verbosity": 0,
        },
        "memorySwap": {},
    }
    return {**empty, **{key: value for key, value in document.items() if key not in dropped}}


def kubelet(**declared: t.Any) -> dict[str, t.Any]:
    return component_config.kubelet(cluster(kubelet_config=declared))


def test_a_kubelet_as_kubeadm_configures_it_is_as_declared() -> None:
    written = as_kubeadm_writes(kubelet(), "readOnlyPort", "protectKernelDefaults")
    assert component_config.kubelet_difference(kubelet(), written) == ({}, {})


@pytest.mark.parametrize(
    ("running", "declared", "before", "after"),
    [
        ({}, {"maxPods": 50}, {"maxPods": None}, {"maxPods": 50}),
        ({"maxPods": 60}, {"maxPods": 50}, {"maxPods": 60}, {"maxPods": 50}),
        ({"maxPods": 50}, {}, {"maxPods": 50}, {"maxPods": None}),
        ({"enableServer": False}, {}, {"enableServer": False}, {"enableServer": None}),
        ({"readOnlyPort": 10255}, {}, {"readOnlyPort": 10255}, {"readOnlyPort": 0}),
        ({"failSwapOn": True}, {"failSwapOn": False}, {"failSwapOn": True}, {"failSwapOn": False}),
        ({}, {"failSwapOn": False}, {"failSwapOn": None}, {"failSwapOn": False}),
        (
            {"evictionHard": {"memory.available": "1Gi"}},
            {"evictionHard": {"memory.available": "100Mi"}},
            {"evictionHard.memory.available": "1Gi"},
            {"evictionHard.memory.available": "100Mi"},
        ),
        (
            {"staticPodURLHeader": {"Authorization": ["s3cr3t"]}},
            {},
            {"staticPodURLHeader": "(secret)"},
            {"staticPodURLHeader": None},
        ),
        ({"syncFrequency": "60s"}, {"syncFrequency": "1m0s"}, {}, {}),
        ({"syncFrequency": "0s"}, {}, {}, {}),
    ],
)
def test_what_of_a_kubelet_differs(
    running: dict[str, t.Any], declared: dict[str, t.Any], before: dict[str, t.Any], after: dict[str, t.Any]
) -> None:
    written = as_kubeadm_writes(kubelet(**running))
    assert component_config.kubelet_difference(kubelet(**declared), written) == (before, after)


def test_a_configuration_that_cannot_be_read_differs_in_everything() -> None:
    before, after = component_config.kubelet_difference(kubelet(), None)
    assert after["clusterDomain"] == "cluster.local"
    assert set(before.values()) == {None}


def test_what_kubeadm_finds_out_for_a_machine_is_kept_unless_it_is_declared() -> None:
    found = {"resolvConf": "/run/systemd/resolve/resolv.conf", "containerRuntimeEndpoint": "unix:///evil.sock"}
    made = component_config.kubelet_of_machine(cluster(), found)
    assert made["resolvConf"] == "/run/systemd/resolve/resolv.conf"
    assert "containerRuntimeEndpoint" not in made
    declared = component_config.kubelet_of_machine(cluster(kubelet_config={"resolvConf": "/etc/x"}), found)
    assert declared["resolvConf"] == "/etc/x"


def test_kube_proxy() -> None:
    desired = component_config.kube_proxy(cluster(kube_proxy_config={"conntrack": {"maxPerCore": 0, "min": 0}}))
    unset: dict[str, t.Any] = {
        "enableProfiling": False,
        "nodePortAddresses": None,
        "winkernel": {"sourceVip": ""},
    }
    unset["logging"] = {"flushFrequency": 0, "options": {"json": {"infoBufferSize": "0"}}}
    assert component_config.plain_difference(desired, {**desired, **unset}) == ({}, {})
    assert component_config.plain_difference(desired, {**desired, "mode": "iptables"}) == (
        {"mode": "iptables"},
        {"mode": "nftables"},
    )


def test_kube_proxy_shares_no_table_with_the_network() -> None:
    assert component_config.kube_proxy(cluster())["mode"] == "nftables"
    assert component_config.kube_proxy(cluster(kube_proxy_config={"mode": "iptables"}))["mode"] == "iptables"


def test_what_control_planes_that_join_are_made_of() -> None:
    described = cluster(api_server_args={"v": 2}, api_server_cert_sans=["api.example.org"])
    wanted = shared.parts_of(kubeadm.cluster_configuration(described, IMAGES))
    kept = json.loads(json.dumps(kubeadm.cluster_configuration(cluster(), IMAGES)))
    for volume in kept["apiServer"]["extraVolumes"]:
        if not volume["readOnly"]:
            del volume["readOnly"]
    before, after = component_config.plain_difference(wanted, shared.parts_of(kept))
    assert before == {"apiServer.certSANs": ["127.0.0.1", "192.0.2.10", "localhost"], "apiServer.extraArgs.v": None}
    assert after == {
        "apiServer.certSANs": ["127.0.0.1", "192.0.2.10", "api.example.org", "localhost"],
        "apiServer.extraArgs.v": ["2"],
    }
