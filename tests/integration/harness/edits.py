# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What administrators do by hand to the platform's objects: edits, deletions and additions, by chance, of many kinds.

Whoever knows what was done knows what a run must find: ids, actions and clusters.
"""

from __future__ import annotations

import copy
import itertools
import random
import typing as t

from ansible_collections.lodestar.platform.plugins.module_utils.declaration import TENANT_LABEL
from ansible_collections.lodestar.platform.plugins.module_utils.kube.applyset import DIGEST, PART_OF, ApplySet
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.kube.connection import Connection
from ansible_collections.lodestar.platform.plugins.module_utils.kube.resources import object_id

Object = dict[str, t.Any]
#: Cluster, id of the object, and what a run does about it.
Expected = tuple[str, str, str]
SETS = ("tenancy", "policy")
RBAC, ADMISSION = "rbac.authorization.k8s.io/v1", "admissionregistration.k8s.io/v1"
KINDS = (
    ("v1", "Namespace"),
    ("v1", "ResourceQuota"),
    ("v1", "LimitRange"),
    ("v1", "ConfigMap"),
    ("policy/v1", "PodDisruptionBudget"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
    (RBAC, "Role"),
    (RBAC, "RoleBinding"),
    (ADMISSION, "ValidatingAdmissionPolicy"),
    (ADMISSION, "ValidatingAdmissionPolicyBinding"),
    (ADMISSION, "MutatingAdmissionPolicy"),
    (ADMISSION, "MutatingAdmissionPolicyBinding"),
)
MANAGERS = ("kubectl-edit", "kubectl-patch", "kubectl-client-side-apply", "kubectl-label", "Mozilla")
#: A deleted namespace takes everything along, and one that is added is refused: neither is an edit of an object.
_LASTING = "Namespace"
NEVER = {"name": "never", "expression": "false"}
_INTRUDER = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "intruder"}


def _subjects(obj: Object) -> Object:
    return {"subjects": [*(obj.get("subjects") or ()), _INTRUDER]}


def _first(values: t.Mapping[str, t.Any]) -> str:
    return min(values)


def _other(actions: list[str]) -> list[str]:
    """What makes a policy milder, or one that only looks strict."""
    return ["Audit", "Deny"] if actions == ["Audit"] else ["Audit"]


#: What somebody changes of a kind, as merge patches of fields that are declared.
CHANGES: dict[str, list[t.Callable[[Object], Object]]] = {
    "Namespace": [
        lambda obj: {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": None}}},
        lambda obj: {"metadata": {"labels": {"cost-center": "mine", TENANT_LABEL: "nobody"}}},
        lambda obj: {"metadata": {"annotations": {"lodestar.platform/description": "mine"}}},
        lambda obj: {"metadata": {"annotations": {"lodestar.platform/description": None}}},
    ],
    "ResourceQuota": [
        lambda obj: {"spec": {"hard": {_first(obj["spec"]["hard"]): "777"}}},
        lambda obj: {"spec": {"hard": {_first(obj["spec"]["hard"]): None}}},
    ],
    "LimitRange": [lambda obj: {"spec": {"limits": [{"type": "Container", "default": {"cpu": "16"}}]}}],
    "ConfigMap": [lambda obj: {"data": {_first(obj["data"]): "red"}}, lambda obj: {"data": None}],
    "PodDisruptionBudget": [lambda obj: {"spec": {"maxUnavailable": 7}}],
    "NetworkPolicy": [
        lambda obj: {"spec": {"podSelector": {"matchLabels": {"app": "mine"}}}},
        lambda obj: {"spec": {"ingress" if "Ingress" in obj["spec"]["policyTypes"] else "egress": [{}]}},
        lambda obj: {"spec": {"policyTypes": ["Egress"] if "Ingress" in obj["spec"]["policyTypes"] else ["Ingress"]}},
    ],
    "Role": [
        lambda obj: {"rules": [*obj["rules"], {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]},
        lambda obj: {"rules": obj["rules"][1:]},
    ],
    "RoleBinding": [_subjects, lambda obj: {"subjects": [_INTRUDER]}],
    "ValidatingAdmissionPolicy": [
        lambda obj: {"spec": {"failurePolicy": "Ignore"}},
        lambda obj: {"spec": {"validations": [{"expression": "true"}]}},
        lambda obj: {"spec": {"matchConditions": [*obj["spec"]["matchConditions"], NEVER]}},
        lambda obj: {"spec": {"matchConstraints": {"objectSelector": {"matchLabels": {"app": "mine"}}}}},
    ],
    "ValidatingAdmissionPolicyBinding": [
        lambda obj: {
            "spec": {"validationActions": ["Deny"] if obj["spec"]["validationActions"][0] == "Warn" else ["Warn"]}
        },
        lambda obj: {"spec": {"validationActions": _other(obj["spec"]["validationActions"])}},
        lambda obj: {"spec": {"matchResources": {"objectSelector": {"matchLabels": {"app": "mine"}}}}},
    ],
    "MutatingAdmissionPolicy": [lambda obj: {"spec": {"failurePolicy": "Ignore"}}],
    "MutatingAdmissionPolicyBinding": [
        lambda obj: {"metadata": {"labels": {"lodestar.platform/policy": "mine"}}},
    ],
}
#: What somebody may do to any of them.
_ANY: list[t.Callable[[Object], Object]] = [
    lambda obj: {"metadata": {"labels": {PART_OF: None}}},
    lambda obj: {"metadata": {"annotations": {DIGEST: "0"}}},
]


def members(access: Connection) -> dict[tuple[str, str], list[Object]]:
    """What a cluster holds for the platform, by set and kind."""
    found: dict[tuple[str, str], list[Object]] = {}
    with Client(access) as admin:
        for name, (api_version, kind) in itertools.product(SETS, KINDS):
            if kind not in (admin.served(api_version) or ()):
                continue
            items = admin.list(api_version, kind, label_selector=ApplySet(name).selector)
            if items:
                whole = [{"apiVersion": api_version, "kind": kind, **item} for item in items]
                found[name, kind] = sorted(whole, key=object_id)
    return found


class Edits:
    """What is done by hand to clusters.

    :param seed: the same seed does the same to the same clusters.
    :param clusters: access of an administrator by cluster.
    :ivar told: a line for each of them.
    :ivar expected: what a run must find, and do.
    """

    def __init__(self, seed: int, clusters: t.Mapping[str, Connection]) -> None:
        self.told: list[str] = [f"seed {seed}"]
        self.expected: list[Expected] = []
        self._clusters = clusters
        self._random = random.Random(seed)
        self._numbers = itertools.count()

    def make(self, count: int) -> Edits:
        """So many of them, each of another object; every kind before a kind comes again."""
        pool = {name: members(access) for name, access in self._clusters.items()}
        kinds = sorted({found for members in pool.values() for found in members})
        acts = itertools.cycle([self._edit, self._edit, self._delete, self._add])
        while len(self.expected) < count:
            before = len(self.expected)
            for found in self._random.sample(kinds, len(kinds)):
                names = [name for name in sorted(pool) if pool[name].get(found)]
                if not names or len(self.expected) == count:
                    continue
                # Where the fewest were done, so that they are spread over the clusters.
                name = min(names, key=lambda name: ([item[0] for item in self.expected].count(name), name))
                with Client(self._clusters[name]) as admin:
                    next(acts)(name, admin, found, pool[name][found])
            assert len(self.expected) > before, f"there are not {count} objects to edit"
        return self

    def _edit(self, cluster: str, admin: Client, found: tuple[str, str], members: list[Object]) -> None:
        obj = members.pop(self._random.randrange(len(members)))
        change = self._random.choice([*CHANGES[found[1]] * 2, *_ANY])(obj)
        manager = self._random.choice(MANAGERS)
        path = admin.resource(obj["apiVersion"], obj["kind"]).path(
            obj["metadata"].get("namespace"), obj["metadata"]["name"]
        )
        query = {"fieldManager": manager}
        admin.request("PATCH", path, query=query, body=change, content_type="application/merge-patch+json")
        self._note(cluster, obj, "update", f"{manager}: {change}")

    def _delete(self, cluster: str, admin: Client, found: tuple[str, str], members: list[Object]) -> None:
        if found[1] == _LASTING:
            self._edit(cluster, admin, found, members)
            return
        obj = members.pop(self._random.randrange(len(members)))
        admin.delete(obj["apiVersion"], obj["kind"], obj["metadata"]["name"], obj["metadata"].get("namespace"))
        self._note(cluster, obj, "create", "deleted")

    def _add(self, cluster: str, admin: Client, found: tuple[str, str], members: list[Object]) -> None:
        """A copy of one of ours under another name, with its label of the set."""
        if found[1] == _LASTING:
            self._edit(cluster, admin, found, members)
            return
        obj = copy.deepcopy(self._random.choice(members))
        kept = {key: obj["metadata"][key] for key in ("namespace", "labels", "annotations") if key in obj["metadata"]}
        obj["metadata"] = {**kept, "name": f"added-{next(self._numbers)}"}
        obj.pop("status", None)
        path = admin.resource(obj["apiVersion"], obj["kind"]).path(obj["metadata"].get("namespace"), None)
        admin.request("POST", path, query={"fieldManager": "kubectl-create"}, body=obj)
        self._note(cluster, obj, "delete", "added")

    def _note(self, cluster: str, obj: Object, action: str, what: str) -> None:
        self.expected.append((cluster, object_id(obj), action))
        self.told.append(f"{cluster}: {object_id(obj)}: {what}")
