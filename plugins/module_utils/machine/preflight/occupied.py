# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks for what else is on a machine: ports in use, leftovers, a foreign kubelet or runtime. Pure.

A machine that belongs to a cluster runs our components on these ports, so this is for machines that are to join.
Private to the collection.
"""

from __future__ import annotations

from . import needs
from .facts import FIREWALLS, KUBELETS, RUNTIMES, Facts, Listener
from .model import ERROR, WARNING, Limits, Subject, Verdict, local

_UNITS = "/etc/systemd/system"
#: What an interrupted founding or joining of ours leaves, and goes on with.
_OURS = (
    *("/etc/kubernetes/", "/var/lib/kubelet/", "/var/lib/etcd/", "/etc/cni/net.d/10-lodestar.conflist"),
    "interface kube-bridge",
)


def _is_ours(item: Listener, facts: Facts) -> bool:
    """A component of this collection: only on a machine that it has prepared."""
    program = item.program.removesuffix(" (deleted)")
    return facts.prepared and (item.pod or program in ("/usr/local/bin/kubelet", "/usr/local/bin/containerd"))


def _ports(subject: Subject, facts: Facts, limits: Limits) -> Verdict:
    purposes = {item.port: item.purpose for item in needs.served(subject.cluster, subject.machine)}
    taken = {item.port: item for item in facts.listeners if item.port in purposes and not _is_ours(item, facts)}
    seen = ", ".join(f"{item.program or 'something'} listens on {port}" for port, item in sorted(taken.items()))
    needed = ", ".join(f"{port} free for {purposes[port]}" for port in sorted(taken or purposes))
    return Verdict(not taken, seen or "free", needed, "Stop it, or let it use other ports")


def _remains(subject: Subject, facts: Facts, limits: Limits) -> Verdict:
    found = [item for item in facts.remains if not (facts.prepared and item.startswith(_OURS))]
    remedy = "Reset the machine with the tool that made them, or remove them if nothing of it is needed"
    return Verdict(not found, ", ".join(found) or "nothing", "nothing of another or an older installation", remedy)


def _own_unit(name: str, facts: Facts) -> bool:
    return facts.prepared and facts.units[name].path == f"{_UNITS}/{name}.service"


def _foreign(names: tuple[str, ...], facts: Facts, active_only: bool) -> list[str]:
    return [
        f"{name} ({unit.path or 'no file'}{', active' if unit.active else ''})"
        for name in names
        if (unit := facts.units.get(name)) is not None
        and (unit.active or (unit.path and not active_only))
        and not _own_unit(name, facts)
    ]


def _kubelet(subject: Subject, facts: Facts, limits: Limits) -> Verdict:
    found = _foreign(KUBELETS, facts, active_only=False)
    remedy = "Uninstall it: two kubelets of one machine destroy each other's pods"
    return Verdict(not found, ", ".join(found) or "none", "no kubelet but ours", remedy)


def _runtime(subject: Subject, facts: Facts, limits: Limits) -> Verdict:
    found = _foreign(RUNTIMES, facts, active_only=True)
    remedy = "Uninstall it, or skip this check to let our containerd take its place"
    return Verdict(not found, ", ".join(found) or "none runs", "no running container runtime but ours", remedy)


def _firewall(subject: Subject, facts: Facts, limits: Limits) -> Verdict:
    active = [name for name in FIREWALLS if (unit := facts.units.get(name)) is not None and unit.active]
    ports = ", ".join(str(item.port) for item in needs.open_ports(subject.cluster, subject.machine))
    remedy = f"Let TCP {ports} and the pods' range through, or switch it off"
    return Verdict(
        not active, ", ".join(active) or "none", "no firewall manager, whose rules CNI and Services miss", remedy
    )


CHECKS = (
    local(
        "ports",
        ERROR,
        "Nobody else listens on the ports of Kubernetes",
        "kubeadm Port checks; ports and protocols",
        _ports,
    ),
    local(
        "leftovers",
        ERROR,
        "Nothing of another or an older installation is left",
        "kubeadm FileAvailable and DirAvailable checks",
        _remains,
    ),
    local(
        "foreign-kubelet",
        ERROR,
        "No other kubelet is installed",
        "k3s, RKE2, k0s, MicroK8s, or a distribution's kubelet",
        _kubelet,
    ),
    local(
        "foreign-runtime",
        ERROR,
        "No other container runtime runs",
        "The unit containerd.service becomes ours",
        _runtime,
    ),
    local("firewall", WARNING, "No firewall manager is active", "kubeadm Firewalld", _firewall),
)
