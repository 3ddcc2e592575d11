# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the facts of this machine: the one place of preflight that looks at it. Changes nothing, and never fails for
what is missing or may not be read, since just that is to be told. Private to the collection."""

from __future__ import annotations

import contextlib
import glob
import os
import socket
import sys
import time
import typing as t

from ...errors import PlatformError
from .. import files, host, kernel, paths, place
from . import needs, parse
from .facts import FIREWALLS, KUBELETS, PATHS, RUNTIMES, Facts, Filesystem, Listener, Unit
from .listener import UNIT_PREFIX

#: What kubeadm, the kubelet, kube-proxy and the CNI call.
_COMMANDS = ("conntrack", "iptables", "ip", "mount", "nsenter", "ethtool", "modprobe")
_DIRECTORIES = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
#: Besides what this collection loads: connection tracking of kube-proxy, and the sets of kube-router.
_MODULES = (*files.KERNEL_MODULES, "nf_conntrack", "ip_set", "xt_set")
_SYSCTL_DIRECTORIES = ("/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d")
#: Written when a machine is prepared, before anything of Kubernetes is there.
OUR_SYSCTLS = "/etc/sysctl.d/90-lodestar.conf"
_REMAINS = (
    f"{paths.MANIFESTS}/*.yaml",
    paths.PKI,
    f"{paths.KUBERNETES}/*.conf",
    f"{paths.ETCD_DATA}/member",
    paths.KUBELET_CONFIG,
    "/var/lib/kubelet/pki",
    *(f"/etc/cni/net.d/*.{suffix}" for suffix in ("conf", "conflist", "json")),  # what a runtime reads of it
    "/etc/rancher",
    "/var/lib/rancher",
    "/etc/k0s",
    "/var/lib/k0s",
    "/var/snap/microk8s",
)
#: Of kube-router, flannel, Calico, Cilium, Weave, Antrea and the node-local DNS cache.
_INTERFACES = ("kube-bridge", "cni0", "flannel.1", "vxlan.calico", "cilium_host", "weave", "antrea-gw0", "nodelocaldns")


def observe(cluster: t.Mapping[str, t.Any], machine: t.Mapping[str, t.Any], began: float) -> Facts:
    """The facts.

    :param began: the machine's clock when its module began, in seconds since the epoch.
    """
    member = _member(machine)
    return Facts(
        clock=[began, time.time()],
        member=member,
        prepared=os.path.exists(OUR_SYSCTLS),
        contained=os.path.exists("/run/systemd/container"),
        uid=os.geteuid(),
        python=list(sys.version_info[:2]),
        hostname=socket.gethostname(),
        machine_id=_text("/etc/machine-id").strip(),
        architecture=place.architecture(),
        os=parse.os_release(_text("/etc/os-release") or _text("/usr/lib/os-release")),
        kernel=os.uname().release,
        cpus=len(os.sched_getaffinity(0)),
        memory=parse.memory(_text("/proc/meminfo")),
        systemd=os.path.isdir("/run/systemd/system"),
        swap=parse.swaps(_text("/proc/swaps")),
        filesystems=_filesystems(),
        addresses=_interfaces(),
        default_routes=parse.default_routes(_text("/proc/net/route"), _text("/proc/net/ipv6_route")),
        resolver=_resolver(cluster),
        cgroup=place.cgroup_version(),
        controllers=_controllers(),
        modules=kernel.module_states(_MODULES),
        sysctls={key: _sysctl(key) for key in files.SYSCTLS},
        overrides=_overrides(),
        missing_commands=_missing_commands(),
        listeners=_listeners(cluster, machine),
        units=_units(),
        remains=_remains(),
        selinux={"1": "enforcing", "0": "permissive"}.get(_text("/sys/fs/selinux/enforce").strip(), ""),
        endpoint_addresses=None if member else _resolved(cluster["endpoint"]["address"]),
    )


def _text(path: str) -> str:
    try:
        return host.read(path) or ""
    except OSError:
        return ""


def _interfaces() -> list[dict[str, t.Any]]:
    try:
        return place.interfaces()
    except PlatformError:
        return []


def _member(machine: t.Mapping[str, t.Any]) -> bool:
    identity = os.path.exists(paths.KUBELET_CONF) and os.path.exists(paths.KUBELET_CLIENT)
    return identity and (machine["role"] == "worker" or os.path.isdir(f"{paths.ETCD_DATA}/member"))


def _filesystems() -> list[Filesystem]:
    points = parse.mounts(_text("/proc/self/mountinfo"))
    answer = []
    for path in PATHS:
        there = path
        while not os.path.exists(there):
            there = os.path.dirname(there)
        seen = os.statvfs(there)
        mount = parse.mount_of(os.path.realpath(there), points)
        answer.append(
            Filesystem(
                path=path,
                mount=mount,
                options=points.get(mount, []),
                size=seen.f_blocks * seen.f_frsize,
                free=seen.f_bavail * seen.f_frsize,
                inodes=seen.f_files,
                inodes_free=seen.f_favail,
            )
        )
    return answer


def _resolver(cluster: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The file that pods get: the kubelet's setting, or what kubeadm chooses."""
    chosen = (cluster.get("kubelet_config") or {}).get("resolvConf")
    resolved = "/run/systemd/resolve/resolv.conf"
    path = str(chosen or (resolved if os.path.exists(resolved) else "/etc/resolv.conf"))
    return {"path": path, "exists": os.path.exists(path), "loopback": parse.loopback_nameservers(_text(path))}


def _controllers() -> list[str]:
    if place.cgroup_version() == 2:
        return sorted(_text("/sys/fs/cgroup/cgroup.controllers").split())
    return parse.enabled_controllers(_text("/proc/cgroups"))


def _sysctl(key: str) -> str | None:
    return _text("/proc/sys/" + key.replace(".", "/")).strip() or None


def _overrides() -> dict[str, dict[str, str]]:
    found = [path for directory in _SYSCTL_DIRECTORIES for path in sorted(glob.glob(f"{directory}/*.conf"))]
    return parse.overrides({path: _text(path) for path in found}, OUR_SYSCTLS, files.SYSCTLS)


def _missing_commands() -> list[str]:
    return [
        command for command in _COMMANDS if not any(os.access(f"{where}/{command}", os.X_OK) for where in _DIRECTORIES)
    ]


def _units() -> dict[str, Unit]:
    try:
        services = host.services([*KUBELETS, *RUNTIMES, *FIREWALLS])
    except PlatformError:
        return {}
    found = {name: Unit(item.active, item.path) for name, item in services.items()}
    # Ubuntu runs this unit also where the firewall itself is off.
    filtering = "ENABLED=yes" in _text("/etc/ufw/ufw.conf")
    return {**found, "ufw": Unit(found["ufw"].active and filtering, found["ufw"].path)}


def _remains() -> list[str]:
    found = [path for pattern in _REMAINS for path in sorted(glob.glob(pattern))]
    return found + [f"interface {name}" for name in _INTERFACES if os.path.exists(f"/sys/class/net/{name}")]


def _resolved(address: str) -> list[str] | None:
    if parse.is_address(address):
        return None
    try:
        return sorted({str(item[4][0]) for item in socket.getaddrinfo(address, None)})
    except OSError:
        return []


def _listeners(cluster: t.Mapping[str, t.Any], machine: t.Mapping[str, t.Any]) -> list[Listener]:
    wanted = {item.port for item in needs.served(cluster, machine)}
    tables = {4: _text("/proc/net/tcp"), 6: _text("/proc/net/tcp6")}
    found = [item for version, table in tables.items() for item in parse.listening(table, version) if item[1] in wanted]
    holders = _holders({inode for _address, _port, inode in found})
    groups = {inode: _text(f"/proc/{process}/cgroup") for inode, process in holders.items()}
    return [
        Listener(port, address, _program(holders.get(inode)), "kubepods" in groups.get(inode, ""))
        for address, port, inode in sorted(found, key=_by_port)
        # The listener of another run's probes ends by itself: see reach.py.
        if f"/{UNIT_PREFIX}" not in groups.get(inode, "")
    ]


def _by_port(item: tuple[str, int, str]) -> tuple[int, str]:
    return item[1], item[0]


def _holders(inodes: t.Collection[str]) -> dict[str, str]:
    """A process for each socket; looks no further once all are found."""
    left = {f"socket:[{inode}]": inode for inode in inodes}
    answer: dict[str, str] = {}
    for process in os.listdir("/proc") if left else ():
        if not process.isdigit():
            continue
        with contextlib.suppress(OSError):
            for descriptor in os.listdir(f"/proc/{process}/fd"):
                with contextlib.suppress(OSError):
                    inode = left.pop(os.readlink(f"/proc/{process}/fd/{descriptor}"), None)
                    if inode is not None:
                        answer[inode] = process
        if not left:
            break
    return answer


def _program(process: str | None) -> str:
    if process is None:
        return ""
    try:
        return os.readlink(f"/proc/{process}/exe")
    except OSError:
        return _text(f"/proc/{process}/comm").strip()
