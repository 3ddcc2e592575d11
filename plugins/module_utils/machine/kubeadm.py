# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""kubeadm's configuration (v1beta4), rendered from a cluster's settings. Pure. Private to the collection.

Files are JSON documents, which are YAML. Secrets stand in these files only, never on a command line.
"""

from __future__ import annotations

import json
import secrets
import string
import typing as t

from . import paths
from .merge import merged
from .paths import CONTAINERD_SOCKET

API = "kubeadm.k8s.io/v1beta4"
TOKEN_SECONDS = 900

#: Forward secrecy and authenticated encryption only (CIS Kubernetes Benchmark 1.2.29, 4.2.12).
CIPHERS = (
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
)

#: What an interrupted init or join has left behind, and goes on with.
_LEFT_BEHIND = (
    *(f"FileAvailable--etc-kubernetes-manifests-{name}.yaml" for name in paths.STATIC_PODS),
    "FileAvailable--etc-kubernetes-pki-ca.crt",
    "FileAvailable--etc-kubernetes-kubelet.conf",
    "FileAvailable--etc-kubernetes-bootstrap-kubelet.conf",
    "DirAvailable--etc-kubernetes-manifests",
    "DirAvailable--var-lib-etcd",
    *(f"Port-{port}" for port in (2379, 2380, 10250, 10257, 10259)),
)

Document = dict[str, t.Any]


def bind_port(cluster: t.Mapping[str, t.Any]) -> int:
    """The port of a machine's API server: kube-vip only carries an address, so there it is the endpoint's port."""
    endpoint = cluster["endpoint"]
    return int(endpoint["port"]) if endpoint["provider"] == "kube_vip" else 6443


def endpoint(cluster: t.Mapping[str, t.Any]) -> str:
    """The stable address of the API as C(host:port)."""
    address = cluster["endpoint"]["address"]
    return (
        f"[{address}]:{cluster['endpoint']['port']}" if ":" in address else f"{address}:{cluster['endpoint']['port']}"
    )


def arguments(values: t.Mapping[str, t.Any]) -> list[dict[str, str]]:
    """Arguments of a program in kubeadm's form, by name; one whose value is a list is given once for each item."""

    def text(value: t.Any) -> str:
        return str(value).lower() if isinstance(value, bool) else str(value)

    return [
        {"name": name, "value": text(value)}
        for name, given in sorted(values.items())
        for value in (given if isinstance(given, (list, tuple)) else [given])
    ]


def _volume(name: str, path: str, kind: str, read_only: bool) -> Document:
    return {"name": name, "hostPath": path, "mountPath": path, "pathType": kind, "readOnly": read_only}


def api_server_arguments(cluster: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The API server's arguments besides kubeadm's, the operator's deviations over ours."""
    ours = {
        "audit-log-path": f"{paths.AUDIT_LOGS}/audit.log",
        "audit-log-maxage": 30,
        "audit-log-maxbackup": 10,
        "audit-log-maxsize": 100,
        "audit-policy-file": paths.AUDIT_POLICY,
        "enable-admission-plugins": "NodeRestriction,DenyServiceExternalIPs",
        "encryption-provider-config": paths.ENCRYPTION,
        "profiling": False,
        "service-account-extend-token-expiration": False,
        "tls-cipher-suites": ",".join(CIPHERS),
        "tls-min-version": "VersionTLS12",
    }
    if cluster.get("authentication"):
        ours["authentication-config"] = paths.AUTHENTICATION
    if kubelet_configuration(cluster).get("serverTLSBootstrap"):
        ours["kubelet-certificate-authority"] = paths.CA
    return merged(ours, cluster.get("api_server_args"))


def cluster_configuration(cluster: t.Mapping[str, t.Any], images: t.Mapping[str, str]) -> Document:
    """ClusterConfiguration: what all control planes share, kept in the cluster by kubeadm.

    :param images: references of the bundle's images by name.
    """
    network, address = cluster["network"], cluster["endpoint"]["address"]
    ours = api_server_arguments(cluster)
    volumes = [_volume("lodestar", paths.SETTINGS, "DirectoryOrCreate", True)]
    if str(ours.get("audit-log-path", "")).startswith(paths.AUDIT_LOGS + "/"):
        volumes.append(_volume("audit", paths.AUDIT_LOGS, "DirectoryOrCreate", False))
    return {
        "apiVersion": API,
        "kind": "ClusterConfiguration",
        "clusterName": cluster["name"],
        "kubernetesVersion": "v" + cluster["version"],
        "controlPlaneEndpoint": endpoint(cluster),
        "imageRepository": repository(images),
        "networking": {
            "podSubnet": network["pod_cidr"],
            "serviceSubnet": network["service_cidr"],
            "dnsDomain": network["dns_domain"],
        },
        "apiServer": {
            "certSANs": sorted({address, "127.0.0.1", "localhost", *(cluster.get("api_server_cert_sans") or [])}),
            "extraArgs": arguments(ours),
            "extraVolumes": volumes,
        },
        "controllerManager": {"extraArgs": arguments({"profiling": False, "terminated-pod-gc-threshold": 1000})},
        "scheduler": {"extraArgs": arguments({"profiling": False})},
        "etcd": {"local": {"dataDir": paths.ETCD_DATA, "imageTag": tag(images["etcd"])}},
        "dns": {"imageTag": tag(images["coredns"])},
    }


def repository(images: t.Mapping[str, str]) -> str:
    """What stands before the name of every image of the bundle."""
    return images["kube-apiserver"].rsplit("/", 1)[0]


def tag(reference: str) -> str:
    """The tag of an image reference."""
    return reference.rsplit(":", 1)[1]


def kubelet_configuration(cluster: t.Mapping[str, t.Any]) -> Document:
    """KubeletConfiguration of every machine of the cluster, the operator's deviations over ours."""
    ours = {
        "cgroupDriver": "systemd",
        "eventRecordQPS": 50,
        "podPidsLimit": 4096,
        "protectKernelDefaults": False,
        "readOnlyPort": 0,
        "rotateCertificates": True,
        "seccompDefault": True,
        # Approved by the site run; without it a kubelet's certificate is signed by itself.
        "serverTLSBootstrap": True,
        "streamingConnectionIdleTimeout": "5m0s",
        "tlsCipherSuites": list(CIPHERS),
        "tlsMinVersion": "VersionTLS12",
    }
    settings = merged(ours, cluster.get("kubelet_config"))
    return {**settings, "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration"}


def proxy_configuration(cluster: t.Mapping[str, t.Any]) -> Document:
    """KubeProxyConfiguration, the operator's deviations over ours.

    In the mode iptables, kube-proxy shares its filter table with kube-router, which saves and restores that as a whole:
    a chain that is made in between is lost, and kube-proxy does not try again when its first sync fails so.
    """
    ours = {"metricsBindAddress": "127.0.0.1:10249", "mode": "nftables"}
    settings = merged(ours, cluster.get("kube_proxy_config"))
    return {**settings, "apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration"}


def node_registration(
    cluster: t.Mapping[str, t.Any], machine: t.Mapping[str, t.Any], resuming: bool = False
) -> Document:
    """How a machine becomes a Node. A dedicated control plane keeps kubeadm's taint, a co-located one has none.

    :param resuming: an interrupted attempt goes on, so its files and ports are no obstacle.
    """
    kubelet = {"node-ip": machine["node_ip"]}
    labels = machine.get("labels") or {}
    if labels:
        kubelet["node-labels"] = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
    ignored = [*_LEFT_BEHIND, f"Port-{bind_port(cluster)}"] if resuming else []
    registration: Document = {
        "name": machine["node_name"],
        "criSocket": CONTAINERD_SOCKET,
        "imagePullPolicy": "IfNotPresent",
        "ignorePreflightErrors": [*ignored, *(cluster.get("kubeadm_ignore_preflight_errors") or [])],
        "kubeletExtraArgs": arguments(kubelet),
    }
    taints = [dict(item) for item in machine.get("taints") or []]
    if machine["role"] == "worker" or cluster.get("colocated"):
        registration["taints"] = taints
    elif taints:
        registration["taints"] = [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}, *taints]
    return registration


def local_endpoint(cluster: t.Mapping[str, t.Any], machine: t.Mapping[str, t.Any]) -> Document:
    """Where this machine's API server listens."""
    return {"advertiseAddress": machine["node_ip"], "bindPort": bind_port(cluster)}


def init_documents(
    cluster: t.Mapping[str, t.Any],
    machine: t.Mapping[str, t.Any],
    images: t.Mapping[str, str],
    token: str,
    resuming: bool = False,
) -> list[Document]:
    """What C(kubeadm init) reads.

    :param token: a bootstrap token, since kubeadm would make one that lives for a day.
    """
    groups = ["system:bootstrappers:kubeadm:default-node-token"]
    init = {
        "apiVersion": API,
        "kind": "InitConfiguration",
        "bootstrapTokens": [
            {"token": token, "ttl": "1m0s", "groups": groups, "usages": ["signing", "authentication"]},
        ],
        "localAPIEndpoint": local_endpoint(cluster, machine),
        "nodeRegistration": node_registration(cluster, machine, resuming),
        "skipPhases": ["show-join-command"],
    }
    return [
        init,
        cluster_configuration(cluster, images),
        kubelet_configuration(cluster),
        proxy_configuration(cluster),
    ]


def phase_documents(
    cluster: t.Mapping[str, t.Any],
    machine: t.Mapping[str, t.Any],
    images: t.Mapping[str, str],
    certificates: str = paths.PKI,
) -> list[Document]:
    """What one phase of C(kubeadm init) reads on a control plane that exists.

    :param certificates: directory of certificates that the phase reads and writes.
    """
    registration = {"name": machine["node_name"], "criSocket": CONTAINERD_SOCKET, "imagePullPolicy": "IfNotPresent"}
    init = {
        "apiVersion": API,
        "kind": "InitConfiguration",
        "localAPIEndpoint": local_endpoint(cluster, machine),
        "nodeRegistration": registration,
    }
    shared = {**cluster_configuration(cluster, images), "certificatesDir": certificates}
    return [init, shared, kubelet_configuration(cluster), proxy_configuration(cluster)]


def join_documents(
    cluster: t.Mapping[str, t.Any],
    machine: t.Mapping[str, t.Any],
    material: t.Mapping[str, t.Any],
    resuming: bool = False,
) -> list[Document]:
    """What C(kubeadm join) reads.

    :param material: C(token), C(ca_hash), and for a control plane C(certificate_key).
    """
    join: Document = {
        "apiVersion": API,
        "kind": "JoinConfiguration",
        "discovery": {
            "bootstrapToken": {
                "apiServerEndpoint": endpoint(cluster),
                "token": material["token"],
                "caCertHashes": [material["ca_hash"]],
            }
        },
        "nodeRegistration": node_registration(cluster, machine, resuming),
    }
    if machine["role"] == "control_plane":
        join["controlPlane"] = {
            "localAPIEndpoint": local_endpoint(cluster, machine),
            "certificateKey": material["certificate_key"],
        }
    return [join]


def render(documents: t.Iterable[Document]) -> str:
    """Several documents as one file."""
    return "---\n".join(json.dumps(item, indent=2) + "\n" for item in documents)


def new_token() -> str:
    """A bootstrap token, as kubeadm takes it."""
    alphabet = string.ascii_lowercase + string.digits
    return (
        "".join(secrets.choice(alphabet) for _index in range(6))
        + "."
        + "".join(secrets.choice(alphabet) for _index in range(16))
    )
