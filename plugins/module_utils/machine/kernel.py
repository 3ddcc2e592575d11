# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules and settings of this machine's kernel: what is there, and what should be. Private to the collection."""

from __future__ import annotations

import os
import typing as t

from ..errors import PlatformError
from . import files, host
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


def plan(add: t.Callable[..., None], wave: int) -> list[str]:
    """Adds the steps for what is not as it should be. Returns warnings.

    A container cannot load modules: what its host lacks is a warning there.

    :param add: takes wave, id, action, description, and fields of the step.
    :param wave: of the modules; settings that only a module brings come one later.
    """
    warnings: list[str] = []
    contained = os.path.exists("/run/systemd/container")
    absent = [name for name in files.KERNEL_MODULES if not module_there(name)]
    for name in absent:
        if contained:
            warnings.append(
                f"the kernel module {name} is not loaded, and a container cannot load it: load it on its host"
            )
            continue
        add(
            wave,
            f"module:{name}",
            "run",
            f"load the kernel module {name}",
            perform=lambda name=name: host.run(["modprobe", name]),
        )
    for key, value in files.SYSCTLS.items():
        path = "/proc/sys/" + key.replace(".", "/")
        current = (host.read(path) or "").strip() or None
        if current == value or (current is None and contained):
            continue
        add(
            wave + (1 if current is None else 0),
            f"sysctl:{key}",
            "update",
            f"set {key} to {value}",
            before=current,
            after=value,
            perform=lambda path=path, value=value: _set_sysctl(path, value),
        )
    return warnings


def _set_sysctl(path: str, value: str) -> None:
    try:
        with open(path, "w", encoding="ascii") as handle:
            handle.write(value)
    except OSError as exc:
        raise PlatformError(f"the kernel does not let us write {value} to {path}: {exc.strerror}") from exc
