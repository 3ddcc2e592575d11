# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of hardware, system and kernel. Pure. Private to the collection."""

from __future__ import annotations

import typing as t

from .. import files, kubeadm, place
from . import support
from .facts import EXECUTABLE_PATHS, PATHS, Facts
from .model import ERROR, WARNING, Limits, Subject, Verdict, local

_MIB = 1024 * 1024
#: Of cgroup v2 the kernel itself has no controllers for devices and the freezer any more.
_CONTROLLERS = {
    1: ("cpu", "cpuacct", "cpuset", "devices", "freezer", "memory", "pids"),
    2: ("cpu", "cpuset", "memory", "pids"),
}
_OLDEST_PYTHON = (3, 11)
#: From this minor on a kubelet does not start on cgroup v1 unless it is told to.
_REFUSES_CGROUP_V1 = 35


def _root(subject: Subject, facts: Facts, limits: Limits) -> Verdict:
    remedy = "Set ansible_become: true, and allow the connection's user to become root without a password"
    return Verdict(facts.uid == 0, f"user id {facts.uid}", "root", remedy)


def _place(subject: Subject, facts: Facts, limits: Limits) -> Verdict:
    here = sorted(str(item["address"]) for item in facts.addresses)
    problem = place.reached_wrong_machine(subject.machine, here)
    seen = f"addresses {', '.join(here) or 'unknown'}"
    needed = f"node_ip {subject.machine['node_ip']}"
    return Verdict(problem is None, seen, needed, problem.remedy if problem else "")


def _python(subject: Subject, facts: Facts, limits: Limits) -> Verdict:
    needed = ".".join(map(str, _OLDEST_PYTHON))
    remedy = "Install a newer Python, and set ansible_python_interpreter to it"
    seen = ".".join(map(str, facts.python))
    return Verdict(tuple(facts.python) >= _OLDEST_PYTHON, f"Python {seen}", f"Python {needed} or newer", remedy)


def _architecture(subject: Subject, facts: Facts, limits: Limits) -> Verdict:
    made_for = subject.bundle_architecture
    known = [made_for] if made_for else list(support.ARCHITECTURES)
    remedy = "Take another machine, or make a bundle for this architecture"
    needed = f"{' or '.join(known)}" + (", the bundle's" if made_for else "")
    return Verdict(facts.architecture in known, facts.architecture, needed, remedy)


def _system(subject: Subject, facts: Facts, limits: Limits) -> Verdict:
    entry = support.system_of(facts.os)
    seen = facts.os["name"] + (", which should work but is untested" if entry and not entry.tested else "")
    tested = ", ".join(item.name for item in support.SYSTEMS if item.tested)
    remedy = "Try it on a machine that you can lose, and skip this check then; docs/support.md has the matrix"
    return Verdict(entry is not None and entry.tested, seen, f"a tested system: {tested}", remedy)


def _kernel(subject: Subject, facts: Facts, limits: Limits) -> Verdict:
    version = support.kernel_version(facts.kernel)
    needed = ".".join(map(str, support.OLDEST_KERNEL))
    passed = version is not None and version >= support.OLDEST_KERNEL
    return Verdict(passed, f"Linux {facts.kernel}", f"Linux {needed} or newer", "Boot a newer kernel")


def _cpus(subject: Subject, facts: Facts, limits: Limits) -> Verdict:
    needed = limits.control_plane_cpus if subject.is_control_plane else limits.worker_cpus
    return Verdict(facts.cpus >= needed, f"{facts.cpus} CPU", f"{needed} CPU", "Give the machine more CPUs")


def _memory(subject: Subject, facts: Facts, limits: Limits) -> Verdict:
    needed = limits.control_plane_memory_mib if subject.is_control_plane else limits.worker_memory_mib
    seen = facts.memory // _MIB
    return Verdict(seen >= needed, f"{seen} MiB", f"{needed} MiB", "Give the machine more memory")


def paths_of(subject: Subject) -> list[str]:
    """Where Kubernetes writes on this machine."""
    return [path for path, only in PATHS.items() if subject.is_control_plane or not only]


def _space(subject: Subject, facts: Facts, limits: Limits) -> Verdict | None:
    if facts.prepared:
        # An interrupted run has used a part of the room already.
        return None
    needed: dict[str, int] = {}
    paths: dict[str, list[str]] = {}
    own = paths_of(subject)
    held = {item.mount: item for item in facts.filesystems}
    for item in facts.filesystems:
        if item.path in own and limits.free_mib.get(item.path):
            needed[item.mount] = needed.get(item.mount, 0) + limits.free_mib[item.path]
            paths.setdefault(item.mount, []).append(item.path)
    short = [mount for mount, mib in needed.items() if held[mount].free // _MIB < mib]
    shown = short or list(needed)
    seen = ", ".join(f"{held[mount].free // _MIB} MiB free on {mount}" for mount in shown)
    wanted = ", ".join(f"{needed[mount]} MiB on {mount} for {', '.join(paths[mount])}" for mount in shown)
    return Verdict(not short, seen, wanted, "Make room, or put these paths on a larger file system")


def _low_space(subject: Subject, facts: Facts, limits: Limits) -> Verdict:
    own = paths_of(subject)
    free = {item.mount: item.free // _MIB for item in facts.filesystems if item.path in own}
    low = [mount for mount, mib in free.items() if mib < limits.low_mib]
    seen = ", ".join(f"{free[mount]} MiB free on {mount}" for mount in low or free)
    return Verdict(not low, seen, f"{limits.low_mib} MiB", "Make room: nothing can be written reliably")


def _inodes(subject: Subject, facts: Facts, limits: Limits) -> Verdict:
    own = paths_of(subject)
    held = {item.mount: item for item in facts.filesystems if item.path in own and item.inodes}
    free = {mount: item.inodes_free * 100 // item.inodes for mount, item in held.items()}
    low = [mount for mount, percent in free.items() if percent < limits.inodes_percent]
    seen = ", ".join(f"{free[mount]} % of the inodes free on {mount}" for mount in low or free) or "no fixed number"
    return Verdict(not low, seen, f"{limits.inodes_percent} %", "Remove small files, or make a larger file system")


def _mounted_with(subject: Subject, facts: Facts, option: str, paths: t.Collection[str]) -> list[str]:
    own = set(paths_of(subject)) & set(paths)
    return sorted({item.mount for item in facts.filesystems if item.path in own and option in item.options})


def _noexec(subject: Subject, facts: Facts, limits: Limits) -> Verdict:
    found = _mounted_with(subject, facts, "noexec", EXECUTABLE_PATHS)
    seen = f"{', '.join(found)} is mounted noexec" if found else "no noexec"
    remedy = "Mount it without noexec, or put these paths on a file system of their own"
    return Verdict(not found, seen, f"programs can be started from {', '.join(EXECUTABLE_PATHS)}", remedy)


def _read_only(subject: Subject, facts: Facts, limits: Limits) -> Verdict:
    found = _mounted_with(subject, facts, "ro", PATHS)
    seen = f"{', '.join(found)} is mounted read-only" if found else "writable"
    return Verdict(
        not found, seen, "writable file systems", "Mount it read-write; a damaged one must be repaired first"
    )


def _swap(subject: Subject, facts: Facts, limits: Limits) -> Verdict:
    tolerated = not subject.kubelet_config.get("failSwapOn", True)
    seen = ", ".join(facts.swap) or "no swap"
    remedy = "Turn it off (swapoff, /etc/fstab), or set failSwapOn: false in kubelet_config"
    return Verdict(tolerated or not facts.swap, seen, "no swap, or a kubelet that is told to run with it", remedy)


def _minor(cluster: t.Mapping[str, t.Any]) -> int:
    return int(str(cluster["version"]).split(".")[1])


def _cgroup_version(subject: Subject, facts: Facts, limits: Limits) -> Verdict:
    version = subject.cluster["version"]
    fails = subject.kubelet_config.get("failCgroupV1", _minor(subject.cluster) >= _REFUSES_CGROUP_V1)
    remedy = "Boot with cgroup v2 (systemd.unified_cgroup_hierarchy=1), or set failCgroupV1: false in kubelet_config"
    needed = f"v2 for a kubelet of {version}, or one that is told to run with v1"
    return Verdict(facts.cgroup == 2 or not fails, f"cgroup v{facts.cgroup}", needed, remedy)


def _declared_for_runc(cluster: t.Mapping[str, t.Any], option: str) -> t.Any:
    """An option of runc in the operator's deviations from containerd's configuration, C(None) when it is not there."""
    found: t.Any = cluster.get("containerd_config")
    for key in ("plugins", "io.containerd.cri.v1.runtime", "containerd", "runtimes", "runc", "options", option):
        found = found.get(key) if isinstance(found, t.Mapping) else None
    return found


def _cgroup_driver(subject: Subject, facts: Facts, limits: Limits) -> Verdict:
    kubelet = kubeadm.kubelet_configuration(subject.cluster)
    ours = "systemd" if files.uses_systemd_cgroups(kubelet) else "cgroupfs"
    declared = _declared_for_runc(subject.cluster, "SystemdCgroup")
    theirs = ours if declared is None else "systemd" if declared else "cgroupfs"
    remedy = "Set cgroupDriver in kubelet_config only; containerd_config follows it"
    return Verdict(ours == theirs, f"the kubelet uses {ours}, containerd {theirs}", "the same for both", remedy)


def _cgroup_manager(subject: Subject, facts: Facts, limits: Limits) -> Verdict | None:
    if facts.contained:
        return None
    driver = kubeadm.kubelet_configuration(subject.cluster)["cgroupDriver"]
    remedy = "Leave cgroupDriver at systemd: two managers of one hierarchy are unstable under load"
    needed = "systemd, which manages the machine's cgroups"
    return Verdict(driver == "systemd", f"cgroup driver {driver}", needed, remedy)


def _controllers(subject: Subject, facts: Facts, limits: Limits) -> Verdict:
    needed = _CONTROLLERS[facts.cgroup]
    off = [name for name in needed if name not in facts.controllers]
    seen = f"{', '.join(off)} is off" if off else "all are on"
    remedy = "Switch them on (kernel command line, such as cgroup_enable=memory)"
    return Verdict(not off, seen, f"controllers {', '.join(needed)}", remedy)


def _modules(subject: Subject, facts: Facts, limits: Limits) -> Verdict | None:
    absent = [name for name, state in facts.modules.items() if state == "absent"]
    if facts.contained:
        return None
    seen = f"the kernel has no {', '.join(absent)}" if absent else "loaded or loadable"
    remedy = "Install the package with the kernel's further modules, or another kernel"
    return Verdict(not absent, seen, f"modules {', '.join(facts.modules)}", remedy)


def _sysctls(subject: Subject, facts: Facts, limits: Limits) -> Verdict:
    # Those of bridges come with br_netfilter, which is loaded when the machine is prepared.
    lacking = [key for key, value in facts.sysctls.items() if value is None and not key.startswith("net.bridge.")]
    seen = f"the kernel has no {', '.join(lacking)}" if lacking else "can be set"
    return Verdict(not lacking, seen, f"settings {', '.join(facts.sysctls)}", "Boot a kernel that has them")


def _overrides(subject: Subject, facts: Facts, limits: Limits) -> Verdict:
    found = [f"{item['path']} sets {key} to {item['value']}" for key, item in facts.overrides.items()]
    remedy = "Remove the setting there: it would undo ours at the next boot"
    return Verdict(not found, "; ".join(found) or "nothing", "no other file that sets them after ours", remedy)


def _systemd(subject: Subject, facts: Facts, limits: Limits) -> Verdict:
    seen = "systemd runs" if facts.systemd else "systemd does not run here"
    return Verdict(facts.systemd, seen, "systemd as the first process", "Use a machine with systemd")


def _commands(subject: Subject, facts: Facts, limits: Limits) -> Verdict:
    seen = f"{', '.join(facts.missing_commands)} missing" if facts.missing_commands else "all are there"
    remedy = "Install the packages that hold them"
    return Verdict(not facts.missing_commands, seen, "the commands that Kubernetes calls", remedy)


def _selinux(subject: Subject, facts: Facts, limits: Limits) -> Verdict:
    remedy = "Try it on a machine that you can lose, or set SELinux to permissive"
    seen = f"SELinux {facts.selinux}" if facts.selinux else "no SELinux"
    return Verdict(facts.selinux != "enforcing", seen, "a tested setting: none or permissive", remedy)


_WRITES = "where Kubernetes writes"
CHECKS = (
    local("root", ERROR, "Modules run as root", "Files, services and kernel settings are root's", _root, always=True),
    local(
        "node-ip",
        ERROR,
        "The machine that answers has the address of the inventory",
        "Another machine would be changed",
        _place,
        always=True,
    ),
    local(
        "python",
        ERROR,
        "Python is new enough for the modules",
        "What the modules are written for",
        _python,
        always=True,
    ),
    local(
        "systemd",
        ERROR,
        "systemd manages the services",
        "The units of containerd and the kubelet",
        _systemd,
        always=True,
    ),
    local(
        "architecture",
        ERROR,
        "The bundle has programs for the architecture",
        "docs/support.md",
        _architecture,
        always=True,
    ),
    local("os-tested", WARNING, "The operating system is one that is tested", "docs/support.md", _system),
    local(
        "kernel",
        ERROR,
        "The kernel is new enough",
        "kube-proxy in the mode nftables; kubeadm SystemVerification",
        _kernel,
    ),
    local("cpu", ERROR, "Enough CPUs", "kubeadm NumCPU", _cpus),
    local("memory", ERROR, "Enough memory", "kubeadm Mem", _memory),
    local(
        "disk-space",
        ERROR,
        f"Room for images, etcd and logs {_WRITES}",
        "The sizes of the bundle, and etcd's default quota",
        _space,
    ),
    local(
        "disk-low",
        ERROR,
        f"A little room is left {_WRITES}",
        "etcd and the kubelet fail on a full disk",
        _low_space,
        always=True,
    ),
    local(
        "inodes", ERROR, f"Inodes are left {_WRITES}", "Kubelet eviction signal nodefs.inodesFree", _inodes, always=True
    ),
    local(
        "mount-noexec",
        ERROR,
        "Programs and containers can be started where they are",
        "runc and CNI plugins fail with permission denied",
        _noexec,
        always=True,
    ),
    local(
        "mount-read-only",
        ERROR,
        f"File systems are writable {_WRITES}",
        "A read-only remount after an error",
        _read_only,
        always=True,
    ),
    local(
        "swap", ERROR, "No swap, or a kubelet that tolerates it", "kubeadm Swap; kubelet failSwapOn", _swap, always=True
    ),
    local(
        "cgroup-version",
        ERROR,
        "The kubelet runs with this version of cgroups",
        "Kubelet failCgroupV1, true since 1.35",
        _cgroup_version,
        always=True,
    ),
    local(
        "cgroup-driver",
        ERROR,
        "Kubelet and runtime use the same cgroup driver",
        "Kubernetes documentation, container runtimes",
        _cgroup_driver,
        always=True,
    ),
    local(
        "cgroup-manager",
        WARNING,
        "systemd is the only manager of cgroups",
        "Kubernetes documentation, container runtimes",
        _cgroup_manager,
    ),
    local(
        "cgroup-controllers", ERROR, "The cgroup controllers of pods are on", "kubeadm SystemVerification", _controllers
    ),
    local(
        "kernel-modules",
        ERROR,
        "The kernel has the modules of runtime, kube-proxy and CNI",
        "overlay, br_netfilter, connection tracking, ipset",
        _modules,
    ),
    local("sysctls", ERROR, "The kernel has the settings of pod networks", "kubeadm FileContent checks", _sysctls),
    local(
        "sysctl-overrides",
        WARNING,
        "No other file undoes our kernel settings at boot",
        "sysctl.d(5), the order of files",
        _overrides,
    ),
    local(
        "commands",
        ERROR,
        "The commands that Kubernetes calls are there",
        "kubeadm InPath checks",
        _commands,
        always=True,
    ),
    local("selinux", WARNING, "SELinux is not enforcing", "Untested with this collection", _selinux),
)
