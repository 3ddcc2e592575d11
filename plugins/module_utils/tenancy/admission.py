# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the API server itself refuses in tenants' namespaces: a few fixed ValidatingAdmissionPolicies. Pure.

They read what a tenant may have from its namespace, so a hundred tenants cost a hundred annotations and not a hundred
policies. Only those are there that a tenant of the cluster needs. Nobody is locked out: only namespaces of tenants are
looked at, the break-glass group passes, and so does what is being deleted. Private to the collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..declaration import BREAK_GLASS_GROUP, TENANT_LABEL
from ..fleet.identity import NAMESPACE, SERVICE_ACCOUNT
from ..kube import image_names
from . import allow, nodes, states
from .model import Tenant

API_VERSION = "admissionregistration.k8s.io/v1"
_SUFFIX = "tenancy.lodestar.platform"

Object = dict[str, t.Any]

_PODS = ("", ("pods", "pods/ephemeralcontainers"))
_WORKLOADS = (("apps", ("daemonsets", "deployments", "statefulsets")), ("batch", ("cronjobs", "jobs")))
_CLAIMS = ("", ("persistentvolumeclaims",))
_INGRESSES = ("networking.k8s.io", ("ingresses",))


@dataclass(frozen=True)
class Guard:
    """One policy.

    :param name: its name without the suffix.
    :param lists: the lists of :mod:`allow` that it enforces; a namespace with none of them is not looked at.
    :param resources: group and plurals that are refused.
    :param warned: group and plurals whose makers are only warned, since pods are made from them.
    :param variables: CEL by name, in order. C(refused_<list>) is what is refused for each list.
    :param noun: what a refusal calls what is in a list, by list.
    """

    name: str
    lists: tuple[str, ...]
    resources: tuple[tuple[str, tuple[str, ...]], ...]
    variables: dict[str, str]
    noun: dict[str, str]
    warned: tuple[tuple[str, tuple[str, ...]], ...] = ()


_TEMPLATE = (
    "object.kind == 'Pod' ? {0} : object.kind == 'CronJob' ? {0}.spec.jobTemplate.spec.template : {0}.spec.template"
)
_OLD = "oldObject == null ? dyn({}) : dyn(oldObject)"
_CHANGED = "oldObject == null || variables.object.spec != variables.oldObject.spec"

GUARDS = (
    Guard(
        "registries",
        ("registries",),
        (_PODS,),
        {
            "template": _TEMPLATE.format("variables.object"),
            "oldTemplate": f"oldObject == null ? dyn({{}}) : {_TEMPLATE.format('variables.oldObject')}",
            "old": image_names.images("variables.oldTemplate"),
            "new": f"{image_names.images('variables.template')}.filter(image, !(image in variables.old))",
            "refused_registries": image_names.in_full("variables.new")
            + f".filter(image, !{image_names.allowed('variables.registries')})",
        },
        {"registries": "images from other registries"},
        _WORKLOADS,
    ),
    Guard(
        "storage-classes",
        ("storage_classes",),
        (_CLAIMS,),
        {
            "class": "has(variables.object.spec.storageClassName) ? variables.object.spec.storageClassName : ''",
            "oldClass": "has(variables.oldObject.spec) && has(variables.oldObject.spec.storageClassName)"
            " ? variables.oldObject.spec.storageClassName : ''",
            "refused_storage_classes": "oldObject != null && variables.class == variables.oldClass ? []"
            " : variables.class == '' ? ['none']"
            " : variables.class in variables.storage_classes ? [] : [variables.class]",
        },
        {"storage_classes": "another StorageClass"},
    ),
    Guard(
        "priority-classes",
        ("priority_classes",),
        (("", ("pods",)),),
        {
            "class": "has(variables.object.spec.priorityClassName) ? variables.object.spec.priorityClassName : ''",
            "refused_priority_classes": "oldObject != null || variables.class == ''"
            " || variables.class in variables.priority_classes ? [] : [variables.class]",
        },
        {"priority_classes": "another PriorityClass"},
    ),
    Guard(
        "ingresses",
        ("ingress_classes", "host_suffixes"),
        (_INGRESSES,),
        {
            "notes": "has(variables.object.metadata.annotations) ? variables.object.metadata.annotations : dyn({})",
            "note": "'kubernetes.io/ingress.class' in variables.notes"
            " ? [variables.notes['kubernetes.io/ingress.class']] : []",
            "classes": "variables.note + (has(variables.object.spec.ingressClassName)"
            " ? [variables.object.spec.ingressClassName] : size(variables.note) == 0 ? [''] : [])",
            "refused_ingress_classes": "variables.classes.filter(name, name == ''"
            " || !(name in variables.ingress_classes)).map(name, name == '' ? 'none' : name)",
            "rules": "has(variables.object.spec.rules) ? variables.object.spec.rules : []",
            "tls": "has(variables.object.spec.tls) ? variables.object.spec.tls : []",
            "ruled": "variables.rules.map(rule, has(rule.host) ? rule.host : '')"
            " + (has(variables.object.spec.defaultBackend) ? [''] : [])",
            "certified": "variables.tls.filter(item, has(item.hosts)).map(item, item.hosts.filter(host,"
            " !variables.host_suffixes.exists(suffix, host == suffix || host.endsWith('.' + suffix))).join(', '))"
            ".filter(host, host != '')",
            "refused_host_suffixes": f"{_CHANGED} ? variables.ruled.filter(host,"
            " !variables.host_suffixes.exists(suffix, host == suffix || host.endsWith('.' + suffix)))"
            ".map(host, host == '' ? 'every host' : host) + variables.certified : []",
        },
        {"ingress_classes": "another IngressClass", "host_suffixes": "other host names"},
    ),
)


def objects(tenants: t.Iterable[Tenant]) -> list[Object]:
    """The policies that the tenants of a cluster need, and their bindings; the same input gives the same list."""
    there = [tenant for tenant in tenants if tenant.namespaces]
    used = {name for tenant in there for name in tenant.allow}
    found = [obj for guard in GUARDS if used & set(guard.lists) for obj in _of_guard(guard)]
    if any(tenant.nodes for tenant in there):
        found += _nodes()
    if any(one.state != states.STATES[0] for tenant in there for one in tenant.namespaces):
        found += _cordon()
    return found


def _of_guard(guard: Guard) -> list[Object]:
    name = f"{guard.name}.{_SUFFIX}"
    notes = [(item, allow.annotation(item)) for item in guard.lists]
    lists = {item: f"'{note}' in variables.limits ? variables.limits['{note}'].split(',') : []" for item, note in notes}
    variables = {"object": "dyn(object)", "oldObject": _OLD, "limits": _LIMITS, **lists, **guard.variables}
    rules = [_rule(*item) for item in (*guard.resources, *guard.warned)]
    validations = [_validation(guard, item, note) for item, note in notes]
    bindings = [_binding(name, name, ["Deny", "Audit"], [_rule(*item) for item in guard.resources])]
    if guard.warned:
        warned = [_rule(*item) for item in guard.warned]
        bindings.append(_binding(f"{guard.name}.workloads.{_SUFFIX}", name, ["Warn", "Audit"], warned))
    return [_policy(name, rules, variables, validations), *bindings]


_LIMITS = "has(namespaceObject.metadata.annotations) ? namespaceObject.metadata.annotations : {}"
_TENANT = f"namespaceObject.metadata.labels['{TENANT_LABEL}']"


def _nodes() -> list[Object]:
    """Pods of a tenant with nodes of its own choose them, and no tenant's pods tolerate the taint of another one's."""
    name = f"nodes.{_SUFFIX}"
    note = nodes.ANNOTATION
    chosen = "variables.selector[pair.split('=')[0]]"
    variables = {
        "limits": _LIMITS,
        "object": "dyn(object)",
        "selector": "has(variables.object.spec.nodeSelector) ? variables.object.spec.nodeSelector : dyn({})",
        "tolerations": "has(variables.object.spec.tolerations) ? variables.object.spec.tolerations : []",
        # Tolerations can be added to a pod that is there; what it has already is not held against it.
        "before": "oldObject != null && has(oldObject.spec.tolerations) ? dyn(oldObject).spec.tolerations : []",
        "lacking": f"request.operation == 'CREATE' && '{note}' in variables.limits ?"
        f" variables.limits['{note}'].split(',').filter(pair,"
        f" !(pair.split('=')[0] in variables.selector && {chosen} == pair.split('=')[1])) : []",
        "foreign": "variables.tolerations.filter(item, !has(item.key) || item.key == '' || (item.key == "
        f"'{nodes.TAINT}' && !(has(item.value) && item.value == {_TENANT})))"
        ".filter(item, !variables.before.exists(old, old == item))",
    }
    validations = [
        {
            "expression": "size(variables.lacking) == 0",
            "message": "pods of this tenant run on its own nodes",
            "messageExpression": f"'pods of tenant ' + {_TENANT} + ' run on its own nodes: add to spec.nodeSelector: '"
            " + variables.lacking.join(', ')",
        },
        {
            "expression": "size(variables.foreign) == 0",
            "message": "pods must not tolerate the taint of another tenant's nodes",
            "messageExpression": f"'pods of tenant ' + {_TENANT} + ' must not tolerate the taint of other tenants:"
            f" name in each toleration a key other than {nodes.TAINT}, or the value ' + {_TENANT}",
        },
    ]
    rules = [_rule("", ("pods",))]
    return [_policy(name, rules, variables, validations), _binding(name, name, ["Deny", "Audit"], rules)]


#: What makes up a workload, or holds its data.
_NEW = (
    ("", ("pods", "replicationcontrollers", "persistentvolumeclaims")),
    ("apps", ("daemonsets", "deployments", "replicasets", "statefulsets")),
    ("batch", ("cronjobs", "jobs")),
)
#: Controllers of the cluster, kubelets and our identity go on with what is there.
_KEEPERS = (
    "request.userInfo.username.startsWith('system:serviceaccount:kube-system:')"
    " || request.userInfo.username == 'system:kube-controller-manager'"
    " || request.userInfo.username.startsWith('system:node:')"
    f" || request.userInfo.username == 'system:serviceaccount:{NAMESPACE}:{SERVICE_ACCOUNT}'"
)


def _cordon() -> list[Object]:
    """Nobody makes new workloads in namespaces that are not active; what is there goes on."""
    name = f"cordon.{_SUFFIX}"
    rules = [_rule(group, resources, ("CREATE",)) for group, resources in _NEW]
    state = f"namespaceObject.metadata.labels['{states.LABEL}']"
    validation = {
        "expression": f"has(request.userInfo.username) && ({_KEEPERS})",
        "message": "the namespace takes no new workloads",
        "messageExpression": f"'the namespace is ' + {state} + ', so that tenant ' + {_TENANT} + ' starts nothing new"
        " there'",
    }
    policy = _policy(name, rules, {}, [validation])
    policy["spec"]["matchConstraints"]["namespaceSelector"]["matchExpressions"].append(
        {"key": states.LABEL, "operator": "Exists"}
    )
    return [policy, _binding(name, name, ["Deny", "Audit"], rules)]


def _policy(name: str, rules: list[Object], variables: t.Mapping[str, str], validations: list[Object]) -> Object:
    policy = _object("ValidatingAdmissionPolicy", name)
    policy["spec"] = {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "matchPolicy": "Equivalent",
            "namespaceSelector": {"matchExpressions": [{"key": TENANT_LABEL, "operator": "Exists"}]},
            "resourceRules": rules,
        },
        "matchConditions": list(CONDITIONS),
        "validations": validations,
    }
    if variables:
        policy["spec"]["variables"] = [{"name": key, "expression": text} for key, text in variables.items()]
    return policy


#: What passes every policy of ours.
CONDITIONS: list[Object] = [
    {"name": "not-being-deleted", "expression": "object == null || !has(object.metadata.deletionTimestamp)"},
    {
        "name": "not-break-glass",
        "expression": "!(has(request.userInfo.groups) && "
        f"request.userInfo.groups.exists(group, group == '{BREAK_GLASS_GROUP}'))",
    },
]


def _validation(guard: Guard, item: str, note: str) -> Object:
    noun = guard.noun[item]
    return {
        # A match condition knows no namespace, so what is not limited is told here.
        "expression": f"!('{note}' in variables.limits) || size(variables.refused_{item}) == 0",
        "message": f"the tenant may not use {noun}",
        "messageExpression": f"'tenant ' + {_TENANT} + ' may not use {noun}: ' + variables.refused_{item}.join(', ')"
        f" + '; allowed: ' + (variables.limits['{note}'] == '' ? 'none' : variables.limits['{note}'])",
    }


def _rule(group: str, resources: t.Sequence[str], operations: t.Sequence[str] = ("CREATE", "UPDATE")) -> Object:
    return {
        "apiGroups": [group],
        "apiVersions": ["v1"],
        "operations": list(operations),
        "resources": list(resources),
        "scope": "Namespaced",
    }


def _binding(name: str, policy: str, actions: list[str], rules: list[Object]) -> Object:
    found = _object("ValidatingAdmissionPolicyBinding", name)
    found["spec"] = {
        "policyName": policy,
        "validationActions": actions,
        "matchResources": {"matchPolicy": "Equivalent", "resourceRules": rules},
    }
    return found


def _object(kind: str, name: str) -> Object:
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}}
