# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Machines are added by a line of the inventory, and nothing else is touched."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from tests.conftest import Bar
from tests.e2e.driver import Run, eventually
from tests.e2e.fixtures import KEEP
from tests.e2e.nodes import names, unready
from tests.faults.trio_fleet import Trio, declared
from tests.faults.writer import Writer

pytestmark = [pytest.mark.full, pytest.mark.timeout(3600)]

#: What a join writes besides the Node itself: bootstrap token, the kubelet's serving certificate, and on the hub what
#: the cluster has of CPU and memory.
_OF_A_JOIN = re.compile(
    r" (/api/v1/namespaces/kube-system/secrets(/bootstrap-token-[a-z0-9]{6})?([? ]|$)"
    r"|/apis/certificates\.k8s\.io/v1/certificatesigningrequests/[^/]+/approval"
    r"|/apis/cluster\.open-cluster-management\.io/v1/managedclusters/trio/status)"
)


@pytest.fixture(scope="module")
def grown(trio: Trio, tmp_path_factory: pytest.TempPathFactory) -> Trio:
    """A cluster of a control plane and a worker."""
    if not os.environ.get(KEEP):
        trio.start_over()
    trio.site(*declared(tmp_path_factory.mktemp("grown"), ["t1"], ["t4"])).checked()
    trio.operator()
    return trio


def touched(run: Run) -> list[str]:
    """Hosts that a run has changed."""
    return sorted(host for host, counts in run.recap.items() if counts["changed"])


def others(writes: list[str]) -> list[str]:
    """The writes that have nothing to do with a join of a worker."""
    return [line for line in writes if not _OF_A_JOIN.search(line)]


def test_a_worker_is_added_and_nothing_else_changes(grown: Trio, tmp_path: Path, bar: Bar) -> None:
    more = declared(tmp_path, ["t1"], ["t4", "t5"])
    before = {machine: grown.processes(machine) for machine in ("t1", "t4")}
    predicted = grown.site("--check", *more).checked()
    since = grown.now("t1")
    run = grown.site(*more).checked()
    eventually(lambda: unready(grown.nodes("trio")) == [], 60)
    assert run.steps() == predicted.steps()
    assert touched(run) in (["t5"], ["t5", "trio"])
    assert {machine: grown.processes(machine) for machine in ("t1", "t4")} == before
    assert grown.on("t4", f"find /etc /var/lib/kubelet/config.yaml /usr/local/bin -newermt '{since}'") == ""
    assert others(grown.our_writes("t1", since)) == []
    assert grown.site(*more).checked().changed == 0
    bar("a worker added by one line: other machines changed, processes restarted, other objects written", "0, 0, 0")


def test_workers_come_alone_and_side_by_side(grown: Trio, tmp_path: Path, bar: Bar) -> None:
    """Two machines come back empty, their Nodes are still there; the run is limited to them and knows of no others."""
    both = declared(tmp_path, ["t1"], ["t4", "t5"])
    grown.site(*both).checked()
    grown.empty("t4", "t5")
    before = grown.processes("t1")
    since = grown.now("t1")
    run = grown.site(*both, "--limit", "t4,t5", "--flush-cache").checked()
    assert sorted(run.recap) == ["t4", "t5"]
    eventually(lambda: unready(grown.nodes("trio")) == [], 60)
    assert grown.processes("t1") == before
    deleted = [line for line in grown.our_writes("t1", since) if line.startswith("delete /api/v1/nodes/")]
    assert sorted(line.split()[1] for line in deleted) == ["/api/v1/nodes/t4", "/api/v1/nodes/t5"]
    again = grown.site(*both).checked()
    assert again.changed == 0, again.steps()
    bar("two empty workers with --limit to them alone, side by side; a whole run afterwards", "changed=0")


def test_one_control_plane_becomes_three(grown: Trio, tmp_path: Path, bar: Bar) -> None:
    three = declared(tmp_path, ["t1", "t2", "t3"], ["t4", "t5"])
    grown.site(*declared(tmp_path, ["t1"], ["t4", "t5"])).checked()
    before = {machine: grown.processes(machine) for machine in ("t4", "t5")}
    predicted = grown.site("--check", *three).checked()
    with Writer(grown, "trio") as writer:
        run = grown.site(*three).checked()
    assert run.steps() == predicted.steps()
    assert grown.voters("t3") == ["t1", "t2", "t3"]
    eventually(lambda: unready(grown.nodes("trio")) == [], 60)
    assert {machine: grown.processes(machine) for machine in ("t4", "t5")} == before
    assert grown.site(*three).checked().changed == 0
    assert writer.written.gap < 10, writer.written
    assert writer.written.lost == []
    bar("from one control plane to three: longest time without an acknowledged write", f"{writer.written.gap:.1f} s")


def test_three_control_planes_become_one(grown: Trio, tmp_path: Path, bar: Bar) -> None:
    three = declared(tmp_path, ["t1", "t2", "t3"], ["t4", "t5"])
    leaving = ("-e", json.dumps({"remove_nodes": ["t2", "t3"]}))
    grown.site(*three).checked()
    predicted = grown.playbook("lodestar.platform.remove_node", *three, *leaving, "--check").checked()
    assert grown.voters("t1") == ["t1", "t2", "t3"]
    with Writer(grown, "trio") as writer:
        run = grown.playbook("lodestar.platform.remove_node", *three, *leaving).checked()
    assert run.steps() == predicted.steps()
    assert grown.voters("t1") == ["t1"]
    assert names(grown.nodes("trio")) == ["t1", "t4", "t5"]
    again = grown.site(*declared(tmp_path, ["t1"], ["t4", "t5"])).checked()
    # How many nodes there are decides how many run, and is recorded.
    rest = [step for step in again.steps() if not re.search("metrics-server|ManagedCluster/trio", step[1])]
    assert rest == []
    assert grown.site(*declared(tmp_path, ["t1"], ["t4", "t5"])).checked().changed == 0
    assert writer.written.gap < 10, writer.written
    assert writer.written.lost == []
    bar("from three control planes to one: longest time without an acknowledged write", f"{writer.written.gap:.1f} s")
