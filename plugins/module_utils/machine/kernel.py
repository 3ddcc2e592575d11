# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kernel modules of this machine: what is loaded, and what could be. Private to the collection."""

from __future__ import annotations

import os

from . import host
from .preflight import parse

#: What a module brings with it that is also there when it is built into the kernel.
_TRACES = {
    "br_netfilter": "/proc/sys/net/bridge",
    "nf_conntrack": "/proc/sys/net/netfilter/nf_conntrack_max",
}


def module_there(name: str) -> bool:
    """Loaded, or built into the kernel, where only what it brings with it can be seen."""
    if os.path.isdir(f"/sys/module/{name}") or os.path.exists(_TRACES.get(name, "")):
        return True
    listed = (host.read("/proc/modules") or "").splitlines()
    filesystems = (host.read("/proc/filesystems") or "").split()
    return any(line.split(" ", 1)[0] == name for line in listed) or name in filesystems


def module_states(names: tuple[str, ...]) -> dict[str, str]:
    """C(loaded), C(loadable) or C(absent) by module. Lists of modules are read only when one is not loaded."""
    answer = {name: "loaded" for name in names if module_there(name)}
    if len(answer) < len(names):
        directory = f"/lib/modules/{os.uname().release}"
        built_in = parse.modules_in(host.read(f"{directory}/modules.builtin") or "")
        known = parse.modules_in(host.read(f"{directory}/modules.dep") or "")
        for name in names:
            if name not in answer:
                answer[name] = "loaded" if name in built_in else "loadable" if name in known else "absent"
    return answer
