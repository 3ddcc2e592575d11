# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Machines as preflight sees them."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.lodestar.platform.plugins.module_utils.machine.preflight.facts import (
    FIREWALLS,
    KUBELETS,
    PATHS,
    RUNTIMES,
    Facts,
    Filesystem,
    Unit,
)
from ansible_collections.lodestar.platform.plugins.module_utils.machine.preflight.model import Limits, Run, Subject
from ansible_collections.lodestar.platform.tests.unit.machine.examples import cluster, machine

GIB = 1024**3
NODES = {"e1": "192.0.2.11", "e2": "192.0.2.12", "e3": "192.0.2.13", "w1": "192.0.2.21", "w2": "192.0.2.22"}


def filesystem(path: str, **changes: t.Any) -> Filesystem:
    """A part of the one large file system of a machine."""
    values = {"mount": "/", "options": ["rw", "relatime"], "size": 100 * GIB, "free": 50 * GIB}
    return Filesystem(**{"path": path, **values, "inodes": 1000, "inodes_free": 900, **changes})


def facts(name: str = "e1", **changes: t.Any) -> Facts:
    """An empty machine with nothing wrong."""
    good = Facts(
        clock=[1000.0, 1001.0],
        member=False,
        prepared=False,
        contained=False,
        uid=0,
        python=[3, 11],
        hostname=name,
        machine_id=name.encode().hex().rjust(32, "0"),
        architecture="amd64",
        os={"id": "debian", "version": "12", "name": "Debian GNU/Linux 12 (bookworm)"},
        kernel="6.1.0-18-amd64",
        cpus=4,
        memory=8 * GIB,
        systemd=True,
        swap=[],
        filesystems=[filesystem(path) for path in PATHS],
        addresses=[{"address": NODES.get(name, "192.0.2.99"), "prefix": 24, "interface": "eth0"}],
        default_routes=[4],
        resolver={"path": "/etc/resolv.conf", "exists": True, "loopback": []},
        cgroup=2,
        controllers=["cpu", "cpuset", "io", "memory", "pids"],
        modules={"overlay": "loaded", "br_netfilter": "loadable"},
        sysctls={"net.ipv4.ip_forward": "0", "net.bridge.bridge-nf-call-iptables": None},
        overrides={},
        missing_commands=[],
        listeners=[],
        units={name: Unit(False, "") for name in (*KUBELETS, *RUNTIMES, *FIREWALLS)},
        remains=[],
    )
    return dataclasses.replace(good, **changes)


def subject(name: str = "e1", **changes: t.Any) -> Subject:
    """A machine of the cluster C(east) with nothing wrong. Names of facts change those; the others are Subject's own.

    C(skip) are ids in its C(preflight_skip), C(declared) changes its cluster's entry, C(unseen) leaves out the facts.
    """
    role = "control_plane" if name.startswith("e") else "worker"
    skip, declared = changes.pop("skip", []), changes.pop("declared", {})
    entry = machine(name, role, node_ip=NODES.get(name, "192.0.2.99"), preflight_skip=skip)
    own = {item.name for item in dataclasses.fields(Subject)}
    given = {key: changes.pop(key) for key in list(changes) if key in own}
    seen = None if changes.pop("unseen", False) else facts(name, **changes)
    values = {"facts": seen, "offset": (-0.5, 0.5), "bundle_architecture": "amd64", **given}
    return Subject(cluster=cluster(**declared), machine=entry, **values)


def run_of(*subjects: Subject, **limits: t.Any) -> Run:
    """A run over machines."""
    return Run({item.name: item for item in subjects}, Limits(**limits))


def probe(peer: str, answer: str = "ours", port: int = 10250, ms: float | None = 0.4) -> dict[str, t.Any]:
    """What a machine saw of a peer."""
    return {"peer": peer, "port": port, "purpose": "kubelet", "answer": answer, "ms": ms}
