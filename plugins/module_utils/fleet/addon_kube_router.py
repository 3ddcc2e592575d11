# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""kube-router: routes between nodes by BGP, NetworkPolicy, and the CNI configuration of each node. Pure.

The rights follow its own manifests, less what its switched-off parts would need. Private to the collection.
"""

from __future__ import annotations

import json

from .addon import NAMESPACE, Object, Settings, cluster_role, cluster_role_binding, families, service_account

#: Watches of kube-router with its router and firewall on and its service proxy and load balancer off.
RULES: tuple[Object, ...] = (
    {
        "apiGroups": [""],
        "resources": ["endpoints", "namespaces", "nodes", "pods", "services"],
        "verbs": ["get", "list", "watch"],
    },
    {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": ["networking.k8s.io"], "resources": ["networkpolicies"], "verbs": ["get", "list", "watch"]},
)


def objects(settings: Settings) -> list[Object]:
    """kube-router: routes between nodes by BGP, NetworkPolicy, and the CNI configuration of each node."""
    labels = {"k8s-app": "kube-router"}
    return [
        service_account("kube-router"),
        cluster_role("kube-router", RULES),
        cluster_role_binding("kube-router", "kube-router", "kube-router"),
        {
            "apiVersion": "apps/v1",
            "kind": "DaemonSet",
            "metadata": {"name": "kube-router", "namespace": NAMESPACE, "labels": labels},
            "spec": {
                "selector": {"matchLabels": labels},
                "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}},
                "template": {"metadata": {"labels": labels}, "spec": _pod(settings)},
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


def _args(settings: Settings) -> list[str]:
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


def _pod(settings: Settings) -> Object:
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
        "containers": [_container(settings, configuration)],
        "volumes": [
            {"name": "cni", "hostPath": {"path": "/etc/cni/net.d", "type": "DirectoryOrCreate"}},
            {"name": "modules", "hostPath": {"path": "/lib/modules", "type": "DirectoryOrCreate"}},
            {"name": "xtables-lock", "hostPath": {"path": "/run/xtables.lock", "type": "FileOrCreate"}},
        ],
    }


def _container(settings: Settings, configuration: str) -> Object:
    return {
        "name": "kube-router",
        "image": settings.image("kube-router"),
        "imagePullPolicy": "IfNotPresent",
        "args": _args(settings),
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
