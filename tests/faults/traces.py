# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything that a cluster can leave on a machine, in a form that two moments can be compared in."""

from __future__ import annotations

import typing as t

from tests.e2e.driver import Fleet

#: Logs, what systemd and the kernel keep of the moment, and what Ansible itself leaves.
_PASSING = (
    *("/proc", "/sys", "/dev", "/tmp", "/var/log", "/root/.ansible", "/var/lib/systemd"),
    *("/run/systemd", "/run/log", "/run/udev", "/run/utmp"),
)
_PRUNE = " -o ".join(f"-path {path}" for path in _PASSING)
_DISKS = "/ /run /var/lib/containerd /var/lib/kubelet /var/lib/etcd"
#: Kernel settings that change by themselves.
_RESTLESS = (
    "kernel.random|fs.dentry|fs.inode|fs.file-nr|nf_conntrack_count|kernel.ns_last|kernel.pty.nr|aio-nr|fs.quota"
)
#: The last is reached when any unit first wants it.
_UNITS_OF_THE_MOMENT = "^(run-|session-|user-|user@|ssh@|sys-|dev-|proc-|var-|etc-|network-online.target)"

SCRIPTS = {
    "files": f"find {_DISKS} -xdev \\( {_PRUNE} \\) -prune -o -printf '%p %y %M %U:%G %l\\n'",
    "contents": f"find / /run -xdev \\( {_PRUNE} \\) -prune -o -type f -print0 | xargs -0 sha256sum",
    "interfaces": "ip -o link | sed -E 's/^[0-9]+: //; s/[@:].*//'; ip -o address | awk '{print $2, $3, $4}'",
    "routes": "for f in -4 -6; do ip $f route show table all; ip $f rule; done",
    "mounts": "awk '{print $4, $5, $9, $10}' /proc/self/mountinfo",
    "iptables": "for c in iptables-nft ip6tables-nft iptables-legacy ip6tables-legacy; do $c-save 2>/dev/null; done"
    " | grep -v '^#' | sed -E 's/ ?\\[[0-9:]+\\]//'",
    "nftables": "nft list ruleset | sed -E 's/counter packets [0-9]+ bytes [0-9]+//'",
    "sets": "ipset list -name",
    "unit files": "systemctl list-unit-files --no-legend --no-pager",
    "units": "systemctl list-units --all --plain --no-legend --no-pager | awk '{print $1, $2, $3, $4}'"
    f" | grep -vE '{_UNITS_OF_THE_MOMENT}'",
    "kernel settings": f"sysctl -a 2>/dev/null | grep -vE '{_RESTLESS}'",
    "cgroups": "find /sys/fs/cgroup -type d -name '*kube*'",
    "processes": "ps -eo comm | grep -E 'contain|kube|etcd|runc|coredns|pause|metrics' || true",
}


def traces(fleet: Fleet, machine: str) -> dict[str, set[str]]:
    """What is on a machine now, by kind, a line a thing."""
    return {kind: set(fleet.on(machine, script).splitlines()) for kind, script in SCRIPTS.items()}


def differences(before: t.Mapping[str, set[str]], after: t.Mapping[str, set[str]]) -> list[str]:
    """What came and what went between two moments."""
    return [
        f"{kind}: {sign}{line}"
        for kind in SCRIPTS
        for sign, lines in (("-", before[kind] - after[kind]), ("+", after[kind] - before[kind]))
        for line in sorted(lines)
    ]
