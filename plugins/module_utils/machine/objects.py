# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The few objects of a cluster that its control planes apply themselves, as its administrator.

Private to the collection.
"""

from __future__ import annotations

import typing as t

from ..errors import PlatformError
from ..plan import Step
from . import kubeapi

Object = t.Mapping[str, t.Any]

RBAC = "apis/rbac.authorization.k8s.io/v1"
#: The label of an object that belongs to a set of objects (KEP-3659). kube.applyset does not come to machines.
_PART_OF = "applyset.kubernetes.io/part-of"
#: kind -> prefix of the path, plural, whether it lives in a namespace.
_PLURALS = {
    "Namespace": ("api/v1", "namespaces", False),
    "ConfigMap": ("api/v1", "configmaps", True),
    "ServiceAccount": ("api/v1", "serviceaccounts", True),
    "ClusterRole": (RBAC, "clusterroles", False),
    "ClusterRoleBinding": (RBAC, "clusterrolebindings", False),
    "Role": (RBAC, "roles", True),
    "RoleBinding": (RBAC, "rolebindings", True),
    "DaemonSet": ("apis/apps/v1", "daemonsets", True),
}


def path_of(document: Object) -> str:
    """The API path of an object. Pure.

    :raises PlatformError: no control plane applies objects of that kind.
    """
    kind, metadata = document["kind"], document["metadata"]
    if kind not in _PLURALS:
        raise PlatformError(f"control planes apply objects of {', '.join(sorted(_PLURALS))}; {kind} is none of them")
    prefix, plural, namespaced = _PLURALS[kind]
    middle = f"/namespaces/{metadata['namespace']}" if namespaced else ""
    return f"/{prefix}{middle}/{plural}/{metadata['name']}"


def covers(desired: t.Any, seen: t.Any) -> bool:
    """Whether all that is desired is there; what else is there does not matter. Lists must be equal. Pure."""
    if isinstance(desired, t.Mapping):
        return isinstance(seen, t.Mapping) and all(covers(value, seen.get(key)) for key, value in desired.items())
    return bool(desired == seen)


def name_of(document: Object) -> str:
    """Namespace and name. Pure."""
    metadata = document["metadata"]
    return "/".join(part for part in (metadata.get("namespace"), metadata["name"]) if part)


def step(document: Object, target: str, connect: t.Callable[[], kubeapi.Api], wave: int) -> Step:
    """The step that applies one object.

    :param target: the cluster's name.
    :param connect: gives the API as administrator, when the step's turn has come.
    """
    name = name_of(document)
    return Step(
        f"{document['apiVersion']}/{document['kind']}/{name}",
        "update",
        target,
        f"apply {document['kind']} {name}",
        after=dict(document),
        perform=lambda: apply(document, connect),
        wave=wave,
    )


def in_set(seen: Object | None) -> bool:
    """Whether an object of the cluster belongs to a set of objects."""
    return _PART_OF in (((seen or {}).get("metadata") or {}).get("labels") or {})


def apply(document: Object, connect: t.Callable[[], kubeapi.Api]) -> None:
    """Applies one object as our field manager.

    :raises ApiError: the API server refused it.
    """
    api = connect()
    try:
        api.apply(path_of(document), document)
    finally:
        api.close()


def removal(document: Object, target: str, connect: t.Callable[[], kubeapi.Api], wave: int) -> Step:
    """The step that deletes one object; one that has gone meanwhile is as wanted.

    :param document: only apiVersion, kind, name and namespace are read from it.
    :param target: the cluster's name.
    :param connect: gives the API as administrator, when the step's turn has come.
    """
    name = name_of(document)

    def perform() -> None:
        api = connect()
        try:
            api.delete(path_of(document))
        finally:
            api.close()

    return Step(
        f"{document['apiVersion']}/{document['kind']}/{name}",
        "delete",
        target,
        f"delete {document['kind']} {name}",
        before={"kind": document["kind"], "metadata": dict(document["metadata"])},
        perform=perform,
        wave=wave,
    )
