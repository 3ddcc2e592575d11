# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Forty tenants and twelve policies for three clusters, which use their options widely.

The same declaration is held by real API servers and by clusters on machines. A tenant comes to about eight objects on
each of its clusters.
"""

from __future__ import annotations

import typing as t

Object = dict[str, t.Any]
EAST, LEGACY, HOSTED = CLUSTERS = ("east", "legacy", "hosted")
#: A ClusterRole of the clusters' own, and kinds of tenants' own objects, that clusters may grant.
READER, KINDS = "forty-reader", ["configmaps", "poddisruptionbudgets.policy"]
LABELS: dict[str, dict[str, str]] = {
    EAST: {"env": "production", "region": "east"},
    LEGACY: {"env": "production", "region": "west"},
    HOSTED: {"env": "test", "region": "east"},
}
SETTINGS: Object = {
    "reserved_namespaces": ["forty-*"],
    "ingress_namespaces": ["ingress", "edge"],
    "monitoring_namespaces": ["monitoring"],
    "api_server": [{"cidr": "192.0.2.0/28", "port": 6443}],
}
#: How tenants choose their clusters, and what that comes to.
CHOICES: list[tuple[Object | None, tuple[str, ...]]] = [
    (None, CLUSTERS),
    ({"names": [EAST, HOSTED]}, (EAST, HOSTED)),
    ({"selector": {"matchLabels": {"env": "production"}}}, (EAST, LEGACY)),
    ({"selector": {"matchExpressions": [{"key": "region", "operator": "In", "values": ["east"]}]}}, (EAST, HOSTED)),
    ({"names": [LEGACY]}, (LEGACY,)),
    ({"selector": {"matchExpressions": [{"key": "env", "operator": "NotIn", "values": ["test"]}]}}, (EAST, LEGACY)),
]
TOTAL = {"requests.cpu": "12", "requests.memory": "24Gi", "pods": "90"}
SHARE = {"requests.cpu": "4", "requests.memory": "8Gi", "pods": "30"}
ALLOWED: list[Object] = [
    {"registries": ["registry.example.org", "docker.io/library"]},
    {"storage_classes": ["standard", "fast"], "priority_classes": []},
    {"ingress_classes": ["public"], "host_suffixes": ["apps.example.org"]},
]
NETWORKS: list[Object] = [
    {},
    {"allow_ingress": True},
    {"allow_dns": False, "egress": [{"to": [{"ipBlock": {"cidr": "198.51.100.0/24"}}], "ports": [{"port": 5432}]}]},
    {"allow_monitoring": True, "allow_api_server": True},
    {"ingress": [{"from": [{"podSelector": {}}], "ports": [{"protocol": "TCP", "port": 8080}]}]},
]
SECURITY: list[t.Any] = [
    "baseline",
    "restricted",
    {"enforce": "baseline", "warn": "baseline", "audit": "restricted"},
    "privileged",
]


def tenants(count: int = 40, granted: t.Sequence[str] = CLUSTERS) -> list[Object]:
    """The first tenants.

    :param granted: the clusters that grant :data:`READER` and :data:`KINDS`; who needs these is for no other.
    """
    return [_tenant(number, granted) for number in range(count)]


def retired(declared: t.Iterable[Object]) -> list[Object]:
    """Tenants on their way out: their namespaces go when they are left out of the next run's list."""
    return [{**tenant, "state": "retired"} for tenant in declared]


def _tenant(number: int, granted: t.Sequence[str]) -> Object:
    name = f"team-{number:02}"
    chosen, places = CHOICES[number % len(CHOICES)]
    needy = number % 5 == 4
    if needy:
        places = tuple(cluster for cluster in places if cluster in granted) or tuple(granted)
        chosen = {"names": list(places)}
    item: Object = {
        "name": name,
        "description": f"The team of number {number}",
        **({"clusters": chosen} if chosen else {}),
        "namespaces": [name],
        "members": _members(name, number),
        **({"limits": _limits(number)} if number % 3 else {}),
        "isolation": ("tenant", "namespace", "tenant", "tenant", "namespace", "none")[number % 6],
        "network": NETWORKS[number % len(NETWORKS)],
        "pod_security": SECURITY[number % len(SECURITY)],
        "labels": {"cost-center": f"cc-{number}", "stage": ("live", "trial")[number % 2]},
        "annotations": {"example.org/contact": f"{name}@example.org", "example.org/floor": str(number)},
        **_amounts(number, places),
    }
    if number % 4 < len(ALLOWED):
        item["allow"] = ALLOWED[number % 4]
    if number % 8 == 3:
        item["roles"] = [{"name": "shell", "rules": [_rule("pods/exec", "create"), _rule("pods/portforward", "get")]}]
        item["members"].append({"kind": "Group", "name": f"{name}-oncall", "role": "shell"})
    if number % 6 == 2:
        item["namespaces"].append(_second(name, places))
    if needy:
        item["members"].append({"kind": "Group", "name": f"{name}-readers", "cluster_role": READER})
        item["objects"] = _own(name)
    if number % 13 == 12:
        item["nodes"] = {"labels": {"pool": name}}
    if number % 17 == 7:
        item["state"] = "cordoned" if number % 2 else {places[0]: "cordoned"}
    return item


def _members(name: str, number: int) -> list[Object]:
    members = [
        {"kind": "Group", "name": f"{name}-developers", "role": "developer"},
        {"kind": "User", "name": f"owner-{number}@example.org", "role": ("owner", "admin")[number % 2]},
        {"kind": "Group", "name": "auditors", "role": "viewer"},
        {"kind": "ServiceAccount", "name": "deployer", "namespace": "ci", "role": "developer"},
    ]
    return members[: 1 + number % 3]


def _limits(number: int) -> Object:
    limits: Object = {"default": {"cpu": "500m", "memory": "256Mi"}, "default_request": {"cpu": "100m"}}
    if number % 2:
        limits |= {"max": {"cpu": "4", "memory": "8Gi"}, "min": {"cpu": "10m"}}
    return limits


def _amounts(number: int, places: t.Sequence[str]) -> Object:
    """A budget with each of the splits, or a quota alone."""
    counted = {"services": "10", "persistentvolumeclaims": str(4 + number)}
    splits: list[Object] = [
        {"total": TOTAL},
        {"total": TOTAL, "split": "weighted", "weights": {place: 1 + at for at, place in enumerate(places)}},
        {"total": TOTAL, "split": "explicit", "shares": {place: dict(SHARE) for place in places}},
        {"total": TOTAL, "split": "capacity"},
    ]
    if number % 5 == 4:
        return {"quota": {**counted, "pods": "20", "limits.memory": "8Gi"}}
    return {"budget": splits[number % 5], "quota": counted}


def _second(name: str, places: t.Sequence[str]) -> Object:
    return {
        "name": f"{name}-batch",
        "clusters": {"names": [places[0]]},
        "quota": {"services": "2"},
        "limits": {"default": {"memory": "1Gi"}, "default_request": {"memory": "512Mi"}},
        "pod_security": "restricted",
        "labels": {"stage": "batch"},
        "annotations": {"example.org/floor": "cellar"},
    }


def _own(name: str) -> list[Object]:
    metadata = {"name": "settings", "namespace": name}
    budget = {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "shop"}}}
    return [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"colour": "blue", "since": "2026"}},
        {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": metadata, "spec": budget},
    ]


def _rule(resource: str, *verbs: str) -> Object:
    return {"apiGroups": [""], "resources": [resource], "verbs": list(verbs)}


def policies() -> list[Object]:
    """Twelve policies: of each mode and scope, one in CEL, one that changes objects, with exemptions and exceptions."""
    waiver = {"owner": "team-00@example.org", "reason": "until the next release", "until": "2999-12-31"}
    node_port = {
        "resources": [{"resources": ["services"]}],
        "variables": {"type": "has(object.spec.type) ? object.spec.type : 'ClusterIP'"},
        "validations": [{"expression": "variables.type != 'NodePort'", "message": "use an Ingress"}],
    }
    restricted = {"matchLabels": {"pod-security.kubernetes.io/enforce": "restricted"}}
    listed = [
        ("allowed_registries", "warn", {"registries": ["registry.example.org"]}, {"exemptions": {"users": ["robot"]}}),
        ("no_latest_tag", "audit", {}, {"exceptions": [{**waiver, "tenants": ["team-00"], "names": ["old-*"]}]}),
        ("required_labels", "audit", {"labels": ["app"]}, {"scope": "tenants", "workloads": False}),
        ("required_resources", "warn", {"limits": ["memory"]}, {"scope": {"tenants": ["team-00", "team-01"]}}),
        ("no_privileged_containers", "deny", None, {"scope": "tenants", "exemptions": {"groups": ["rescuers"]}}),
        ("no_host_namespaces", "deny", {"allowed": ["hostPID"]}, {"scope": {"selector": restricted}}),
        ("allowed_service_types", "deny", None, {"scope": {"namespaces": ["team-01"]}, "clusters": CHOICES[1][0]}),
        ("replica_bounds", "warn", {"maximum": 50, "allow_zero": True}, {"clusters": CHOICES[2][0]}),
        ("pdb_sanity", "deny", None, {"scope": "tenants"}),
        ("allowed_ingress_hosts", "audit", {"suffixes": ["example.org"]}, {"exemptions": {"namespaces": ["edge"]}}),
        ("cel", "deny", node_port, {"scope": "tenants", "exceptions": [{**waiver, "namespaces": ["team-02"]}]}),
        ("default_token_automount", "mutate", None, {"scope": "tenants", "if_unsupported": "skip"}),
    ]
    return [
        {
            "name": f"forty-{rule.replace('_', '-')}",
            "description": f"Rule {rule} of twelve",
            "rule": rule,
            "mode": mode,
            **({"parameters": parameters} if parameters else {}),
            **more,
        }
        for rule, mode, parameters, more in listed
    ]


def variables(name: str, granted: bool = True) -> Object:
    """What the host of a cluster says of itself."""
    grants = {"cluster_access": {"grants": {"cluster_roles": [READER], "resources": KINDS}}} if granted else {}
    return {"cluster_labels": LABELS[name], "tenant_settings": SETTINGS, **grants}


def reader() -> Object:
    """The ClusterRole that a cluster has of its own."""
    metadata = {"name": READER}
    rules = [{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "list"]}]
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": metadata, "rules": rules}
