# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the legacy cluster's machines are configured with: plain kubeadm, containerd and kube-router. Pure.

Its machines are containers too, and deviate as inventories/quickstart/group_vars/in_containers.yml says.
"""

from __future__ import annotations

import json
import typing as t

import yaml

from .bundle import Bundle
from .definition import Legacy

Object = dict[str, t.Any]

AUDIT_POLICY = "/etc/kubernetes/audit/policy.yaml"
AUDIT_LOG = "/var/log/kubernetes/audit/audit.log"
CNI_CONFIGURATION = "/etc/cni/net.d/10-kuberouter.conflist"
SOCKET = "unix:///run/containerd/containerd.sock"
IGNORED = ("SystemVerification", "Swap", "FileContent--proc-sys-net-bridge-bridge-nf-call-iptables")

CONTAINERD_UNIT = """[Unit]
Description=containerd
After=network.target
[Service]
ExecStart=/usr/local/bin/containerd
Type=notify
Delegate=yes
KillMode=process
Restart=always
LimitNOFILE=infinity
TasksMax=infinity
[Install]
WantedBy=multi-user.target
"""
KUBELET_UNIT = """[Unit]
Description=kubelet
After=containerd.service
Wants=containerd.service
[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
ExecStart=/usr/local/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS
Restart=always
StartLimitInterval=0
RestartSec=2
[Install]
WantedBy=multi-user.target
"""  # noqa: E501
CRICTL = f"runtime-endpoint: {SOCKET}\nimage-endpoint: {SOCKET}\n"


def containerd_configuration(pause: str) -> str:
    """containerd's config.toml; what it does not say is containerd's default."""
    return f"""version = 3
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = '{pause}'
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true
[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ['/opt/cni/bin']
  conf_dir = '/etc/cni/net.d'
"""


def audit_policy() -> Object:
    """Every write but the heartbeats of Kubernetes' own components, without contents."""
    components = ["system:kube-controller-manager", "system:kube-scheduler", "system:apiserver"]
    leases = [{"group": "coordination.k8s.io", "resources": ["leases"]}]
    return {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [
            {"level": "None", "verbs": ["get", "list", "watch"]},
            {"level": "None", "users": components, "resources": leases},
            {"level": "None", "userGroups": ["system:nodes"]},
            {"level": "Metadata"},
        ],
    }


def _audited() -> dict[str, t.Any]:
    """An API server that logs to where the tests read what was written."""
    arguments = {
        "audit-policy-file": AUDIT_POLICY,
        "audit-log-path": AUDIT_LOG,
        "audit-log-maxage": "30",
        "audit-log-maxbackup": "10",
        "audit-log-maxsize": "100",
    }
    policy, log = "/etc/kubernetes/audit", "/var/log/kubernetes/audit"
    volume = {"pathType": "DirectoryOrCreate"}
    return {
        "extraArgs": [{"name": name, "value": value} for name, value in arguments.items()],
        "extraVolumes": [
            {"name": "audit-policy", "hostPath": policy, "mountPath": policy, "readOnly": True, **volume},
            {"name": "audit-log", "hostPath": log, "mountPath": log, **volume},
        ],
    }


def init_configuration(legacy: Legacy, bundle: Bundle, address: str) -> str:
    """kubeadm's configuration for ``kubeadm init``."""
    repository, _, coredns = bundle.image("coredns").rpartition("/coredns:")
    cluster = {
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "ClusterConfiguration",
        "clusterName": legacy.name,
        "kubernetesVersion": f"v{legacy.kubernetes_version}",
        "controlPlaneEndpoint": f"{address}:6443",
        "imageRepository": repository,
        "dns": {"imageRepository": repository, "imageTag": coredns},
        "etcd": {"local": {"imageRepository": repository, "imageTag": bundle.image("etcd").rpartition(":")[2]}},
        "networking": {"podSubnet": legacy.pod_cidr, "serviceSubnet": legacy.service_cidr},
        "apiServer": _audited(),
    }
    init = {
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "InitConfiguration",
        "localAPIEndpoint": {"advertiseAddress": address, "bindPort": 6443},
        # No taint: the machines of this cluster are all for workloads.
        "nodeRegistration": {**_registration(legacy.control_plane, address), "taints": []},
    }
    return _documents(cluster, init, _kubelet(), _kube_proxy())


def join_configuration(name: str, address: str, endpoint: str, token: str, ca_hash: str) -> str:
    """kubeadm's configuration for ``kubeadm join`` of a worker."""
    return _documents(
        {
            "apiVersion": "kubeadm.k8s.io/v1beta4",
            "kind": "JoinConfiguration",
            "discovery": {
                "bootstrapToken": {"apiServerEndpoint": f"{endpoint}:6443", "token": token, "caCertHashes": [ca_hash]}
            },
            "nodeRegistration": _registration(name, address),
        }
    )


def _registration(name: str, address: str) -> Object:
    return {
        "name": name,
        "criSocket": SOCKET,
        "imagePullPolicy": "IfNotPresent",
        "ignorePreflightErrors": list(IGNORED),
        "kubeletExtraArgs": [{"name": "node-ip", "value": address}],
    }


def _kubelet() -> Object:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "cgroupDriver": "cgroupfs",
        "failCgroupV1": False,
        "failSwapOn": False,
        "featureGates": {"KubeletInUserNamespace": True},
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1Gi", "imagefs.available": "1Gi"},
    }


def _kube_proxy() -> Object:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",  # shares no table with kube-router, which restores the filter table as a whole
        "conntrack": {"maxPerCore": 0, "min": 0},
    }


def cni_configuration(pod_range: str) -> str:
    """The CNI configuration of one node.

    It is written whole, once the range is known: kube-router would add the range to a file that makes the node Ready
    without one, and the first pods would fail and wait for half a minute.
    """
    bridge = {
        "type": "bridge",
        "bridge": "kube-bridge",
        "isDefaultGateway": True,
        "hairpinMode": True,
        "ipam": {"type": "host-local", "subnet": pod_range},
    }
    ports = {"type": "portmap", "snat": True, "capabilities": {"portMappings": True}}
    return json.dumps({"cniVersion": "0.3.1", "name": "legacy", "plugins": [bridge, ports]}, indent=2) + "\n"


def network_manifest(image: str, endpoint: str, service_cidr: str) -> str:
    """kube-router as a DaemonSet: routes between nodes, and NetworkPolicy."""
    labels = {"k8s-app": "kube-router"}
    where = {"name": "kube-router", "namespace": "kube-system"}
    read = ["get", "list", "watch"]
    rules = [
        {"apiGroups": [""], "resources": ["namespaces", "pods", "services", "nodes", "endpoints"], "verbs": read},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": read},
        {"apiGroups": ["networking.k8s.io"], "resources": ["networkpolicies"], "verbs": read},
    ]
    rbac = "rbac.authorization.k8s.io"
    return _documents(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": where},
        {"apiVersion": f"{rbac}/v1", "kind": "ClusterRole", "metadata": {"name": "kube-router"}, "rules": rules},
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "kube-router"},
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": "kube-router"},
            "subjects": [{"kind": "ServiceAccount", **where}],
        },
        {
            "apiVersion": "apps/v1",
            "kind": "DaemonSet",
            "metadata": {**where, "labels": labels},
            "spec": {
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": _kube_router_pod(image, endpoint, service_cidr)},
            },
        },
    )


def _kube_router_pod(image: str, endpoint: str, service_cidr: str) -> Object:
    modules, lock = "/lib/modules", "/run/xtables.lock"
    environment = {
        "KUBERNETES_SERVICE_HOST": endpoint,
        "KUBERNETES_SERVICE_PORT": "6443",
    }
    return {
        "priorityClassName": "system-node-critical",
        "serviceAccountName": "kube-router",
        "hostNetwork": True,
        "tolerations": [{"operator": "Exists"}],
        "containers": [
            {
                "name": "kube-router",
                "image": image,
                "args": [
                    "--run-router=true",
                    "--run-firewall=true",
                    "--run-service-proxy=false",
                    "--enable-cni=false",
                    "--bgp-graceful-restart=true",
                    f"--service-cluster-ip-range={service_cidr}",
                    "--v=1",
                ],
                "env": [
                    {"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
                    *({"name": name, "value": value} for name, value in environment.items()),
                ],
                "securityContext": {"privileged": True},
                "volumeMounts": [
                    {"name": "modules", "mountPath": modules, "readOnly": True},
                    {"name": "lock", "mountPath": lock},
                ],
            }
        ],
        "volumes": [
            {"name": "modules", "hostPath": {"path": modules, "type": "DirectoryOrCreate"}},
            {"name": "lock", "hostPath": {"path": lock, "type": "FileOrCreate"}},
        ],
    }


def audit_policy_text() -> str:
    """The audit policy as YAML."""
    return _documents(audit_policy())


def _documents(*objects: Object) -> str:
    return yaml.safe_dump_all(objects, sort_keys=False)
