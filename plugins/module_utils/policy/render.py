# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A policy as a ValidatingAdmissionPolicy and its bindings. Pure. Private to the collection.

Three things keep a policy from locking anybody out, and stand in the policy, where no binding can widen them: the
system namespaces are never looked at, members of the break-glass group pass, and so does what is being deleted.
The policy runs inside the API server, so that failurePolicy Fail waits for nobody.
"""

from __future__ import annotations

import typing as t

from ..declaration import DESCRIPTION_ANNOTATION, TENANT_LABEL
from .cel import LIBRARY, Rule, literal
from .model import BREAK_GLASS_GROUP, SYSTEM_NAMESPACES, Policy

API_VERSION = "admissionregistration.k8s.io/v1"
POLICY_LABEL = "lodestar.platform/policy"
_SUFFIX = "policy.lodestar.platform"

#: What a violation leads to; it is always told to the audit log too. Deny and Warn exclude each other.
ACTIONS = {"deny": ["Deny", "Audit"], "warn": ["Warn", "Audit"], "audit": ["Audit"]}
#: For workloads, whose pods are judged: a controller's denied pod has no user to tell, the workload's author is told.
WORKLOAD_ACTIONS = {"deny": ["Warn", "Audit"], "warn": ["Warn", "Audit"], "audit": ["Audit"]}

#: Changes of a pod go through subresources too: ephemeral containers, and resources by resize.
_PODS = ("", ("pods", "pods/ephemeralcontainers", "pods/resize"))
_NAMESPACES = ("", ("namespaces",))
_WORKLOADS = (("apps", ("daemonsets", "deployments", "statefulsets")), ("batch", ("cronjobs", "jobs")))

Object = dict[str, t.Any]


def policy_name(policy: Policy) -> str:
    """The name of the ValidatingAdmissionPolicy, which users see in refusals."""
    return f"{policy.name}.{_SUFFIX}"


def objects(policy: Policy) -> list[Object]:
    """The policy and its bindings; the same input gives the same list."""
    judged = _judged(policy)
    found = [_policy(policy, judged + _workloads(policy)), _binding(policy, "", ACTIONS, judged)]
    if _workloads(policy):
        found.append(_binding(policy, ".workloads", WORKLOAD_ACTIONS, _workloads(policy)))
    return found


def _judged(policy: Policy) -> list[Object]:
    """The requests that the mode is for."""
    if policy.rule == "cel":
        operations = list(policy.parameters.operations)
        # Never objects without a namespace: nodes, roles or certificates would be a way to lock a cluster out.
        return [
            _resource_rule(item.group, item.resources, operations, list(item.versions), scope="Namespaced")
            for item in policy.parameters.resources
        ]
    rules = []
    if policy.rule != "required_labels" or "Pod" in policy.parameters.kinds:
        rules.append(_resource_rule(*_PODS))
    if policy.rule == "required_labels" and "Namespace" in policy.parameters.kinds:
        rules.append(_resource_rule(*_NAMESPACES))
    return rules


def _workloads(policy: Policy) -> list[Object]:
    """Requests that only warn (or are noted in the audit log): the templates of pods."""
    about_pods = policy.rule in ("allowed_registries", "required_resources") or "Pod" in policy.parameters.kinds
    if not policy.workloads or not about_pods:
        return []
    return [_resource_rule(*item) for item in _WORKLOADS]


def _resource_rule(
    group: str,
    resources: t.Sequence[str],
    operations: t.Sequence[str] = ("CREATE", "UPDATE"),
    versions: t.Sequence[str] = ("v1",),
    scope: str = "*",
) -> Object:
    return {
        "apiGroups": [group],
        "apiVersions": list(versions),
        "operations": list(operations),
        "resources": list(resources),
        "scope": scope,
    }


def _policy(policy: Policy, rules: list[Object]) -> Object:
    found = _object("ValidatingAdmissionPolicy", policy_name(policy), policy)
    if policy.description:
        found["metadata"]["annotations"] = {DESCRIPTION_ANNOTATION: policy.description}
    if policy.rule == "cel":
        variables = list(policy.parameters.variables.items())
        validations = [
            {"expression": item.expression, "message": f"policy {policy.name}: {item.message}"}
            for item in policy.parameters.validations
        ]
    else:
        rule = LIBRARY[policy.rule](policy.name, policy.parameters)
        variables, validations = list(rule.variables), [_validation(rule)]
    found["spec"] = {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "matchPolicy": "Equivalent",
            "namespaceSelector": {"matchExpressions": _namespaces(policy)},
            "resourceRules": rules,
        },
        "matchConditions": _conditions(policy),
        "validations": validations,
    }
    if variables:
        found["spec"]["variables"] = [{"name": name, "expression": expression} for name, expression in variables]
    return found


def _validation(rule: Rule) -> Object:
    return {"expression": rule.expression, "message": rule.message, "messageExpression": rule.message_expression}


def _namespaces(policy: Policy) -> list[Object]:
    exempt = sorted({*SYSTEM_NAMESPACES, *policy.exempt_namespaces})
    selected: list[Object] = [{"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": exempt}]
    if policy.scope == "tenants":
        selected.append({"key": TENANT_LABEL, "operator": "Exists"})
    return selected


def _conditions(policy: Policy) -> list[Object]:
    groups = literal([BREAK_GLASS_GROUP, *policy.exempt_groups])
    conditions = {
        "not-being-deleted": "object == null || !has(object.metadata.deletionTimestamp)",
        "not-exempt-group": (
            f"!(has(request.userInfo.groups) && request.userInfo.groups.exists(group, group in {groups}))"
        ),
    }
    if policy.exempt_users:
        users = literal(policy.exempt_users)
        conditions["not-exempt-user"] = f"!(has(request.userInfo.username) && request.userInfo.username in {users})"
    return [{"name": name, "expression": expression} for name, expression in conditions.items()]


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
