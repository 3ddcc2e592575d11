# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs that are killed, and runs that meet: the end state is that of one clean run."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import Bar
from tests.e2e.driver import eventually
from tests.faults.solo_fleet import HOLDERS, Background, Solo, overlay, second_machine

pytestmark = [pytest.mark.full, pytest.mark.timeout(1800)]

ALIVE, MODULE, ALL = "left alive", "module killed, kubeadm left alive", "killed too"


@dataclass(frozen=True)
class Kill:
    """Where a run is killed, and what becomes of what it has started on the machine.

    :param when: a shell condition on the machine, or after C(task:) a part of a task's name.
    :param remote: C(ALIVE), C(MODULE) or C(ALL); C(None) where nothing of ours runs on the machine then.
    :param slow: a program and how its arguments begin: this call takes a minute, since the moment is too short.
    """

    name: str
    when: str
    remote: str | None = None
    machine: str = "s1"
    slow: tuple[str, str] | None = None

    def __str__(self) -> str:
        return self.name + (f", remote command {self.remote}" if self.remote else "")


SENDING = Kill("artifacts being sent", r"ls -d /root/.ansible/tmp/*/* | grep -qE '/[0-9a-f]{64}$'")
IMPORTING = "images being imported", "pgrep -x ctr && test $(ctr -n k8s.io images ls -q | wc -l) -gt 2"
BEGUN = "founding begun", "test -e /etc/kubernetes/pki/ca.crt"
HALF = "founding half done", "test -e /var/lib/etcd/member/wal && test -e /etc/kubernetes/kubelet.conf"
HANDOVER = Kill(
    "kube-vip taking the address over", "test -e /etc/kubernetes/kube-vip.conf", ALL, slow=("ip", "address del")
)
ADDONS = Kill("add-ons being made", "task:Bring the cluster's add-ons")
HUB = Kill("hub being made", "task:Serve the fleet's APIs on the hub")

#: Runs of one founding: each is killed where it says, the run after the last one ends. The run after a kill goes on
#: from what that left, so early ones cost next to nothing; each sequence ends with one that is hard to come back from.
SEQUENCES = {
    "preparation": (SENDING, Kill(*IMPORTING, ALL), Kill(*BEGUN, ALL)),
    "founding, killed": (Kill(*HALF, ALL), ADDONS),
    "founding, kubeadm left": (Kill(*HALF, MODULE), HANDOVER),
    "founding, left alive": (Kill(*IMPORTING, ALIVE), Kill(*BEGUN, ALIVE), HUB),
}


@pytest.fixture(scope="module")
def clean(solo: Solo) -> dict[str, t.Any]:
    """What one undisturbed run leaves behind."""
    solo.testbed("reimage", "s1")
    solo.site().checked()
    solo.operator()
    solo.rested()
    return solo.snapshot()


#: Freezes what is under way on a machine, twice for what has just been started; fails while there is nothing.
_FREEZE = (
    f"frozen=; for n in 1 2; do for p in $({{ {HOLDERS}; }} | cut -d' ' -f1); do kill -STOP $p && frozen=1; done; done;"
    ' [ -n "$frozen" ]'
)


def reach(solo: Solo, kill: Kill, run: Background) -> None:
    """Waits for the moment of a kill. What is under way on the machine is frozen, so that it cannot end before it."""
    if kill.when.startswith("task:"):
        pattern = re.compile(r"^TASK \[.*" + re.escape(kill.when.removeprefix("task:")), re.MULTILINE)
        eventually(lambda: pattern.search(run.output) or run.process.poll() is not None, 600, 0.1)
    else:
        condition = f"{{ {kill.when}; }} >/dev/null 2>&1" + (f" && {{ {_FREEZE}; }}" if kill.remote else "")
        # In slices, so that a run which ends before is noticed.
        script = f"for i in $(seq 300); do {condition} && echo reached && break; sleep 0.1; done"
        while run.process.poll() is None and "reached" not in solo.on(kill.machine, script):
            pass
    assert run.process.poll() is None, f"the run ended before it came to {kill}:\n{run.output[-6000:]}"


#: Stands before a program in the path of a machine.
_SLOW = """cat >/usr/local/sbin/{0} <<'END'
#!/bin/sh
case "$*" in "{1}"*) sleep 60;; esac
PATH=/usr/sbin:/usr/bin:/sbin:/bin
exec {0} "$@"
END
chmod 755 /usr/local/sbin/{0}"""


def kill_at(solo: Solo, kill: Kill, *arguments: str, playbook: str = "lodestar.platform.site") -> None:
    """Starts a run and SIGKILLs it where it is asked to, with or without what it has started on the machine."""
    if kill.slow:
        solo.on(kill.machine, _SLOW.format(*kill.slow))
    run = solo.begin(*arguments, playbook=playbook)
    try:
        reach(solo, kill, run)
        run.kill()
    finally:
        if kill.slow:
            solo.on(kill.machine, f"rm /usr/local/sbin/{kill.slow[0]}")
    if kill.remote is not None:
        kill_what_it_started(solo, kill, run)


def kill_what_it_started(solo: Solo, kill: Kill, run: Background) -> None:
    """SIGKILL to what a killed run has left on the machine, or to a part of it; what stays goes on."""
    holders = solo.holders(kill.machine)
    assert holders, f"nothing was under way on {kill.machine}: {kill}\n{run.output[-3000:]}"
    chosen = [
        pid
        for pid, name in holders.items()
        if kill.remote == ALL or (kill.remote == MODULE and name.startswith("python"))
    ]
    left = sorted(set(holders) - set(chosen))
    for signal, pids in (("KILL", chosen), ("CONT", left)):
        if pids:
            solo.on(kill.machine, f"kill -{signal} {' '.join(pids)}")
    assert bool(left) == (kill.remote != ALL), holders


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_killed_and_run_again(solo: Solo, clean: dict[str, t.Any], sequence: str, bar: Bar) -> None:
    solo.testbed("reimage", "s1")
    for kill in SEQUENCES[sequence]:
        kill_at(solo, kill)
    last = solo.site().checked()
    solo.operator()
    solo.rested()
    assert solo.snapshot() == clean
    for kill in SEQUENCES[sequence]:
        bar(f"SIGKILL, {kill}: run again", f"as after a clean run; the last run took {last.seconds:.0f} s")


JOINING = Kill("a worker's join", "test -e /etc/kubernetes/bootstrap-kubelet.conf", ALL, "s2")


def changes(before: dict[str, list[str]], after: dict[str, list[str]]) -> list[str]:
    """What only one of two snapshots has."""
    gone = [f"- {line}" for kind, lines in before.items() for line in lines if line not in after[kind]]
    return gone + [f"+ {line}" for kind, lines in after.items() for line in lines if line not in before[kind]]


def test_killed_while_joining(solo: Solo, clean: dict[str, t.Any], tmp_path: Path, bar: Bar) -> None:
    worker = overlay(tmp_path, {"hosts.yml": second_machine("workers")})
    try:
        kill_at(solo, JOINING, *worker)
        solo.site(*worker).checked()
        assert solo.site(*worker).checked().changed == 0
        eventually(solo.tokenless, 150, 3)
        after_kill = solo.snapshot("s2")
        assert solo.on("s1", "cat /run/lodestar.claims.json").strip() == "{}"
        solo.testbed("reimage", "s2")
        solo.site(*worker).checked()
        assert changes(after_kill, solo.snapshot("s2")) == []
    finally:
        solo.testbed("reimage", "s2")
        solo.kubectl("solo", "delete", "node", "s2", "--ignore-not-found")
    bar(f"SIGKILL, {JOINING}: run again", "as after a clean join; no token, no claim left")


def says_the_others_name(output: str, other: Background) -> bool:
    """Whether a run has said whom it waited for, or why it stopped: by the other's process id."""
    return bool(re.search(rf"run \S+/{other.process.pid} of \S+@\S+ \(pid {other.process.pid}\)", output))


def test_two_runs_together(solo: Solo, clean: dict[str, t.Any], bar: Bar) -> None:
    solo.testbed("reimage", "s1")
    both = [solo.begin(), solo.begin()]
    first, second = (run.ended() for run in both)
    assert 0 in (first.code, second.code), first.output[-3000:] + second.output[-3000:]
    named = [says_the_others_name(first.output, both[1]), says_the_others_name(second.output, both[0])]
    assert any(named), first.output[-6000:] + second.output[-6000:]
    for run, told in ((first, named[0]), (second, named[1])):
        assert run.code == 0 or told, run.output[-6000:]
    solo.operator()
    solo.rested()
    assert solo.snapshot() == clean
    bar(
        "two site runs started together",
        f"ended with {first.code} and {second.code}, one named the other; as after a clean run",
    )
