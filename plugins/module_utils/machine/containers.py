# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ends the kubelet, its containers and the container runtime, and what they leave: processes, mounts, cgroups.

Private to the collection.
"""

from __future__ import annotations

import contextlib
import glob
import json
import os
import signal
import time
import typing as t

from ..errors import PlatformError
from . import host
from .node import Steps, stop_pods

_CRICTL = "/usr/local/bin/crictl"
_SHIM = "/usr/local/bin/containerd-shim-runc-v2"
#: What serves the API, in the order in which it ends: the endpoint's address moves on first.
_SERVING = ("kube-vip", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
_GRACE_SECONDS = 30
_NETWORKS = "/run/netns"
#: How the paths begin where only containers and pods mount anything.
_MOUNTED = ("/run/containerd/", f"{_NETWORKS}/cni-", "/var/lib/kubelet/", "/var/lib/containerd/")
_CGROUPS = "/sys/fs/cgroup"
_CGROUP_NAMES = ("kubepods", "kubepods.slice", "k8s.io")


def add_kubelet(steps: Steps) -> None:
    """Adds the end of the kubelet, after which nothing starts again."""
    _add_unit(steps, "kubelet")


def _add_unit(steps: Steps, name: str) -> None:
    unit = host.services([name])[name]
    if unit.active or unit.enabled:
        steps.add(
            f"service:{name}",
            "update",
            f"stop and disable {name}",
            lambda: host.systemctl("disable", "--quiet", "--now", name),
            before={"active": unit.active, "enabled": unit.enabled},
            after={"active": False, "enabled": False},
        )


# -- containers


def _runtime() -> bool:
    return host.services(["containerd"])["containerd"].active and os.path.exists(_CRICTL)


def serving(containers: str) -> list[tuple[str, str]]:
    """Name and id of the running containers that serve the API, in the order of their end, from C(crictl ps -o json).
    Pure.
    """
    listed = json.loads(containers or "{}").get("containers") or ()
    found = [(str(item["metadata"]["name"]), str(item["id"])) for item in listed]
    return sorted((item for item in found if item[0] in _SERVING), key=lambda item: _SERVING.index(item[0]))


def _serving() -> list[tuple[str, str]]:
    return serving(_listed("ps"))


def _listed(what: str) -> str:
    """What the runtime has, as JSON; C("") when it does not answer: processes are ended one by one then."""
    if not _runtime():
        return ""
    try:
        return host.run([_CRICTL, what, "-o", "json"]).stdout
    except PlatformError:
        return ""


def add_serving(steps: Steps) -> None:
    """Adds the end of what serves the API; etcd, if it is here, goes on, so that its member can leave in order."""
    there = [name for name, _id in _serving()]
    if there:
        steps.add("serving", "delete", f"end {', '.join(there)}", _end_serving, before=there)


def _end_serving() -> None:
    for _name, container in _serving():
        host.run([_CRICTL, "stop", "--timeout", str(_GRACE_SECONDS), container], timeout=_GRACE_SECONDS + 30)


def add_end(steps: Steps) -> None:
    """Adds the end of every pod, of the runtime, and of what they leave."""
    pods = _pods()
    shims = len(_shims())
    if pods:
        steps.add("pods", "delete", f"end {len(pods)} pods", _end_pods, before=pods)
    _add_unit(steps, "containerd")
    if shims:
        steps.add("processes", "delete", "end what is left of containers", _end_processes, before=shims)
    mounts = _mounts()
    if mounts:
        steps.add("mounts", "delete", "unmount what pods and containers had mounted", _unmount, before=len(mounts))
    if _cgroups():
        steps.add("cgroups", "delete", "remove the cgroups of pods", _remove_cgroups, before=_cgroups())


def _pods() -> list[str]:
    listed = json.loads(_listed("pods") or "{}").get("items") or ()
    return sorted(f"{item['metadata']['namespace']}/{item['metadata']['name']}" for item in listed)


def _end_pods() -> None:
    # A runtime that is ill does not keep a machine from its reset: processes are ended one by one afterwards.
    with contextlib.suppress(PlatformError):
        stop_pods()


# -- processes


def _of_process(pid: str, what: str) -> str:
    """What the kernel tells of a process; C("") once it has ended."""
    try:
        return host.read(f"/proc/{pid}/{what}") or ""
    except OSError:
        return ""


def is_own_shim(command: t.Sequence[str]) -> bool:
    """Whether a command line is of a shim that keeps a pod's containers. Pure."""
    return command[0] == _SHIM and "k8s.io" in command


def _shims() -> list[int]:
    pids = [name for name in os.listdir("/proc") if name.isdigit()]
    return [int(pid) for pid in pids if is_own_shim(_of_process(pid, "cmdline").split("\0"))]


def descendants(parents: t.Mapping[int, int], roots: t.Iterable[int]) -> set[int]:
    """All processes below some, which are not among them. Pure.

    :param parents: parent of every process.
    """
    found: set[int] = set()
    wanted = set(roots)
    while wanted:
        wanted = {pid for pid, parent in parents.items() if parent in wanted} - found
        found |= wanted
    return found


def _parents() -> dict[int, int]:
    parents: dict[int, int] = {}
    for name in os.listdir("/proc"):
        # The name of a process may hold anything, and ends with the last bracket.
        text = _of_process(name, "stat") if name.isdigit() else ""
        if text:
            parents[int(name)] = int(text.rpartition(")")[2].split()[1])
    return parents


def _end_processes() -> None:
    shims = _shims()
    doomed = sorted(descendants(_parents(), shims)) + shims
    for pid in doomed:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    host.wait_for("containers have ended", lambda: f"{len(_shims())} shims run" if _shims() else None, 30)


# -- mounts and cgroups


def mounted(mountinfo: str, beginnings: tuple[str, ...]) -> list[str]:
    """Mount points whose paths begin so, deepest first, from C(/proc/self/mountinfo). Pure."""
    points = [line.split(" ")[4].encode().decode("unicode_escape") for line in mountinfo.splitlines()]
    found = [point for point in points if point.startswith(beginnings)]
    return sorted(found, key=lambda point: (-point.count("/"), point))


def mounted_below(directory: str) -> list[str]:
    """Mount points in a directory, itself left out, deepest first."""
    return _mounts((f"{directory}/",))


def _mounts(beginnings: tuple[str, ...] = _MOUNTED) -> list[str]:
    return mounted(host.read("/proc/self/mountinfo") or "", beginnings)


def _unmount() -> None:
    for point in _mounts():
        host.run(["umount", "--lazy", point], check=False)
    for point in glob.glob(f"{_NETWORKS}/cni-*"):
        host.remove(point)


def _cgroups() -> list[str]:
    """The topmost cgroups of pods, in each hierarchy."""
    roots = [_CGROUPS]
    if not os.path.exists(f"{_CGROUPS}/cgroup.controllers"):
        roots = [os.path.join(_CGROUPS, name) for name in sorted(os.listdir(_CGROUPS))]
    found = [f"{root}/{name}" for root in roots for name in _CGROUP_NAMES]
    return sorted({os.path.realpath(path) for path in found if os.path.isdir(path)})


def _remove_cgroups() -> None:
    for top in _cgroups():
        if top.endswith(".slice"):
            host.run(["systemctl", "stop", os.path.basename(top)], check=False)
        # The kernel frees a cgroup a moment after its last process.
        end = time.monotonic() + 10
        while not _remove_cgroup(top) and time.monotonic() < end:
            time.sleep(0.2)


def _remove_cgroup(top: str) -> bool:
    for path, _directories, _files in os.walk(top, topdown=False):
        with contextlib.suppress(OSError):
            os.rmdir(path)
    return not os.path.exists(top)
