# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The add-ons of a created cluster as objects: kube-router as CNI with NetworkPolicy, and metrics-server. Pure.

CoreDNS and kube-proxy come from kubeadm. The rights follow each program's own manifests, less what its switched-off
parts would need. Private to the collection.
"""

from __future__ import annotations

import ipaddress
import json
import typing as t
from dataclasses import dataclass, field

Object = dict[str, t.Any]
RBAC = "rbac.authorization.k8s.io"
NAMESPACE = "kube-system"
IMAGE_REPOSITORY = "lodestar.platform/bundle"

#: Watches of kube-router with its router and firewall on and its service proxy and load balancer off.
KUBE_ROUTER_RULES: tuple[Object, ...] = (
    {
        "apiGroups": [""],
        "resources": ["endpoints", "namespaces", "nodes", "pods", "services"],
        "verbs": ["get", "list", "watch"],
    },
    {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": ["networking.k8s.io"], "resources": ["networkpolicies"], "verbs": ["get", "list", "watch"]},
)
METRICS_SERVER_RULES: tuple[Object, ...] = (
    {"apiGroups": [""], "resources": ["nodes/metrics"], "verbs": ["get"]},
    {"apiGroups": [""], "resources": ["nodes", "pods"], "verbs": ["get", "list", "watch"]},
)
METRICS_READER_RULES: tuple[Object, ...] = (
    {"apiGroups": ["metrics.k8s.io"], "resources": ["nodes", "pods"], "verbs": ["get", "list", "watch"]},
)
#: What an aggregated API server gets from Kubernetes' own roles: check tokens and rights, read the request header CA.
DELEGATED_RULES: tuple[Object, ...] = (
    {"apiGroups": ["authentication.k8s.io"], "resources": ["tokenreviews"], "verbs": ["create"]},
    {"apiGroups": ["authorization.k8s.io"], "resources": ["subjectaccessreviews"], "verbs": ["create"]},
    {
        "apiGroups": [""],
        "resources": ["configmaps"],
        "verbs": ["get", "list", "watch"],
        "resourceNames": ["extension-apiserver-authentication"],
    },
)
#: All that applying the add-ons grants to them, which the identity that applies them must hold itself.
GRANTED_RULES: tuple[Object, ...] = (
    *KUBE_ROUTER_RULES,
    *METRICS_SERVER_RULES,
    *METRICS_READER_RULES,
    *DELEGATED_RULES,
)


@dataclass(frozen=True)
class Settings:
    """What the add-ons of one cluster depend on.

    :param endpoint_host: address at which every node reaches the API server, before any service works.
    :param endpoint_port: its port.
    :param pod_cidr: one range, or an IPv4 and an IPv6 range with a comma between them.
    :param service_cidr: likewise.
    :param metrics_replicas: two where there are two nodes to hold them, since a missing metrics API stalls the deletion
        of namespaces.
    :param kubelet_insecure_tls: metrics-server does not verify the kubelets' certificates, which are self-signed unless
        the kubelets get serving certificates from the cluster (C(serverTLSBootstrap)).
    :param images: name -> reference, where another than the bundle's is wanted.
    """

    endpoint_host: str
    endpoint_port: int = 6443
    pod_cidr: str = "10.244.0.0/16"
    service_cidr: str = "10.96.0.0/12"
    metrics_replicas: int = 1
    kubelet_insecure_tls: bool = False
    images: t.Mapping[str, str] = field(default_factory=dict)

    def image(self, name: str) -> str:
        """The image reference of an add-on."""
        return self.images.get(name) or DEFAULT_IMAGES[name]


DEFAULT_IMAGES = {
    "kube-router": f"{IMAGE_REPOSITORY}/kube-router:v2.2.1",
    "metrics-server": f"{IMAGE_REPOSITORY}/metrics-server:v0.9.0",
}


def names_objects() -> list[Object]:
    """What kubeadm leaves out of CoreDNS: a drain must not take all of a cluster's names at once."""
    return [_budget("coredns", {"k8s-app": "kube-dns"})]


def families(cidrs: str) -> set[int]:
    """The IP versions of ranges with commas between them.

    :raises ValueError: for what is no range.
    """
    return {ipaddress.ip_network(cidr.strip()).version for cidr in cidrs.split(",")}


def network_objects(settings: Settings) -> list[Object]:
    """kube-router: routes between nodes by BGP, NetworkPolicy, and the CNI configuration of each node."""
    labels = {"k8s-app": "kube-router"}
    return [
        _service_account("kube-router"),
        _cluster_role("kube-router", KUBE_ROUTER_RULES),
        _cluster_role_binding("kube-router", "kube-router", "kube-router"),
        {
            "apiVersion": "apps/v1",
            "kind": "DaemonSet",
            "metadata": {"name": "kube-router", "namespace": NAMESPACE, "labels": labels},
            "spec": {
                "selector": {"matchLabels": labels},
                "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}},
                "template": {"metadata": {"labels": labels}, "spec": _kube_router_pod(settings)},
            },
        },
    ]


def _cni_configuration() -> Object:
    # kube-router adds each node's own pod range to the IPAM part when it starts.
    return {
        "cniVersion": "0.3.1",
        "name": "lodestar",
        "plugins": [
            {
                "name": "kubernetes",
                "type": "bridge",
                "bridge": "kube-bridge",
                "isDefaultGateway": True,
                "hairpinMode": True,
                "ipam": {"type": "host-local"},
            },
            {"type": "portmap", "snat": True, "capabilities": {"portMappings": True}},
        ],
    }


def _kube_router_args(settings: Settings) -> list[str]:
    versions = families(settings.pod_cidr)
    args = [
        "--run-router=true",
        "--run-firewall=true",
        "--run-service-proxy=false",
        "--enable-cni=true",
        "--bgp-graceful-restart=true",
        f"--enable-ipv4={str(4 in versions).lower()}",
        f"--enable-ipv6={str(6 in versions).lower()}",
        "--v=1",
    ]
    args += [f"--service-cluster-ip-range={cidr.strip()}" for cidr in settings.service_cidr.split(",")]
    if versions == {6}:
        args.append("--router-id=generate")
    return args


def _kube_router_pod(settings: Settings) -> Object:
    configuration = "/etc/cni/net.d/10-lodestar.conflist"
    image = {"image": settings.image("kube-router"), "imagePullPolicy": "IfNotPresent"}
    cni = {"name": "cni", "mountPath": "/etc/cni/net.d"}
    return {
        "priorityClassName": "system-node-critical",
        "serviceAccountName": "kube-router",
        "hostNetwork": True,
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"operator": "Exists"}],
        "initContainers": [
            {
                "name": "cni-configuration",
                **image,
                # The image has a shell for iptables and no cp; printf is built into the shell.
                "command": ["sh", "-c", f'printf "%s" "$CNI_CONFIGURATION" > {configuration}'],
                "env": [{"name": "CNI_CONFIGURATION", "value": json.dumps(_cni_configuration(), sort_keys=True)}],
                "volumeMounts": [cni],
            }
        ],
        "containers": [_kube_router_container(settings, configuration)],
        "volumes": [
            {"name": "cni", "hostPath": {"path": "/etc/cni/net.d", "type": "DirectoryOrCreate"}},
            {"name": "modules", "hostPath": {"path": "/lib/modules", "type": "DirectoryOrCreate"}},
            {"name": "xtables-lock", "hostPath": {"path": "/run/xtables.lock", "type": "FileOrCreate"}},
        ],
    }


def _kube_router_container(settings: Settings, configuration: str) -> Object:
    return {
        "name": "kube-router",
        "image": settings.image("kube-router"),
        "imagePullPolicy": "IfNotPresent",
        "args": _kube_router_args(settings),
        "env": [
            {"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
            {"name": "KUBE_ROUTER_CNI_CONF_FILE", "value": configuration},
            # The service address of the API server works only once kube-proxy does.
            {"name": "KUBERNETES_SERVICE_HOST", "value": settings.endpoint_host},
            {"name": "KUBERNETES_SERVICE_PORT", "value": str(settings.endpoint_port)},
        ],
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}},
        "livenessProbe": {
            "httpGet": {"path": "/healthz", "port": 20244},
            "initialDelaySeconds": 30,
            "periodSeconds": 10,
            "failureThreshold": 6,
        },
        # It writes network settings under /proc/sys and loads kernel modules.
        "securityContext": {"privileged": True},
        "volumeMounts": [
            {"name": "cni", "mountPath": "/etc/cni/net.d"},
            {"name": "modules", "mountPath": "/lib/modules", "readOnly": True},
            {"name": "xtables-lock", "mountPath": "/run/xtables.lock"},
        ],
    }


def metrics_objects(settings: Settings) -> list[Object]:
    """metrics-server: the metrics API for C(kubectl top) and autoscalers."""
    reader = _cluster_role("system:aggregated-metrics-reader", METRICS_READER_RULES)
    reader["metadata"]["labels"] = {f"{RBAC}/aggregate-to-{role}": "true" for role in ("view", "edit", "admin")}
    return [
        _service_account("metrics-server"),
        reader,
        _cluster_role("system:metrics-server", METRICS_SERVER_RULES),
        _cluster_role_binding("system:metrics-server", "system:metrics-server", "metrics-server"),
        _cluster_role_binding("metrics-server:system:auth-delegator", "system:auth-delegator", "metrics-server"),
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "metrics-server-auth-reader", "namespace": NAMESPACE},
            "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": "extension-apiserver-authentication-reader"},
            "subjects": [_subject("metrics-server")],
        },
        *_metrics_serving(settings),
        _budget("metrics-server", {"k8s-app": "metrics-server"}),
    ]


def _metrics_serving(settings: Settings) -> list[Object]:
    labels = {"k8s-app": "metrics-server"}
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "metrics-server", "namespace": NAMESPACE, "labels": labels},
            "spec": {
                "selector": labels,
                "ports": [
                    {"name": "https", "port": 443, "protocol": "TCP", "targetPort": "https", "appProtocol": "https"}
                ],
            },
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "metrics-server", "namespace": NAMESPACE, "labels": labels},
            "spec": {
                "replicas": settings.metrics_replicas,
                "selector": {"matchLabels": labels},
                "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}},
                "template": {"metadata": {"labels": labels}, "spec": _metrics_server_pod(settings, labels)},
            },
        },
        {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": "v1beta1.metrics.k8s.io", "labels": labels},
            "spec": {
                "service": {"name": "metrics-server", "namespace": NAMESPACE, "port": 443},
                "group": "metrics.k8s.io",
                "version": "v1beta1",
                # Its serving certificate is made anew at each start, as upstream ships it.
                "insecureSkipTLSVerify": True,
                "groupPriorityMinimum": 100,
                "versionPriority": 100,
            },
        },
    ]


def _metrics_server_pod(settings: Settings, labels: Object) -> Object:
    return {
        "priorityClassName": "system-cluster-critical",
        "serviceAccountName": "metrics-server",
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [
            {"key": "node-role.kubernetes.io/control-plane", "operator": "Exists", "effect": "NoSchedule"},
            *(
                {
                    "key": f"node.kubernetes.io/{key}",
                    "operator": "Exists",
                    "effect": "NoExecute",
                    "tolerationSeconds": 30,
                }
                for key in ("not-ready", "unreachable")
            ),
        ],
        "affinity": {
            "podAntiAffinity": {
                "preferredDuringSchedulingIgnoredDuringExecution": [
                    {
                        "weight": 100,
                        "podAffinityTerm": {
                            "labelSelector": {"matchLabels": labels},
                            "topologyKey": "kubernetes.io/hostname",
                        },
                    }
                ]
            }
        },
        "containers": [_metrics_server_container(settings)],
        "volumes": [{"name": "certificate", "emptyDir": {}}],
    }


def _metrics_server_container(settings: Settings) -> Object:
    kubelet_tls = (
        "--kubelet-insecure-tls"
        if settings.kubelet_insecure_tls
        else "--kubelet-certificate-authority=/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"
    )
    probe = {"periodSeconds": 10, "failureThreshold": 6}
    return {
        "name": "metrics-server",
        "image": settings.image("metrics-server"),
        "imagePullPolicy": "IfNotPresent",
        "args": [
            "--cert-dir=/certificate",
            "--secure-port=10250",
            "--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname",
            "--kubelet-use-node-status-port",
            "--metric-resolution=15s",
            kubelet_tls,
        ],
        "ports": [{"name": "https", "containerPort": 10250, "protocol": "TCP"}],
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}},
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": "https", "scheme": "HTTPS"}, **probe},
        "livenessProbe": {
            "httpGet": {"path": "/livez", "port": "https", "scheme": "HTTPS"},
            "initialDelaySeconds": 30,
            **probe,
        },
        "securityContext": {
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "runAsUser": 1000,
            "allowPrivilegeEscalation": False,
            "seccompProfile": {"type": "RuntimeDefault"},
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "certificate", "mountPath": "/certificate"}],
    }


def _budget(name: str, labels: Object) -> Object:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "maxUnavailable": 1,
            "selector": {"matchLabels": labels},
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
    }


def _subject(account: str) -> Object:
    return {"kind": "ServiceAccount", "name": account, "namespace": NAMESPACE}


def _service_account(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": NAMESPACE}}


def _cluster_role(name: str, rules: t.Sequence[Object]) -> Object:
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": [dict(item) for item in rules],
    }


def _cluster_role_binding(name: str, role: str, account: str) -> Object:
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
        "subjects": [_subject(account)],
    }
