# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every check has a machine that fails it and one that passes it, and the documentation lists every check."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.machine.preflight import judge, registry, support
from ansible_collections.lodestar.platform.plugins.module_utils.machine.preflight.facts import PATHS, Listener, Unit
from ansible_collections.lodestar.platform.plugins.module_utils.machine.preflight.model import (
    ERROR,
    FAILED,
    PASSED,
    WARNING,
    Limits,
    Subject,
)
from ansible_collections.lodestar.platform.tests.unit.machine.preflight.machines import (
    GIB,
    facts,
    filesystem,
    probe,
    subject,
)

ROOT = Path(__file__).resolve().parents[4]
MIB = 1024**2


def disk(path: str, **changes: t.Any) -> list[t.Any]:
    """File systems of a machine where one path has its own."""
    return [filesystem(item, **({"mount": item, **changes} if item == path else {})) for item in PATHS]


def units(**changes: Unit) -> dict[str, Unit]:
    return {**facts().units, **changes}


@dataclass(frozen=True)
class Case:
    """A machine that fails a check, one that passes it, and what is said of the first."""

    failing: Subject
    passing: Subject
    seen: str
    others: tuple[Subject, ...] = ()
    remedy: str = ""
    limits: dict[str, t.Any] = field(default_factory=dict)


OURS = "/usr/local/bin/kubelet"
MEMBER = {"member": True, "prepared": True}
FOREIGN_KUBELET = Unit(False, "/lib/systemd/system/kubelet.service")
OUR_KUBELET = Unit(True, "/etc/systemd/system/kubelet.service")
DOCKER = Unit(True, "/lib/systemd/system/docker.service")
RUNC = {"SystemdCgroup": False}
RUNTIME = {"io.containerd.cri.v1.runtime": {"containerd": {"runtimes": {"runc": {"options": RUNC}}}}}
NAMED = {"endpoint": {"address": "api.example.org", "port": 6443, "provider": "external", "interface": None}}
FAR = {"endpoint": {"address": "198.51.100.9", "port": 6443, "provider": "kube_vip", "interface": None}}
V1 = ["cpu", "cpuacct", "cpuset", "devices", "freezer", "memory", "pids"]
TOLD = {"kubelet_config": {"failSwapOn": False, "failCgroupV1": False}}

CASES: dict[str, Case] = {
    "reached": Case(
        subject(unseen=True, trouble="unreachable", message="timed out"), subject(), "timed out", remedy="without it"
    ),
    "sudo": Case(
        subject(unseen=True, trouble="not run", message="Missing sudo password"),
        subject(),
        "Missing sudo password",
        remedy="without a password",
    ),
    "time-skew": Case(
        subject("e1", offset=(3.0, 3.4)),
        subject("e1", offset=(0.2, 1.9)),
        "2.5 s from e2",
        (subject("e2", offset=(0.1, 0.5)), subject("e3", offset=(0.1, 0.4))),
    ),
    "reach": Case(
        subject("e1", probes=(probe("e2"), probe("e2", "timeout", 2379, None))),
        subject("e1", probes=(probe("e2"), probe("e2", "open", 2379))),
        "to e2 2379 kubelet: timeout",
        (subject("e2", listening=(10250,)),),
        remedy="firewalls",
    ),
    "reach-others": Case(
        subject("e1", probes=(probe("e3", "Connection refused", ms=None),)),
        subject("e1", probes=(probe("e3", "open"),)),
        "e3 10250 kubelet: Connection refused",
        (subject("e2"),),
    ),
    "latency": Case(
        subject("e1", probes=(probe("e2", ms=25.0), probe("e2", ms=31.0))),
        subject("e1", probes=(probe("e2", ms=25.0), probe("e2", ms=2.0), probe("w1", ms=60.0))),
        "25.0 ms to e2",
        (subject("e2"), subject("w1")),
    ),
    "root": Case(subject(uid=1000), subject(), "user id 1000", remedy="ansible_become"),
    "node-ip": Case(subject(addresses=[]), subject(), "addresses unknown", remedy="ansible_host"),
    "python": Case(subject(python=[3, 9]), subject(python=[3, 13]), "Python 3.9"),
    "systemd": Case(subject(systemd=False), subject(), "does not run"),
    "architecture": Case(
        subject(architecture="arm64"), subject(architecture="arm64", bundle_architecture="arm64"), "arm64"
    ),
    "os-tested": Case(
        subject(os={"id": "ubuntu", "version": "24.04", "name": "Ubuntu 24.04.1 LTS"}),
        subject(os={"id": "debian", "version": "12.5", "name": "Debian"}),
        "Ubuntu 24.04.1 LTS, which should work but is untested",
        remedy="docs/support.md",
    ),
    "kernel": Case(subject(kernel="5.12.19"), subject(kernel="5.13.0"), "Linux 5.12.19"),
    "cpu": Case(subject("e1", cpus=1), subject("w1", cpus=1), "1 CPU"),
    "memory": Case(subject("e1", memory=1699 * MIB), subject("w1", memory=900 * MIB), "1699 MiB"),
    "disk-space": Case(
        subject("e1", filesystems=[filesystem(path, free=8 * GIB) for path in PATHS]),
        subject("w1", filesystems=[filesystem(path, free=8 * GIB) for path in PATHS]),
        "8192 MiB free on /",
    ),
    "disk-low": Case(
        subject("e1", **MEMBER, filesystems=disk("/var/lib/etcd", free=100 * MIB)),
        subject("w1", **MEMBER, filesystems=disk("/var/lib/etcd", free=100 * MIB)),
        "100 MiB free on /var/lib/etcd",
    ),
    "inodes": Case(
        subject(filesystems=disk("/var/log", inodes=1000, inodes_free=49)),
        subject(filesystems=disk("/var/log", inodes=0, inodes_free=0)),
        "4 % of the inodes free on /var/log",
    ),
    "mount-noexec": Case(
        subject(filesystems=disk("/opt/cni/bin", options=["rw", "noexec"])),
        subject(filesystems=disk("/var/log", options=["rw", "noexec"])),
        "/opt/cni/bin is mounted noexec",
    ),
    "mount-read-only": Case(
        subject(filesystems=disk("/var/log", options=["ro"])), subject(), "/var/log is mounted read-only"
    ),
    "swap": Case(
        subject(swap=["/dev/sda2"]), subject(swap=["/dev/sda2"], declared=TOLD), "/dev/sda2", remedy="failSwapOn"
    ),
    "cgroup-version": Case(
        subject(cgroup=1, controllers=V1),
        subject(cgroup=1, declared={"version": "1.34.4"}),
        "cgroup v1",
        remedy="failCgroupV1",
    ),
    "cgroup-driver": Case(
        subject(declared={"containerd_config": {"plugins": RUNTIME}}),
        subject(declared={"containerd_config": {"plugins": RUNTIME}, "kubelet_config": {"cgroupDriver": "cgroupfs"}}),
        "the kubelet uses systemd, containerd cgroupfs",
    ),
    "cgroup-manager": Case(
        subject(declared={"kubelet_config": {"cgroupDriver": "cgroupfs"}}), subject(), "cgroup driver cgroupfs"
    ),
    "cgroup-controllers": Case(
        subject(controllers=["cpu", "cpuset", "pids"]), subject(), "memory is off", remedy="cgroup_enable"
    ),
    "kernel-modules": Case(
        subject(modules={"overlay": "loaded", "ip_set": "absent"}), subject(), "the kernel has no ip_set"
    ),
    "sysctls": Case(subject(sysctls={"net.ipv4.ip_forward": None}), subject(), "the kernel has no net.ipv4.ip_forward"),
    "sysctl-overrides": Case(
        subject(overrides={"net.ipv4.ip_forward": {"path": "/etc/sysctl.d/99-x.conf", "value": "0"}}),
        subject(),
        "/etc/sysctl.d/99-x.conf sets net.ipv4.ip_forward to 0",
    ),
    "commands": Case(subject(missing_commands=["conntrack"]), subject(), "conntrack missing"),
    "selinux": Case(subject(selinux="enforcing"), subject(selinux="permissive"), "SELinux enforcing"),
    "hostname": Case(subject(hostname="Web_1"), subject(hostname="web-1.example.org"), "Web_1"),
    "hostname-unique": Case(
        subject("e1", hostname="e2"), subject("e1"), "e2, also of e2", (subject("e2", **MEMBER), subject("w1"))
    ),
    "machine-id": Case(subject(machine_id="uninitialized"), subject(), "uninitialized"),
    "machine-id-unique": Case(
        subject("e1", machine_id="0" * 32),
        subject("e1", machine_id="1" * 32),
        f"{'0' * 32}, also of w1",
        (subject("w1", machine_id="0" * 32), subject("w2", machine_id="f" * 32)),
    ),
    "default-route": Case(subject(default_routes=[6]), subject(default_routes=[4, 6]), "IPv6"),
    "resolver": Case(
        subject(resolver={"path": "/etc/resolv.conf", "exists": True, "loopback": ["127.0.0.53"]}),
        subject(),
        "/etc/resolv.conf names 127.0.0.53",
        remedy="resolvConf",
    ),
    "endpoint-name": Case(
        subject(declared=NAMED, endpoint_addresses=[]),
        subject(declared=NAMED, endpoint_addresses=["192.0.2.10"]),
        "api.example.org is unknown",
    ),
    "endpoint-subnet": Case(subject("e1", declared=FAR), subject("e1"), "endpoint 198.51.100.9"),
    "subnet": Case(
        subject("e1", addresses=[{"address": "192.0.2.11", "prefix": 28, "interface": "eth0"}]),
        subject("e1"),
        "w1 in another subnet than 192.0.2.0/28",
        (subject("e2"), subject("w1")),
    ),
    "ports": Case(
        subject(prepared=True, listeners=[Listener(10250, "::", "/usr/bin/kubelet", False)]),
        subject(prepared=True, listeners=[Listener(10250, "::", OURS, False), Listener(6443, "::", "/k", True)]),
        "/usr/bin/kubelet listens on 10250",
    ),
    "leftovers": Case(
        subject(prepared=True, remains=["/etc/kubernetes/pki", "/var/lib/rancher"]),
        subject(prepared=True, remains=["/etc/kubernetes/pki", "interface kube-bridge"]),
        "/var/lib/rancher",
        remedy="Reset",
    ),
    "foreign-kubelet": Case(
        subject(units=units(kubelet=FOREIGN_KUBELET)),
        subject(prepared=True, units=units(kubelet=OUR_KUBELET)),
        "kubelet (/lib/systemd/system/kubelet.service)",
    ),
    "foreign-runtime": Case(
        subject(prepared=True, units=units(docker=DOCKER)),
        subject(prepared=True, units=units(docker=Unit(False, DOCKER.path))),
        "docker (/lib/systemd/system/docker.service, active)",
    ),
    "firewall": Case(subject(units=units(ufw=Unit(True, "/lib/systemd/system/ufw.service"))), subject(), "ufw"),
}


def verdict(check_id: str, case: Case, which: Subject) -> t.Any:
    found = judge.findings([which, *case.others], Limits(**case.limits))
    (mine,) = [item for item in found if item.machine == which.name and item.check == check_id]
    return mine


def test_every_check_has_its_machines() -> None:
    assert set(CASES) == set(registry.IDS)
    assert len(set(registry.IDS)) == len(registry.IDS)


@pytest.mark.parametrize("check_id", registry.IDS)
def test_a_machine_fails_it_and_another_passes(check_id: str) -> None:
    case = CASES[check_id]
    bad, good = verdict(check_id, case, case.failing), verdict(check_id, case, case.passing)
    assert (bad.status, good.status) == (FAILED, PASSED)
    assert case.seen in bad.seen
    assert case.remedy in bad.remedy
    assert all((bad.needed, bad.remedy, good.seen, good.needed)), "what was seen, needed and to do is always told"
    assert not bad.remedy.endswith(".")


@pytest.mark.parametrize("check_id", registry.IDS)
def test_a_failing_machine_fails_nothing_else(check_id: str) -> None:
    """A finding is told once: what else fails by the same cause is named here."""
    same_cause = {
        "disk-low": {"disk-space"},
        "hostname-unique": set(),
        "root": set(),
    }
    case = CASES[check_id]
    found = judge.findings([case.failing, *case.others], Limits())
    mine = {item.check for item in judge.failed(found) if item.machine == case.failing.name}
    assert mine - same_cause.get(check_id, set()) == {check_id}


@pytest.mark.parametrize("check_id", registry.IDS)
def test_it_can_be_skipped(check_id: str) -> None:
    case = CASES[check_id]
    case.failing.machine["preflight_skip"].append(check_id)
    try:
        assert verdict(check_id, case, case.failing).status == "skipped"
    finally:
        case.failing.machine["preflight_skip"].clear()


def rows(page: str) -> list[list[str]]:
    lines = (ROOT / "docs" / page).read_text().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if line.startswith("| ")]
    return [[cell.strip() for cell in row] for row in cells]


def test_the_documentation_lists_every_check() -> None:
    """docs/preflight.md has the registry's own words, in its order."""
    written = [row for row in rows("preflight.md") if re.fullmatch(r"`[a-z-]+`", row[0]) and row[1] in (ERROR, WARNING)]
    assert written == [
        [f"`{check.id}`", check.severity, "all" if check.always else "new", check.title, check.source]
        for check in registry.CHECKS
    ]


def test_the_support_matrix_is_documented() -> None:
    written = rows("support.md")
    for item in support.SYSTEMS:
        assert [item.name, item.kernels, f"tested {item.how}" if item.tested else "untested"] in written
    for architecture, tested in support.ARCHITECTURES.items():
        assert [f"`{architecture}`", "tested" if tested else "untested"] in written
    for version, tested in support.CGROUPS.items():
        assert [f"cgroup v{version}", "tested" if tested else "untested"] in written
    assert [f"Linux {'.'.join(map(str, support.OLDEST_KERNEL))} or newer", "required"] in written
    assert [support.RUNTIME, "tested"] in written
