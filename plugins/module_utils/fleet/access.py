# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What our identity may do on a cluster, by tier, and the objects that grant it. Pure. Private to the collection.

docs/access.md explains every rule. No wildcard, no C(escalate), no C(impersonate). C(bind) only names roles that
tenants and people of the fleet may get.
"""

from __future__ import annotations

import hashlib
import json
import typing as t

from . import addon_kube_router, addon_metrics_server, addon_placement
from .identity import NAMESPACE, SERVICE_ACCOUNT, Mark

Rule = dict[str, t.Any]
#: What an operator declares as C(cluster_access.grants).
Grants = t.Mapping[str, t.Sequence[str]]

#: From least to most; a created cluster has C(lifecycle), an attached one C(tenant) unless declared otherwise.
TIERS = ("observe", "tenant", "lifecycle")
#: ClusterRoles that tenants may get; our identity can bind them without holding their rules.
TENANT_ROLES = ("view", "edit", "admin")
#: The one of them that holds the others' rules.
WIDEST_ROLE = "admin"
#: What auditors may read besides C(view): it comes with our rights, so that our identity need not hold it.
AUDITOR_ROLE = "lodestar:auditor"
#: The ClusterRoles of the fleet's roles, by the names of the ClusterRoleBindings that give them.
AUDITOR_BINDINGS = {"lodestar:auditors": AUDITOR_ROLE, "lodestar:auditors-view": "view"}
ADMIN_BINDING, ADMIN_ROLE = "lodestar:cluster-admins", "cluster-admin"

READ = ("get", "list")
MANAGE = ("get", "list", "create", "patch", "delete")


def rule(
    groups: str | t.Sequence[str], resources: t.Sequence[str], verbs: t.Sequence[str], names: t.Sequence[str] = ()
) -> Rule:
    """One RBAC rule."""
    made: Rule = {
        "apiGroups": [groups] if isinstance(groups, str) else list(groups),
        "resources": list(resources),
        "verbs": list(verbs),
    }
    if names:
        made["resourceNames"] = list(names)
    return made


OBSERVE_RULES: tuple[Rule, ...] = (
    rule("", ["namespaces"], READ),
    rule("", ["nodes"], ["list"]),
    # Who may do what.
    rule("rbac.authorization.k8s.io", ["roles", "rolebindings", "clusterroles", "clusterrolebindings"], ["list"]),
)

TENANT_RULES: tuple[Rule, ...] = (
    *OBSERVE_RULES,
    rule("", ["namespaces"], ["create", "patch", "delete"]),
    rule("", ["resourcequotas", "limitranges"], MANAGE),
    rule("networking.k8s.io", ["networkpolicies"], MANAGE),
    rule("rbac.authorization.k8s.io", ["rolebindings", "roles"], MANAGE),
    rule("rbac.authorization.k8s.io", ["clusterroles"], ["bind"], [*TENANT_ROLES, AUDITOR_ROLE]),
    # What a tenant's own roles may hold at most.
    rule("rbac.authorization.k8s.io", ["clusterroles"], ["get"], [WIDEST_ROLE]),
    # The fleet's auditors.
    rule(
        "rbac.authorization.k8s.io",
        ["clusterrolebindings"],
        ["get", "create", "patch", "delete"],
        tuple(AUDITOR_BINDINGS),
    ),
    rule(
        "admissionregistration.k8s.io",
        [
            "mutatingadmissionpolicies",
            "mutatingadmissionpolicybindings",
            "validatingadmissionpolicies",
            "validatingadmissionpolicybindings",
        ],
        MANAGE,
    ),
    # What the library of policies looks at is listed to see what breaks it, and reports tell that.
    rule("", ["persistentvolumeclaims", "pods", "services"], ["list"]),
    rule("apps", ["daemonsets", "deployments", "statefulsets"], ["list"]),
    rule("autoscaling", ["horizontalpodautoscalers"], ["list"]),
    rule("batch", ["cronjobs", "jobs"], ["list"]),
    rule("networking.k8s.io", ["ingresses"], ["list"]),
    rule("policy", ["poddisruptionbudgets"], ["list"]),
    rule("wgpolicyk8s.io", ["clusterpolicyreports", "policyreports"], MANAGE),
    # Which cluster of which set this is (KEP-2149), and the one definition that this takes.
    rule("about.k8s.io", ["clusterproperties"], MANAGE),
    rule(
        "apiextensions.k8s.io",
        ["customresourcedefinitions"],
        ["get", "create", "patch", "delete"],
        ["clusterproperties.about.k8s.io"],
    ),
)

LIFECYCLE_RULES: tuple[Rule, ...] = (
    *TENANT_RULES,
    rule("", ["pods"], READ),
    # What would be lost with the cluster.
    rule("", ["persistentvolumes"], ["list"]),
    # Drains, and the labels and taints that the inventory declares.
    rule("", ["nodes"], ["get", "patch"]),
    rule("", ["pods/eviction"], ["create"]),
    rule("policy", ["poddisruptionbudgets"], MANAGE),
    rule("", ["serviceaccounts", "services"], MANAGE),
    rule("apps", ["daemonsets", "deployments"], MANAGE),
    rule("rbac.authorization.k8s.io", ["clusterroles", "clusterrolebindings"], MANAGE),
    # Who administers the cluster; it is no more than the right to run pods in kube-system comes to.
    rule("rbac.authorization.k8s.io", ["clusterroles"], ["bind"], [ADMIN_ROLE]),
    rule("apiregistration.k8s.io", ["apiservices"], MANAGE),
    # Kubelets get serving certificates of the cluster, and nothing else gets any certificate.
    rule("certificates.k8s.io", ["certificatesigningrequests"], ["list"]),
    rule("certificates.k8s.io", ["certificatesigningrequests/approval"], ["patch"]),
    rule("certificates.k8s.io", ["signers"], ["approve"], ["kubernetes.io/kubelet-serving"]),
    # Kubernetes lets an identity grant only what it holds: these are the rules of the add-ons that it applies.
    *addon_kube_router.RULES,
    *addon_metrics_server.RULES,
)

_WATCH = ("get", "list", "watch")
#: What is in no namespace and holds no secret, and who may do what.
AUDITOR_RULES: tuple[Rule, ...] = (
    rule("", ["namespaces", "nodes", "persistentvolumes"], _WATCH),
    rule("rbac.authorization.k8s.io", ["roles", "rolebindings", "clusterroles", "clusterrolebindings"], _WATCH),
    rule(
        "admissionregistration.k8s.io",
        [
            "mutatingadmissionpolicies",
            "mutatingadmissionpolicybindings",
            "mutatingwebhookconfigurations",
            "validatingadmissionpolicies",
            "validatingadmissionpolicybindings",
            "validatingwebhookconfigurations",
        ],
        _WATCH,
    ),
    rule("apiextensions.k8s.io", ["customresourcedefinitions"], _WATCH),
    rule("apiregistration.k8s.io", ["apiservices"], _WATCH),
    rule("certificates.k8s.io", ["certificatesigningrequests"], _WATCH),
    rule("networking.k8s.io", ["ingressclasses"], _WATCH),
    rule("node.k8s.io", ["runtimeclasses"], _WATCH),
    rule("scheduling.k8s.io", ["priorityclasses"], _WATCH),
    rule("storage.k8s.io", ["csidrivers", "csinodes", "storageclasses", "volumeattachments"], _WATCH),
    rule("wgpolicyk8s.io", ["clusterpolicyreports", "policyreports"], _WATCH),
    rule("about.k8s.io", ["clusterproperties"], _WATCH),
    rule("cluster.open-cluster-management.io", ["managedclusters", "managedclustersets", "placements"], _WATCH),
    rule("multicluster.x-k8s.io", ["clusterprofiles"], _WATCH),
)

#: API group -> the resources of the bundle's definitions, which are listed once to see that they are served.
FLEET_APIS = {
    "cluster.open-cluster-management.io": (
        "addonplacementscores",
        "clusterclaims",
        "managedclustersetbindings",
        "placementdecisions",
        "placements",
    ),
    "wgpolicyk8s.io": ("clusterpolicyreports", "policyreports"),
}

HUB_RULES: tuple[Rule, ...] = (
    *LIFECYCLE_RULES,
    *(rule(group, resources, ["list"]) for group, resources in FLEET_APIS.items()),
    rule("apiextensions.k8s.io", ["customresourcedefinitions"], MANAGE),
    rule("cluster.open-cluster-management.io", ["managedclusters", "managedclustersets"], MANAGE),
    rule("cluster.open-cluster-management.io", ["managedclusters/status"], ["patch"]),
    # What is declared of placements, the scores that they may decide by, and the rights of the controller that decides.
    rule("cluster.open-cluster-management.io", ["managedclustersetbindings", "placements"], MANAGE),
    rule("cluster.open-cluster-management.io", ["addonplacementscores"], ["create", "patch", "delete"]),
    rule("cluster.open-cluster-management.io", ["addonplacementscores/status"], ["patch"]),
    *addon_placement.RULES,
    rule("multicluster.x-k8s.io", ["clusterprofiles"], MANAGE),
    rule("multicluster.x-k8s.io", ["clusterprofiles/status"], ["patch"]),
    rule("", ["secrets"], ["get", "create", "patch", "delete"]),
)

RULES: dict[str, tuple[Rule, ...]] = {
    "observe": OBSERVE_RULES,
    "tenant": TENANT_RULES,
    "lifecycle": LIFECYCLE_RULES,
    "hub": HUB_RULES,
}


def self_rules(role: str) -> tuple[Rule, ...]:
    """What a tier, or the hub, may do in lodestar-system: renew the own token, delete the namespace itself, which is
    the last act of a detachment, and keep the ledgers of the sets that it applies (KEP-3659 parents).
    """
    return (
        rule("", ["serviceaccounts/token"], ["create"], [SERVICE_ACCOUNT]),
        rule("", ["namespaces"], ["delete"], [NAMESPACE]),
        rule("", ["configmaps"], ["list"] if role == "observe" else MANAGE),
    )


def compact(rules: t.Iterable[Rule]) -> list[Rule]:
    """The same rights with one rule for each API group, set of verbs and set of names, in a stable order."""
    merged: dict[tuple[t.Any, ...], set[str]] = {}
    for item in rules:
        key = (tuple(item["apiGroups"]), tuple(item["verbs"]), tuple(item.get("resourceNames", ())))
        merged.setdefault(key, set()).update(item["resources"])
    return [
        rule(groups, sorted(resources), verbs, names) for (groups, verbs, names), resources in sorted(merged.items())
    ]


def granted(grants: Grants) -> tuple[Rule, ...]:
    """The rules of what an operator declares beyond a tier, for what tenants get on one cluster.

    :param grants: C(cluster_roles) that may be bound, and C(resources), C(plural) or C(plural.group), to manage.
    """
    roles = sorted(grants.get("cluster_roles") or ())
    parts = [name.partition(".") for name in sorted(grants.get("resources") or ())]
    binding = (rule("rbac.authorization.k8s.io", ["clusterroles"], ["bind"], roles),) if roles else ()
    return binding + tuple(rule(group, [plural], MANAGE) for plural, _dot, group in parts)


def rules_of(role: str, grants: Grants | None = None) -> list[Rule]:
    """What our identity may do in the whole cluster; C(observe) takes no grants, since it writes nothing."""
    return compact(RULES[role] + (granted(grants) if grants and role != "observe" else ()))


def access_objects(
    tier: str, *, hub: bool = False, mark: Mark | None = None, grants: Grants | None = None
) -> list[dict[str, t.Any]]:
    """The namespace, the ServiceAccount and the rights of our identity on a cluster, in an order that can be applied.

    :param tier: one of :data:`TIERS`.
    :param hub: the cluster is the hub, whose records we write too.
    :param mark: the hub's mark for a member cluster, as annotations of the namespace.
    :param grants: of :func:`granted`.
    """
    role = "hub" if hub else tier
    namespace: dict[str, t.Any] = {"name": NAMESPACE, "labels": {"app.kubernetes.io/managed-by": "lodestar"}}
    if mark is not None:
        namespace["annotations"] = mark.annotations()
    account: dict[str, t.Any] = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": SERVICE_ACCOUNT, "namespace": NAMESPACE},
        "automountServiceAccountToken": False,
    }
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": namespace},
        account,
        *_roles(f"lodestar:{role}", rules_of(role, grants), compact(self_rules(role))),
    ]


def _roles(name: str, rules: list[Rule], own_rules: list[Rule]) -> list[dict[str, t.Any]]:
    group = "rbac.authorization.k8s.io"
    subjects = [{"kind": "ServiceAccount", "name": SERVICE_ACCOUNT, "namespace": NAMESPACE}]
    own = {"name": "lodestar:self", "namespace": NAMESPACE}
    return [
        *_cluster_roles(name, rules),
        {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": dict(own), "rules": own_rules},
        {
            "apiVersion": f"{group}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": name},
            "subjects": subjects,
        },
        {
            "apiVersion": f"{group}/v1",
            "kind": "RoleBinding",
            "metadata": dict(own),
            "roleRef": {"apiGroup": group, "kind": "Role", "name": "lodestar:self"},
            "subjects": subjects,
        },
    ]


def _cluster_roles(name: str, rules: list[Rule]) -> list[dict[str, t.Any]]:
    auditors = {} if name == "lodestar:observe" else {AUDITOR_ROLE: compact(AUDITOR_RULES)}
    kind = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole"}
    return [{**kind, "metadata": {"name": key}, "rules": held} for key, held in {name: rules, **auditors}.items()]


def rights_digest(tier: str, *, hub: bool = False, grants: Grants | None = None) -> str:
    """A short digest of what a tier may do, and its auditors, recorded with a token so that a run sees older rights."""
    role = "hub" if hub else tier
    text = json.dumps([rules_of(role, grants), compact(self_rules(role)), compact(AUDITOR_RULES)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def needs(tier: str) -> list[tuple[str, str, str, str]]:
    """Every single right of a tier, for access reviews: (verb, API group, resource with subresource, name or '')."""
    return _single(RULES[tier])


def hands_on(tier: str) -> list[tuple[str, str, str, str]]:
    """Every single right that the objects of a tier give to somebody, which whoever writes them must hold."""
    return _single(RULES[tier] if tier == "observe" else (*RULES[tier], *AUDITOR_RULES))


def _single(rules: t.Iterable[Rule]) -> list[tuple[str, str, str, str]]:
    found: dict[tuple[str, str, str, str], None] = {}
    for item in rules:
        for group in item["apiGroups"]:
            for resource in item["resources"]:
                for verb in item["verbs"]:
                    for name in item.get("resourceNames", [""]):
                        found[(verb, group, resource, name)] = None
    return list(found)
