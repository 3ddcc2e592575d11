# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Preflight of a living fleet: nothing stands in its own way, every pair of machines is probed, and nothing is left."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Bar
from tests.e2e.driver import Fleet

pytestmark = pytest.mark.timeout(900)

CLUSTERS = {"global": ("g1", "g2", "g3"), "east": ("e1", "e2")}


def test_preflight_of_a_living_fleet(fleet: Fleet, tmp_path: Path, bar: Bar) -> None:
    machines = [name for names in CLUSTERS.values() for name in names]
    before = {name: fleet.processes(name) for name in machines}
    file = tmp_path / "report.json"
    run = fleet.playbook("lodestar.platform.preflight", "-e", f"preflight_report_path={file}").checked()
    assert (run.changed, run.steps()) == (0, [])
    report = json.loads(file.read_text())
    assert report["errors"] == 0, run.output[-6000:]
    assert {name: item["state"] for name, item in report["machines"].items()} == dict.fromkeys(machines, "member")
    for names in CLUSTERS.values():
        for name in names:
            # The time of a connection is there for every peer that answered.
            assert set(report["machines"][name]["latency_ms"]) == set(names) - {name}
    assert {name: fleet.processes(name) for name in machines} == before
    for name in machines:
        assert fleet.on(name, "systemctl list-units --all --plain --no-legend 'lodestar-reach-*'") == ""
    bar("preflight of five machines, all pairs probed", f"{run.seconds:.1f} s")
