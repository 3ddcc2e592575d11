# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kinds and their paths in the API. Pure. Private to the collection."""

from __future__ import annotations

import functools
import typing as t
from dataclasses import dataclass
from urllib.parse import quote

from ..errors import InvalidInput, Problem


@dataclass(frozen=True)
class Resource:
    """A kind as an API server serves it."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool

    @property
    def group(self) -> str:
        """The API group, empty for the core group."""
        return group_of(self.api_version)

    @property
    def group_kind(self) -> str:
        """``Kind`` or ``Kind.group``, as ApplySet parents record it."""
        return group_kind(self.api_version, self.kind)

    def path(self, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
        """The path of a collection or an object. A namespaced kind without namespace means all namespaces.

        :raises InvalidInput: for a name that cannot be a path segment.
        """
        parts = [base_path(self.api_version)]
        if self.namespaced and namespace is not None:
            parts.append(f"namespaces/{_segment('namespace', namespace)}")
        parts.append(self.plural)
        if name is not None:
            parts.append(_segment(f"{self.kind} name", name))
        if subresource is not None:
            parts.append(subresource)
        return "/".join(parts)


def group_of(api_version: str) -> str:
    """The group in an C(apiVersion): ``apps`` of ``apps/v1``, empty for ``v1``."""
    return api_version.partition("/")[0] if "/" in api_version else ""


@functools.lru_cache(maxsize=1024)
def group_kind(api_version: str, kind: str) -> str:
    """``Kind`` or ``Kind.group``."""
    group = group_of(api_version)
    return f"{kind}.{group}" if group else kind


def base_path(api_version: str) -> str:
    """The path under which a group's version is served."""
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


def _segment(key: str, value: str) -> str:
    if not value or value in (".", "..") or "/" in value or "%" in value or any(ord(char) < 33 for char in value):
        raise InvalidInput([Problem(key, value, "is not a name of a Kubernetes object", "Give it a valid name")])
    return quote(value, safe=":")


def _table(api_version: str, namespaced: bool, kinds: str) -> list[Resource]:
    pairs = (item.split("=") for item in kinds.split())
    return [Resource(api_version, kind, plural, namespaced) for kind, plural in pairs]


_STATIC = (
    _table("v1", False, "Namespace=namespaces Node=nodes PersistentVolume=persistentvolumes")
    + _table(
        "v1",
        True,
        "ConfigMap=configmaps Secret=secrets Service=services ServiceAccount=serviceaccounts Pod=pods Event=events"
        " Endpoints=endpoints LimitRange=limitranges ResourceQuota=resourcequotas"
        " PersistentVolumeClaim=persistentvolumeclaims ReplicationController=replicationcontrollers",
    )
    + _table(
        "apps/v1", True, "Deployment=deployments DaemonSet=daemonsets StatefulSet=statefulsets ReplicaSet=replicasets"
    )
    + _table("batch/v1", True, "Job=jobs CronJob=cronjobs")
    + _table("rbac.authorization.k8s.io/v1", True, "Role=roles RoleBinding=rolebindings")
    + _table("rbac.authorization.k8s.io/v1", False, "ClusterRole=clusterroles ClusterRoleBinding=clusterrolebindings")
    + _table("networking.k8s.io/v1", True, "NetworkPolicy=networkpolicies Ingress=ingresses")
    + _table("networking.k8s.io/v1", False, "IngressClass=ingressclasses")
    + _table("policy/v1", True, "PodDisruptionBudget=poddisruptionbudgets")
    + _table("coordination.k8s.io/v1", True, "Lease=leases")
    + _table("storage.k8s.io/v1", False, "StorageClass=storageclasses CSIDriver=csidrivers")
    + _table("scheduling.k8s.io/v1", False, "PriorityClass=priorityclasses")
    + _table("apiextensions.k8s.io/v1", False, "CustomResourceDefinition=customresourcedefinitions")
    + _table("apiregistration.k8s.io/v1", False, "APIService=apiservices")
    + _table(
        "admissionregistration.k8s.io/v1",
        False,
        "ValidatingAdmissionPolicy=validatingadmissionpolicies"
        " ValidatingAdmissionPolicyBinding=validatingadmissionpolicybindings"
        " ValidatingWebhookConfiguration=validatingwebhookconfigurations"
        " MutatingWebhookConfiguration=mutatingwebhookconfigurations",
    )
    + _table("autoscaling/v2", True, "HorizontalPodAutoscaler=horizontalpodautoscalers")
    + _table("discovery.k8s.io/v1", True, "EndpointSlice=endpointslices")
    + _table(
        "authorization.k8s.io/v1",
        False,
        "SelfSubjectAccessReview=selfsubjectaccessreviews SubjectAccessReview=subjectaccessreviews"
        " SelfSubjectRulesReview=selfsubjectrulesreviews",
    )
    + _table("authentication.k8s.io/v1", False, "TokenReview=tokenreviews SelfSubjectReview=selfsubjectreviews")
    + _table("certificates.k8s.io/v1", False, "CertificateSigningRequest=certificatesigningrequests")
)
#: Kinds whose path is known without asking the server. All are GA in every supported Kubernetes version.
STATIC: dict[tuple[str, str], Resource] = {(item.api_version, item.kind): item for item in _STATIC}


def from_discovery(api_version: str, document: t.Mapping[str, t.Any]) -> dict[str, Resource]:
    """The kinds in an C(APIResourceList), by kind; subresources are left out."""
    found: dict[str, Resource] = {}
    for item in document.get("resources") or ():
        name, kind = str(item.get("name", "")), str(item.get("kind", ""))
        if name and kind and "/" not in name:
            found.setdefault(kind, Resource(api_version, kind, name, bool(item.get("namespaced"))))
    return found


def from_crd(crd: t.Mapping[str, t.Any]) -> list[Resource]:
    """The resources that a C(CustomResourceDefinition) will serve."""
    spec = crd.get("spec") or {}
    names = spec.get("names") or {}
    return [
        Resource(
            f"{spec.get('group')}/{version.get('name')}",
            str(names.get("kind")),
            str(names.get("plural")),
            spec.get("scope") == "Namespaced",
        )
        for version in spec.get("versions") or ()
        if version.get("served", True)
    ]


def describe(obj: t.Mapping[str, t.Any]) -> str:
    """An object in words: ``RoleBinding team-a/admins``."""
    metadata = obj.get("metadata") or {}
    name, namespace = metadata.get("name") or metadata.get("generateName", ""), metadata.get("namespace")
    return f"{obj.get('kind')} {namespace}/{name}" if namespace else f"{obj.get('kind')} {name}"


def object_id(obj: t.Mapping[str, t.Any]) -> str:
    """An object's stable id in plans: ``rbac.authorization.k8s.io/v1/RoleBinding/team-a/admins``."""
    metadata = obj.get("metadata") or {}
    parts = [str(obj.get("apiVersion")), str(obj.get("kind")), metadata.get("namespace"), str(metadata.get("name"))]
    return "/".join(part for part in parts if part)
