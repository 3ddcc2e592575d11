# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of a control plane that are files: audit policy and encryption at rest. Pure. Private to the collection."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import typing as t

_READS = ["get", "list", "watch"]
_COMPONENTS = ["system:kube-scheduler", "system:kube-controller-manager", "system:kube-proxy", "system:apiserver"]
_SYSTEM_GROUPS = ["system:nodes", "system:serviceaccounts:kube-system"]
#: User name of kube-vip's own certificate.
KUBE_VIP_USER = "lodestar:kube-vip"


def document(value: t.Mapping[str, t.Any]) -> str:
    """Plain data as a file that YAML readers read: JSON is YAML."""
    return json.dumps(value, indent=2) + "\n"


def audit_policy() -> str:
    """The audit policy: every write is logged, and reads by people and by us; the machinery's own reads are not.

    Secrets, ConfigMaps and TokenReviews stand first and at Metadata level, so that no content of them is logged
    (CIS Kubernetes Benchmark 3.2.2).
    """
    rules: list[dict[str, t.Any]] = [
        {"level": "None", "nonResourceURLs": ["/healthz*", "/livez*", "/readyz*", "/version", "/openapi*", "/metrics"]},
        {
            "level": "None",
            "users": [*_COMPONENTS, KUBE_VIP_USER],
            "verbs": ["get", "update"],
            "resources": [{"group": "coordination.k8s.io", "resources": ["leases"]}],
        },
        {
            "level": "None",
            "userGroups": ["system:nodes"],
            "verbs": ["get", "update"],
            "resources": [{"group": "coordination.k8s.io", "resources": ["leases"]}],
        },
        {
            "level": "Metadata",
            "resources": [
                {"group": "", "resources": ["secrets", "configmaps", "serviceaccounts/token"]},
                {"group": "authentication.k8s.io", "resources": ["tokenreviews"]},
            ],
        },
        {"level": "None", "users": _COMPONENTS, "verbs": _READS},
        {"level": "None", "userGroups": _SYSTEM_GROUPS, "verbs": _READS},
        {
            "level": "None",
            "userGroups": ["system:nodes", "system:serviceaccounts:kube-system"],
            "resources": [{"group": "", "resources": ["events"]}, {"group": "events.k8s.io", "resources": ["events"]}],
        },
        {
            "level": "Request",
            "verbs": ["create", "update", "patch", "delete", "deletecollection"],
            "resources": [{"group": "rbac.authorization.k8s.io"}, {"group": "admissionregistration.k8s.io"}],
        },
        {"level": "Metadata"},
    ]
    return document(
        {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"], "rules": rules}
    )


def new_encryption() -> str:
    """An EncryptionConfiguration for Secrets with a new secretbox key of 32 bytes."""
    key = base64.b64encode(secrets.token_bytes(32)).decode("ascii")
    providers = [{"secretbox": {"keys": [{"name": "key1", "secret": key}]}}, {"identity": {}}]
    return document(
        {
            "apiVersion": "apiserver.config.k8s.io/v1",
            "kind": "EncryptionConfiguration",
            "resources": [{"resources": ["secrets"], "providers": providers}],
        }
    )


def same_encryption(one: str, other: str) -> bool:
    """Whether two configurations hold the same keys in the same order; white space and key order do not matter."""
    try:
        return bool(json.loads(one) == json.loads(other))
    except ValueError:
        return one == other


def fingerprint(text: str) -> str:
    """A short name for a secret file that tells nothing of it but equality."""
    return "sha256:" + hashlib.sha256(b"lodestar fingerprint\n" + text.encode()).hexdigest()[:16]
