# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The roles remove and reset in a run of ansible-playbook, with a real API server and machines that answer nobody."""

from __future__ import annotations

import json
import os
import subprocess
import typing as t
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import access
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.removal import CONTROL_PLANE
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client

from ..harness.apiserver import ApiServer
from .conftest import LODESTAR, minted
from .test_play import PLAYBOOK, ROOT

Object = dict[str, t.Any]
ROLES = {"e1": "control_plane", "e2": "control_plane", "w1": "worker"}
NODES = {"e1": True, "e2": True, "w1": False, "old": False}


def entry(name: str) -> Object:
    return {"name": name, "cluster": "east", "role": ROLES[name], "node_name": name, "node_ip": "192.0.2.1"}


FLEET: Object = {
    "hub": "east",
    "clusters": {"east": {"name": "east", "mode": "create", "role": "global"}},
    "machines": {name: entry(name) for name in ROLES},
}
INVENTORY: Object = {
    "clusters": {"hosts": {"east": {"ansible_connection": "local"}}},
    "machines": {"hosts": {name: {"ansible_host": "127.0.0.1", "ansible_port": 1} for name in ROLES}},
}


def play(directory: Path, role: str, hosts: str, variables: Object) -> subprocess.CompletedProcess[str]:
    plays = [{"hosts": hosts, "gather_facts": False, "roles": [f"lodestar.platform.{role}"]}]
    for name, content in (("hosts.yml", INVENTORY), ("play.yml", plays), ("vars.json", variables)):
        (directory / name).write_text(json.dumps(content))
    command = [str(PLAYBOOK), "-i", str(directory / "hosts.yml"), str(directory / "play.yml")]
    command += ["-e", f"@{directory / 'vars.json'}"]
    return subprocess.run(command, cwd=ROOT, env=os.environ | {"NO_COLOR": "1"}, text=True, capture_output=True)


@pytest.fixture
def removal(member: ApiServer, tmp_path: Path) -> t.Iterator[t.Callable[..., tuple[int, str]]]:
    """Runs the role remove; asserts that nothing was written, and returns its exit status and what it said."""
    made = minted(member, access.access_objects("lifecycle"))
    with Client(member.admin) as client:
        for name, leads in NODES.items():
            labels = {CONTROL_PLANE: ""} if leads else {}
            client.apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}})

    def run(*names: str, unreachable: t.Sequence[str] = ()) -> tuple[int, str]:
        reach = {key: made[key] for key in ("server", "ca_data", "token")}
        asked = {"remove_nodes": names, "remove_unreachable": unreachable}
        mark = member.audit.mark()
        done = play(tmp_path, "remove", "clusters", {"lodestar_fleet": FLEET, "lodestar_access": reach, **asked})
        assert not [item for item in member.audit.since(mark, LODESTAR) if item.writes]
        return done.returncode, " ".join((done.stdout + done.stderr).split())

    yield run
    with Client(member.admin) as client:
        for name in NODES:
            client.delete("v1", "Node", name)


@pytest.mark.parametrize(
    ("names", "unreachable", "words"),
    [
        ([], [], "remove_nodes = []: nothing is removed that is not named"),
        (["typo"], [], "remove_nodes = 'typo': is no machine of the inventory"),
        (["w1"], [], "Nothing was changed. w1: Task failed: Failed to connect"),
        (["old"], ["old"], "e1: Task failed: Failed to connect"),
        (["e1", "e2"], [], "e1, e2: no control plane would be left"),
    ],
)
def test_what_must_not_leave(removal: t.Any, names: list[str], unreachable: list[str], words: str) -> None:
    code, said = removal(*names, unreachable=unreachable)
    assert code != 0
    assert words in said


def test_a_dead_machine_of_which_nothing_is_left_is_nothing_to_do(removal: t.Any) -> None:
    code, said = removal("gone", unreachable=["gone"])
    assert code == 0, said
    assert "changed=0" in said


@pytest.mark.parametrize(
    ("confirm", "words"),
    [
        ("", 'reset_confirm = "": this run has machines of east'),
        ("west", 'reset_confirm = "west": this run has machines of east'),
        ("east", "Not reset: e1, e2, w1. Finished: none."),
    ],
)
def test_a_reset_says_what_it_did_not_do(tmp_path: Path, confirm: str, words: str) -> None:
    done = play(tmp_path, "reset", "machines", {"lodestar_fleet": FLEET, "reset_confirm": confirm})
    assert done.returncode != 0
    assert words in " ".join((done.stdout + done.stderr).split())
