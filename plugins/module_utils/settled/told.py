# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the operations of a cluster's play are told, from the fleet alone. Pure. Private to the collection.

The roles tell the same with their variables. One that is set for a cluster is an *option* here, by its name.
"""

from __future__ import annotations

import typing as t

from ..fleet.attach import OPERATION as ATTACH
from ..fleet.records_plan import OPERATION as RECORD
from ..fleet.report_summary import OPERATION as SUMMARY
from ..kube.applyset import ApplySet
from ..operation import Operation
from ..policy.operate import OPERATION as POLICY
from ..tenancy.operate import OPERATION as TENANCY

Params = dict[str, t.Any]

#: By variable of a role, the operations and the argument that it sets.
OPTIONS: dict[str, tuple[tuple[str, ...], str]] = {
    "attach_adopt": (("attach", "record"), "adopt"),
    "attach_cluster_set": (("record",), "cluster_set"),
    "tenancy_adopt": (("tenancy",), "adopt"),
    "tenancy_force": (("tenancy",), "force"),
    "tenancy_prune_namespaces": (("tenancy",), "prune_namespaces"),
    "policy_accept_violations": (("policy",), "accept_violations"),
    "policy_adopt": (("policy",), "adopt"),
    "policy_exception_warning_days": (("policy",), "exception_warning_days"),
    "policy_force": (("policy",), "force"),
    "policy_prune_all": (("policy",), "prune_all"),
    "report_access_share": (("summary",), "access_share"),
}
_AS_IN_THE_FLEET = {
    "attach": "access cluster credential fleet_roles hub hub_access kubeconfig kubeconfig_allow kubeconfig_context"
    " recreate rekey",
    "policy": "access cluster cluster_colocated cluster_exists cluster_labels cluster_role policies tier",
    "report": "access access_renewed certificate_expiries changed cluster_exists problem",
    "tenancy": "access allocatable cluster cluster_colocated cluster_exists cluster_labels cluster_role grants settings"
    " shares tenants tier",
}
#: Variables of the roles whose defaults say what the fleet says. A cluster for which one is set is left to its tasks.
DECLARED = frozenset(f"{role}_{name}" for role, names in _AS_IN_THE_FLEET.items() for name in names.split())
OPERATIONS: dict[str, Operation] = {"attach": ATTACH, "record": RECORD, "tenancy": TENANCY, "policy": POLICY}
#: What these choose the members of their sets by. Some kinds are in more than one set.
SETS = tuple(ApplySet(name).selector for name in ("fleet-roles", "policy", "properties", "tenancy"))


def params(
    cluster: t.Mapping[str, t.Any],
    fleet: t.Mapping[str, t.Any],
    access: t.Mapping[str, t.Any],
    hub_access: t.Mapping[str, t.Any],
    options: t.Mapping[str, t.Any],
) -> dict[str, Params]:
    """The arguments of each operation for an attached cluster, by its name in :data:`OPERATIONS`, and of C(summary).

    :param cluster: of ``fleet``, whose C(shares) and C(allocatable) are what C(tenant_budgets) returns.
    :param access: to the cluster.
    :param options: by the names of :data:`OPTIONS`.
    """
    hub = {"hub": fleet["hub"] or "hub", "hub_access": hub_access}
    given = {
        "attach": {**_attach(cluster), **hub},
        "record": {**_record(cluster, fleet), "access": access, **hub},
        "tenancy": {**_tenancy(cluster, fleet), "access": access},
        "policy": {**_about(cluster), "policies": fleet["policies"], "access": access},
        "summary": {"cluster": cluster, "access": access},
    }
    for option, value in options.items():
        for operation in OPTIONS[option][0]:
            given[operation][OPTIONS[option][1]] = value
    known = {**OPERATIONS, "summary": SUMMARY}
    return {key: {**defaults(known[key]), **told} for key, told in given.items()}


def defaults(operation: Operation) -> Params:
    """The arguments of an operation that is told nothing."""
    return {key: spec.get("default") for key, spec in operation.arguments.items()}


def _about(cluster: t.Mapping[str, t.Any]) -> Params:
    """What selectors see of it."""
    return {
        "cluster": cluster["name"],
        "cluster_labels": cluster["labels"],
        "cluster_role": cluster["role"],
        "cluster_colocated": cluster["colocated"],
        "tier": cluster["access"]["tier"],
    }


def _attach(cluster: t.Mapping[str, t.Any]) -> Params:
    given = {key: cluster["access"][key] for key in ("tier", "token_lifetime", "grants")}
    return {"cluster": cluster["name"], "tried": True, **given}


def _record(cluster: t.Mapping[str, t.Any], fleet: t.Mapping[str, t.Any]) -> Params:
    told = _about(cluster)
    del told["cluster_colocated"]
    roles = [role for role in fleet["fleet_roles"] if role["name"] in cluster["fleet_roles"]]
    return {**told, "mode": cluster["mode"], "kubernetes_version": cluster["version"], "fleet_roles": roles}


def _tenancy(cluster: t.Mapping[str, t.Any], fleet: t.Mapping[str, t.Any]) -> Params:
    return {
        **_about(cluster),
        "tenants": fleet["tenants"],
        "grants": cluster["access"]["grants"],
        "settings": {"api_server": [], **cluster["tenant_settings"]},
        "shares": fleet["shares"].get(cluster["name"]) or {},
        "allocatable": fleet["allocatable"].get(cluster["name"]) or {},
    }
