# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""OCM's placement controller on the hub, alone: none of OCM's agents and other controllers are needed. Pure.

Its rights are those that it uses, and fewer than its makers' manifests give it. Private to the collection.
"""

from __future__ import annotations

import typing as t

from .addon import IMAGE_REPOSITORY, RBAC, Object
from .identity import NAMESPACE

NAME = "placement-controller"
#: The image that the bundle brings to the machines of a global cluster that we create, and the word for it.
BUNDLED, BUNDLE = f"{IMAGE_REPOSITORY}/placement:v1.2.1", "bundle"
_ROLE = f"lodestar:{NAME}"
_OCM = "cluster.open-cluster-management.io"

CONTROLLER_RULES: tuple[Object, ...] = (
    {
        "apiGroups": [_OCM],
        "resources": [
            "addonplacementscores", "managedclusters", "managedclustersetbindings", "managedclustersets", "placements",
        ],
        "verbs": ["list", "watch"],
    },
    {"apiGroups": [_OCM], "resources": ["placementdecisions"], "verbs": ["list", "watch", "create", "patch", "delete"]},
    {"apiGroups": [_OCM], "resources": ["placementdecisions/status", "placements/status"], "verbs": ["patch"]},
    # Asked for where the API server guards owner references.
    {"apiGroups": [_OCM], "resources": ["placements/finalizers"], "verbs": ["update"]},
    {"apiGroups": ["events.k8s.io"], "resources": ["events"], "verbs": ["create", "patch"]},
)  # fmt: skip
#: In its own namespace: which of its pods decides.
LEADER_RULES: tuple[Object, ...] = (
    {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create", "get", "update"]},
)
#: All that applying it grants, which the identity that applies it must hold itself.
RULES: tuple[Object, ...] = (*CONTROLLER_RULES, *LEADER_RULES)


def objects(image: str, replicas: int) -> list[Object]:
    """The controller with its rights.

    :param image: of OCM's program C(placement), which lies at C(/placement) in it; :data:`BUNDLE` for the bundle's.
    :param replicas: how many pods; one of them decides.
    """
    own = {"name": NAME, "namespace": NAMESPACE}
    subjects = [{"kind": "ServiceAccount", **own}]
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": own, "automountServiceAccountToken": False},
        *_granted("ClusterRole", {"name": _ROLE}, CONTROLLER_RULES, subjects),
        *_granted("Role", {"name": _ROLE, "namespace": NAMESPACE}, LEADER_RULES, subjects),
        # Without the CA of request headers it does not start. Nobody is let in by it.
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": f"{NAME}-auth-reader", "namespace": "kube-system"},
            "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": "extension-apiserver-authentication-reader"},
            "subjects": subjects,
        },
        _deployment(BUNDLED if image == BUNDLE else image, replicas),
    ]


def _granted(kind: str, metadata: Object, rules: t.Sequence[Object], subjects: list[Object]) -> list[Object]:
    return [
        {"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": metadata, "rules": [dict(item) for item in rules]},
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": f"{kind}Binding",
            "metadata": metadata,
            "roleRef": {"apiGroup": RBAC, "kind": kind, "name": _ROLE},
            "subjects": subjects,
        },
    ]


def _deployment(image: str, replicas: int) -> Object:
    labels = {"app.kubernetes.io/name": NAME}
    near = {"labelSelector": {"matchLabels": labels}, "topologyKey": "kubernetes.io/hostname"}
    spread = [{"weight": 100, "podAffinityTerm": near}]
    pod = {
        "priorityClassName": "system-cluster-critical",
        "serviceAccountName": NAME,
        "automountServiceAccountToken": True,
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"key": "node-role.kubernetes.io/control-plane", "operator": "Exists", "effect": "NoSchedule"}],
        "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": spread}},
        "containers": [_container(image)],
        # Its serving certificate is made anew at each start.
        "volumes": [{"name": "temporary", "emptyDir": {}}],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": NAME, "namespace": NAMESPACE, "labels": labels},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def _container(image: str) -> Object:
    probe = {"httpGet": {"path": "/healthz", "port": "https", "scheme": "HTTPS"}, "periodSeconds": 10}
    return {
        "name": NAME,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["/placement", "controller"],
        "ports": [{"name": "https", "containerPort": 8443, "protocol": "TCP"}],
        "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}},
        "readinessProbe": probe,
        "livenessProbe": {**probe, "initialDelaySeconds": 30, "failureThreshold": 6},
        "securityContext": {
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "allowPrivilegeEscalation": False,
            "seccompProfile": {"type": "RuntimeDefault"},
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "temporary", "mountPath": "/tmp"}],  # noqa: S108 of its own pod only
    }
