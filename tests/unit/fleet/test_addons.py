# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The add-ons as objects, and what a cluster lacks to run pods."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.errors import InvalidInput
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import (
    addon_kube_router,
    addon_metrics_server,
    addons,
)
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.addon import Settings


def of_kind(objects: list[dict[str, t.Any]], kind: str) -> dict[str, t.Any]:
    return next(obj for obj in objects if obj["kind"] == kind)


def router(**changes: t.Any) -> dict[str, t.Any]:
    settings = Settings(endpoint_host="192.0.2.10", endpoint_port=7443, **changes)
    return dict(of_kind(addon_kube_router.objects(settings), "DaemonSet")["spec"]["template"]["spec"])


def test_kube_router_reaches_the_api_by_the_endpoint_and_runs_everywhere() -> None:
    pod = router()
    environment = {item["name"]: item.get("value") for item in pod["containers"][0]["env"]}
    assert (environment["KUBERNETES_SERVICE_HOST"], environment["KUBERNETES_SERVICE_PORT"]) == ("192.0.2.10", "7443")
    assert pod["tolerations"] == [{"operator": "Exists"}]
    assert pod["priorityClassName"] == "system-node-critical"
    assert "--run-firewall=true" in pod["containers"][0]["args"]
    written = json.loads(pod["initContainers"][0]["env"][0]["value"])
    assert [plugin["type"] for plugin in written["plugins"]] == ["bridge", "portmap"]


@pytest.mark.parametrize(
    ("pods", "flags"),
    [
        ("10.244.0.0/16", {"--enable-ipv4=true", "--enable-ipv6=false"}),
        ("fd00:1::/56", {"--enable-ipv4=false", "--enable-ipv6=true", "--router-id=generate"}),
        ("10.244.0.0/16,fd00:1::/56", {"--enable-ipv4=true", "--enable-ipv6=true"}),
    ],
)
def test_families_follow_the_ranges(pods: str, flags: set[str]) -> None:
    args = set(router(pod_cidr=pods, service_cidr="10.96.0.0/16,fd00:2::/112")["containers"][0]["args"])
    assert flags <= args
    assert {"--service-cluster-ip-range=10.96.0.0/16", "--service-cluster-ip-range=fd00:2::/112"} <= args


def test_metrics_server_verifies_kubelets_unless_told() -> None:
    def args(insecure: bool) -> list[str]:
        deployment = of_kind(addon_metrics_server.objects("i", 1, insecure), "Deployment")
        return list(deployment["spec"]["template"]["spec"]["containers"][0]["args"])

    assert "--kubelet-insecure-tls" in args(True)
    assert "--kubelet-insecure-tls" not in args(False)
    assert any(item.startswith("--kubelet-certificate-authority=") for item in args(False))


def test_a_range_that_is_none_is_named() -> None:
    params = {"network": {"pod_cidr": "10.244.0.1/16", "service_cidr": "10.96.0.0/16"}}
    with pytest.raises(InvalidInput, match="network: pod_cidr"):
        addons.settings(params)


def node(name: str, ready: bool = True) -> dict[str, t.Any]:
    status = {"conditions": [{"type": "Ready", "status": "True" if ready else "False", "reason": "KubeletNotReady"}]}
    return {"kind": "Node", "metadata": {"name": name}, "status": status}


def daemon_set(available: int, updated: int, seen: int = 1) -> dict[str, t.Any]:
    status = {"numberAvailable": available, "updatedNumberScheduled": updated, "observedGeneration": seen}
    return {"kind": "DaemonSet", "metadata": {"name": "kube-router", "generation": 1}, "status": status}


def test_a_dead_node_is_not_waited_for_unless_expected() -> None:
    nodes = [node("a"), node("b"), node("c", ready=False)]
    assert addons.missing(nodes, [daemon_set(2, 3)], ["a", "b"]) == ""
    assert "Node c" in addons.missing(nodes, [daemon_set(2, 3)], [])
    assert "Node d: it has not registered" in addons.missing(nodes, [daemon_set(2, 3)], ["a", "d"])


@pytest.mark.parametrize("state", [daemon_set(1, 2), daemon_set(2, 1), daemon_set(2, 2, seen=0)])
def test_a_daemon_set_must_be_up_to_date_on_every_ready_node(state: dict[str, t.Any]) -> None:
    assert "DaemonSet kube-router" in addons.missing([node("a"), node("b")], [state], [])


def test_a_cluster_without_nodes_is_not_ready() -> None:
    assert "none has registered" in addons.missing([], [], [])
