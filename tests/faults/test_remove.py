# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nodes leave a living cluster: in order, only if they may, and with nothing left of them."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from tests.conftest import Bar
from tests.e2e.driver import eventually
from tests.e2e.nodes import cordoned, names, unready
from tests.e2e.test_3_rules import PROBE
from tests.faults.solo_fleet import Solo, overlay, second_machine
from tests.faults.test_refused import refused
from tests.faults.traces import differences, traces
from tests.faults.writer import Writer

pytestmark = [pytest.mark.full, pytest.mark.timeout(1800)]
REMOVE = "lodestar.platform.remove_node"


def wanting(*names: str, unreachable: t.Sequence[str] = (), **more: t.Any) -> tuple[str, str]:
    """The extra variables that ask for a removal."""
    return "-e", json.dumps({"remove_nodes": names, "remove_unreachable": unreachable, **more})


def unwell(solo: Solo) -> tuple[list[str], list[str]]:
    """Nodes that take no pods, and Nodes that are not Ready."""
    nodes = solo.nodes("solo")
    return cordoned(nodes), unready(nodes)


def protected(solo: Solo) -> None:
    """Two pods on s2 that a budget lets nobody evict."""
    labels = {"app": "web"}
    container = {"name": "main", "image": PROBE, "imagePullPolicy": "Never", "args": ["serve", "8080"]}
    selector = {"kubernetes.io/hostname": "s2"}
    spec = {"nodeSelector": selector, "containers": [container], "terminationGracePeriodSeconds": 1}
    template = {"metadata": {"labels": labels}, "spec": spec}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": template},
    }
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"minAvailable": 2, "selector": {"matchLabels": labels}},
    }
    items = {"apiVersion": "v1", "kind": "List", "items": [deployment, budget]}
    solo.kubectl("solo", "apply", "-f", "-", text=json.dumps(items))
    eventually(lambda: solo.get("solo", "pdb", "web")["status"].get("currentHealthy") == 2, 90)


def test_a_worker_leaves(solo: Solo, tmp_path: Path, bar: Bar) -> None:
    solo.testbed("reimage", "s2")
    eventually(lambda: solo.on("s2", "systemctl is-system-running", check=False).strip() in ("running", "degraded"), 60)
    before = traces(solo, "s2")
    worker = overlay(tmp_path, {"hosts.yml": second_machine("workers")})
    solo.site(*worker).checked()
    solo.operator()
    protected(solo)

    surplus = solo.site().checked()
    assert "solo: s2: in the cluster, and not in the inventory" in " ".join(surplus.output.split())
    # How many metrics-servers there are follows the inventory.
    assert [step for _target, step, _action in surplus.steps() if not step.endswith("/metrics-server")] == []
    assert (names(solo.nodes("solo")), *unwell(solo)) == (["s1", "s2"], [], [])
    bar("a node that is in the cluster and not in the inventory", "named by the site run, left alone")

    stopped = solo.playbook(REMOVE, *worker, *wanting("s2", remove_drain_timeout=15))
    message = " ".join(stopped.output.split())
    assert stopped.code != 0
    words = ("PodDisruptionBudget default/web allows 0 disruptions (2 pods healthy, 2 needed", "protects default/web-")
    assert [word for word in words if word not in message] == [], stopped.output[-6000:]
    assert "Node s2 was uncordoned." in message
    assert (names(solo.nodes("solo")), *unwell(solo)) == (["s1", "s2"], [], [])
    bar("a PDB that allows nothing: the drain stops at its deadline", "PDB and pods named, the node uncordoned")

    solo.kubectl("solo", "delete", "pdb", "web")
    predicted = solo.playbook(REMOVE, *worker, *wanting("s2"), "--check", "--diff").checked()
    assert (names(solo.nodes("solo")), cordoned(solo.nodes("solo"))) == (["s1", "s2"], [])
    done = solo.playbook(REMOVE, *worker, *wanting("s2")).checked()
    assert done.steps() == predicted.steps()
    assert names(solo.nodes("solo")) == ["s1"]
    assert differences(before, traces(solo, "s2")) == []
    solo.kubectl("solo", "delete", "deployment", "web")
    assert solo.playbook(REMOVE, *worker, *wanting("s2")).checked().changed == 0
    bar("a worker removed", f"{done.seconds:.0f} s; as predicted; nothing left on the machine; changed=0 again")


def test_what_must_not_leave(standing: Solo, bar: Bar) -> None:
    refused(standing.playbook(REMOVE), ["remove_nodes = []", "nothing was changed"])
    last = ["s1: no control plane would be left", "Add another one first", "reset_confirm=solo"]
    refused(standing.playbook(REMOVE, *wanting("s1")), last)
    refused(standing.playbook(REMOVE, *wanting("nobody")), ["remove_nodes = 'nobody'", "no machine of the inventory"])
    alive = ["s1 is Ready, so its machine is not dead"]
    refused(standing.playbook(REMOVE, *wanting("s1", unreachable=["s1"])), alive)
    assert names(standing.nodes("solo")) == ["s1"]
    bar("removal of the last control plane, of a living machine as a dead one, of nobody", "refused before any change")


def test_a_dead_machine_is_removed_without_reaching_it(standing: Solo, tmp_path: Path, bar: Bar) -> None:
    solo = standing
    solo.testbed("reimage", "s2")
    worker = overlay(tmp_path, {"hosts.yml": second_machine("workers")})
    solo.site(*worker).checked()
    solo.testbed("kill", "s2")
    try:
        eventually(lambda: unready(solo.nodes("solo")) == ["s2"], 120, 2)
        refused(solo.playbook(REMOVE, *worker, *wanting("s2")), ["Nothing was changed", "s2:", "remove_unreachable"])
        # It is not even in the inventory any more.
        done = solo.playbook(REMOVE, *wanting("s2", unreachable=["s2"])).checked()
        assert done.steps() == [("solo", "v1/Node/s2", "delete")]
        assert names(solo.nodes("solo")) == ["s1"]
        assert solo.playbook(REMOVE, *wanting("s2", unreachable=["s2"])).checked().changed == 0
    finally:
        solo.testbed("reimage", "s2")
    bar("a dead machine that is not in the inventory, removed", f"{done.seconds:.0f} s, never reached")


def test_a_control_plane_leaves_while_the_api_answers(standing: Solo, tmp_path: Path, bar: Bar) -> None:
    """It carries the endpoint and leads etcd, where chance will have it."""
    solo = standing
    solo.testbed("reimage", "s2")
    second = overlay(tmp_path, {"hosts.yml": second_machine("control_plane")})
    solo.site(*second).checked()
    assert len(solo.members()) == 2
    before = names(solo.nodes("solo"))
    predicted = solo.playbook(REMOVE, *second, *wanting("s2"), "--check").checked()
    assert (names(solo.nodes("solo")), len(solo.members())) == (before, 2)
    with Writer(solo, "solo") as writer:
        done = solo.playbook(REMOVE, *second, *wanting("s2")).checked()
    assert done.steps() == predicted.steps()
    assert ("solo", "etcd-member:s2", "delete") in done.steps()
    assert names(solo.nodes("solo")) == ["s1"]
    assert [member.split()[0] for member in solo.members()] == ["s1"]
    assert writer.written.lost == []
    assert writer.written.gap < 10, writer.written
    bar("two control planes become one: longest time without an acknowledged write", f"{writer.written.gap:.1f} s")
    solo.testbed("reimage", "s2")
