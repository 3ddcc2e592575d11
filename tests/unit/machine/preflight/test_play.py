# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role preflight in a run of ansible-playbook: an error of one machine stops the whole run, with all errors."""

from __future__ import annotations

import os
import subprocess
import sys
import typing as t
from pathlib import Path

import yaml
from ansible_collections.lodestar.platform.tests.unit.machine.examples import cluster, machine
from ansible_collections.lodestar.platform.tests.unit.machine.preflight.machines import NODES, facts

ROOT = Path(__file__).resolve().parents[4]
PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")
FLEET = {
    "hub": None,
    "clusters": {"east": cluster(control_plane=["e1"], workers=["w1", "w2"])},
    "machines": {
        name: {**machine(name, "control_plane" if name == "e1" else "worker", node_ip=NODES[name]), "cluster": "east"}
        for name in ("e1", "w1", "w2")
    },
}
JUDGE = {"ansible.builtin.include_role": {"name": "lodestar.platform.preflight"}, "run_once": True}
FAIL = {"ansible.builtin.fail": {"msg": "it cannot be looked at"}, "when": "inventory_hostname == 'w2'"}


def look(name: str, **changes: t.Any) -> dict[str, t.Any]:
    seen = {"facts": facts(name, **changes).as_dict(), "offset": [0.0, 1.0]}
    return {"ansible_connection": "local", "lodestar_seen": {"preflight": seen, "plan": []}}


def play(directory: Path, hosts: dict[str, t.Any], *arguments: str) -> subprocess.CompletedProcess[str]:
    plays = [
        {"hosts": "machines", "gather_facts": False, "tasks": [{**FAIL, "register": "other"}, JUDGE]},
        {"hosts": "east", "gather_facts": False, "tasks": [{"ansible.builtin.debug": {"msg": "CHANGED"}}]},
    ]
    for entry in plays:
        for task in t.cast(list[dict[str, t.Any]], entry["tasks"]):
            task["name"] = "A task"
    inventory = {
        "clusters": {"hosts": {"east": {"ansible_connection": "local"}}},
        "machines": {"hosts": hosts},
        "all": {"vars": {"lodestar_fleet": FLEET, "ansible_python_interpreter": sys.executable}},
    }
    (directory / "hosts.yml").write_text(yaml.safe_dump(inventory))
    (directory / "play.yml").write_text(yaml.safe_dump(plays))
    command = [str(PLAYBOOK), "-i", str(directory / "hosts.yml"), str(directory / "play.yml"), *arguments]
    environ = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "NO_COLOR": "1", "COLUMNS": "300"}
    return subprocess.run(command, cwd=ROOT, env=environ, text=True, capture_output=True)


def test_an_error_stops_the_whole_run_and_names_all(tmp_path: Path) -> None:
    hosts = {"e1": look("e1", swap=["/swap"]), "w1": look("w1", cpus=0), "w2": look("w2", python=[3, 9])}
    done = play(tmp_path, hosts)
    assert done.returncode != 0
    assert "CHANGED" not in done.stdout, "no later play has begun"
    for text in ("e1: swap: /swap", "w1: cpu: 0 CPU", "w2: python: Python 3.9", "3 check(s) failed"):
        assert text in done.stdout + done.stderr
    assert "\\n" not in done.stdout + done.stderr, "a line each"
    assert "SEVERITY  CHECK" in done.stdout


def test_nothing_in_the_way_is_silent(tmp_path: Path) -> None:
    hosts = {name: look(name) for name in FLEET["machines"]}
    done = play(tmp_path, hosts, "-e", "preflight_worker_cpus=4")
    assert "CHANGED" in done.stdout, done.stdout + done.stderr
    assert "SEVERITY" not in done.stdout
    shown = play(tmp_path, hosts, "-e", '{"preflight_worker_cpus": 5, "preflight_show_all": true}')
    assert "CHANGED" not in shown.stdout
    assert "w1: cpu: 4 CPU; needed: 5 CPU" in shown.stdout + shown.stderr
    assert "MACHINE  CLUSTER" in shown.stdout


def test_a_machine_that_was_not_reached_does_not_stop_the_others(tmp_path: Path) -> None:
    hosts = {"e1": look("e1"), "w1": look("w1"), "w2": {"ansible_connection": "local"}}
    done = play(tmp_path, hosts)
    assert "CHANGED" in done.stdout, done.stdout + done.stderr
    assert "reached  w2" in done.stdout
