# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a machine was before anything of ours came to it, noted by its first preparation for a later reset.

Private to the collection.
"""

from __future__ import annotations

import json
import os
import shutil
import typing as t
from dataclasses import asdict, dataclass, field

from . import artifacts, files, host

RECORD = f"{host.STATE_DIRECTORY}/before.json"
#: Copies of files that were there and that we replace, under their own paths.
COPIES = f"{host.STATE_DIRECTORY}/before"

#: Kernel settings that we, the kubelet, kube-proxy or kube-router change.
SYSCTLS = (
    *files.SYSCTLS,
    *("kernel.panic", "kernel.panic_on_oops", "kernel.keys.root_maxbytes", "kernel.keys.root_maxkeys"),
    *("vm.overcommit_memory", "vm.panic_on_oom"),
    *("net.ipv4.conf.all.route_localnet", "net.ipv4.conf.all.rp_filter", "net.ipv4.vs.conntrack"),
    *("net.ipv6.conf.all.forwarding", "net.ipv6.conf.default.forwarding"),
    *("net.netfilter.nf_conntrack_max", "net.netfilter.nf_conntrack_tcp_be_liberal"),
    *(f"net.netfilter.nf_conntrack_tcp_timeout_{name}" for name in ("established", "close_wait")),
)
#: Directories, and a lock file, that come into being or get another mode, parents before what is in them.
DIRECTORIES = (
    *("/etc/kubernetes", "/etc/containerd", "/etc/cni", "/etc/cni/net.d", "/etc/modules-load.d", "/etc/sysctl.d"),
    *("/etc/systemd/system/kubelet.service.d", "/opt", "/opt/cni", "/opt/cni/bin", "/opt/containerd"),
    *("/usr/local/bin", "/usr/libexec", "/usr/libexec/kubernetes", "/usr/lib/modules"),
    *("/var/lib/kubelet", "/var/lib/etcd", "/var/lib/containerd", "/var/lib/cni", "/run/xtables.lock", "/run/netns"),
)
#: Trees of the container runtime and of the CNI: another runtime may have something there.
SHARED_TREES = (
    *("/var/lib/containerd", "/var/lib/cni", "/var/log/pods", "/var/log/containers"),
    *("/opt/containerd", "/run/containerd", "/run/nri"),
)
#: Whole trees that only a cluster fills. A directory that was there before, or is a disk of its own, stays, empty.
TREES = ("/etc/kubernetes", "/var/lib/kubelet", "/var/lib/etcd", "/usr/libexec/kubernetes", *SHARED_TREES)
UNITS = ("kubelet", "containerd")


@dataclass(frozen=True)
class Before:
    """A machine as it was.

    :param sysctls: values by key; a key that did not exist is left out.
    :param directories: permission bits by path of :data:`DIRECTORIES`, C(None) where there was nothing.
    :param filled: those of :data:`SHARED_TREES` that held anything.
    :param replaced: permission bits of files of which :data:`COPIES` has a copy.
    :param packet_filter: tables and chains of nftables, as :func:`packet_filter` tells them.
    :param units: C(enabled) and C(active) of :data:`UNITS`.
    """

    sysctls: dict[str, str] = field(default_factory=dict)
    directories: dict[str, int | None] = field(default_factory=dict)
    filled: list[str] = field(default_factory=list)
    replaced: dict[str, int] = field(default_factory=dict)
    packet_filter: list[str] | None = None
    units: dict[str, dict[str, bool]] = field(default_factory=dict)


def sysctl_path(key: str) -> str:
    """Where a kernel setting is."""
    return "/proc/sys/" + key.replace(".", "/")


def sysctls(keys: t.Iterable[str] = SYSCTLS) -> dict[str, str]:
    """Kernel settings as they are now; what does not exist is left out."""
    found: dict[str, str] = {}
    for key in keys:
        try:
            text = host.read(sysctl_path(key))
        except OSError:
            continue
        if text is not None:
            found[key] = text.strip()
    return found


def packet_filter() -> list[str] | None:
    """Tables of nftables and their chains, C(ip nat) and C(ip nat OUTPUT); C(None) where no C(nft) can tell."""
    if not host.has_command("nft"):
        return None
    if not os.path.isdir("/sys/module/nf_tables"):
        # To ask would load it.
        return []
    done = host.run(["nft", "-j", "list", "ruleset"], check=False)
    if done.returncode != 0:
        return None
    items = json.loads(done.stdout or "{}").get("nftables", ())
    tables = [f"{item['table']['family']} {item['table']['name']}" for item in items if "table" in item]
    chains = [
        f"{item['chain']['family']} {item['chain']['table']} {item['chain']['name']}"
        for item in items
        if "chain" in item
    ]
    return sorted([*tables, *chains])


def observe(written: t.Iterable[str]) -> Before:
    """The machine as it is.

    :param written: the files that will be written.
    """
    modes = {path: host.mode_of(path) for path in written}
    services = host.services(list(UNITS))
    return Before(
        sysctls=sysctls(),
        directories={path: host.mode_of(path) for path in DIRECTORIES},
        filled=[path for path in SHARED_TREES if os.path.isdir(path) and os.listdir(path)],
        replaced={path: mode for path, mode in sorted(modes.items()) if mode is not None},
        packet_filter=packet_filter(),
        units={name: {"enabled": unit.enabled, "active": unit.active} for name, unit in services.items()},
    )


def load() -> Before | None:
    """What was noted; C(None) on a machine that nothing of ours has come to, or that an earlier release prepared."""
    try:
        noted = json.loads(host.read(RECORD) or "null")
    except ValueError:
        return None
    return Before(**noted) if isinstance(noted, dict) else None


def wanted() -> bool:
    """Whether there is something to note: the machine is as it was, since nothing of ours has come to it."""
    return not (os.path.exists(RECORD) or artifacts.recorded())


def add_note(add: t.Callable[..., None], written: t.Iterable[str]) -> None:
    """Adds the note as the first step of a preparation.

    :param add: takes the wave, id, action and description of a step, and its fields.
    :param written: the files that the preparation will write.
    """
    if wanted():
        noted = observe(written)
        described = "note what this machine was before, for a reset"
        add(-1, "record:before", "create", described, after=asdict(noted), perform=lambda: write(noted))


def write(noted: Before) -> None:
    """Notes it, once the files that will be replaced have been copied."""
    host.make_directory(host.STATE_DIRECTORY, 0o700)
    for path in noted.replaced:
        copy = copy_of(path)
        os.makedirs(os.path.dirname(copy), mode=0o700, exist_ok=True)
        shutil.copy2(path, copy)
    host.write(RECORD, json.dumps(asdict(noted), sort_keys=True, indent=1) + "\n", 0o600)


def copy_of(path: str) -> str:
    """Where the copy of a file is."""
    return COPIES + path
