# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images on a machine without a registry: nothing takes them away, and a machine comes back with what it has."""

from __future__ import annotations

import json
import typing as t

import pytest

from tests.conftest import Bar
from tests.e2e.driver import eventually
from tests.e2e.nodes import unready
from tests.e2e.test_3_rules import PROBE
from tests.faults.solo_fleet import Solo

pytestmark = [pytest.mark.full, pytest.mark.timeout(1800)]
LABEL = "io.cri-containerd.pinned"


def images(solo: Solo) -> dict[str, bool]:
    """Every tagged image that the CRI knows, and whether it is pinned."""
    listed = json.loads(solo.on("s1", "crictl images -o json"))["images"]
    return {tag: bool(image.get("pinned")) for image in listed for tag in image.get("repoTags") or ()}


def used(solo: Solo) -> set[str]:
    """The images of the pods that run."""
    pods = solo.get("solo", "pods", "-A")["items"]
    return {container["image"] for pod in pods for container in pod["spec"]["containers"]}


def unwell(solo: Solo) -> list[str]:
    """Pods that do not run, Nodes that are not Ready."""
    pods: list[dict[str, t.Any]] = solo.get("solo", "pods", "-A")["items"]
    nodes = solo.nodes("solo")
    waiting = [
        f"{pod['metadata']['name']}: {status['name']}"
        for pod in pods
        for status in pod["status"].get("containerStatuses") or [{"name": "none yet", "ready": False}]
        if not status["ready"]
    ]
    return waiting + (unready(nodes) if nodes else ["no Node"])


def test_no_image_can_be_collected(standing: Solo, bar: Bar) -> None:
    before = images(standing)
    assert before
    assert all(before.values()), before
    assert PROBE in set(before) - used(standing), "an image in use would not be collected anyway"
    # One that is not pinned shows that collecting does something. The pause image is pinned by containerd itself.
    standing.on("s1", f"ctr -n k8s.io images label {PROBE} {LABEL}=")
    eventually(lambda: images(standing).get(PROBE) is False, 30)
    standing.on("s1", "crictl rmi --prune")
    assert images(standing) == {name: True for name in before if name != PROBE}
    mended = standing.site().checked()
    assert [step for _target, step, _action in mended.steps() if not step.startswith("images:")] == []
    assert mended.steps()
    assert images(standing) == before
    assert standing.site().checked().changed == 0
    bar("images that the CRI reports as pinned; taken by crictl rmi --prune", f"{len(before)} of {len(before)}; none")


def test_power_cycle_without_a_registry(standing: Solo, bar: Bar) -> None:
    before = images(standing)
    standing.on("s1", "crictl rmi --prune")
    standing.testbed("power-cycle", "s1")
    eventually(lambda: unwell(standing) == [], 300, 2)
    assert images(standing) == before
    assert standing.site().checked().changed == 0
    bar("power cycle of a machine that reaches no registry", "all pods Running; changed=0")
