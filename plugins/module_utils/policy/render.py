# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A policy as a ValidatingAdmissionPolicy and its bindings. Pure. Private to the collection.

Three things keep a policy from locking anybody out, and stand in the policy, where no binding can widen them: the
system namespaces are never looked at, members of the break-glass group pass, and so does what is being deleted.
The policy runs inside the API server, so that failurePolicy Fail waits for nobody.
"""

from __future__ import annotations

import datetime
import typing as t

from ..declaration import BREAK_GLASS_GROUP, DESCRIPTION_ANNOTATION, TENANT_LABEL
from . import exceptions
from .model import SYSTEM_NAMESPACES, Policy
from .rules.registry import RULES
from .rules.rule import Target, Validation, literal

API_VERSION = "admissionregistration.k8s.io/v1"
POLICY_LABEL = "lodestar.platform/policy"
NAMESPACE_LABEL = "kubernetes.io/metadata.name"
_SUFFIX = "policy.lodestar.platform"

#: What a violation leads to; it is always told to the audit log too. Deny and Warn exclude each other.
ACTIONS = {"deny": ["Deny", "Audit"], "warn": ["Warn", "Audit"], "audit": ["Audit"]}
#: For workloads, whose pods are judged: a controller's denied pod has no user to tell, the workload's author is told.
WORKLOAD_ACTIONS = {"deny": ["Warn", "Audit"], "warn": ["Warn", "Audit"], "audit": ["Audit"]}

Object = dict[str, t.Any]


def policy_name(policy: Policy) -> str:
    """The name of the ValidatingAdmissionPolicy, which users see in refusals."""
    return f"{policy.name}.{_SUFFIX}"


def objects(policy: Policy, now: datetime.datetime) -> list[Object]:
    """The policy and its bindings; the same input gives the same list.

    :param now: exceptions that have ended by then are left out.
    """
    judged = [resource_rule(target) for target in RULES[policy.rule].judged(policy.values)]
    workloads = _workloads(policy)
    found = [_policy(policy, judged + workloads, now), _binding(policy, "", ACTIONS, judged)]
    if workloads:
        found.append(_binding(policy, ".workloads", WORKLOAD_ACTIONS, workloads))
    return found


def _workloads(policy: Policy) -> list[Object]:
    """Requests that only warn (or are noted in the audit log): the templates of pods."""
    about_pods = "Pod" in policy.values.get("kinds", ("Pod",))
    if not policy.workloads or not about_pods:
        return []
    return [resource_rule(target) for target in RULES[policy.rule].workloads]


def resource_rule(target: Target) -> Object:
    """A target as admission policies name it."""
    return {
        "apiGroups": [target.group],
        "apiVersions": list(target.versions),
        "operations": list(target.operations),
        "resources": list(target.resources),
        "scope": target.scope,
    }


def _policy(policy: Policy, rules: list[Object], now: datetime.datetime) -> Object:
    found = _object("ValidatingAdmissionPolicy", policy_name(policy), policy)
    if policy.description:
        found["metadata"]["annotations"] = {DESCRIPTION_ANNOTATION: policy.description}
    compiled = RULES[policy.rule].compiled(policy.name, policy.values)
    waivers = [waiver for waiver in policy.exceptions if waiver.until > now]
    excepted = [exceptions.VARIABLE, ("excepted", exceptions.expression(waivers))] if waivers else []
    variables = [*excepted, *compiled.variables]
    found["spec"] = {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "matchPolicy": "Equivalent",
            "namespaceSelector": namespace_selector(policy),
            "resourceRules": rules,
        },
        "matchConditions": conditions(policy),
        "validations": [_validation(item, bool(waivers)) for item in compiled.validations],
    }
    if variables:
        found["spec"]["variables"] = [{"name": name, "expression": expression} for name, expression in variables]
    return found


def _validation(item: Validation, excepted: bool) -> Object:
    expression = f"variables.excepted || ({item.expression})" if excepted else item.expression
    found = {"expression": expression, "message": item.message}
    return {**found, "messageExpression": item.message_expression} if item.message_expression else found


def namespace_selector(policy: Policy) -> Object:
    """The namespaces that a policy looks at, never those of the system."""
    exempt = sorted({*SYSTEM_NAMESPACES, *policy.exempt_namespaces})
    scope = policy.scope
    selected: list[Object] = [{"key": NAMESPACE_LABEL, "operator": "NotIn", "values": exempt}]
    if scope.owned:
        selected.append({"key": TENANT_LABEL, "operator": "Exists"})
    if scope.tenants:
        selected.append({"key": TENANT_LABEL, "operator": "In", "values": sorted(scope.tenants)})
    if scope.namespaces:
        selected.append({"key": NAMESPACE_LABEL, "operator": "In", "values": sorted(scope.namespaces)})
    selected += [dict(item) for item in scope.selector.get("matchExpressions") or ()]
    labels = scope.selector.get("matchLabels")
    return {"matchExpressions": selected, **({"matchLabels": dict(labels)} if labels else {})}


def conditions(policy: Policy) -> list[Object]:
    """What is exempt from a policy wherever it is."""
    groups = literal([BREAK_GLASS_GROUP, *policy.exempt_groups])
    found = {
        # What is connected with has no metadata: the options of exec and the like.
        "not-being-deleted": "object == null || !has(object.metadata) || !has(object.metadata.deletionTimestamp)",
        "not-exempt-group": (
            f"!(has(request.userInfo.groups) && request.userInfo.groups.exists(group, group in {groups}))"
        ),
    }
    if policy.exempt_users:
        users = literal(policy.exempt_users)
        found["not-exempt-user"] = f"!(has(request.userInfo.username) && request.userInfo.username in {users})"
    return [{"name": name, "expression": expression} for name, expression in found.items()]


def _binding(policy: Policy, suffix: str, actions: t.Mapping[str, list[str]], rules: list[Object]) -> Object:
    found = _object("ValidatingAdmissionPolicyBinding", f"{policy.name}{suffix}.{_SUFFIX}", policy)
    found["spec"] = {
        "policyName": policy_name(policy),
        "validationActions": list(actions[policy.mode]),
        "matchResources": {"matchPolicy": "Equivalent", "resourceRules": rules},
    }
    return found


def _object(kind: str, name: str, policy: Policy) -> Object:
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name, "labels": {POLICY_LABEL: policy.name}}}
