# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan that makes a machine a control plane: founding, joining, and what was lost since.

Private to the collection.
"""

from __future__ import annotations

import typing as t

from ..errors import PlatformError, Refused
from ..plan import Plan, Step
from . import (
    api_server,
    authentication_file,
    endpoint,
    health,
    host,
    keys,
    kubeadm,
    membership,
    node,
    objects,
    paths,
    probe,
    serving_certificate,
    settings,
    shared,
    static_pods,
)
from .control_plane_task import Task
from .etcd import Etcd

FOUND, JOIN, PRESENT = "found", "join", "present"


def plan(
    cluster: t.Mapping[str, t.Any],
    machine: t.Mapping[str, t.Any],
    images: t.Mapping[str, str],
    state: str,
    material: t.Mapping[str, t.Any] | None,
    recovered: t.Sequence[str] = (),
    share: bool = False,
    retires: str | None = None,
    network: t.Sequence[t.Mapping[str, t.Any]] = (),
) -> Plan:
    """What makes this machine a control plane of the cluster.

    :param state: C(found), C(join) or C(present), which brings back what was lost but neither founds nor joins.
    :param material: from C(join_material), for a join; ``None`` while it is only predicted. For a founding C(recovery),
        the keys of a recovery file.
    :param recovered: their names, which are known when it is only predicted, too.
    :param share: this control plane holds what all machines of the cluster share to the declaration.
    :param retires: node name of the living control plane that this one replaces, for a join.
    :param network: objects of the cluster's network, which the one that founds it applies.
    :raises Refused: it holds something that does not fit.
    """
    found = probe.holding(cluster, machine)
    task = Task(cluster, machine, images, material, found, tuple(recovered), retires, network)
    steps = _steps(task, state)
    if share:
        _add_shared(steps, task)
    return Plan(steps=steps.items)


def pending(
    cluster: t.Mapping[str, t.Any], machine: t.Mapping[str, t.Any], images: t.Mapping[str, str], found: probe.Holding
) -> list[Step]:
    """The steps that a member of the cluster has lost; while its API is down only those that may be why."""
    task = Task(cluster, machine, images, None, found)
    if found.local.healthy:
        return _steps(task, PRESENT).items
    steps = node.Steps(machine["name"])
    # An API server whose file was damaged does not begin again.
    authentication_file.add(steps, task, changing=False)
    static_pods.add(steps, task.member)
    return steps.items


def shared_pending(
    cluster: t.Mapping[str, t.Any], machine: t.Mapping[str, t.Any], images: t.Mapping[str, str], found: probe.Holding
) -> list[Step]:
    """The steps for what all machines of the cluster share, as one of its control planes would take them."""
    steps = node.Steps(machine["name"])
    _add_shared(steps, Task(cluster, machine, images, None, found))
    return steps.items


def _add_shared(steps: node.Steps, task: Task) -> None:
    if task.found.local.founded:
        shared.add(steps, task.member, task.found.local.shared, task.api)


def _steps(task: Task, state: str) -> node.Steps:
    steps, found = node.Steps(task.machine["name"]), task.found
    init = state == FOUND and not _founded(found)
    join = state == JOIN and not _joined(found)
    if state == PRESENT and found.local.healthy and not found.local.founded:
        init = True
    if state == JOIN:
        _check_join(task, join)
    if init or join:
        node.add_cleaning(steps, found)
    changing = init or join
    _add_settings(steps, task, founding=init, joining=join)
    if init:
        keys.add_recovered(steps, task.recovered, task.material, task.found)
        endpoint.add_loopback(steps, task)
        _add_init(steps, task)
    if join:
        _add_join(steps, task)
    if changing:
        node.add_file_mode(steps, paths.KUBELET_CONFIG, 0o600)
    else:
        serving_certificate.add(steps, task.member)
        static_pods.add(steps, task.member)
        authentication_file.add_removal(steps, task)
    if state == FOUND:
        _add_network(steps, task)
    endpoint.add_kube_vip(steps, task, changing)
    if changing:
        steps.add(
            "healthy",
            "run",
            "see the endpoint answer and every etcd member vote",
            lambda: health.wait_whole(task.cluster, task.machine),
        )
    fresh = probe.Holding(**{**vars(found), "recorded": {}}) if changing else found
    node.add_record(steps, task.cluster, fresh, lambda: _uid(task))
    if task.retires or (state == PRESENT and found.local.predecessor):
        _add_retirement(steps, task, task.retires or task.machine["replaces"])
    return steps


def _add_retirement(steps: node.Steps, task: Task, name: str) -> None:
    """The control plane that this one replaces leaves last, so that there are never fewer than before."""
    steps.add(
        f"retire:{name}",
        "delete",
        f"take the control plane {name} out of the cluster, which {task.machine['name']} replaces",
        lambda: _retire(task, name),
        before={"node": name},
    )


def _retire(task: Task, name: str) -> None:
    etcd = Etcd(task.machine["node_ip"])
    leaving = membership.named(etcd.members(health=False), name)
    if leaving is not None:
        etcd.remove(leaving)
    api = task.api()
    try:
        api.delete(f"/api/v1/nodes/{name}")
    finally:
        api.close()


def _founded(found: probe.Holding) -> bool:
    return found.kubelet_final and found.etcd_data and (not found.local.healthy or found.local.founded)


def _joined(found: probe.Holding) -> bool:
    manifests = set(paths.STATIC_PODS) <= set(found.static_pods)
    return found.kubelet_final and found.etcd_data and manifests and not found.half_joined


def _check_join(task: Task, join: bool) -> None:
    if task.material is None:
        return
    if join and task.found.etcd_data and not task.material.get("member"):
        raise Refused(
            f"{task.machine['name']} holds etcd data, but {task.cluster['name']} does not know it as a member of etcd;"
            " nothing was changed. Reset the machine, then run again."
        )
    ours, given = host.read(paths.ENCRYPTION), task.material.get("encryption")
    if given and ours is not None and task.found.etcd_data and not settings.same_encryption(ours, given):
        raise Refused(
            f"{task.machine['name']} holds another encryption key ({settings.fingerprint(ours)}) than"
            f" {task.cluster['name']} ({settings.fingerprint(given)}); nothing was changed."
            " Every control plane must hold the same: reset the machine, or restore its key."
        )


def _add_settings(steps: node.Steps, task: Task, founding: bool, joining: bool) -> None:
    policy, current = settings.audit_policy(), host.read(paths.AUDIT_POLICY)
    if current != policy:
        running = task.found.local.healthy and not (founding or joining)
        steps.add(
            f"file:{paths.AUDIT_POLICY}",
            "create" if current is None else "update",
            "write the audit policy" + (" and restart the API server" if running else ""),
            lambda: _write_policy(task, policy, running),
            before=current,
            after=policy,
        )
    authentication_file.add(steps, task, changing=founding or joining)
    existing = host.read(paths.ENCRYPTION)
    cleaned = (founding or joining) and not task.found.resumable
    if (founding and (existing is None or cleaned)) or (joining and (existing is None or cleaned)):
        steps.add(
            f"file:{paths.ENCRYPTION}",
            "create",
            keys.encryption_step(founding, task.recovered),
            lambda: keys.write_encryption(founding, task.recovered, task.material),
            after="(secret)",
        )


def _write_policy(task: Task, policy: str, running: bool) -> None:
    host.make_directory(paths.SETTINGS, 0o700)
    host.write(paths.AUDIT_POLICY, policy, 0o600)
    if running:
        api_server.restart(task)


def _add_init(steps: node.Steps, task: Task) -> None:
    steps.add(
        "kubeadm:init",
        "run",
        f"found the cluster {task.cluster['name']}, Kubernetes {task.cluster['version']}",
        lambda: _init(task),
        after={
            "cluster": task.cluster["name"],
            "version": task.cluster["version"],
            "endpoint": kubeadm.endpoint(task.cluster),
            "node": task.machine["node_name"],
        },
    )


def _init(task: Task) -> None:
    token = kubeadm.new_token()
    node.run_kubeadm(
        "init", kubeadm.init_documents(task.cluster, task.machine, task.images, token, task.found.resumable)
    )


def _add_network(steps: node.Steps, task: Task) -> None:
    """Nodes become Ready as they join where the network is there first. From then on it is the add-ons' business."""
    for document in task.network:
        steps.items.append(objects.step(document, task.cluster["name"], task.api, wave=len(steps.items)))


def _add_join(steps: node.Steps, task: Task) -> None:
    steps.add(
        "kubeadm:join",
        "run",
        f"join {task.cluster['name']} as the control plane {task.machine['node_name']}",
        lambda: _join(task),
        after={
            "cluster": task.cluster["name"],
            "endpoint": kubeadm.endpoint(task.cluster),
            "node": task.machine["node_name"],
        },
    )


def _join(task: Task) -> None:
    if not task.material:
        raise PlatformError("there is no join material; a control plane of the cluster must be healthy to give it")
    node.run_join(kubeadm.join_documents(task.cluster, task.machine, task.material, task.found.resumable))


def _uid(task: Task) -> str | None:
    api = task.api()
    try:
        namespace = api.get("/api/v1/namespaces/kube-system")
        return namespace["metadata"]["uid"] if namespace else None
    finally:
        api.close()
