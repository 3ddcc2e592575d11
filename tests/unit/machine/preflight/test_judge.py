# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Machines of a run are judged together: clocks, twins, ports, and what is told of it."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.errors import InvalidInput
from ansible_collections.lodestar.platform.plugins.module_utils.machine.preflight import across, judge, needs, operation
from ansible_collections.lodestar.platform.plugins.module_utils.machine.preflight.facts import PATHS, Facts, Unit
from ansible_collections.lodestar.platform.plugins.module_utils.machine.preflight.model import Limits, Subject
from ansible_collections.lodestar.platform.plugins.module_utils.operation import Context
from ansible_collections.lodestar.platform.plugins.plugin_utils.on_machine import clock_offset
from ansible_collections.lodestar.platform.tests.unit.machine.examples import cluster, machine
from ansible_collections.lodestar.platform.tests.unit.machine.preflight.machines import (
    GIB,
    NODES,
    facts,
    filesystem,
    probe,
    subject,
)


def failing(subjects: t.Sequence[Subject], check: str) -> list[str]:
    found = judge.failed(judge.findings(subjects, Limits()))
    return [item.machine for item in found if item.check == check]


def test_what_the_clocks_say() -> None:
    """The controller's clock went from 100 to 103 while the machine's went from 205 to 206.5."""
    assert clock_offset([205.0, 206.5], (100.0, 103.0)) == [103.5, 105.0]
    assert across.skew((0.0, 1.0), (0.5, 3.0)) == 0
    assert across.skew((0.0, 1.0), (3.5, 4.0)) == across.skew((3.5, 4.0), (0.0, 1.0)) == 2.5


@pytest.mark.parametrize(
    ("offsets", "wrong"),
    [
        ([(0, 0.5), (0, 9)], []),
        ([(0, 0.5), (1.4, 2)], []),
        ([(0, 0.5), (1.6, 2)], ["e1", "e2"]),
        ([(0, 0.5), (0.1, 0.4), (-8, -7)], ["e3"]),
        ([(0, 0.5), (5, 6), (-9, 9)], ["e1", "e2"]),
        ([(0, 0.5), (0, 0.5), (7, 8), (7, 8)], ["e1", "e2", "e3", "w1"]),
        ([(0, 0.5), (0, 0.5), (0, 0.5), (7, 8), (-9, -8)], ["w1", "w2"]),
    ],
)
def test_the_clock_that_most_disagree_with_is_wrong(offsets: list[tuple[float, float]], wrong: list[str]) -> None:
    subjects = [subject(name, offset=offset) for name, offset in zip(NODES, offsets, strict=False)]
    assert failing(subjects, "time-skew") == wrong


def test_old_twins_are_left_in_peace() -> None:
    one = subject("e1", member=True, machine_id="0" * 32)
    two = subject("e2", member=True, machine_id="0" * 32)
    three = subject("w1", machine_id="0" * 32)
    assert failing([one, two], "machine-id-unique") == []
    assert failing([one, two, three], "machine-id-unique") == ["e1", "e2", "w1"]


def test_a_member_is_judged_by_what_must_always_hold() -> None:
    old = {"cpus": 1, "remains": ["/etc/rancher"], "hostname": "X_1", "units": {"docker": Unit(True, "/x")}}
    assert judge.failed(judge.findings([subject("e1", member=True, **old)], Limits())) == []
    assert failing([subject("e1", member=True, swap=["/swap"])], "swap") == ["e1"]


def test_what_an_interrupted_run_has_used_is_not_asked_for_again() -> None:
    full = [filesystem(path, free=2 * GIB) for path in PATHS]
    assert failing([subject("e1", filesystems=full)], "disk-space") == ["e1"]
    assert failing([subject("e1", filesystems=full, prepared=True)], "disk-space") == []


def test_a_listener_of_ours_must_be_what_answers() -> None:
    def seen(answer: str, listening: tuple[int, ...] | None) -> list[str]:
        return failing([subject("e1", probes=(probe("w1", answer),)), subject("w1", listening=listening)], "reach")

    assert seen("ours", (10250,)) == []
    assert seen("open", (10250,)) == ["e1"], "somebody else answers in its place"
    assert seen("other", (10250,)) == ["e1"]
    assert seen("open", ()) == []
    assert seen("open", None) == []
    assert seen("Connection refused", None) == ["e1"]


def test_the_ports_that_machines_need_of_each_other() -> None:
    control_plane, worker = {"role": "control_plane"}, {"role": "worker"}

    def ports(source: dict[str, str], target: dict[str, str], **changes: t.Any) -> list[int]:
        return sorted(item.port for item in needs.reached(cluster(**changes), source, target))

    assert ports(control_plane, control_plane) == [179, 2379, 2380, 6443, 10250]
    assert ports(worker, control_plane) == [179, 6443, 10250]
    assert ports(control_plane, worker) == ports(worker, worker) == [179, 10250]
    elsewhere = {"address": "192.0.2.10", "port": 8443, "provider": "kube_vip", "interface": None}
    assert ports(worker, control_plane, endpoint=elsewhere) == [179, 8443, 10250]
    served = {item.port for item in needs.served(cluster(), machine("w1", "worker"))}
    assert served == {179, 10248, 10249, 10250, 10256, 20244}


def test_facts_travel_as_plain_data() -> None:
    seen = facts("e1", swap=["/swap"])
    assert Facts.from_dict(json.loads(json.dumps(seen.as_dict()))) == seen


FLEET = {
    "clusters": {"east": cluster()},
    "machines": {
        name: {**machine(name, "control_plane" if name[0] == "e" else "worker", node_ip=address), "cluster": "east"}
        for name, address in NODES.items()
    },
}


def judged(looks: dict[str, t.Any], check_mode: bool = False, **params: t.Any) -> dict[str, t.Any]:
    defaults = {key: item["default"] for key, item in operation.OPERATION.arguments["limits"]["options"].items()}
    given = {"fleet": FLEET, "looks": looks, "show_all": False, "report_path": None, **params}
    given["limits"] = {**defaults, **params.get("limits", {})}
    return operation.OPERATION.execute(given, Context(environ={}), check_mode)


def look(name: str, **changes: t.Any) -> dict[str, t.Any]:
    return {"preflight": {"facts": facts(name, **changes).as_dict(), "offset": [0.0, 1.0]}}


def test_all_failures_of_all_machines_are_told_at_once(tmp_path: Path) -> None:
    unreachable = {"trouble": "unreachable", "message": "timed out"}
    looks = {"e1": look("e1", swap=["/swap"], cpus=1), "w1": look("w1", swap=["/swap"]), "w2": unreachable}
    answer = judged({**looks, "solo": {}}, report_path=str(tmp_path / "report.json"))
    assert not answer["changed"]
    assert [line.partition("; ")[0] for line in answer["problems"]] == [
        "e1: cpu: 1 CPU",
        "e1: swap: /swap",
        "w1: swap: /swap",
    ]
    table = "\n".join(answer["table"])
    assert "error     swap     e1, w1" in table, "the same trouble stands in one line"
    assert "warning   reached  w2" in table
    report = json.loads((tmp_path / "report.json").read_text())
    assert report == answer["report"]
    assert (report["errors"], report["warnings"]) == (3, 1)
    assert {name: item["state"] for name, item in report["machines"].items()} == {
        "e1": "to join", "w1": "to join", "w2": "not seen",
    }  # fmt: skip


def test_nothing_is_shown_when_nothing_stands_in_the_way() -> None:
    looks = {"e1": look("e1"), "w1": look("w1")}
    assert judged(looks)["table"] == []
    whole = judged(looks, show_all=True)["table"]
    assert [line.split()[:3] for line in whole[1:3]] == [["e1", "east", "to"], ["w1", "east", "to"]]
    assert whole[-1] == "Nothing stands in the way."


def test_check_mode_writes_no_file(tmp_path: Path) -> None:
    answer = judged({"e1": look("e1")}, check_mode=True, report_path=str(tmp_path / "report.json"))
    assert answer["report"]["errors"] == 0
    assert list(tmp_path.iterdir()) == []


def test_limits_are_the_operators() -> None:
    assert judged({"w1": look("w1")}, limits={"worker_cpus": 8})["problems"] != []
    assert judged({"w1": look("w1", cpus=1, memory=1)}, limits={"worker_memory_mib": 0})["problems"] == []
    answer = judged({}, limits={"free_mib": {"/srv": 1, "/var/log": "much"}})
    assert answer["failed"]
    assert "free_mib./srv" in answer["msg"]
    assert "free_mib./var/log = 'much'" in answer["msg"]
    with pytest.raises(InvalidInput):
        operation.limits({"free_mib": {"/var/log": -1}})
