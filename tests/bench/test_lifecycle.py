# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A worker more, and a minor up, on three control planes and two workers: by a run, and by kubeadm and kubectl alone on
the same machines. Once each, since every side needs its cluster made anew. Tasks are counted, too.
"""

from __future__ import annotations

import json
import time
import typing as t
from pathlib import Path

import pytest

from tests.conftest import Bar
from tests.e2e.driver import ROOT, Run
from tests.e2e.nodes import cordoned, kubelets
from tests.faults.conftest import made
from tests.faults.test_upgrade import NEW, OLD, UPGRADE
from tests.faults.test_upgrade_three import PLANES, WORKERS, serve
from tests.faults.trio_fleet import INVENTORY, Trio, declared

from .raw_upgrade import Script
from .shell import KUBECTL, Shell

pytestmark = pytest.mark.timeout(7200)
HERE = ROOT / "tests" / "bench"


@pytest.fixture(scope="module")
def five() -> t.Iterator[Trio]:
    """Five empty machines, and a bundle of two minors."""
    for fleet in made(Trio("five", ROOT / ".cache" / "testbed" / "five", INVENTORY, INVENTORY / "testbed.yml")):
        versions = json.dumps({"bundle_kubernetes_versions": [OLD, NEW]})
        fleet.playbook("lodestar.platform.bundle", "-e", versions).checked()
        yield fleet


def shell(fleet: Trio) -> Shell:
    return Shell(json.loads((fleet.state / "fleet.json").read_text()))


def founded(fleet: Trio, directory: Path, workers: t.Sequence[str]) -> None:
    """A cluster of the older minor, from empty machines."""
    fleet.start_over()
    fleet.site(*declared(directory, PLANES, workers, kubernetes_version=OLD)).checked()
    fleet.operator()


def by_hand(fleet: Trio, directory: Path, machine: str) -> tuple[float, float]:
    """Seconds to prepare a machine and to join it with kubeadm until its Node is Ready; then it is empty again."""
    laid = declared(directory, PLANES, WORKERS, kubernetes_version=OLD)
    file = directory / "declaration.json"
    run = fleet.playbook(str(HERE / "prepare.yml"), *laid, "--limit", machine, "-e", f"bench_declaration={file}")
    prepared = run.checked().seconds
    entry = json.loads(file.read_text())["fleet"]["clusters"]["trio"]
    ignored = ",".join(entry["kubeadm_ignore_preflight_errors"])
    hands, begin = shell(fleet), time.monotonic()
    command = hands.on(PLANES[0], "kubeadm token create --ttl 10m --print-join-command").strip()
    hands.on(machine, f"{command} --ignore-preflight-errors={ignored}")
    hands.on(PLANES[0], f"{KUBECTL} wait node/{machine} --for=condition=Ready --timeout=300s")
    joined = time.monotonic() - begin
    hands.on(PLANES[0], f"{KUBECTL} delete node {machine}")
    fleet.empty(machine)
    return prepared, joined


def tasks(run: Run) -> str:
    """Tasks that ran, by host."""
    return ", ".join(f"{host} {counts['ok']}" for host, counts in sorted(run.recap.items()))


def staged(fleet: Trio, directory: Path, inventory: t.Sequence[str]) -> dict[str, t.Any]:
    """Brings images and binaries of the newer minor to the machines, and tells where they are."""
    file = directory / "staged.json"
    fleet.playbook(str(HERE / "stage.yml"), *inventory, "-e", f"bench_staged={file}").checked()
    content: dict[str, t.Any] = json.loads(file.read_text())
    return content


def whole(fleet: Trio) -> None:
    """Raises AssertionError unless every Node is of the newer minor and takes pods."""
    nodes = fleet.nodes("trio")
    assert (set(kubelets(nodes).values()), cordoned(nodes)) == ({NEW}, [])


def test_a_worker_more(five: Trio, tmp_path: Path, bar: Bar) -> None:
    founded(five, tmp_path, WORKERS[:1])
    prepared, joined = by_hand(five, tmp_path, WORKERS[1])
    grown = five.site(*declared(tmp_path, PLANES, WORKERS, kubernetes_version=OLD)).checked()
    more = grown.seconds - prepared - joined
    print(f"\none worker more: {grown.seconds:.1f} s; by hand {prepared:.1f} s to prepare it, {joined:.1f} s to join")
    print(f"tasks of that run: {tasks(grown)}")
    bar("a worker more: seconds beyond preparing it and joining it by hand (goal <= 10)", f"{more:.1f}", more <= 10)
    bar("a worker more: tasks by host", tasks(grown))


def test_a_minor_up(five: Trio, tmp_path: Path, bar: Bar) -> None:
    wanted = declared(tmp_path, PLANES, WORKERS, kubernetes_version=NEW)
    founded(five, tmp_path, WORKERS)
    serve(five)
    staged(five, tmp_path, wanted)
    upgraded = five.playbook(UPGRADE, *wanted).checked()
    whole(five)

    founded(five, tmp_path, WORKERS)
    serve(five)
    seconds = Script(shell(five), staged(five, tmp_path, wanted), PLANES, WORKERS).run()
    whole(five)
    ratio = upgraded.seconds / seconds
    print(f"{OLD} to {NEW}: upgrade.yml {upgraded.seconds:.1f} s, kubeadm and kubectl {seconds:.1f} s")
    print(f"upgrade against raw kubeadm, drains included (goal <= 1.1): {ratio:.2f}")
    print(f"tasks of the upgrade: {tasks(upgraded)}")
    bar(
        "upgrade of three control planes and two workers against raw kubeadm (goal <= 1.1)",
        f"{ratio:.2f}",
        ratio <= 1.1,
    )
    bar("upgrade: tasks by host", tasks(upgraded))
