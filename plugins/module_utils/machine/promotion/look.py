# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads what a machine of a cluster that others have made is, for the judgement whether the cluster can be promoted.

Changes nothing. Private to the collection.
"""

from __future__ import annotations

import glob
import os
import re
import tomllib
import typing as t

from ...errors import PlatformError
from .. import arguments, before, block_yaml, host, kubeadm, kubeapi, membership, objects, paths, probe, recovery

CONTAINERD_CONFIG = "/etc/containerd/config.toml"
#: Where containerd is told to look by default; the first file in alphabetical order is the network's.
CNI_FILES = "/etc/cni/net.d/*"
_CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
_ENCRYPTION_FLAG = "encryption-provider-config"
#: Arguments of static pods that are judged. Others are none of the controller's business.
_JUDGED = (
    *("service-account-issuer", "secure-port", "client-ca-file", "service-account-signing-key-file"),
    *(_ENCRYPTION_FLAG, "data-dir", "tls-cert-file"),
)
_KUBELET = ("cgroupDriver", "staticPodPath", "containerRuntimeEndpoint", "clusterDomain")
#: add-on -> path of the object by which it is known.
_ADDONS = {
    "kube-router": "/apis/apps/v1/namespaces/kube-system/daemonsets/kube-router",
    "metrics-server": "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io",
}


def look(cluster: t.Mapping[str, t.Any], machine: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """What is seen, as plain data without a secret. What only a control plane has is missing of a worker."""
    found = probe.holding(cluster, machine)
    seen: dict[str, t.Any] = {
        "member": found.kubelet_final and (machine["role"] == "worker" or found.etcd_data),
        "prepared": not before.wanted(),
        "ca_sha256": found.ca_sha256,
        "recorded": found.recorded.get("name"),
        "static_pods": found.static_pods,
        "kubelet": _kubelet(),
        "containerd": _containerd(),
        "network": _network(),
    }
    if machine["role"] == "control_plane":
        seen |= _control_plane(found) | _asked(cluster, machine, found)
    return seen


def _kubelet() -> dict[str, t.Any]:
    settings = block_yaml.mapping(host.read(paths.KUBELET_CONFIG))
    given = host.read("/var/lib/kubelet/kubeadm-flags.env") or ""
    answer = {key: settings.get(key) for key in _KUBELET} if settings is not None else {}
    return {**answer, "readable": settings is not None, "arguments": kubelet_arguments(given)}


def kubelet_arguments(text: str) -> dict[str, str]:
    """The arguments that decide where a kubelet keeps what, from kubeadm's file of arguments. Pure."""
    words = re.findall(r"--[^\s\"']+", text)
    given = {name: values[-1] for name, values in arguments.of_command(words).items()}
    return {name: given[name] for name in ("root-dir", "container-runtime-endpoint", "node-ip") if name in given}


def _containerd() -> dict[str, t.Any]:
    text = host.read(CONTAINERD_CONFIG)
    if text is None:
        return {"readable": True, "root": "", "state": ""}
    try:
        settings = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return {"readable": False, "root": "", "state": ""}
    return {"readable": True, "root": str(settings.get("root", "")), "state": str(settings.get("state", ""))}


def _network() -> str:
    """The name of the file that the network of pods is configured by; C("") where there is none."""
    found = sorted(os.path.basename(path) for path in glob.glob(CNI_FILES))
    return next((name for name in found if name.endswith((".conf", ".conflist", ".json"))), "")


def _control_plane(found: probe.Holding) -> dict[str, t.Any]:
    manifests = {name: host.read(f"{paths.MANIFESTS}/{name}.yaml") or "" for name in paths.STATIC_PODS}
    given = {name: arguments.parsed(text) for name, text in manifests.items()}
    return {
        "lasting": found.lasting,
        "images": {name: arguments.image_of(text) for name, text in manifests.items()},
        "arguments": {
            name: {key: values[-1] for key, values in parsed.items() if key in _JUDGED}
            for name, parsed in given.items()
        },
        "keys": {name: digest for name, digest in probe.keys().items() if name != recovery.ENCRYPTION},
        "encryption": encryption(given["kube-apiserver"]),
    }


def encryption_text(given: arguments.Arguments) -> tuple[str, str | None]:
    """Path and text of the configuration by which the API server encrypts; path C("") where it does not."""
    path = (given.get(_ENCRYPTION_FLAG) or [""])[-1]
    return path, host.read(path) if path else None


def encryption(given: arguments.Arguments) -> dict[str, t.Any]:
    """How the API server encrypts, without what it encrypts with."""
    path, text = encryption_text(given)
    digest = recovery.digest(recovery.ENCRYPTION, text) if text is not None else ""
    return {"path": path, "digest": digest, "kms": bool(re.search(r"\bkms\b[\"']?\s*:", text or ""))}


def _asked(cluster: t.Mapping[str, t.Any], machine: t.Mapping[str, t.Any], found: probe.Holding) -> dict[str, t.Any]:
    """What the API server and etcd of this machine say."""
    answer: dict[str, t.Any] = {
        "api": found.local.healthy,
        "uid": found.local.uid,
        "founded": found.local.founded,
        "members": [membership.reported(member) for member in found.local.members],
        "configuration": _configuration(found),
        "mark": None,
        "nodes": [],
        "addons": {},
        "unreadable": "",
    }
    api = kubeapi.local_admin(machine["node_ip"], kubeadm.bind_port(cluster)) if found.local.healthy else None
    if api is None:
        return answer
    try:
        answer["mark"] = _mark(api.get("/api/v1/namespaces/lodestar-system"))
        answer["nodes"] = [node_of(item) for item in (api.get("/api/v1/nodes") or {}).get("items") or ()]
        answer["addons"] = {name: _owned(api.get(path)) for name, path in _ADDONS.items()}
    except PlatformError as exc:
        answer["unreadable"] = str(exc)
    finally:
        api.close()
    return answer


def _configuration(found: probe.Holding) -> dict[str, t.Any] | None:
    data = (found.local.shared.get("kubeadm-config") or {"data": {}})["data"]
    settings = block_yaml.mapping(data.get("ClusterConfiguration"))
    if settings is None:
        return None
    return {
        "certificatesDir": settings.get("certificatesDir"),
        "dnsDomain": (settings.get("networking") or {}).get("dnsDomain"),
        "etcd": sorted(settings.get("etcd") or {}),
    }


def _mark(namespace: t.Mapping[str, t.Any] | None) -> dict[str, str] | None:
    annotations = ((namespace or {}).get("metadata") or {}).get("annotations") or {}
    names = {"hub_uid": "lodestar.platform/hub-uid", "cluster": "lodestar.platform/cluster"}
    answer = {key: str(annotations.get(name) or "") for key, name in names.items()}
    return answer if all(answer.values()) else None


def _owned(item: t.Mapping[str, t.Any] | None) -> str:
    """Whose an object is: C(ours), C(others), or C("") where there is none."""
    if item is None:
        return ""
    return "ours" if objects.in_set(item) else "others"


def node_of(item: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """What is judged of a Node. Pure."""
    metadata, status = item["metadata"], item.get("status") or {}
    said = status.get("nodeInfo") or {}
    return {
        "name": str(metadata["name"]),
        "addresses": [one["address"] for one in status.get("addresses") or () if one["type"] == "InternalIP"],
        "version": str(said.get("kubeletVersion") or "").removeprefix("v"),
        "runtime": str(said.get("containerRuntimeVersion") or ""),
        "control_plane": _CONTROL_PLANE in (metadata.get("labels") or {}),
        "tainted": any(
            one["key"] == _CONTROL_PLANE and one["effect"] == "NoSchedule"
            for one in (item.get("spec") or {}).get("taints") or ()
        ),
        "ready": any(one["type"] == "Ready" and one["status"] == "True" for one in status.get("conditions") or ()),
    }
