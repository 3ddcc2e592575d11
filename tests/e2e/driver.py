# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Drives a fleet of the testbed as its user would: ansible-playbook, kubectl, and a look at the machines."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
QUICKSTART = ROOT / "inventories" / "quickstart"

#: Our identities in an audit log. Operators (lodestar:operators) are the tests themselves.
OUR_USERS = ("system:serviceaccount:lodestar-system:", "kubernetes-admin", "kubernetes-super-admin")
WRITE_VERBS = {"create", "update", "patch", "delete", "deletecollection"}
REVIEWS = {
    "selfsubjectaccessreviews",
    "selfsubjectrulesreviews",
    "subjectaccessreviews",
    "tokenreviews",
    "selfsubjectreviews",
}
#: OCM's controller holds its Lease, whether anything runs or not.
HEARTBEAT = ("system:serviceaccount:lodestar-system:placement-controller", "leases")
AUDIT_LOG = "/var/log/kubernetes/audit/audit.log"
#: What must not restart when nothing changed.
PROCESSES = ("containerd", "kubelet", "kube-apiserver", "kube-controller", "kube-scheduler", "etcd", "kube-vip")
_RECAP = re.compile(
    r"^(?P<host>\S+)\s+: ok=(?P<ok>\d+)\s+changed=(?P<changed>\d+)"
    r"\s+unreachable=(?P<unreachable>\d+)\s+failed=(?P<failed>\d+)"
)


@dataclass
class Run:
    """One run of a playbook."""

    code: int
    output: str
    seconds: float
    tasks: list[dict[str, t.Any]] = field(default_factory=list)

    @property
    def recap(self) -> dict[str, dict[str, int]]:
        """Counts a host, as Ansible's recap shows them."""
        found = (_RECAP.match(line) for line in self.output.splitlines())
        return {m["host"]: {k: int(v) for k, v in m.groupdict().items() if k != "host"} for m in found if m}

    @property
    def changed(self) -> int:
        """The number of changed tasks over all hosts."""
        return sum(counts["changed"] for counts in self.recap.values())

    def steps(self) -> list[tuple[str, str, str]]:
        """(target, step id, action) of everything that was, or would be, done: by target, each in its order.

        Hosts of one task act side by side, so between them there is no order.
        """
        steps = ((step["target"], step["id"], step["action"]) for task in self.tasks for step in task["steps"])
        return sorted(steps, key=lambda step: step[0])

    def checked(self) -> Run:
        """The run itself, if it ended well; raises AssertionError with the end of its output otherwise."""
        if self.code != 0 or not self.recap:
            raise AssertionError(f"the run ended with {self.code}:\n{self.output[-8000:]}")
        return self


@dataclass(frozen=True)
class Fleet:
    """A fleet of the testbed and the inventory that describes it."""

    name: str
    state: Path
    inventory: Path = QUICKSTART
    definition: Path = ROOT / "testbed" / "quickstart.yml"

    @property
    def environ(self) -> dict[str, str]:
        """The environment in which the fleet is worked on."""
        return {
            **os.environ,
            "LODESTAR_TESTBED_STATE": str(self.state),
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_FORCE_COLOR": "false",
            "ANSIBLE_NOCOLOR": "true",
        }

    def testbed(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """``python -m testbed`` for this fleet."""
        command = [sys.executable, "-m", "testbed", arguments[0], "--fleet", self.name, *arguments[1:]]
        return run(command, self.environ, check)

    def site(self, *arguments: str, **environ: str) -> Run:
        """A run of site.yml."""
        return self.playbook("lodestar.platform.site", *arguments, **environ)

    def playbook(self, name: str, *arguments: str, **environ: str) -> Run:
        """A run of a playbook on the fleet's inventory."""
        with tempfile.TemporaryDirectory() as directory:
            plan = Path(directory) / "plan.json"
            command = ["ansible-playbook", "-i", str(self.inventory), name, *arguments]
            begin = time.monotonic()
            done = run(command, {**self.environ, "LODESTAR_PLAN_FILE": str(plan), **environ}, check=False)
            seconds = time.monotonic() - begin
            tasks = json.loads(plan.read_text())["tasks"] if plan.exists() else []
        return Run(done.returncode, done.stdout + done.stderr, seconds, tasks)

    def kubectl(self, context: str, *arguments: str, text: str | None = None, check: bool = True) -> str:
        """kubectl as the operator. Returns what it printed, errors included."""
        command = [
            str(self.state / "bin" / "kubectl"),
            "--kubeconfig",
            str(self.state / "kubeconfig"),
            "--context",
            context,
        ]
        if not (self.state / "bin" / "kubectl").exists():
            command[0] = "kubectl"
        done = run([*command, *arguments], self.environ, check, text)
        return done.stdout + done.stderr

    def get(self, context: str, *arguments: str) -> dict[str, t.Any]:
        """``kubectl get -o json``."""
        return json.loads(self.kubectl(context, "get", *arguments, "-o", "json"))

    def nodes(self, context: str) -> list[dict[str, t.Any]]:
        """The Nodes of a cluster."""
        return list(self.get(context, "nodes")["items"])

    def address(self, machine: str) -> str:
        """The machine's address in the fleet's network."""
        return str(json.loads((self.state / "fleet.json").read_text())["machines"][machine]["address"])

    def on(self, machine: str, script: str, check: bool = True) -> str:
        """Runs a shell script on a machine, and returns what it printed."""
        return self.testbed("exec", machine, "--", "sh", "-c", script, check=check).stdout

    def _printed(self, machine: str, script: str) -> str:
        """What a script that always prints something printed: Docker loses the output of a command now and then."""
        return str(eventually(lambda: self.on(machine, script), 60))

    def processes(self, machine: str) -> dict[str, str]:
        """When each process that must not restart was started: ``{"kubelet/123": start time in clock ticks}``."""
        script = (
            'for d in /proc/[0-9]*; do read -r c < $d/comm 2>/dev/null || continue; case "$c" in '
            + "|".join(PROCESSES)
            + ") echo \"$c/${d#/proc/} $(cut -d' ' -f22 $d/stat)\";; esac; done"
        )
        return dict(line.split() for line in self._printed(machine, script).splitlines())

    def now(self, machine: str) -> str:
        """The time on a machine as audit logs write it."""
        return self._printed(machine, "date -u +%Y-%m-%dT%H:%M:%S.%6NZ").strip()

    def our_writes(self, machine: str, since: str) -> list[str]:
        """The write requests of our identities in a control plane's audit log; not reviews, dry-runs, heartbeats."""
        return [
            f"{event['verb']} {event['requestURI']} by {event['user']['username']}"
            for event in self.audited(machine, since)
            if is_our_write(event)
        ]

    def audited(self, machine: str, since: str) -> list[dict[str, t.Any]]:
        """The events of a control plane's audit log since a time."""
        script = f"[ -e {AUDIT_LOG} ] || exit 9; tail -n 20000 {AUDIT_LOG}"
        events = (json.loads(line) for line in self._printed(machine, script).splitlines() if line.startswith("{"))
        return [event for event in events if event["requestReceivedTimestamp"] >= since]


def is_our_write(event: dict[str, t.Any]) -> bool:
    """Whether an audit event is a write by one of our identities or field managers."""
    # Whoever was not let in has no name.
    ours = event["user"].get("username", "").startswith(OUR_USERS) or "fieldManager=lodestar" in event["requestURI"]
    resource = event.get("objectRef", {}).get("resource")
    aside = resource in REVIEWS or (event["user"].get("username"), resource) == HEARTBEAT
    return ours and event["verb"] in WRITE_VERBS and not aside and "dryRun=All" not in event["requestURI"]


def run(
    command: t.Sequence[str], environ: t.Mapping[str, str], check: bool = True, text: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs a program from the checkout's root; raises AssertionError with its output when it fails and ``check``."""
    done = subprocess.run(command, cwd=ROOT, env=dict(environ), capture_output=True, text=True, input=text)
    if check and done.returncode != 0:
        raise AssertionError(
            f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
        )
    return done


def eventually(check: t.Callable[[], t.Any], deadline: float, interval: float = 1.0) -> t.Any:
    """The first true answer of ``check``; raises AssertionError with its last one when the deadline (seconds) ends."""
    end = time.monotonic() + deadline
    answer: t.Any = None
    while time.monotonic() < end:
        try:
            answer = check()
        except AssertionError as exc:
            answer, error = None, exc
            if time.monotonic() + interval >= end:
                raise AssertionError(f"not within {deadline} s: {error}") from exc
        if answer:
            return answer
        time.sleep(interval)
    raise AssertionError(f"not within {deadline} s; last answer: {answer!r}")
