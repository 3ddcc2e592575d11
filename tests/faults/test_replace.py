# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Control planes are replaced, the first as any other: under the same name, under a new one, dead or alive."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest

from tests.conftest import Bar
from tests.e2e.driver import eventually
from tests.e2e.fixtures import KEEP
from tests.e2e.nodes import names, unready
from tests.faults.solo_fleet import etcdctl
from tests.faults.test_refused import refused
from tests.faults.trio_fleet import Trio, declared
from tests.faults.writer import Writer

pytestmark = [pytest.mark.full, pytest.mark.timeout(3600)]
FIRST = ["t1", "t2", "t3"]
_ADMIN = "kubectl --kubeconfig /etc/kubernetes/admin.conf"


@pytest.fixture(scope="module")
def three(trio: Trio, tmp_path_factory: pytest.TempPathFactory) -> Trio:
    """A cluster of three control planes with a Secret; two machines wait."""
    if not os.environ.get(KEEP):
        trio.start_over()
    trio.site(*declared(tmp_path_factory.mktemp("three"), FIRST)).checked()
    trio.operator()
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "old"}, "stringData": {"word": "kept"}}
    trio.kubectl("trio", "apply", "-n", "default", "-f", "-", text=json.dumps(secret))
    return trio


def secret_through(fleet: Trio, machine: str) -> str:
    """The Secret of before, as the API server of one control plane reads it from etcd."""
    script = f"{_ADMIN} --server https://{fleet.address(machine)}:6443 get secret old -n default -o json"
    return base64.b64decode(json.loads(fleet.on(machine, script))["data"]["word"]).decode()


def whole(fleet: Trio, *control_planes: str) -> None:
    """Raises AssertionError unless these are etcd's voters, all healthy, and all Nodes are there and Ready."""
    for machine in control_planes:
        assert fleet.voters(machine) == sorted(control_planes)
    health = etcdctl(fleet, control_planes[0], "endpoint health --cluster 2>&1")
    assert health.count("is healthy") == len(control_planes), health
    eventually(lambda: unready(fleet.nodes("trio")) == [], 120)
    assert names(fleet.nodes("trio")) == sorted(control_planes)


def test_the_first_comes_back_empty(three: Trio, tmp_path: Path, bar: Bar) -> None:
    same = declared(tmp_path, FIRST)
    three.empty("t1")
    predicted = three.site("--check", *same).checked()
    with Writer(three, "trio") as writer:
        run = three.site(*same).checked()
    assert run.steps() == predicted.steps()
    whole(three, *FIRST)
    assert secret_through(three, "t1") == "kept"
    again = three.site(*same).checked()
    assert (again.changed, again.steps()) == (0, [])
    assert writer.written.gap < 10, writer.written
    assert writer.written.lost == []
    figure = f"{run.seconds:.0f} s; 3 healthy voters; changed=0; longest gap {writer.written.gap:.1f} s"
    bar("first control plane replaced by an empty machine of its name", figure)


def test_a_dead_one_is_replaced_under_a_new_name(three: Trio, tmp_path: Path, bar: Bar) -> None:
    """A join that nobody will finish has left a learner, too: etcd takes no second one."""
    stranger = f"https://{three.address('t5')}:2380"
    etcdctl(three, "t2", "member", "add", "stranger", "--learner", f"--peer-urls={stranger}")
    three.testbed("kill", "t1")
    new = declared(tmp_path, {"t4": {"replaces": "t1"}, "t2": {}, "t3": {}})
    predicted = three.site("--check", *new).checked()
    run = three.site(*new).checked()
    assert run.steps() == predicted.steps()
    whole(three, "t4", "t2", "t3")
    assert secret_through(three, "t4") == "kept"
    again = three.site(*new).checked()
    assert (again.changed, again.steps()) == (0, [])
    bar("dead first control plane replaced under a new name", f"{run.seconds:.0f} s; 3 healthy voters; changed=0")


def test_a_living_one_is_replaced(three: Trio, tmp_path: Path, bar: Bar) -> None:
    three.empty("t5")
    new = declared(tmp_path, {"t5": {"replaces": "t4"}, "t2": {}, "t3": {}})
    predicted = three.site("--check", *new).checked()
    with Writer(three, "trio") as writer:
        run = three.site(*new).checked()
    assert run.steps() == predicted.steps()
    assert any(step == "retire:t4" for _target, step, _action in run.steps())
    whole(three, "t5", "t2", "t3")
    assert secret_through(three, "t5") == "kept"
    again = three.site(*new).checked()
    assert (again.changed, again.steps()) == (0, [])
    assert writer.written.gap < 10, writer.written
    assert writer.written.lost == []
    bar("living control plane replaced: longest time without an acknowledged write", f"{writer.written.gap:.1f} s")


def test_a_member_that_has_lost_its_static_pods(three: Trio, tmp_path: Path, bar: Bar) -> None:
    same = declared(tmp_path, {"t5": {"replaces": "t4"}, "t2": {}, "t3": {}})
    three.on("t2", "rm /etc/kubernetes/manifests/*.yaml")
    eventually(lambda: three.on("t2", "crictl ps -q --name '^(etcd|kube-apiserver)$'") == "", 120)
    three.site(*same).checked()
    whole(three, "t5", "t2", "t3")
    assert secret_through(three, "t2") == "kept"
    assert three.site(*same).checked().changed == 0
    bar("static pod manifests of a member removed by hand", "it joins again; 3 healthy voters; changed=0")


def test_what_cannot_be_replaced_is_refused(three: Trio, tmp_path: Path, bar: Bar) -> None:
    three.testbed("start", "t1")
    three.empty("t1", "t4")
    standing = ["t5", "t2", "t3"]
    one_less = declared(tmp_path, {"t1": {"replaces": "t5"}, "t2": {}, "t3": {}})
    listed = declared(tmp_path, {**{name: {} for name in standing}, "t4": {"replaces": "t5"}, "t1": {}})
    refused(three.site(*listed), ["t4: replaces = 't5'", "is still a machine of trio", "Take t5 out of the inventory"])
    missing = declared(tmp_path, {"t4": {"replaces": "t9"}, "t2": {}, "t3": {}})
    refused(three.site(*missing), ["t4 says replaces: t9", "no etcd member has that name", "not in the inventory: t5"])
    three.testbed("kill", "t3")
    try:
        run = three.site(*one_less)
        refused(run, ["2 of 3 etcd members are healthy, ill: t3"])
    finally:
        three.testbed("start", "t3")
    eventually(lambda: unready(three.nodes("trio")) == [], 240, 3)
    whole(three, *standing)
    bar("replaces of a member, of an unknown name, with a second one ill", "refused before any change, with figures")
