# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running again: nothing changes, nothing restarts, nothing is written; drift is named, mended, and nothing else."""

from __future__ import annotations

import json

import pytest

from tests.conftest import Bar
from tests.e2e.driver import Fleet, Run

pytestmark = pytest.mark.timeout(1200)
CONTROL_PLANES = {"global": ("g1", "g2", "g3"), "east": ("e1",), "legacy": ("l1",)}
MACHINES = ("g1", "g2", "g3", "e1", "e2", "l1", "l2")


def our_writes(fleet: Fleet, since: dict[str, str]) -> dict[str, list[str]]:
    return {machine: writes for machine, begin in since.items() if (writes := fleet.our_writes(machine, begin))}


def clocks(fleet: Fleet) -> dict[str, str]:
    return {machine: fleet.now(machine) for machines in CONTROL_PLANES.values() for machine in machines}


def test_audit_logs_see_our_writes(fleet: Fleet) -> None:
    """The yardstick of the tests below is not blind: the first run's writes are in each cluster's log."""
    for cluster, machines in CONTROL_PLANES.items():
        assert any(fleet.our_writes(machine, "2000") for machine in machines), cluster


def test_second_run_changes_nothing(fleet: Fleet, bar: Bar) -> None:
    since, before = clocks(fleet), {machine: fleet.processes(machine) for machine in MACHINES}
    assert all(before.values())
    again = fleet.site().checked()
    assert again.changed == 0, again.output
    assert again.steps() == []
    assert {machine: fleet.processes(machine) for machine in MACHINES} == before
    assert our_writes(fleet, since) == {}
    bar("second run: changed, restarts, writes", f"0, 0, 0 in {again.seconds:.1f} s")


def test_check_mode_on_the_live_fleet_writes_nothing(fleet: Fleet) -> None:
    since = clocks(fleet)
    predicted = fleet.site("--check", "--diff").checked()
    assert predicted.steps() == []
    assert our_writes(fleet, since) == {}


def drift(fleet: Fleet) -> set[str]:
    """Breaks four objects of a tenant by hand; returns their (target, action, kind, name)."""
    namespace = fleet.get("east", "namespaces", "-l", "lodestar.platform/tenant=payments")["items"][0]["metadata"][
        "name"
    ]
    binding = fleet.get("east", "rolebindings", "-n", namespace)["items"][0]["metadata"]["name"]
    policy = fleet.get("east", "networkpolicies", "-n", namespace)["items"][0]["metadata"]["name"]
    quota = fleet.get("east", "resourcequotas", "-n", namespace)["items"][0]["metadata"]["name"]
    admission = next(
        item["metadata"]["name"]
        for item in fleet.get("legacy", "validatingadmissionpolicybindings")["items"]
        if "applyset.kubernetes.io/part-of" in item["metadata"].get("labels", {})
    )
    fleet.kubectl("east", "delete", "rolebinding", binding, "-n", namespace)
    fleet.kubectl("east", "delete", "networkpolicy", policy, "-n", namespace)
    fleet.kubectl(
        "east",
        "patch",
        "resourcequota",
        quota,
        "-n",
        namespace,
        "--type=merge",
        "-p",
        json.dumps({"spec": {"hard": {"pods": "7777"}}}),
    )
    fleet.kubectl("legacy", "delete", "validatingadmissionpolicybinding", admission)
    return {
        f"east create RoleBinding {binding}",
        f"east create NetworkPolicy {policy}",
        f"east update ResourceQuota {quota}",
        f"legacy create ValidatingAdmissionPolicyBinding {admission}",
    }


def named(run: Run) -> set[str]:
    """The steps of a run as ``target action Kind name``; ids are ``group/version/Kind[/namespace]/name``."""
    steps = set()
    for target, step, action in run.steps():
        parts = step.split("/")
        kind = next(part for part in parts if part[:1].isupper())
        steps.add(f"{target} {action} {kind} {parts[-1]}")
    return steps


def test_drift_of_four_objects(fleet: Fleet, bar: Bar) -> None:
    broken = drift(fleet)
    predicted = fleet.site("--check", "--diff").checked()
    assert named(predicted) == broken
    assert len(predicted.steps()) == len(broken)
    assert '"pods": "7777"' in predicted.output or "pods: '7777'" in predicted.output
    since = clocks(fleet)
    mended = fleet.site("--diff").checked()
    assert mended.steps() == predicted.steps()
    written = [write for writes in our_writes(fleet, since).values() for write in writes]
    assert len(written) == len(broken), written
    assert fleet.site().checked().changed == 0
    bar(
        "four objects drifted: named by --check, brought back", f"{len(broken)} of {len(broken)}, {len(written)} writes"
    )
