# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The endpoint's address on a control plane. Private to the collection.

kubeadm up to 1.35 talks to the new cluster through its endpoint, before kube-vip has any rights in it. The founding
machine therefore carries the address on its loopback interface until kube-vip holds it with an identity of its own;
kube-vip never gets an administrator's.
"""

from __future__ import annotations

from ..errors import PlatformError
from . import host, kubevip, kubevip_identity, node, objects, paths, probe, settings
from .control_plane_task import Task


def add_loopback(steps: node.Steps, task: Task) -> None:
    """Adds the step by which the machine carries the endpoint's address itself, where nothing else does yet."""
    address = task.cluster["endpoint"]["address"]
    if task.kube_vip and not task.found.lo_address:
        steps.add(
            "address:lo",
            "run",
            f"carry {address} on the loopback interface while the cluster is founded",
            lambda: host.run(["ip", "address", "replace", _prefixed(address), "dev", "lo"]),
        )


def add_kube_vip(steps: node.Steps, task: Task, changing: bool) -> None:
    """Adds the steps that have kube-vip carry the endpoint's address.

    :param changing: the machine is founding or joining.
    """
    if not task.kube_vip:
        return
    address = task.cluster["endpoint"]["address"]
    _add_rbac(steps, task, changing)
    if changing or host.read(paths.KUBE_VIP_CONF) is None:
        steps.add(
            f"file:{paths.KUBE_VIP_CONF}",
            "create",
            f"give kube-vip an identity of its own ({settings.KUBE_VIP_USER})",
            lambda: kubevip_identity.write(task.cluster, task.images),
            after="(secret)",
        )
    desired, current = _vip_manifest(task), host.read(paths.KUBE_VIP_MANIFEST)
    if current != desired or (changing and not task.found.resumable):
        steps.add(
            f"file:{paths.KUBE_VIP_MANIFEST}",
            "create" if current is None else "update",
            f"run kube-vip, which carries {address}",
            lambda: host.write(paths.KUBE_VIP_MANIFEST, desired, 0o600),
            before=current,
            after=desired,
        )
    if task.found.lo_address or any(step.id == "address:lo" for step in steps.items):
        steps.add(
            "address:lo:removed",
            "run",
            f"leave {address} to kube-vip",
            lambda: host.run(["ip", "address", "del", _prefixed(address), "dev", "lo"]),
        )


def _add_rbac(steps: node.Steps, task: Task, changing: bool) -> None:
    if changing or (task.found.local.healthy and not task.found.local.kube_vip_rbac):
        steps.add(
            "rbac:kube-vip",
            "update",
            "let kube-vip hold its Lease",
            lambda: _apply_rbac(task),
            after=kubevip.rbac(),
        )


def _vip_manifest(task: Task) -> str:
    endpoint = task.cluster["endpoint"]
    return kubevip.manifest(
        task.images["kube-vip"], endpoint["address"], endpoint["port"], _interface(task), task.machine["node_name"]
    )


def _apply_rbac(task: Task) -> None:
    for document in kubevip.rbac():
        objects.apply(document, task.api)


def _interface(task: Task) -> str:
    declared = task.cluster["endpoint"].get("interface")
    interface = declared or kubevip.interface_of(probe.ip_addresses(), task.machine["node_ip"])
    if not interface:
        raise PlatformError(
            f"no interface of {task.machine['name']} carries its node_ip {task.machine['node_ip']};"
            " correct node_ip, or name endpoint.interface"
        )
    return str(interface)


def _prefixed(address: str) -> str:
    return f"{address}/128" if ":" in address else f"{address}/32"
