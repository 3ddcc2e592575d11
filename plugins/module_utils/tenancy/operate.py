# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Holds one cluster to its tenants. Private to the collection."""

from __future__ import annotations

import typing as t

from ..declaration import TENANT_LABEL
from ..errors import InvalidInput, Problem, Refused
from ..fleet.access import TIERS
from ..fleet.selectors import concerns, runs_workloads
from ..kube import absent, adopt, connection
from ..kube.apply import ApplySet, plan_objects
from ..kube.resources import object_id
from ..operation import Context, Operation
from ..plan import Plan, Step
from .model import Tenant
from .render import objects
from .validate import read_all, warnings

ARGUMENTS: dict[str, t.Any] = {
    "tenants": {"type": "list", "elements": "dict", "required": True},
    "cluster": {"type": "str", "required": True},
    "cluster_labels": {"type": "dict", "default": {}},
    "cluster_role": {"type": "str", "choices": ["global", "workload"], "default": "workload"},
    "cluster_colocated": {"type": "bool", "default": False},
    "tier": {"type": "str", "choices": list(TIERS)},
    "prune_namespaces": {"type": "bool", "default": False},
    **adopt.ARGUMENT,
    "force": {"type": "bool", "default": False},
    **connection.ARGUMENTS,
    **absent.ARGUMENT,
}


def plan(params: t.Mapping[str, t.Any], context: Context) -> Plan:
    """The steps that make the cluster hold the objects of its tenants, and of no other tenant.

    :raises InvalidInput: a declared tenant is wrong, whichever cluster it is for.
    :raises Refused: a namespace would be deleted without C(prune_namespaces), or something of others taken.
    """
    tenants = for_cluster(params["tenants"], cluster_view(params))
    rendered = {tenant.name: objects(tenant) for tenant in tenants}
    client = context.enter(absent.connect(params, context.environ, params["cluster"]))
    steps = plan_objects(
        client,
        [obj for found in rendered.values() for obj in found],
        applyset=ApplySet("tenancy", force=params["force"]),
        target=params["cluster"],
        adopt=adopt.kinds(params),
        # What an empty list would delete are namespaces first of all, and those are guarded below.
        prune_all=True,
        # Members may write some of these kinds in their namespaces, and must not be able to keep the platform out.
        claim=lambda obj: "namespace" in obj["metadata"],
    )
    _guard_namespaces(steps, params)
    outputs = {
        "tenants": list(rendered),
        "objects": {name: [object_id(obj) for obj in found] for name, found in rendered.items()},
    }
    return Plan(steps=steps, outputs=outputs, warnings=warnings(tenants), parallel=client.at_once)


def cluster_view(params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The cluster of a module's arguments, as selectors look at it."""
    return {
        "name": params["cluster"],
        "labels": params["cluster_labels"],
        "role": params["cluster_role"],
        "colocated": params["cluster_colocated"],
        "tier": params["tier"],
    }


def for_cluster(declared: t.Any, cluster: t.Mapping[str, t.Any]) -> list[Tenant]:
    """The tenants that are for this cluster. All declared ones are checked.

    :raises InvalidInput: with every problem, also when a tenant names a global cluster that runs no workloads.
    """
    tenants = read_all(declared)
    found = [tenant for tenant, item in zip(tenants, declared, strict=True) if concerns(item, cluster)]
    if found and not runs_workloads(cluster):
        reason = "is the dedicated global cluster, which runs platform components only"
        remedy = "Choose a workload cluster, or set cluster_colocated: true on the global cluster"
        keys = [f"tenants[{tenant.name}].clusters.names" for tenant in found]
        raise InvalidInput([Problem(key, cluster["name"], reason, remedy) for key in keys])
    return found


def _guard_namespaces(steps: t.Sequence[Step], params: t.Mapping[str, t.Any]) -> None:
    """Namespaces hold workloads and data: leaving one out of the list is not yet the wish to delete it."""
    doomed = [step for step in steps if step.action == "delete" and step.id.startswith("v1/Namespace/")]
    if not doomed or params["prune_namespaces"]:
        return
    named = ", ".join(f"{step.id.rpartition('/')[2]} (tenant {_tenant_of(step)})" for step in doomed)
    raise Refused(
        f"{len(doomed)} namespace(s) of {params['cluster']} are no longer declared and would be deleted, with all that"
        f" is in them; nothing was changed: {named}. Declare them again, or allow it with prune_namespaces: true.",
        namespaces=[step.id.rpartition("/")[2] for step in doomed],
    )


def _tenant_of(step: Step) -> str:
    labels = ((step.before or {}).get("metadata") or {}).get("labels") or {}
    return str(labels.get(TENANT_LABEL, "unknown"))


OPERATION = Operation(arguments=ARGUMENTS, plan=plan, constraints=connection.CONSTRAINTS)
