# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two checkouts on one host: what one takes down is its own, and the host's settings stay while anybody needs them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Bar
from tests.e2e.driver import ROOT, Fleet, eventually, run
from tests.faults.test_control_planes import nodes_ready

pytestmark = [pytest.mark.full, pytest.mark.timeout(1800)]
BRIDGE = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")


def containers() -> set[str]:
    """Names of all containers of this host."""
    listed = subprocess.run(
        ["docker", "ps", "-a", "--format", "{{.Names}}"], check=True, capture_output=True, text=True
    )
    return set(listed.stdout.split())


def measured(fleet: Fleet, cluster: str) -> set[str]:
    """Nodes whose metrics are served: API server, metrics-server's pod and kubelets, over the machines' network."""
    answer = fleet.kubectl(cluster, "get", "--raw", "/apis/metrics.k8s.io/v1beta1/nodes")
    return {item["metadata"]["name"] for item in json.loads(answer)["items"]}


def test_down_in_another_checkout_leaves_this_fleet_alone(fleet: Fleet, tmp_path: Path, bar: Bar) -> None:
    other = tmp_path / "checkout"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(other)], check=True)
    environ = {**fleet.environ, "LODESTAR_TESTBED_STATE": str(other / ".quickstart")}
    testbed = ["env", "-C", str(other), sys.executable, "-m", "testbed"]
    before = {machine: fleet.processes(machine) for machine in ("g1", "e1", "e2")}
    ours = containers()
    try:
        run([*testbed, "up", "--definition", str(other / "tests/faults/solo.yml")], environ)
        names = json.loads((other / ".quickstart" / "fleet.json").read_text())["machines"]
        addresses = {item["address"] for item in names.values()}
        assert {"s1", "s2"} <= set(names)
        assert not addresses & {fleet.address(machine) for machine in before}
        theirs = containers() - ours
        assert len(theirs) >= len(names)
    finally:
        run([*testbed, "down"], environ)
    assert not theirs & containers()
    assert BRIDGE.read_text().strip() == "0"
    assert {machine: fleet.processes(machine) for machine in before} == before
    for cluster, nodes in {"global": {"g1", "g2", "g3"}, "east": {"e1", "e2"}}.items():
        assert nodes_ready(fleet, cluster)
        eventually(lambda cluster=cluster, nodes=nodes: measured(fleet, cluster) == nodes, 60, 3)
    assert fleet.site().checked().changed == 0
    bar("a fleet of another checkout brought up and taken down beside this one", "nothing restarted; changed=0")
