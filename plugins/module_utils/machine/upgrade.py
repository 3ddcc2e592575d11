# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes one machine to another version with kubeadm: the control plane's part, the kubelet's, and old images.

Each part is told by what is there, so it goes on where an earlier run was killed. Private to the collection.
"""

from __future__ import annotations

import functools
import json
import os
import ssl
import typing as t
from dataclasses import dataclass

from ..errors import PlatformError
from ..plan import Plan
from . import (
    artifacts,
    health,
    host,
    images,
    kubeadm,
    kubeapi,
    node,
    paths,
    upgrade_address,
    upgrade_probe,
    upgrade_stage,
)

CONTROL, KUBELET, CLEAN = "control", "kubelet", "clean"
PARTS = (CONTROL, KUBELET, CLEAN)
#: The bundle's CoreDNS, one for all of its minors, may be newer than any that a kubeadm knows how to migrate from.
_COREDNS = ("CoreDNSUnsupportedPlugins", "CoreDNSMigration")
#: kubeadm gives every static pod five minutes by itself.
_KUBEADM_SECONDS = 1500
_READY_SECONDS = 240
_UNUSED_SECONDS = 180
_KUBELET = upgrade_probe.KUBELET
_BACKUPS = f"{paths.KUBERNETES}/tmp"  # noqa: S108 of root only
_CONFIG = f"{host.RUN_DIRECTORY}/kubeadm-upgrade.yaml"


@dataclass
class Task:
    """What is asked of this machine.

    :param first: this control plane takes the cluster's configuration to the version; others follow it.
    :param held: what lodestar.platform.machine_stage has returned as C(machine), before anything was changed.
    """

    cluster: t.Mapping[str, t.Any]
    machine: t.Mapping[str, t.Any]
    first: bool
    held: t.Mapping[str, t.Any]

    @property
    def version(self) -> str:
        return str(self.cluster["version"])

    @property
    def control_plane(self) -> bool:
        return bool(self.machine["role"] == "control_plane")

    @property
    def binaries(self) -> t.Mapping[str, t.Mapping[str, str]]:
        return t.cast(t.Mapping[str, t.Mapping[str, str]], self.held["binaries"])


def plan(task: Task, part: str) -> Plan:
    """The steps of one part.

    :param part: C(control) (kubeadm, and what it makes of manifests, certificates and settings), C(kubelet) (its binary
        and restart, until the Node is ready with the new version) or C(clean) (images of other versions).
    """
    steps = node.Steps(task.machine["name"])
    {CONTROL: _plan_control, KUBELET: _plan_kubelet, CLEAN: _plan_clean}[part](steps, task)
    return Plan(steps=steps.items)


def _plan_control(steps: node.Steps, task: Task) -> None:
    _add_binaries(steps, task, [path for path in task.binaries if path != _KUBELET])
    verb, name = ("apply", task.cluster["name"]) if task.first else ("node", task.machine["node_name"])
    if task.control_plane:
        upgrade_address.add_leaving(steps, task.cluster)
    if task.first:
        steps.add(
            "kubeadm:configuration",
            "update",
            f"hand the declared settings of {name} to kubeadm",
            lambda: _upload_configuration(task),
        )
    steps.add(
        f"kubeadm:upgrade:{verb}",
        "run",
        f"take {name} to {task.version} with kubeadm upgrade {verb}",
        lambda: _upgrade(task, verb),
        before=upgrade_probe.static_pods() or {"kubelet": task.held["kubelet"]},
        after={"version": task.version},
    )
    if task.control_plane:
        upgrade_address.add_returning(steps, task.cluster, task.held["images"])
        steps.add(
            "healthy",
            "run",
            "see the endpoint answer and every etcd member vote",
            lambda: _wait_healthy(task),
        )


def _wait_healthy(task: Task) -> None:
    api = _local(task)
    try:
        host.wait_for("the API server here is ready", lambda: None if api.ready() else "not ready", _READY_SECONDS)
    finally:
        api.close()
    health.wait_whole(task.cluster, task.machine)


def _local(task: Task) -> kubeapi.Api:
    """The local API server as administrator.

    :raises PlatformError: this machine holds no admin.conf.
    """
    return kubeapi.require_local_admin(task.machine["node_ip"], kubeadm.bind_port(task.cluster))


def _add_binaries(steps: node.Steps, task: Task, names: t.Sequence[str]) -> bool:
    """Adds the installation of those that are not in place, and says whether any is not."""
    seen = artifacts.installed(names)
    lacking = [path for path in names if seen[path] != task.binaries[path]["sha256"]]
    if lacking:
        programs = ", ".join(os.path.basename(path) for path in lacking)
        steps.add(
            f"binary:{lacking[0]}",
            "update",
            f"install {programs} {task.version}",
            lambda: _install(task, lacking),
            before={path: seen[path] for path in lacking},
            after={path: task.binaries[path]["sha256"] for path in lacking},
        )
    return bool(lacking)


def _install(task: Task, names: t.Sequence[str]) -> None:
    by_digest: dict[str, list[str]] = {}
    for path in names:
        by_digest.setdefault(task.binaries[path]["sha256"], []).append(path)
    for digest, destinations in by_digest.items():
        source = upgrade_stage.staged(digest)
        if not os.path.exists(source):
            raise PlatformError(f"{source} is not there; run again, which brings it first")
        artifacts.install(source, digest, destinations)
        artifacts.record(dict.fromkeys(destinations, digest))


def _upload_configuration(task: Task) -> None:
    """What is declared now decides how kubeadm renders the control plane, not what was declared at the founding."""
    configuration = kubeadm.cluster_configuration(task.cluster, task.held["images"])
    configuration["kubernetesVersion"] = f"v{_declared_version(task)}"
    init: kubeadm.Document = {"apiVersion": kubeadm.API, "kind": "InitConfiguration"}
    init["localAPIEndpoint"] = kubeadm.local_endpoint(task.cluster, task.machine)
    init["nodeRegistration"] = {"name": task.machine["node_name"], "criSocket": paths.CONTAINERD_SOCKET}
    host.make_directory(host.RUN_DIRECTORY, 0o700)
    host.write(_CONFIG, kubeadm.render([init, configuration]), 0o600)
    try:
        host.run([paths.KUBEADM, "init", "phase", "upload-config", "kubeadm", "--config", _CONFIG], timeout=120)
    finally:
        host.remove(_CONFIG)


def _declared_version(task: Task) -> str:
    """The version of kubeadm's own record, which only kubeadm upgrade may change."""
    api = _local(task)
    try:
        version = upgrade_probe.configured_version(api)
    finally:
        api.close()
    if version is None:
        raise PlatformError("the ConfigMap kube-system/kubeadm-config holds no ClusterConfiguration with a version")
    return version


def _coredns_stays(task: Task) -> bool:
    """Whether CoreDNS runs the bundle's image already: kubeadm would fail where it does not know that version."""
    api = _local(task)
    try:
        deployment = api.get("/apis/apps/v1/namespaces/kube-system/deployments/coredns") or {}
    finally:
        api.close()
    containers = deployment.get("spec", {}).get("template", {}).get("spec", {}).get("containers") or []
    return [item["image"] for item in containers] == [task.held["images"].get("coredns")]


def _upgrade(task: Task, verb: str) -> None:
    ignored = [*_COREDNS, *(task.cluster.get("kubeadm_ignore_preflight_errors") or [])]
    if task.version in task.held["static_pods"].values():
        # It goes on where it was: its Node may be cordoned, and kubeadm's test Job would find no place.
        ignored.append("CreateJob")
    arguments = [f"v{task.version}", "--yes"] if verb == "apply" else []
    if verb == "apply" and _coredns_stays(task):
        arguments.append("--skip-phases=addon/coredns")
    arguments += ["--certificate-renewal=true", "--etcd-upgrade=true"]
    arguments.append("--ignore-preflight-errors=" + ",".join(ignored))
    host.run_long(
        [paths.KUBEADM, "upgrade", verb, *arguments], log_name=f"kubeadm-upgrade-{verb}.log", timeout=_KUBEADM_SECONDS
    )
    # What kubeadm has replaced; nobody goes back to it once the control plane has come up.
    host.remove_tree(_BACKUPS)
    if os.path.exists(paths.KUBELET_CONFIG):
        os.chmod(paths.KUBELET_CONFIG, 0o600)


def _plan_kubelet(steps: node.Steps, task: Task) -> None:
    replaced = _add_binaries(steps, task, [_KUBELET])
    if replaced or not upgrade_probe.kubelet_current():
        steps.add("service:kubelet", "restart", "restart the kubelet", lambda: host.systemctl("restart", "kubelet"))
    name = task.machine["node_name"]
    steps.add("node:ready", "run", f"see the Node {name} ready with {task.version}", lambda: _finish_kubelet(task))


def _finish_kubelet(task: Task) -> None:
    host.wait_for(f"the Node {task.machine['node_name']} is upgraded", lambda: _node_lacks(task), _READY_SECONDS)
    upgrade_stage.discard()


def _node_lacks(task: Task) -> str | None:
    """Asks as the kubelet itself, which may read its own Node, at the endpoint."""
    where = task.cluster["endpoint"]
    try:
        context = ssl.create_default_context(cafile=paths.CA)
        context.load_cert_chain(paths.KUBELET_CLIENT)
    except OSError as exc:
        return str(exc)
    api = kubeapi.Api(where["address"], int(where["port"]), context, timeout=5)
    try:
        seen = upgrade_probe.node_of(api.request("GET", f"/api/v1/nodes/{task.machine['node_name']}"))
    except kubeapi.ApiError as exc:
        return str(exc)
    finally:
        api.close()
    if seen["kubelet"] != task.version:
        return f"its kubelet says {seen['kubelet']}"
    return None if seen["ready"] else "it is not ready"


def _plan_clean(steps: node.Steps, task: Task) -> None:
    for reference in upgrade_stage.other_images(images.present(), task.held["references"]):
        steps.add(
            f"image:{reference}",
            "delete",
            f"remove the image {reference}, which no version here needs",
            functools.partial(_remove_image, reference),
            before=reference,
        )


def _remove_image(reference: str) -> None:
    host.wait_for(f"nothing runs {reference}", lambda: _used_by(reference), _UNUSED_SECONDS)
    images.remove([reference])


def _used_by(reference: str) -> str | None:
    listed = json.loads(host.run(["/usr/local/bin/crictl", "ps", "-o", "json"]).stdout or "{}").get("containers", [])
    users = [item["metadata"]["name"] for item in listed if item["image"].get("userSpecifiedImage") == reference]
    return ", ".join(users) or None
