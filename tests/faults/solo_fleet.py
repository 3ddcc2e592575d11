# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fleet of one machine, what a run leaves on it, and runs that are killed on the way."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.e2e.driver import ROOT, Fleet, Run, eventually

INVENTORY = ROOT / "tests" / "faults" / "solo"

#: Directories of which names, modes and owners must be those of a clean run, nothing less and nothing more.
KEPT = (
    "/etc/kubernetes",
    "/etc/containerd",
    "/etc/systemd/system",
    "/etc/modules-load.d",
    "/etc/sysctl.d",
    "/etc/crictl.yaml",
    "/opt/cni/bin",
    "/usr/local/bin",
    "/var/lib/lodestar",
    "/var/lib/etcd",
    "/run/lodestar",
    "/root/.ansible/tmp",
)
#: Names in them that no two runs share.
_PASSING = r"\.(snap|wal|tmp|snap\.db)$"
KINDS = (
    *("namespaces", "serviceaccounts", "configmaps", "services", "daemonsets", "deployments", "nodes"),
    *("clusterroles", "clusterrolebindings", "roles", "rolebindings"),
    *("crds", "managedclusters", "managedclustersets", "clusterprofiles"),
)
#: Processes that hold the machine's lock: id and name, one a line.
HOLDERS = (
    'for f in /proc/[0-9]*/fd/*; do [ "$(readlink "$f")" = /run/lodestar.lock ] && p=${f#/proc/} && '
    'echo "${p%%/*} $(cat /proc/${p%%/*}/comm)"; done 2>/dev/null | sort -u'
)


@dataclass(frozen=True)
class Solo(Fleet):
    """The fleet of one machine."""

    def operator(self) -> None:
        """Gives the tests an identity in the cluster."""
        self.testbed("operator", "--definition", str(self.definition))

    def holders(self, machine: str = "s1") -> dict[str, str]:
        """Processes that hold the machine's lock, by their id: a module of ours and what it has started."""
        return dict(line.split() for line in self.on(machine, HOLDERS).splitlines())

    def begin(self, *arguments: str, playbook: str = "lodestar.platform.site") -> Background:
        """A run in the background, of the site unless another playbook is named."""
        return Background(self, arguments, playbook)

    def snapshot(self, machine: str = "s1") -> dict[str, list[str]]:
        """Names, modes and owners of what the platform keeps on a machine, and the names of what it made."""
        self.operator()
        files = self.on(
            machine, f"find {' '.join(KEPT)} -printf '%p %M %u\\n' 2>/dev/null | grep -vE '{_PASSING}' | sort"
        )
        columns = "custom-columns=K:.kind,NS:.metadata.namespace,N:.metadata.name"
        objects = self.kubectl("solo", "get", ",".join(KINDS), "-A", "--no-headers", "-o", columns)
        images = self.on(machine, "crictl images --no-trunc | tail -n +2 | awk '{print $1, $2, $3}'")
        return {
            "files": files.splitlines(),
            "objects": sorted(" ".join(line.split()) for line in objects.splitlines()),
            "images": sorted(images.splitlines()),
            "etcd members": self.members(),
            "holders": list(self.holders(machine)),
        }

    def members(self) -> list[str]:
        """Members of etcd."""
        return members(self, "s1")

    def tokens(self) -> list[str]:
        """What joining needs, and nobody else: bootstrap tokens and uploaded certificates."""
        kind = "type=bootstrap.kubernetes.io/token"
        tokens = self.kubectl("solo", "get", "secrets", "-n", "kube-system", "--field-selector", kind, "-o", "name")
        certs = self.kubectl("solo", "get", "secrets", "-n", "kube-system", "-o", "name")
        return [*tokens.split(), *(name for name in certs.split() if name.endswith("kubeadm-certs"))]

    def tokenless(self) -> bool:
        """Raises AssertionError with what is there of what joining needs."""
        left = self.tokens()
        assert left == [], left
        return True

    def rested(self) -> None:
        """Raises AssertionError unless nothing is left to do, and nothing is left over."""
        again = self.site().checked()
        assert again.changed == 0, again.output[-6000:]
        assert again.steps() == []
        # The token of a founding lives for a minute, and is then removed by a controller.
        eventually(self.tokenless, 150, 3)


def etcdctl(fleet: Fleet, machine: str, *arguments: str) -> str:
    """What etcdctl says on a control plane."""
    script = "crictl exec $(crictl ps -q --name '^etcd$') etcdctl --cacert /etc/kubernetes/pki/etcd/ca.crt"
    script += " --cert /etc/kubernetes/pki/etcd/server.crt --key /etc/kubernetes/pki/etcd/server.key "
    return fleet.on(machine, script + " ".join(arguments))


def members(fleet: Fleet, machine: str) -> list[str]:
    """Name of each member of etcd, whether it has started, and whether it learns, as the one of a machine says."""
    rows = [[cell.strip() for cell in line.split(",")] for line in etcdctl(fleet, machine, "member list").splitlines()]
    return sorted(f"{row[2]} {row[1]} learner={row[5]}" for row in rows)


def solo_fleet() -> Solo:
    """The suite's own."""
    return Solo("solo", ROOT / ".cache" / "testbed" / "solo", INVENTORY, INVENTORY.with_suffix(".yml"))


def overlay(directory: Path, files: t.Mapping[str, t.Any]) -> tuple[str, str]:
    """An inventory to be laid over the fleet's, as arguments of ansible-playbook.

    :param files: content by path: C(hosts.yml), C(host_vars/solo.yml).
    """
    for path, content in files.items():
        file = directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(yaml.safe_dump(content))
    return "-i", str(directory)


def in_containers(**variables: dict[str, t.Any]) -> dict[str, t.Any]:
    """What is declared for machines in containers, and more."""
    given = yaml.safe_load((INVENTORY / "group_vars" / "in_containers.yml").read_text())
    return {name: {**given.get(name, {}), **value} for name, value in variables.items()}


def second_machine(role: str) -> dict[str, t.Any]:
    """hosts.yml of an overlay in which s2 has a role: C(control_plane) or C(workers)."""
    hosts = {"s2": {"ansible_host": "{{ testbed.machines.s2.address }}"}}
    group = {f"solo_{role}": {"hosts": hosts}}
    return {"machines": {"children": {"solo_machines": {"children": group}}}}


class Background:
    """A run in the background; its output goes to a file, so that it never waits for a reader."""

    def __init__(self, fleet: Fleet, arguments: t.Sequence[str], playbook: str) -> None:
        command = ["ansible-playbook", "-i", str(fleet.inventory), playbook, *arguments]
        self._begin = time.monotonic()
        handle, name = tempfile.mkstemp(prefix="run-", dir=fleet.state)  # goes with the fleet
        self._output = Path(name)
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=fleet.environ, stdout=handle, stderr=subprocess.STDOUT, start_new_session=True
        )
        os.close(handle)

    @property
    def output(self) -> str:
        """What it has said so far."""
        return self._output.read_text(errors="replace")

    def ended(self, deadline: float = 900) -> Run:
        """The run, when it has ended by itself."""
        code = self.process.wait(deadline)
        return Run(code, self.output, time.monotonic() - self._begin)

    def kill(self) -> None:
        """SIGKILL to all of it at once: workers of Ansible have sessions of their own, so their group is not enough."""
        stopped: set[int] = set()
        while left := {self.process.pid, *descendants(self.process.pid)} - stopped:
            for pid in left:
                signalled(pid, signal.SIGSTOP)
            stopped |= left
        for pid in stopped:
            signalled(pid, signal.SIGKILL)
        self.process.wait(30)


def signalled(pid: int, number: signal.Signals) -> None:
    """Sends a signal, unless the process has ended."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def descendants(pid: int) -> set[int]:
    """Every process that a process has started, and that those have."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    found: set[int] = set()
    wanted = {pid}
    while wanted:
        wanted = {child for child, parent in parents.items() if parent in wanted} - found
        found |= wanted
    return found
