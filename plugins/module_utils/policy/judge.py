# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Judges objects by ValidatingAdmissionPolicies as the API server would if they were made now. Pure. Private to the
collection.

What is there already is judged as new: under policies that look at what an update brings, an unchanged object would
always pass. Nobody in particular asks, so exemptions of users and groups do not count.
"""

from __future__ import annotations

import datetime
import typing as t
from dataclasses import dataclass

from ..kube.resources import Resource
from ..labels import matches
from .cel.evaluate import Evaluate, Lazy, compiled
from .cel.functions import EvaluationError
from .cel.parse import Unsupported

Object = dict[str, t.Any]
#: From the mildest to the strictest.
MODES = ("audit", "warn", "deny")


@dataclass(frozen=True)
class Verdict:
    """What a policy says of an object.

    :param mode: what a violation would lead to, one of :data:`MODES`.
    :param result: C(pass), C(fail), or C(error) where an expression failed.
    :param message: why it does not pass.
    """

    policy: str
    mode: str
    result: str
    message: str = ""


def mode_of(binding: t.Mapping[str, t.Any]) -> str:
    """What a violation leads to by a binding."""
    actions = binding["spec"].get("validationActions") or ()
    return "deny" if "Deny" in actions else "warn" if "Warn" in actions else "audit"


class Judge:
    """One policy with its bindings.

    :raises Unsupported: it cannot be judged here; the text says why.
    """

    def __init__(self, policy: Object, bindings: t.Sequence[Object], now: datetime.datetime) -> None:
        spec = policy["spec"]
        self.name = str(policy["metadata"]["name"])
        self._constraints = spec.get("matchConstraints") or {}
        self._bindings = [(item["spec"].get("matchResources") or {}, mode_of(item)) for item in bindings]
        self._now = f"{now:%Y-%m-%dT%H:%M:%SZ}"
        if spec.get("paramKind"):
            raise Unsupported("it takes parameters from other objects")
        self._conditions = [compiled(item["expression"]) for item in spec.get("matchConditions") or ()]
        self._variables = {item["name"]: compiled(item["expression"]) for item in spec.get("variables") or ()}
        self._validations = [_validation(item, self.name) for item in spec.get("validations") or ()]

    def targets(self) -> set[tuple[str, str]]:
        """(API group, plural name) of everything that it looks at when it is made."""
        return {
            (group, name)
            for rule in self._constraints.get("resourceRules") or ()
            if _on_creation(rule)
            for group in rule.get("apiGroups") or ()
            for name in rule.get("resources") or ()
            if "/" not in name
        }

    def verdict(self, obj: Object, resource: Resource, namespace: Object | None) -> Verdict | None:
        """What it says of an object, None when it does not look at it.

        :param namespace: the one that the object is in, or the object itself if it is one.
        """
        if not _selected(self._constraints, obj, resource, namespace):
            return None
        modes = [mode for where, mode in self._bindings if _selected(where, obj, resource, namespace)]
        if not modes:
            return None
        mode = max(modes, key=MODES.index)
        try:
            scope = self._scope(obj, resource, namespace)
            if not all(condition(scope) for condition in self._conditions):
                return None
            scope["variables"] = Lazy(self._variables, scope)
            for holds, told in self._validations:
                if holds(scope) is not True:
                    return Verdict(self.name, mode, "fail", told(scope))
        except EvaluationError as exc:
            return Verdict(self.name, mode, "error", f"an expression fails: {exc}")
        except RecursionError:
            return Verdict(self.name, mode, "error", "an expression is nested too deep")
        return Verdict(self.name, mode, "pass")

    def _scope(self, obj: Object, resource: Resource, namespace: Object | None) -> dict[str, t.Any]:
        metadata = {**obj["metadata"], "creationTimestamp": self._now}
        kind = {"group": resource.group, "version": resource.api_version.rpartition("/")[2]}
        request = {
            "operation": "CREATE",
            "name": metadata["name"],
            "namespace": metadata.get("namespace") or (metadata["name"] if resource.kind == "Namespace" else ""),
            "kind": {**kind, "kind": resource.kind},
            "resource": {**kind, "resource": resource.plural},
            "userInfo": {},
            "dryRun": True,
        }
        made = {**obj, "metadata": metadata}
        return {"object": made, "oldObject": None, "request": request, "namespaceObject": namespace}


def _validation(item: Object, name: str) -> tuple[Evaluate, t.Callable[[dict[str, t.Any]], str]]:
    plain = str(item.get("message") or f"failed expression: {item['expression']}")
    special = compiled(item["messageExpression"]) if item.get("messageExpression") else None

    def told(scope: dict[str, t.Any]) -> str:
        try:
            text = special(scope) if special is not None else ""
        except EvaluationError:
            return plain
        return text if isinstance(text, str) and text.strip() and "\n" not in text else plain

    return compiled(item["expression"]), told


def _on_creation(rule: t.Mapping[str, t.Any]) -> bool:
    return bool({"CREATE", "*"} & set(rule.get("operations") or ()))


def _selected(where: Object, obj: Object, resource: Resource, namespace: Object | None) -> bool:
    """Whether the creation of an object is among what C(MatchResources) mean."""
    rules = where.get("resourceRules")
    if rules and not any(_ruled(rule, obj, resource) for rule in rules):
        return False
    if any(_ruled(rule, obj, resource) for rule in where.get("excludeResourceRules") or ()):
        return False
    if not matches(where.get("objectSelector") or {}, obj["metadata"].get("labels") or {}):
        return False
    if namespace is None:
        return True
    return matches(where.get("namespaceSelector") or {}, namespace["metadata"].get("labels") or {})


def _ruled(rule: Object, obj: Object, resource: Resource) -> bool:
    scopes = {"*": (True, False), "Namespaced": (True,), "Cluster": (False,)}
    names = rule.get("resourceNames")
    return (
        _on_creation(rule)
        and bool({resource.group, "*"} & set(rule.get("apiGroups") or ()))
        and bool({resource.plural, "*", "*/*"} & set(rule.get("resources") or ()))
        and resource.namespaced in scopes[rule.get("scope") or "*"]
        and (not names or obj["metadata"]["name"] in names)
    )
