# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Control planes that die, and founding that must not happen."""

from __future__ import annotations

import pytest

from tests.conftest import Bar
from tests.e2e.driver import Fleet, eventually
from tests.e2e.nodes import unready

pytestmark = [pytest.mark.full, pytest.mark.timeout(1800)]
GLOBAL = ("g1", "g2", "g3")


def answers(fleet: Fleet, cluster: str) -> bool:
    return fleet.kubectl(cluster, "get", "--raw", "/readyz", "--request-timeout=2s", check=False).strip() == "ok"


def holder(fleet: Fleet) -> str:
    """The control plane that carries the endpoint's address."""
    lease = fleet.get("global", "lease", "plndr-cp-lock", "-n", "kube-system")
    return str(lease["spec"]["holderIdentity"])


def nodes_ready(fleet: Fleet, cluster: str) -> bool:
    items = fleet.nodes(cluster)
    return bool(items) and unready(items) == []


def test_endpoint_survives_the_loss_of_its_holder(fleet: Fleet, bar: Bar) -> None:
    import time

    victim = holder(fleet)
    assert victim in GLOBAL
    fleet.testbed("kill", victim)
    begin = time.monotonic()
    eventually(lambda: answers(fleet, "global"), 30, 0.5)
    gap = time.monotonic() - begin
    try:
        assert fleet.site("--limit", "east:east_machines").checked().changed == 0
    finally:
        fleet.testbed("start", victim)
    eventually(lambda: nodes_ready(fleet, "global"), 240, 3)
    fleet.site().checked()
    assert fleet.site().checked().changed == 0
    bar("SIGKILL to the control plane that holds the endpoint: it answers again", f"{gap:.1f} s, {victim}")


def test_power_cycle_of_all_control_planes(fleet: Fleet, bar: Bar) -> None:
    for machine in GLOBAL:
        fleet.testbed("kill", machine)
    for machine in GLOBAL:
        fleet.testbed("start", machine)
    eventually(lambda: answers(fleet, "global"), 300, 2)
    eventually(lambda: nodes_ready(fleet, "global"), 300, 3)
    fleet.site().checked()
    assert fleet.site().checked().changed == 0
    bar("all control planes of the global cluster powered off and on: a site run afterwards", "changed=0")


def etcd_files(fleet: Fleet) -> str:
    return fleet.on("e1", "find /var/lib/etcd -name '*.snap' -o -name db | sort | xargs -r stat -c '%n %i'")


def test_no_founding_beside_a_stopped_cluster(fleet: Fleet) -> None:
    fleet.testbed("kill", "e1")
    try:
        run = fleet.site("--limit", "east:east_machines")
        assert run.code != 0
        assert "e1" in run.output
        assert not any(target.startswith("e") and "found" in step for target, step, _action in run.steps())
    finally:
        fleet.testbed("start", "e1")
    eventually(lambda: answers(fleet, "east"), 240, 2)
    eventually(lambda: nodes_ready(fleet, "east"), 240, 3)
    assert fleet.site().checked().changed == 0


def test_no_founding_on_a_new_disk(fleet: Fleet, bar: Bar) -> None:
    """The only control plane of east comes back empty: the hub knows the name, and the worker has an identity.

    It is founded anew, from its recovery file, when the operator says so.
    """
    fleet.testbed("reimage", "e1")
    run = fleet.site("--limit", "east:east_machines")
    assert run.code != 0
    assert "recreate" in run.output
    assert fleet.on("e1", "ls -A /var/lib/etcd 2>/dev/null || true") == ""
    assert fleet.on("e2", "ls /etc/kubernetes/kubelet.conf").strip() == "/etc/kubernetes/kubelet.conf"
    bar("founding refused beside a stopped and beside a re-imaged control plane", "both refused")
    fleet.site("-e", "recreate=east").checked()
    fleet.testbed("operator", "--definition", str(fleet.definition))
    eventually(lambda: nodes_ready(fleet, "east"), 240, 3)
    assert fleet.site().checked().changed == 0
    bar(
        "a cluster whose only control plane came back empty, recreate said",
        "founded anew; its worker joined; changed=0",
    )
