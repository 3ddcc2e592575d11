# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The roles fleet and report in a run of ansible-playbook: with a limit, with a wrong declaration, after a failure."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")
MARK = "SEEN "

READ = {"hosts": "all", "gather_facts": False, "roles": ["lodestar.platform.fleet"]}
SHOW = {
    "hosts": "all",
    "gather_facts": False,
    "tasks": [
        {"ansible.builtin.debug": {"msg": MARK + "{{ inventory_hostname }} {{ lodestar_fleet.machines | join(',') }}"}}
    ],
}


def declaration(**east: t.Any) -> dict[str, t.Any]:
    """A hub of one machine and the cluster ``east`` of two, none of which can be reached."""
    hub = {"cluster_role": "global", "kubernetes_version": "1.36.3", "endpoint": {"address": "192.0.2.10"}}
    workload = {"kubernetes_version": "1.36.3", "endpoint": {"address": "192.0.2.20"}, **east}
    machines = {
        "hub_machines": {"children": {"hub_control_plane": {"hosts": {"h1": {"ansible_host": "192.0.2.11"}}}}},
        "east_machines": {
            "children": {
                "east_control_plane": {"hosts": {"e1": {"ansible_host": "192.0.2.21"}}},
                "east_workers": {"hosts": {"e2": {"ansible_host": "192.0.2.22"}}},
            }
        },
    }
    clusters = {"vars": {"ansible_connection": "local"}, "hosts": {"hub": hub, "east": workload}}
    return {"clusters": clusters, "machines": {"children": machines}}


@pytest.fixture
def play(tmp_path: Path) -> t.Callable[..., subprocess.CompletedProcess[str]]:
    def run(inventory: dict[str, t.Any], plays: list[t.Any], *arguments: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "hosts.yml").write_text(yaml.safe_dump(inventory, sort_keys=False))
        (tmp_path / "play.yml").write_text(yaml.safe_dump(plays))
        command = [str(PLAYBOOK), "-i", str(tmp_path / "hosts.yml"), str(tmp_path / "play.yml"), *arguments]
        return subprocess.run(command, cwd=ROOT, env=os.environ | {"NO_COLOR": "1"}, text=True, capture_output=True)

    return run


def test_a_machine_alone_gets_the_whole_fleet_without_being_reached(play: t.Any) -> None:
    done = play(declaration(), [READ, SHOW], "--limit", "e2")
    assert done.returncode == 0, done.stdout
    assert f"{MARK}e2 h1,e1,e2" in done.stdout
    assert "changed=0" in done.stdout


def test_every_host_of_the_play_gets_the_fleet(play: t.Any) -> None:
    done = play(declaration(), [READ, SHOW], "--check")
    assert done.returncode == 0, done.stdout
    assert {line.split(MARK)[1].split()[0] for line in done.stdout.splitlines() if MARK in line} == {
        "hub", "east", "h1", "e1", "e2",
    }  # fmt: skip


def test_a_wrong_declaration_ends_the_run_also_for_a_machine_of_another_cluster(play: t.Any) -> None:
    done = play(declaration(kubernetes_version=1.36), [{**READ, "any_errors_fatal": True}, SHOW], "--limit", "h1")
    assert done.returncode != 0
    assert "east: kubernetes_version = 1.36: is a number" in done.stdout + done.stderr
    assert MARK not in done.stdout


def test_a_slice_of_awx_is_refused(play: t.Any) -> None:
    sliced = ["-e", "awx_job_template_name=site", "-e", "awx_workflow_job_name=site"]
    done = play(declaration(), [READ, SHOW], *sliced)
    assert done.returncode != 0
    assert "slice" in done.stdout
    assert play(declaration(), [READ, SHOW], *sliced, "-e", '{"fleet_refuse_slices": false}').returncode == 0


def test_the_report_names_who_failed_and_fails(play: t.Any, tmp_path: Path) -> None:
    failing = {"ansible.builtin.fail": {"msg": "broken"}, "when": "inventory_hostname == 'e2'"}
    absent = {"report_cluster_exists": False, "report_path": str(tmp_path / "report.json")}
    report = {"hosts": "all", "gather_facts": False, "vars": absent, "roles": ["lodestar.platform.report"]}
    failure = {"hosts": "all", "gather_facts": False, "tasks": [failing]}
    done = play(declaration(), [READ, failure, report])
    assert done.returncode != 0
    assert "east: machine e2 failed or was unreachable" in done.stdout
    found = json.loads((tmp_path / "report.json").read_text())
    assert [(entry["cluster"], bool(entry["problem"])) for entry in found["clusters"]] == [
        ("hub", False),
        ("east", True),
    ]
    assert play(declaration(), [READ, report]).returncode == 0
