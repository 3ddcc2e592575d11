# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a check is, and what it gets and gives. Pure. Private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t
from dataclasses import dataclass, field

from .facts import Facts

ERROR, WARNING = "error", "warning"


@dataclass(frozen=True)
class Limits:
    """What is enough. The defaults are those of the role's variables.

    :param cpus: of a control plane (C(kubeadm) preflight NumCPU), and of a worker, of which kubeadm asks nothing.
    :param memory_mib: likewise (C(kubeadm) preflight Mem: 1700 MiB of a control plane).
    :param free_mib: MiB that a machine which joins needs free below each path: the images of the bundle, etcd with its
        default quota of 2 GiB, logs and programs. Paths on one file system need the sum.
    :param low_mib: MiB below which nothing can be written reliably, on any machine.
    :param inodes_percent: free inodes, below which a kubelet evicts pods (nodefs.inodesFree).
    :param time_skew: seconds between two clocks; etcd complains about its peers' from one second on.
    :param etcd_latency_ms: between control planes; a tenth of etcd's heartbeat interval of 100 ms.
    :param latency_ms: between other machines of a cluster.
    """

    control_plane_cpus: int = 2
    worker_cpus: int = 1
    control_plane_memory_mib: int = 1700
    worker_memory_mib: int = 900
    free_mib: t.Mapping[str, int] = field(
        default_factory=lambda: {
            "/var/lib/containerd": 4096,
            "/var/lib/kubelet": 1024,
            "/var/lib/etcd": 2048,
            "/var/log": 512,
            "/usr/local/bin": 768,
            "/opt/cni/bin": 128,
        }
    )
    low_mib: int = 512
    inodes_percent: int = 5
    time_skew: float = 1.0
    etcd_latency_ms: float = 10.0
    latency_ms: float = 100.0


@dataclass(frozen=True)
class Subject:
    """A machine of the run, and what is known about it.

    :param cluster: its cluster's entry in the fleet; C(machine) its own.
    :param facts: C(None) where nothing could be seen.
    :param trouble: why the look failed: C(unreachable), C(not run) (no module ran there as root) or C(refused) (it did,
        and says no), and empty where it did not.
    :param message: what was said then.
    :param offset: lower and upper bound of its clock less the controller's, in seconds.
    :param bundle_architecture: what the bundle is made for.
    :param listening: ports on which it answered as C(reach) asked it to; C(None) when it was not asked.
    :param probes: what it saw of others, as C(reach) returns it; C(None) when it was not asked.
    """

    cluster: t.Mapping[str, t.Any]
    machine: t.Mapping[str, t.Any]
    facts: Facts | None = None
    trouble: str = ""
    message: str = ""
    offset: tuple[float, float] | None = None
    bundle_architecture: str | None = None
    listening: tuple[int, ...] | None = None
    probes: tuple[t.Mapping[str, t.Any], ...] | None = None

    @property
    def name(self) -> str:
        """The inventory name."""
        return str(self.machine["name"])

    @property
    def is_control_plane(self) -> bool:
        """By declaration."""
        return bool(self.machine["role"] == "control_plane")

    @property
    def member(self) -> bool:
        """It belongs to a cluster already."""
        return self.facts is not None and self.facts.member

    @property
    def kubelet_config(self) -> t.Mapping[str, t.Any]:
        """What the operator has declared for the kubelets of its cluster."""
        return self.cluster.get("kubelet_config") or {}


@dataclass(frozen=True)
class Run:
    """All machines of a run, by name, with the limits that hold for them."""

    subjects: t.Mapping[str, Subject]
    limits: Limits

    def others(self, subject: Subject, same_cluster: bool = False) -> list[Subject]:
        """The other machines that were seen."""
        return [
            other
            for other in self.subjects.values()
            if other.name != subject.name
            and other.facts is not None
            and (not same_cluster or other.cluster["name"] == subject.cluster["name"])
        ]


@dataclass(frozen=True)
class Verdict:
    """What a check says of a machine.

    :param seen: what is there; C(needed) what must be; C(remedy) what to do about it, in the imperative.
    """

    passed: bool
    seen: str
    needed: str
    remedy: str


#: C(None): the check has nothing to say about this machine.
Examine: t.TypeAlias = "t.Callable[[Subject, Run], Verdict | None]"
OfFacts: t.TypeAlias = "t.Callable[[Subject, Facts, Limits], Verdict | None]"


@dataclass(frozen=True)
class Check:
    """One check.

    :param id: what an operator names to skip it.
    :param severity: C(error) stops the run, C(warning) is told.
    :param title: what must hold.
    :param source: who says so, or what breaks otherwise.
    :param always: also of machines that belong to a cluster; other checks are for those that are to join.
    """

    id: str
    severity: str
    title: str
    source: str
    examine: Examine
    always: bool = False


def local(check_id: str, severity: str, title: str, source: str, examine: OfFacts, always: bool = False) -> Check:
    """A check of a machine by itself."""

    def of_facts(subject: Subject, run: Run) -> Verdict | None:
        return None if subject.facts is None else examine(subject, subject.facts, run.limits)

    return Check(check_id, severity, title, source, of_facts, always)


@dataclass(frozen=True)
class Finding:
    """A verdict with its check and machine, as it is told and returned."""

    machine: str
    check: str
    severity: str
    status: str
    seen: str = ""
    needed: str = ""
    remedy: str = ""

    def as_dict(self) -> dict[str, str]:
        """Plain data."""
        return dataclasses.asdict(self)


PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"
