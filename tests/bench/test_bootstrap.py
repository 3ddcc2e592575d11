# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The global cluster by site.yml and by raw kubeadm commands, one after the other on the same machines, which are
empty and prepared alike before each clock starts. Median of three.

A cluster is there when its last node became Ready, as its own conditions say (in whole seconds). How long the run and
the script took altogether is told as well: the run goes on to set up the hub and to report.
"""

from __future__ import annotations

import datetime
import difflib
import json
import os
import re
import statistics
import time
import typing as t
from pathlib import Path

import pytest

from tests.conftest import Bar
from tests.e2e.driver import ROOT, Fleet

from .raw import Declaration, Script
from .shell import KUBECTL

pytestmark = pytest.mark.timeout(3600)
HERE = ROOT / "tests" / "bench"
ROUNDS = 1 if "QUICK" in os.environ else 3
MACHINES = ("g1", "g2", "g3")
#: Settings that must be the same on both sides; kube-vip's own identity is the one difference.
SCOPE = rf"""
cd /etc/kubernetes && for file in manifests/*.yaml lodestar/audit-policy.yaml /var/lib/kubelet/config.yaml \
    /etc/containerd/config.toml /var/lib/kubelet/kubeadm-flags.env; do
  echo "== $file"; sed -E 's#/etc/kubernetes/(kube-vip|admin|super-admin).conf#IDENTITY#' $file
done
echo "== encryption"; grep -c secretbox lodestar/encryption.yaml
{KUBECTL} get daemonsets,deployments -A -o 'jsonpath={{range .items[*]}}{{.metadata.name}} {{.spec}}{{"\n"}}{{end}}'
{KUBECTL} get node $(hostname) -o 'jsonpath={{.spec.taints[*].key}} {{.status.nodeInfo.kubeletVersion}}' |
  sed 's#node.kubernetes.io/not-ready##'  # which goes a moment after a node is Ready
"""


@pytest.fixture(scope="module")
def bench() -> t.Iterator[Fleet]:
    """Three machines, empty."""
    fleet = Fleet("bench", ROOT / ".cache" / "testbed" / "bench", HERE / "global", HERE / "global.yml")
    fleet.testbed("down")
    fleet.testbed("up", "--definition", str(fleet.definition))
    yield fleet
    fleet.testbed("down")


def prepared(fleet: Fleet, folder: Path) -> Declaration:
    """Empty machines with all binaries, images and settings in place, and what the inventory declares."""
    fleet.testbed("reimage", *MACHINES)
    file = folder / "declaration.json"
    fleet.playbook(str(HERE / "prepare.yml"), "-e", f"bench_declaration={file}").checked()
    return Declaration.read(file.read_text())


def ready_after(fleet: Fleet, begin: float) -> float:
    """Seconds from a moment of the wall clock until the last of the nodes became Ready."""
    nodes = json.loads(fleet.on("g1", f"{KUBECTL} get nodes -o json"))["items"]
    ready = [item for node in nodes for item in node["status"]["conditions"] if item["type"] == "Ready"]
    assert [item["status"] for item in ready] == ["True"] * len(MACHINES), ready
    return max(datetime.datetime.fromisoformat(item["lastTransitionTime"]).timestamp() for item in ready) - begin


def by_site(fleet: Fleet, folder: Path) -> tuple[float, float]:
    """Seconds until all nodes are Ready, and of the whole run of site.yml."""
    prepared(fleet, folder)
    begin = time.time()
    seconds = fleet.site().checked().seconds
    return ready_after(fleet, begin), seconds


def by_kubeadm(fleet: Fleet, folder: Path) -> tuple[float, float]:
    """Seconds until all nodes are Ready, and of the whole script."""
    declaration = prepared(fleet, folder)
    script = Script(declaration, json.loads((fleet.state / "fleet.json").read_text()))
    begin = time.time()
    seconds = script.run()
    return ready_after(fleet, begin), seconds


def scope(fleet: Fleet) -> dict[str, str]:
    """What each machine runs, and with which settings."""
    return {machine: ordered_members(fleet.on(machine, SCOPE)) for machine in MACHINES}


def ordered_members(text: str) -> str:
    """etcd gives its members in the order of their ids, which are by chance."""
    return re.sub("(?<=--initial-cluster=).*", lambda found: ",".join(sorted(found[0].split(","))), text)


def difference(left: dict[str, str], right: dict[str, str]) -> str:
    """The lines by which the machines of two sides differ."""
    return "\n".join(
        line
        for machine in MACHINES
        for line in difflib.unified_diff(
            left[machine].splitlines(), right[machine].splitlines(), machine, machine, lineterm="", n=0
        )
    )


def test_bootstrap(bench: Fleet, tmp_path: Path, bar: Bar) -> None:
    ways: dict[str, t.Callable[[Fleet, Path], tuple[float, float]]] = {"site": by_site, "kubeadm": by_kubeadm}
    ready: dict[str, list[float]] = {way: [] for way in ways}
    whole: dict[str, list[float]] = {way: [] for way in ways}
    scopes: dict[str, dict[str, str]] = {}
    print()
    for number in range(1, ROUNDS + 1):
        for way, bootstrap in ways.items():
            until_ready, seconds = bootstrap(bench, tmp_path)
            ready[way].append(until_ready)
            whole[way].append(seconds)
            scopes.setdefault(way, scope(bench))
            print(
                f"round {number}, {way:8} nodes Ready after {until_ready:6.1f} s, all of it {seconds:6.1f} s",
                flush=True,
            )
    assert difference(scopes["site"], scopes["kubeadm"]) == ""
    median = {way: (statistics.median(ready[way]), statistics.median(whole[way])) for way in ways}
    for way, (until_ready, seconds) in median.items():
        print(f"median of {ROUNDS}, {way:8} nodes Ready after {until_ready:6.1f} s, all of it {seconds:6.1f} s")
    ratio = median["site"][0] / median["kubeadm"][0]
    all_of_it = median["site"][1] / median["kubeadm"][1]
    print(f"site bootstrap against raw kubeadm, until all nodes are Ready (goal <= 1.25): {ratio:.2f}")
    print(f"all of site.yml against the raw script, which ends there: {all_of_it:.2f}")
    bar(
        "site bootstrap of the global cluster against raw kubeadm, until Ready (goal <= 1.25)",
        f"{ratio:.2f}",
        ratio <= 1.25,
    )
    bar("all of a first site.yml on the global cluster against raw kubeadm", f"{all_of_it:.2f}")
