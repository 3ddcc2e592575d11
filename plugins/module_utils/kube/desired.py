# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Declared objects: checked, made plain, and ordered. Pure. Private to the collection."""

from __future__ import annotations

import datetime
import re
import typing as t

from ..errors import InvalidInput, Problem
from .applyset import PART_OF, ApplySet, kind_of
from .diff import encode_string_data
from .resources import STATIC, Resource, from_crd, object_id

Object = dict[str, t.Any]

_API_VERSION = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?v[0-9][a-z0-9]*")
_KIND = re.compile(r"[A-Z][A-Za-z0-9]*")
# What a server fills in; manifests that were read from a cluster carry it.
_SERVER_METADATA = ("creationTimestamp", "resourceVersion", "uid", "generation", "managedFields", "selfLink")

_BINDINGS = 30
#: Kinds in the order in which they can be created; kinds of no wave are custom resources or harmless.
_WAVES: dict[int, tuple[str, ...]] = {
    10: ("Namespace", "CustomResourceDefinition", "PriorityClass", "StorageClass", "IngressClass", "CSIDriver"),
    20: (
        "ServiceAccount", "ClusterRole", "Role", "ConfigMap", "Secret", "LimitRange", "ResourceQuota",
        "NetworkPolicy", "PersistentVolume", "PersistentVolumeClaim", "ValidatingAdmissionPolicy",
    ),
    _BINDINGS: ("RoleBinding", "ClusterRoleBinding"),
    50: (
        "Service", "Endpoints", "EndpointSlice", "Deployment", "DaemonSet", "StatefulSet", "ReplicaSet", "Pod", "Job",
        "CronJob", "PodDisruptionBudget", "HorizontalPodAutoscaler", "Ingress", "ReplicationController",
    ),
    60: (
        "APIService", "ValidatingAdmissionPolicyBinding", "ValidatingWebhookConfiguration",
        "MutatingWebhookConfiguration",
    ),
}  # fmt: skip
_WAVE_OF = {kind: wave for wave, kinds in _WAVES.items() for kind in kinds}
_CUSTOM = 40
# What every API server makes by itself: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#user-facing-roles
_ALWAYS_THERE = ("cluster-admin", "admin", "edit", "view")
#: Deletes come after every apply, in reverse order.
_DELETES = 1000


def wave_of(obj: t.Mapping[str, t.Any], delete: bool = False) -> int:
    """The wave in which an object is applied or deleted: what others need comes first, and goes last."""
    known = (str(obj.get("apiVersion")), str(obj.get("kind"))) in STATIC
    wave = _WAVE_OF.get(str(obj.get("kind")), _CUSTOM) if known else _CUSTOM
    if wave == _BINDINGS and _is_always_there(obj.get("roleRef")):
        wave = _WAVE_OF["Role"]  # It waits for its namespace alone.
    return _DELETES - wave if delete else wave


def _is_always_there(role: t.Any) -> bool:
    return isinstance(role, dict) and role.get("kind") == "ClusterRole" and role.get("name") in _ALWAYS_THERE


def key_of(obj: t.Mapping[str, t.Any]) -> tuple[str, str, str]:
    """What makes an object itself: kind with group, namespace, name. The version does not make another object."""
    metadata = obj["metadata"]
    return kind_of(obj), metadata.get("namespace") or "", metadata["name"]


class Normal(list[Object]):
    """Objects as :func:`normalise` makes them. They are not changed, so what is made of them serves many clusters."""

    def members(self, applyset: ApplySet) -> list[Object]:
        """The objects as members of a set."""
        made: dict[str, list[Object]] = self.__dict__.setdefault("_members", {})
        if applyset.id not in made:
            made[applyset.id] = [applyset.member(obj) for obj in self]
        return made[applyset.id]


def normalise(objects: t.Iterable[t.Any], sources: t.Sequence[str] | None = None) -> Normal:
    """Declared objects as they are applied: lists unfolded, ``null`` and server-side fields dropped, C(stringData) as
    data.

    :param sources: where each of the objects stands, for messages; its place by default.
    :raises InvalidInput: something is no object, is unnamed, or stands twice; names every problem.
    """
    if isinstance(objects, Normal):
        return objects
    given = list(objects)
    names = sources if sources is not None else [f"objects[{index}]" for index in range(len(given))]
    flat = [item for where, obj in zip(names, given, strict=True) for item in _unfold(where, obj)]
    problems = [problem for where, obj in flat for problem in _problems(where, obj)]
    if problems:
        raise InvalidInput(problems)
    plain = [(where, _plain(obj)) for where, obj in flat]
    seen: dict[tuple[str, str, str], str] = {}
    for where, obj in plain:
        key = key_of(obj)
        if key in seen:
            reason = f"is declared more than once: in {seen[key]} and in {where}"
            problems.append(Problem(object_id(obj), "twice", reason, "Declare it once"))
        seen.setdefault(key, where)
    if problems:
        raise InvalidInput(problems)
    return Normal(obj for _where, obj in plain)


def declared_resources(objects: t.Iterable[t.Mapping[str, t.Any]]) -> list[Resource]:
    """The kinds that the CRDs among the objects will serve."""
    return [resource for obj in objects if obj.get("kind") == "CustomResourceDefinition" for resource in from_crd(obj)]


def scope_problem(obj: t.Mapping[str, t.Any], resource: Resource) -> Problem | None:
    """What is wrong with an object's namespace for its kind."""
    namespace = obj["metadata"].get("namespace")
    if resource.namespaced and not namespace:
        remedy = "Give metadata.namespace"
        return Problem(f"{object_id(obj)}: metadata.namespace", None, f"a {resource.kind} lives in a namespace", remedy)
    if not resource.namespaced and namespace:
        remedy = "Remove metadata.namespace"
        return Problem(f"{object_id(obj)}: metadata.namespace", namespace, f"{resource.kind} has no namespace", remedy)
    return None


def _unfold(where: str, obj: t.Any) -> t.Iterator[tuple[str, t.Any]]:
    if not _is_list(obj):
        yield where, obj
        return
    # Items of a ConfigMapList need not say what they are, those of a List do.
    implied = {"apiVersion": obj.get("apiVersion"), "kind": str(obj["kind"])[: -len("List")]}
    for place, item in enumerate(obj["items"] or ()):
        named = {**implied, **item} if implied["kind"] and isinstance(item, dict) else item
        yield from _unfold(f"{where}, items[{place}]", named)


def _is_list(obj: t.Any) -> bool:
    """A list of objects, and not an object of a kind that is called like one."""
    if not isinstance(obj, dict) or not str(obj.get("kind", "")).endswith("List") or "items" not in obj:
        return False
    return not isinstance(obj.get("metadata"), dict) or not obj["metadata"].get("name")


def _problems(where: str, obj: t.Any) -> t.Iterator[Problem]:
    if not isinstance(obj, dict):
        yield Problem(where, type(obj).__name__, "is not an object", "Give a mapping with apiVersion, kind, metadata")
        return
    if not _API_VERSION.fullmatch(str(obj.get("apiVersion"))):
        yield Problem(f"{where}: apiVersion", obj.get("apiVersion"), "is not an API version", "Write v1 or group/v1")
    if not _KIND.fullmatch(str(obj.get("kind"))):
        yield Problem(f"{where}: kind", obj.get("kind"), "is not a kind", "Write it as in the API: ConfigMap")
    metadata = obj.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if not isinstance(name, str) or not name:
        yield Problem(f"{where}: metadata.name", name, "an object needs a name", "Give metadata.name")
    for key in ("labels", "annotations"):
        values = metadata.get(key) if isinstance(metadata, dict) else None
        if values is not None and not isinstance(values, dict):
            yield Problem(f"{where}: metadata.{key}", type(values).__name__, "is not a mapping", "Give a mapping")
        elif isinstance(values, dict) and PART_OF in values:
            yield Problem(f"{where}: metadata.{key}.{PART_OF}", values[PART_OF], "is set by the set", "Remove it")
    if obj.get("kind") == "Secret":
        yield from _untold(where, obj)


def _untold(where: str, obj: Object) -> t.Iterator[Problem]:
    """Values of a Secret that YAML took for something else: a server would refuse them, and repeat them."""
    for field in ("data", "stringData"):
        values = obj.get(field)
        for key, value in values.items() if isinstance(values, dict) else ():
            if value is not None and not isinstance(value, str):
                reason = f"must be text, but is of the type {type(value).__name__}"
                yield Problem(f"{where}: {field}.{key}", "(not shown)", reason, "Put quotes around it")


def _plain(obj: Object) -> Object:
    copied: Object = encode_string_data(_as_json(obj))
    metadata = {key: value for key, value in copied["metadata"].items() if key not in _SERVER_METADATA}
    return {**{key: value for key, value in copied.items() if key != "status"}, "metadata": metadata}


def _as_json(value: t.Any) -> t.Any:
    """Without what is null. YAML makes dates of what Kubernetes takes for text."""
    if isinstance(value, dict):
        return {str(key): _as_json(item) for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [_as_json(item) for item in value]
    return value.isoformat() if isinstance(value, datetime.date) else value
