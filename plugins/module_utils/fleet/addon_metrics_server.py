# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""metrics-server, which answers what nodes and pods use. Pure. It is delivered (C(delivery/addons.py)).

The rights follow its own manifests. Private to the collection.
"""

from __future__ import annotations

from .addon import (
    NAMESPACE,
    RBAC,
    Object,
    budget,
    cluster_role,
    cluster_role_binding,
    service_account,
    subject,
)

SERVER_RULES: tuple[Object, ...] = (
    {"apiGroups": [""], "resources": ["nodes/metrics"], "verbs": ["get"]},
    {"apiGroups": [""], "resources": ["nodes", "pods"], "verbs": ["get", "list", "watch"]},
)
READER_RULES: tuple[Object, ...] = (
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
#: All that applying it grants, which the identity that applies it must hold itself.
RULES: tuple[Object, ...] = (*SERVER_RULES, *READER_RULES, *DELEGATED_RULES)


#: What it is called, and its image in the bundle.
NAME = "metrics-server"


def objects(image: str, replicas: int, kubelet_insecure_tls: bool = False) -> list[Object]:
    """metrics-server: the metrics API for C(kubectl top) and autoscalers.

    :param image: its reference.
    :param replicas: two where there are two nodes to hold them, since a missing metrics API stalls the deletion of
        namespaces.
    :param kubelet_insecure_tls: it does not verify the kubelets' certificates, which are self-signed unless the
        kubelets get serving certificates from the cluster (C(serverTLSBootstrap)).
    """
    reader = cluster_role("system:aggregated-metrics-reader", READER_RULES)
    reader["metadata"]["labels"] = {f"{RBAC}/aggregate-to-{role}": "true" for role in ("view", "edit", "admin")}
    return [
        service_account("metrics-server"),
        reader,
        cluster_role("system:metrics-server", SERVER_RULES),
        cluster_role_binding("system:metrics-server", "system:metrics-server", "metrics-server"),
        cluster_role_binding("metrics-server:system:auth-delegator", "system:auth-delegator", "metrics-server"),
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "metrics-server-auth-reader", "namespace": NAMESPACE},
            "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": "extension-apiserver-authentication-reader"},
            "subjects": [subject("metrics-server")],
        },
        *_serving(image, replicas, kubelet_insecure_tls),
        budget("metrics-server", {"k8s-app": "metrics-server"}),
    ]


def _serving(image: str, replicas: int, insecure: bool) -> list[Object]:
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
                "replicas": replicas,
                "selector": {"matchLabels": labels},
                "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}},
                "template": {"metadata": {"labels": labels}, "spec": _pod(image, insecure, labels)},
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


def _pod(image: str, insecure: bool, labels: Object) -> Object:
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
        "containers": [_container(image, insecure)],
        "volumes": [{"name": "certificate", "emptyDir": {}}],
    }


def _container(image: str, insecure: bool) -> Object:
    kubelet_tls = (
        "--kubelet-insecure-tls"
        if insecure
        else "--kubelet-certificate-authority=/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"
    )
    probe = {"periodSeconds": 10, "failureThreshold": 6}
    return {
        "name": "metrics-server",
        "image": image,
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
