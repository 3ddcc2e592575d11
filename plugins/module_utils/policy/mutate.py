# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A policy that changes objects as a MutatingAdmissionPolicy with its binding. Private to the collection.

The same three exemptions stand in it as in every policy; see C(render).
"""

from __future__ import annotations

import typing as t

from ..declaration import DESCRIPTION_ANNOTATION
from ..errors import Refused
from ..kube.client import Client
from .model import Policy
from .render import POLICY_LABEL, conditions, namespace_selector, policy_name, resource_rule
from .rules.mutation import MUTATIONS

GROUP = "admissionregistration.k8s.io"
KIND, BINDING = "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"
#: The API versions that are written, the best first.
VERSIONS = (f"{GROUP}/v1", f"{GROUP}/v1beta1")

Object = dict[str, t.Any]


def served_version(client: Client) -> str | None:
    """The API version under which the cluster has such policies, None when it has none."""
    return next((version for version in VERSIONS if KIND in (client.served(version) or {})), None)


def choose(
    policies: t.Sequence[Policy], version: str | None, cluster: str
) -> tuple[dict[str, list[Object]], list[str]]:
    """The objects of the policies that change objects, by policy, and what an operator should know. Pure.

    :param version: the API version that the cluster serves, None when it serves none.
    :raises Refused: it serves none, and a policy is not to be left out then.
    """
    wanted = [policy for policy in policies if policy.mutates]
    if version is not None or not wanted:
        return {policy.name: objects(policy, str(version)) for policy in wanted}, []
    lack = f"{cluster} does not serve {KIND} (v1 came with Kubernetes 1.36)"
    failing = [policy.name for policy in wanted if policy.if_unsupported == "fail"]
    if failing:
        raise Refused(
            f"{lack}, which these policies need: {', '.join(failing)}. Upgrade it, leave it out of their clusters, or "
            "say if_unsupported: skip; nothing was changed",
            policies=failing,
        )
    return {}, [f"policy {policy.name} is left out: {lack}" for policy in wanted]


def objects(policy: Policy, api_version: str) -> list[Object]:
    """The policy and its binding; the same input gives the same list. Pure."""
    rule = MUTATIONS[policy.rule]
    rules = [resource_rule(target) for target in rule.judged(policy.values)]
    made = _object(api_version, KIND, policy)
    if policy.description:
        made["metadata"]["annotations"] = {DESCRIPTION_ANNOTATION: policy.description}
    made["spec"] = {
        "failurePolicy": "Fail",
        "reinvocationPolicy": "IfNeeded",
        "matchConstraints": {
            "matchPolicy": "Equivalent",
            "namespaceSelector": namespace_selector(policy),
            "resourceRules": rules,
        },
        "matchConditions": conditions(policy),
        "mutations": rule.mutations(policy.values),
    }
    variables = rule.variables(policy.values)
    if variables:
        made["spec"]["variables"] = [{"name": name, "expression": text} for name, text in variables.items()]
    binding = _object(api_version, BINDING, policy)
    binding["spec"] = {
        "policyName": policy_name(policy),
        "matchResources": {"matchPolicy": "Equivalent", "resourceRules": rules},
    }
    return [made, binding]


def _object(api_version: str, kind: str, policy: Policy) -> Object:
    labels = {POLICY_LABEL: policy.name}
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": policy_name(policy), "labels": labels}}
