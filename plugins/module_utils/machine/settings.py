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


def _rule(level: str, **match: t.Any) -> dict[str, t.Any]:
    return {"level": level, **match}


def _resources(group: str, *names: str) -> dict[str, t.Any]:
    return {"group": group, "resources": list(names)} if names else {"group": group}


def _dropped() -> list[dict[str, t.Any]]:
    """What the machinery does all day and nobody will ask for."""
    leases = [_resources("coordination.k8s.io", "leases")]
    return [
        _rule("None", nonResourceURLs=["/healthz*", "/livez*", "/readyz*", "/version", "/openapi*", "/metrics"]),
        _rule("None", users=[*_COMPONENTS, KUBE_VIP_USER], verbs=["get", "update"], resources=leases),
        _rule("None", userGroups=["system:nodes"], verbs=["get", "update"], resources=leases),
    ]


def audit_policy() -> str:
    """The audit policy: every write is logged, and reads by people and by us; the machinery's own reads are not.

    Secrets, ConfigMaps and TokenReviews stand before what is dropped by user and at Metadata level, so that no content
    of them is logged (CIS Kubernetes Benchmark 3.2.2).
    """
    events = [_resources("", "events"), _resources("events.k8s.io", "events")]
    sensitive = [
        _resources("", "secrets", "configmaps", "serviceaccounts/token"),
        _resources("authentication.k8s.io", "tokenreviews"),
    ]
    rights = [_resources("rbac.authorization.k8s.io"), _resources("admissionregistration.k8s.io")]
    rules = [
        *_dropped(),
        _rule("Metadata", resources=sensitive),
        _rule("None", users=_COMPONENTS, verbs=_READS),
        _rule("None", userGroups=_SYSTEM_GROUPS, verbs=_READS),
        _rule("None", userGroups=_SYSTEM_GROUPS, resources=events),
        _rule("Request", verbs=["create", "update", "patch", "delete", "deletecollection"], resources=rights),
        _rule("Metadata"),
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


def no_encryption() -> str:
    """An EncryptionConfiguration by which nothing is encrypted: for a cluster whose Secrets never were."""
    return document(
        {
            "apiVersion": "apiserver.config.k8s.io/v1",
            "kind": "EncryptionConfiguration",
            "resources": [{"resources": ["secrets"], "providers": [{"identity": {}}]}],
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
