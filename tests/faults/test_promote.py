# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster that plain kubeadm has made is attached, promoted without a restart, and managed like a created one."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from tests.conftest import Bar
from tests.e2e.driver import eventually
from tests.e2e.nodes import unready
from tests.faults.promote_fleet import LEGACY, Promoted, attached, created
from tests.faults.test_refused import refused

pytestmark = [pytest.mark.full, pytest.mark.timeout(3600)]
PLAYBOOK = "lodestar.platform.promote"
THIS = ("-e", "promote=legacy")
#: What a promotion writes on machines.
STATE = "ls /var/lib/lodestar /etc/kubernetes/lodestar 2>/dev/null"


def kept(fleet: Promoted) -> list[str]:
    """What there is of ours on the machines of the legacy cluster."""
    return [fleet.on(machine, STATE, check=False) for machine in LEGACY]


@pytest.fixture(scope="module")
def legacy(beside: Promoted, tmp_path_factory: pytest.TempPathFactory) -> Promoted:
    """The hub, with the legacy cluster attached."""
    beside.site(*attached(tmp_path_factory.mktemp("attached"))).checked()
    beside.operator()
    return beside


def test_nothing_is_taken_over_that_was_not_promoted(legacy: Promoted, tmp_path: Path) -> None:
    before, untouched = legacy.running(), kept(legacy)
    refused(legacy.site(*created(tmp_path)), ["legacy: cluster_mode = 'create'", f"{PLAYBOOK} with -e promote=legacy"])
    assert legacy.running() == before
    assert kept(legacy) == untouched == ["", ""]


def test_what_does_not_fit_is_named_at_once(legacy: Promoted, tmp_path: Path) -> None:
    wrong: dict[str, t.Any] = {
        "cluster_network": {"pod_cidr": "10.200.0.0/16", "service_cidr": "10.251.0.0/16"},
        "addons_names": ["kube-router", "metrics-server"],
        "kubelet_config": {"cgroupDriver": "systemd", "failCgroupV1": False, "failSwapOn": False},
    }
    words = [
        "legacy: nodes: not in the inventory: l2",
        "l1: pod-range: 10.250.0.0/16; needed: 10.200.0.0/16",
        "l1: network: 10-kuberouter.conflist",
        "addons: kube-router",
        "l1: cgroup-driver: cgroupfs",
    ]
    refused(legacy.playbook(PLAYBOOK, *THIS, *created(tmp_path, workers=(), **wrong)), words)
    nobody = legacy.playbook(PLAYBOOK, "-e", "promote=hub", *created(tmp_path))
    refused(nobody, ["promote = hub: not a workload cluster", "Pass -e promote=<one of legacy>"])
    assert kept(legacy) == ["", ""]


def test_promoted_without_a_restart_and_managed_from_then_on(legacy: Promoted, tmp_path: Path, bar: Bar) -> None:
    inventory = created(tmp_path)
    before, uid = legacy.running(), legacy.record()["labels"]["lodestar.platform/uid"]
    marks = {machine: legacy.now(machine) for machine in ("p1", "l1")}
    predicted = legacy.playbook(PLAYBOOK, *THIS, *inventory, "--check", "--diff").checked()
    assert [legacy.our_writes(machine, since) for machine, since in marks.items()] == [[], []]
    assert kept(legacy) == ["", ""]
    run = legacy.playbook(PLAYBOOK, *THIS, *inventory).checked()
    assert run.steps() == predicted.steps()
    for word in ("What is adopted", "static-pod:kube-apiserver", "service:kubelet", "encrypted"):
        assert word in predicted.output
    assert legacy.running() == before
    assert legacy.record()["labels"]["lodestar.platform/mode"] == "create"
    assert legacy.record()["labels"]["lodestar.platform/uid"] == uid
    assert legacy.record()["tier"] == "lifecycle"
    # Of the attachment's rights nothing is left; the test bed's own operators are not ours.
    wide = legacy.kubectl("legacy", "get", "clusterroles,clusterrolebindings", "-o", "name").split()
    ours = [name.rpartition("/")[2] for name in wide if "/lodestar:" in name and not name.endswith(":operators")]
    # What auditors may read comes with every tier.
    assert sorted(ours) == ["lodestar:auditor", "lodestar:lifecycle", "lodestar:lifecycle"]
    again = legacy.playbook(PLAYBOOK, *THIS, *inventory).checked()
    assert again.changed == 0
    assert "it is a created cluster already" in again.output
    detach = legacy.playbook("lodestar.platform.detach", "-e", "detach_clusters=legacy", *inventory)
    refused(detach, ["legacy: the cluster was created by this platform"])
    reset = legacy.playbook("lodestar.platform.reset", "-e", "reset_confirm=legacy", *inventory, "--check").checked()
    assert {"l1", "l2"} <= {target for target, _id, _action in reset.steps()}
    bar("promotion of a kubeadm cluster of two nodes", f"{run.seconds:.0f} s; as predicted, nothing restarted")


def test_a_site_run_brings_what_was_shown(legacy: Promoted, tmp_path: Path, bar: Bar) -> None:
    inventory = created(tmp_path)
    predicted = legacy.site(*inventory, "--check").checked()
    run = legacy.site(*inventory).checked()
    assert run.steps() == predicted.steps()
    assert legacy.site(*inventory).checked().changed == 0
    eventually(lambda: unready(legacy.nodes("legacy")) == [], 180, 3)
    bar("a promoted cluster is brought to its declaration", f"{run.seconds:.0f} s; as predicted, then changed=0")


def test_it_is_upgraded_like_a_created_one(legacy: Promoted, tmp_path: Path, bar: Bar) -> None:
    inventory = created(tmp_path, kubernetes_version="1.37.2")
    run = legacy.playbook("lodestar.platform.upgrade", *inventory).checked()
    versions = {
        node["metadata"]["name"]: node["status"]["nodeInfo"]["kubeletVersion"] for node in legacy.nodes("legacy")
    }
    assert versions == dict.fromkeys(LEGACY, "v1.37.2")
    assert legacy.site(*inventory).checked().changed == 0
    bar("a promoted cluster is upgraded, 1.36.3 to 1.37.2", f"{run.seconds:.0f} s; changed=0 afterwards")
