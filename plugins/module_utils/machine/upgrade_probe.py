# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which versions a machine runs, and what a control plane knows of its cluster. Reads only. Private to the collection.

Where an upgrade stands is told by what is there, never by a note: image tags in manifests, the kubelet on the disk and
the one that runs.
"""

from __future__ import annotations

import os
import re
import typing as t

from ..errors import PlatformError
from . import artifacts, health, host, kubeadm, kubeapi, lasting, paths, place, upgrade_hazards, versions
from .etcd import Etcd, quorum_problem

KUBELET = "/usr/local/bin/kubelet"
#: Annotation of a Node that one of our runs has cordoned: lodestar.platform.drain sets and removes it.
CORDON_MARK = "lodestar.platform/cordoned"
#: The static pods whose images bear the version of Kubernetes.
VERSIONED_PODS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")

_IMAGE = re.compile(r"^\s*image: [\"']?\S+:(v[0-9][^\s\"']*)", re.MULTILINE)
_VERSION = re.compile(r"^kubernetesVersion: [\"']?(v[0-9][^\s\"']*)", re.MULTILINE)
_CONFIGURATION = "/api/v1/namespaces/kube-system/configmaps/kubeadm-config"

Held = dict[str, t.Any]


def observe(
    cluster: t.Mapping[str, t.Any], machine: t.Mapping[str, t.Any], target: t.Mapping[str, str], patience: float = 0
) -> Held:
    """The versions on this machine.

    :param target: sha256 of the wanted binaries by path.
    :param patience: seconds that the API server may take to answer, as one that a killed upgrade has just changed.
    :returns: C(kubelet) (the version on the disk, C(None) without one), C(kubelet_current) (the one on the disk runs),
        C(member), C(static_pods) (version by name), and of a control plane C(lasting), C(etcd_problem) and C(cluster),
        which is C(None) while its API does not answer. C(unknown_arguments) and
        C(refused_authentication) are filled in by who has the bundle.
    """
    digests = artifacts.installed([KUBELET])
    held: Held = {
        "kubelet": _kubelet_version(cluster, digests[KUBELET], target.get(KUBELET)),
        "kubelet_current": kubelet_current(),
        "member": os.path.exists(paths.KUBELET_CONF),
        "static_pods": {},
        "lasting": {},
        "unknown_arguments": {},
        "refused_authentication": "",
        "etcd_problem": None,
        "cluster": None,
        "architecture": place.architecture(),
    }
    if machine["role"] == "control_plane":
        held["static_pods"] = static_pods()
        held["lasting"] = lasting.seen()
        if kubeapi.holds_cluster(machine["node_ip"], kubeadm.bind_port(cluster)):
            held["cluster"] = health.patiently(lambda: _ask(cluster, machine), patience)
        held["etcd_problem"] = _etcd_problem(machine)
    return held


def _kubelet_version(cluster: t.Mapping[str, t.Any], digest: str | None, wanted: str | None) -> str | None:
    if digest is None:
        return None
    return str(cluster["version"]) if digest == wanted else program_version(KUBELET)


def program_version(path: str) -> str | None:
    """What a binary of Kubernetes says of itself, C(None) when it says nothing."""
    said = host.run([path, "--version"], check=False).stdout.split()
    try:
        return versions.plain(said[-1]) if said else None
    except ValueError:
        return None


def kubelet_current() -> bool:
    """Whether the kubelet that runs is the one on the disk: the same file, not one that has been replaced since."""
    listed = host.run(["systemctl", "show", "--no-pager", "--value", "-p", "MainPID", "kubelet.service"], check=False)
    try:
        running, installed = os.stat(f"/proc/{int(listed.stdout.strip() or 0)}/exe"), os.stat(KUBELET)
    except (FileNotFoundError, ValueError):
        return False
    return (running.st_dev, running.st_ino) == (installed.st_dev, installed.st_ino)


def static_pods() -> dict[str, str]:
    """Version by name of the control plane's own static pods, as their manifests have it."""
    found = {name: manifest_version(host.read(f"{paths.MANIFESTS}/{name}.yaml") or "") for name in VERSIONED_PODS}
    return {name: version for name, version in found.items() if version is not None}


def manifest_version(manifest: str) -> str | None:
    """The version in the image's tag of a static pod. Pure."""
    match = _IMAGE.search(manifest)
    return versions.plain(match[1]) if match else None


def configured_version(api: kubeapi.Api) -> str | None:
    """The version that kubeadm has noted in the cluster, C(None) without such a note."""
    configuration = (api.get(_CONFIGURATION) or {}).get("data") or {}
    return declared_version(configuration.get("ClusterConfiguration", ""))


def declared_version(configuration: str) -> str | None:
    """The version in the ClusterConfiguration that kubeadm keeps in the cluster. Pure."""
    match = _VERSION.search(configuration)
    return versions.plain(match[1]) if match else None


def _etcd_problem(machine: t.Mapping[str, t.Any]) -> str | None:
    """Why no member of etcd may be restarted now: one is ill already, or learns."""
    try:
        members = Etcd(machine["node_ip"], timeout=3).members()
    except (PlatformError, OSError) as exc:
        return str(exc)
    ill = [member.name or member.id for member in members if member.learner or not member.healthy]
    return quorum_problem(members) or (f"not a healthy voter of etcd: {', '.join(ill)}" if ill else None)


def _ask(cluster: t.Mapping[str, t.Any], machine: t.Mapping[str, t.Any]) -> Held | None:
    api = kubeapi.local_admin(machine["node_ip"], kubeadm.bind_port(cluster))
    if api is None:
        return None
    try:
        # One that is about to end still answers, and is not ready any more.
        if not api.ready():
            return None
        return {
            "api": versions.plain(str(api.request("GET", "/version")["gitVersion"])),
            "declared": configured_version(api),
            "nodes": [node_of(item) for item in api.request("GET", "/api/v1/nodes").get("items") or ()],
            "webhooks": upgrade_hazards.webhooks(api),
            "deprecated": upgrade_hazards.deprecated(api),
        }
    except kubeapi.ApiError:
        return None
    finally:
        api.close()


def node_of(node: t.Mapping[str, t.Any]) -> Held:
    """What an upgrade must know of a Node: C(name), C(kubelet), C(ready), C(cordoned), C(cordoned_by_us), C(dedicated)
    (it refuses ordinary pods). Pure."""
    spec, status = node.get("spec") or {}, node.get("status") or {}
    ready = any(item["type"] == "Ready" and item["status"] == "True" for item in status.get("conditions") or ())
    taints = [item for item in spec.get("taints") or () if item["effect"] in ("NoSchedule", "NoExecute")]
    return {
        "name": node["metadata"]["name"],
        "kubelet": versions.plain(status["nodeInfo"]["kubeletVersion"]),
        "ready": ready,
        "cordoned": bool(spec.get("unschedulable")),
        "cordoned_by_us": CORDON_MARK in (node["metadata"].get("annotations") or {}),
        "dedicated": any(not item["key"].startswith("node.kubernetes.io/") for item in taints),
    }
