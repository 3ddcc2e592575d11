# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster of three control planes and two workers goes up a minor while it is used."""

from __future__ import annotations

import json
import threading
import types
import typing as t
from pathlib import Path

import pytest

from tests.conftest import Bar
from tests.e2e.driver import eventually
from tests.e2e.nodes import cordoned, kubelets
from tests.e2e.test_3_rules import PROBE
from tests.faults.test_upgrade import NEW, OLD, UPGRADE, comparable
from tests.faults.trio_fleet import Trio, declared
from tests.faults.writer import Writer

pytestmark = [pytest.mark.full, pytest.mark.timeout(3600)]
PLANES, WORKERS = ("t1", "t2", "t3"), ("t4", "t5")
REPLICAS, MINIMUM = 3, 2


def serve(fleet: Trio) -> None:
    """Three pods of which two must be there at any time."""
    labels = {"app": "web"}
    container = {"name": "main", "image": PROBE, "imagePullPolicy": "Never", "args": ["serve", "8080"]}
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 1},
    }
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"replicas": REPLICAS, "selector": {"matchLabels": labels}, "template": template},
    }
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"minAvailable": MINIMUM, "selector": {"matchLabels": labels}},
    }
    fleet.kubectl(
        "trio", "apply", "-f", "-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": [deployment, budget]})
    )
    eventually(lambda: available(fleet) == REPLICAS, 120, 1)


def available(fleet: Trio) -> int | None:
    """How many of the pods are available, None while the API does not say."""
    said = fleet.kubectl("trio", "get", "deployment", "web", "-o", "jsonpath={.status.availableReplicas}", check=False)
    return int(said) if said.strip().isdigit() else None


class Watcher:
    """Asks every second how many pods are available. Use it as a context."""

    def __init__(self, fleet: Trio) -> None:
        self.seen: list[int] = []
        self._fleet, self._end = fleet, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> t.Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join(30)

    def _run(self) -> None:
        while not self._end.wait(1):
            count = available(self._fleet)
            if count is not None:
                self.seen.append(count)


def test_three_control_planes_and_two_workers(trio: Trio, tmp_path: Path, bar: Bar) -> None:
    versions = json.dumps({"bundle_kubernetes_versions": [OLD, NEW]})
    trio.playbook("lodestar.platform.bundle", "-e", versions).checked()
    trio.start_over()
    trio.site(*declared(tmp_path, PLANES, WORKERS, kubernetes_version=OLD)).checked()
    trio.operator()
    serve(trio)
    inventory = declared(tmp_path, PLANES, WORKERS, kubernetes_version=NEW)
    predicted = trio.playbook(UPGRADE, *inventory, "--check").checked()
    with Writer(trio, "trio") as writer, Watcher(trio) as watcher:
        run = trio.playbook(UPGRADE, *inventory).checked()
    assert comparable(run) == comparable(predicted)
    assert writer.written.lost == [], writer.written
    assert writer.written.share <= 0.01, writer.written
    assert writer.written.gap < 10, writer.written
    assert min(watcher.seen) >= MINIMUM
    nodes = trio.nodes("trio")
    assert (set(kubelets(nodes).values()), cordoned(nodes)) == ({NEW}, [])
    assert trio.voters("t1") == list(PLANES)
    for playbook in (UPGRADE, "lodestar.platform.site"):
        again = trio.playbook(playbook, *inventory).checked()
        assert (again.changed, again.steps()) == (0, []), again.output[-6000:]
    bar(f"{OLD} to {NEW}, three control planes and two workers, as predicted", f"{run.seconds:.0f} s")
    bar("writes through the endpoint meanwhile", str(writer.written))
    bar("a Deployment of three with a budget of two: fewest available", str(min(watcher.seen)))
