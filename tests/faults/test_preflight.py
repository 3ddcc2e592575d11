# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Preflight on real machines: everything that is wrong is named at once, and nothing of ours is in its own way."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from tests.conftest import Bar
from tests.e2e.driver import Run, eventually
from tests.faults.solo_fleet import Background, Solo, overlay, second_machine

pytestmark = [pytest.mark.full, pytest.mark.timeout(1800)]

PREFLIGHT = "lodestar.platform.preflight"
LISTENERS = "systemctl list-units --all --plain --no-legend 'lodestar-reach-*'"
K3S = "[Service]\nExecStart=/bin/true"
#: What is spoilt on a machine, and the check that says so.
SPOILT: dict[str, dict[str, str]] = {
    "s1": {
        "ports": "systemd-run -q --unit squatter socat TCP-LISTEN:10257,fork /dev/null",
        "sysctl-overrides": "echo net.ipv4.ip_forward=0 > /etc/sysctl.d/99-router.conf",
        "mount-noexec": "mkdir -p /opt/cni/bin && mount -t tmpfs -o noexec tmpfs /opt/cni/bin",
    },
    "s2": {
        "hostname-unique": "hostname s1",
        "default-route": "ip route del default",
        "resolver": "echo nameserver 127.0.0.53 > /etc/resolv.conf",
        "leftovers": "mkdir -p /etc/rancher/k3s",
        "foreign-kubelet": f"echo '{K3S}' > /etc/systemd/system/k3s.service; systemctl daemon-reload",
        "reach": "iptables -I INPUT -p tcp --dport 10250 -j DROP",
    },
}
#: Seen from the other machine, too.
OF_OTHERS = {"s1": {"hostname-unique", "reach"}, "s2": set[str]()}


def failed(report: t.Mapping[str, t.Any], machine: str) -> set[str]:
    """Ids of the checks that a machine fails."""
    return {item["check"] for item in report["machines"][machine]["checks"] if item["status"] == "failed"}


def state(fleet: Solo, machine: str) -> str:
    """Names and digests of files where a run would write, sockets that listen, and services that run."""
    files = (
        "find /etc /usr/local /opt /var/lib/lodestar /root -xdev -type f -not -path '*/.ansible/*' -exec sha256sum {} +"
    )
    listening = "ss -Hltn | awk '{print $4}' | sort"
    return fleet.on(machine, f"({files}) 2>/dev/null | sort -k2; {listening}; {LISTENERS}; ls /run/systemd/transient")


def preflight(fleet: Solo, path: Path, *arguments: str) -> tuple[Run, dict[str, t.Any]]:
    """A run of the playbook, and its report."""
    file = path / "report.json"
    run = fleet.playbook(PREFLIGHT, "-e", f"preflight_report_path={file}", *arguments)
    return run, json.loads(file.read_text()) if file.exists() else {}


@pytest.fixture
def empty(solo: Solo) -> Solo:
    """Two machines as they come out of the box."""
    solo.testbed("reimage", "s1", "s2")
    return solo


def spoil(fleet: Solo) -> None:
    """Does all of that."""
    for machine, faults in SPOILT.items():
        for script in faults.values():
            fleet.on(machine, script)


def test_everything_that_is_wrong_is_named_at_once(empty: Solo, tmp_path: Path, bar: Bar) -> None:
    solo = empty
    both = overlay(tmp_path / "both", {"hosts.yml": second_machine("workers")})
    run, report = preflight(solo, tmp_path, *both)
    run.checked()
    assert (report["errors"], report["warnings"]) == (0, 0), run.output[-6000:]
    assert {item["state"] for item in report["machines"].values()} == {"to join"}
    spoil(solo)
    before = {machine: state(solo, machine) for machine in SPOILT}
    run, report = preflight(solo, tmp_path, *both)
    assert run.code != 0
    for machine, faults in SPOILT.items():
        expected = set(faults) | OF_OTHERS[machine]
        assert failed(report, machine) == expected - ({"reach"} if machine == "s2" else set()), run.output[-8000:]
    site = solo.site(*both)
    assert (site.changed, site.steps()) == (0, []), site.output[-8000:]
    checks = {name for faults in SPOILT.values() for name in faults}
    message = site.output[site.output.rindex("nothing was changed") :]
    errors = checks - {"sysctl-overrides"}
    assert [name for name in errors if f": {name}: " not in message] == [], site.output[-8000:]
    assert {machine: state(solo, machine) for machine in SPOILT} == before
    bar("preflight of two machines with 9 faults", f"all named at once in {run.seconds:.1f} s, nothing changed")


def test_what_is_skipped_is_not_in_the_way(empty: Solo, tmp_path: Path) -> None:
    solo = empty
    spoil(solo)
    ids = sorted({name for faults in SPOILT.values() for name in faults} - {"ports"})
    variables = {"hosts.yml": second_machine("workers"), "host_vars/solo.yml": {"preflight_skip": ids}}
    run, report = preflight(solo, tmp_path, *overlay(tmp_path / "skip", variables))
    assert run.code != 0
    assert (failed(report, "s1"), failed(report, "s2")) == ({"ports"}, set())
    variables["host_vars/s1.yml"] = {"preflight_skip": ["ports", "prots"]}
    run, _report = preflight(solo, tmp_path, *overlay(tmp_path / "unknown", variables))
    assert run.code != 0
    assert "s1: preflight_skip = 'prots'" in run.output
    assert "Did you mean ports" in run.output


def test_a_machine_that_cannot_be_looked_at_hides_nothing(empty: Solo, tmp_path: Path) -> None:
    solo = empty
    solo.on("s1", SPOILT["s1"]["ports"])
    no_python = {"ansible_python_interpreter": "/usr/bin/python2.7"}
    variables = {"hosts.yml": second_machine("workers"), "host_vars/s2.yml": no_python}
    run, report = preflight(solo, tmp_path, *overlay(tmp_path / "python", variables))
    assert run.code != 0
    assert failed(report, "s2") == {"sudo"}
    assert "ports" in failed(report, "s1")


def test_members_are_not_in_their_own_way(empty: Solo, tmp_path: Path, bar: Bar) -> None:
    solo = empty
    solo.site().checked()
    before = state(solo, "s1")
    run, report = preflight(solo, tmp_path)
    run.checked()
    assert (report["errors"], report["warnings"]) == (0, 0), run.output[-6000:]
    assert report["machines"]["s1"]["state"] == "member"
    assert state(solo, "s1") == before
    again = solo.site().checked()
    assert again.changed == 0
    assert "Answer on the ports" not in again.output
    joining = solo.site(*overlay(tmp_path / "both", {"hosts.yml": second_machine("workers")})).checked()
    assert {target for target, _id, _action in joining.steps() if target == "s1"} == set()
    assert "Answer on the ports" in joining.output
    for machine in ("s1", "s2"):
        assert solo.on(machine, LISTENERS) == ""
    bar(
        "a second site run with preflight in it", f"{again.seconds:.1f} s, {again.recap['s1']['ok']} tasks of a machine"
    )


def test_a_killed_run_leaves_no_listener(standing: Solo, tmp_path: Path) -> None:
    solo = standing
    solo.testbed("reimage", "s2")
    both = overlay(tmp_path / "both", {"hosts.yml": second_machine("workers")})
    # The probing waits for a peer that never answers, so the run can be killed while it listens.
    solo.on(
        "s2", "iptables -I OUTPUT -p tcp -d $(getent hosts s1 | cut -d' ' -f1 || true) --dport 6443 -j DROP || true"
    )
    run = Background(solo, ["-e", "preflight_lifetime=15", "-e", "preflight_timeout=30", *both])
    try:
        eventually(lambda: solo.on("s2", LISTENERS) != "", 120, 0.2)
    finally:
        run.kill()
    eventually(lambda: solo.on("s2", LISTENERS) == "", 60, 1)
