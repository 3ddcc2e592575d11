# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A machine that is reset is what it was before it came to a cluster, and what others had put on it is untouched."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from tests.conftest import Bar
from tests.e2e.driver import eventually
from tests.faults.solo_fleet import Solo, overlay, second_machine
from tests.faults.test_refused import refused
from tests.faults.traces import differences, traces

pytestmark = [pytest.mark.full, pytest.mark.timeout(1800)]
RESET = "lodestar.platform.reset"
MACHINES = ("s1", "s2")

#: What somebody else has on a machine: rules beside ours, in a chain and a table of their own; a set, an interface, a
#: mount; and files where ours will be, one of which is replaced.
FOREIGN = """
iptables -N OPERATORS && iptables -A OPERATORS -s 192.0.2.1/32 -j RETURN && iptables -A FORWARD -j OPERATORS
nft add table inet theirs && nft 'add chain inet theirs c { type filter hook input priority 10; }'
ipset create admins hash:ip && ipset add admins 192.0.2.1
ip link add theirs0 type dummy && ip address add 198.51.100.1/24 dev theirs0 && ip link set theirs0 up
mkdir -p /srv/theirs /etc/containerd/certs.d /etc/cni/net.d && mount -t tmpfs none /srv/theirs
echo 'version = 3' > /etc/containerd/config.toml && chmod 0640 /etc/containerd/config.toml
echo '{}' > /etc/cni/net.d/99-theirs.conflist.disabled
"""


def settled(solo: Solo, machine: str) -> bool:
    state = solo.on(machine, "systemctl is-system-running", check=False).strip()
    return state in ("running", "degraded")


@pytest.fixture
def before(solo: Solo) -> dict[str, dict[str, set[str]]]:
    """Empty machines with things of somebody else, and what is on them."""
    solo.testbed("reimage", *MACHINES)
    for machine in MACHINES:
        eventually(lambda machine=machine: settled(solo, machine), 60)
        solo.on(machine, FOREIGN)
    return {machine: traces(solo, machine) for machine in MACHINES}


def told(output: str, *words: str) -> None:
    """Raises AssertionError unless the run said these words."""
    text = " ".join(output.split())
    assert [word for word in words if word not in text] == [], output[-6000:]


def test_reset(solo: Solo, before: dict[str, dict[str, set[str]]], tmp_path: Path, bar: Bar) -> None:
    worker = overlay(tmp_path, {"hosts.yml": second_machine("workers")})
    confirmed = (*worker, "-e", "reset_confirm=solo")
    solo.site(*worker).checked()
    running = {machine: solo.processes(machine) for machine in MACHINES}
    refused(solo.playbook(RESET, *worker), ['reset_confirm = ""', "machines of solo", "-e reset_confirm=<cluster>"])
    refused(
        solo.playbook(RESET, *worker, "-e", "reset_confirm=sole"), ['reset_confirm = "sole"', "Nothing was changed"]
    )
    predicted = solo.playbook(RESET, *confirmed, "--check", "--diff").checked()
    assert {machine: solo.processes(machine) for machine in MACHINES} == running

    done = solo.playbook(RESET, *confirmed).checked()
    assert sorted(done.steps()) == sorted(predicted.steps())
    left = {machine: differences(before[machine], traces(solo, machine)) for machine in MACHINES}
    assert left == {"s1": [], "s2": []}
    again = solo.playbook(RESET, *confirmed).checked()
    assert (again.changed, again.steps()) == (0, [])
    kinds = sum(len(lines) for lines in before["s1"].values())
    bar(
        "reset of a control plane and a worker: differences to before, but for logs", f"none in {kinds} lines of traces"
    )

    solo.site(*worker).checked()
    assert solo.site(*worker).checked().changed == 0
    bar("bootstrap on reset machines", "done; a second run changes nothing")
    _unreachable(solo, before, confirmed, bar)


def _unreachable(solo: Solo, before: t.Mapping[str, t.Any], confirmed: t.Sequence[str], bar: Bar) -> None:
    """A machine without power keeps nobody from a reset, and is told."""
    solo.testbed("kill", "s2")
    run = solo.playbook(RESET, *confirmed)
    assert run.code != 0
    told(run.output, "Not reset: s2", "Finished: s1", "--limit s2")
    assert differences(before["s1"], traces(solo, "s1")) == []
    bar("reset with a machine that cannot be reached", "it is named, the other one is finished, the run fails")
    solo.testbed("reimage", *MACHINES)
