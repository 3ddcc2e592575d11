# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Holds one cluster to its tenants. Private to the collection."""

from __future__ import annotations

import typing as t

from ..declaration import TENANT_LABEL, Reader
from ..errors import InvalidInput, Problem, Refused
from ..fleet.selectors import CLUSTER_ARGUMENTS, cluster_of, concerns, runs_workloads
from ..kube import absent, adopt, connection
from ..kube.apply import ApplySet, plan_objects
from ..kube.client import Client
from ..kube.errors import Forbidden
from ..kube.resources import object_id
from ..operation import Context, Operation
from ..plan import Plan, Step
from . import admission, granting, states
from .budget import amount
from .model import Tenant
from .places import check_one
from .render import objects
from .settings import Settings
from .settings import read as settings_of
from .shares import narrowed, over_committed, spread
from .validate import read_all, warnings

ARGUMENTS: dict[str, t.Any] = {
    "tenants": {"type": "list", "elements": "dict", "required": True},
    **CLUSTER_ARGUMENTS,
    "grants": {"type": "dict", "default": {}},
    "settings": {"type": "dict", "default": {}},
    "shares": {"type": "dict", "default": {}},
    "allocatable": {"type": "dict", "default": {}},
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
    settings = read_settings(params)
    tenants = for_cluster(params["tenants"], {**cluster_of(params), "access": {"grants": params["grants"]}}, settings)
    tenants = budgeted(tenants, params)
    rendered = {tenant.name: objects(tenant, settings) for tenant in tenants}
    applyset = ApplySet("tenancy", force=params["force"])
    client = context.enter(absent.connect(params, context.environ, params["cluster"]))
    guards = admission.objects(tenants)
    wanted = [obj for found in rendered.values() for obj in found] + guards
    steps = _planned(
        client,
        wanted,
        applyset=applyset,
        target=params["cluster"],
        adopt=adopt.kinds(params),
        # What an empty list would delete are namespaces first of all, and those are guarded below.
        prune_all=True,
        # Members may write some of these kinds in their namespaces, and must not be able to keep the platform out.
        claim=lambda obj: "namespace" in obj["metadata"] and obj["metadata"]["name"].startswith("lodestar"),
    )
    _guard_namespaces(steps, params)
    steps = granting.prepared(client, steps, wanted, applyset, params["cluster"])
    outputs = {
        "tenants": list(rendered),
        "objects": {name: [object_id(obj) for obj in found] for name, found in rendered.items()},
        "guards": [object_id(obj) for obj in guards],
    }
    told = warnings(tenants) + over_committed(tenants, params["allocatable"], params["cluster"])
    return Plan(steps=steps, outputs=outputs, warnings=told, parallel=client.at_once)


def budgeted(tenants: t.Sequence[Tenant], params: t.Mapping[str, t.Any]) -> list[Tenant]:
    """The tenants with the quotas that this cluster's share of their budgets means.

    :raises InvalidInput: a share is not known, or the quotas of namespaces do not fit into it.
    """
    reader = Reader()
    found = []
    for tenant in tenants:
        if tenant.budget is None or not tenant.namespaces:
            found.append(tenant)
            continue
        share = params["shares"].get(tenant.name, tenant.budget.shares.get(params["cluster"]))
        if share is None and not params["cluster_exists"]:
            found.append(tenant)  # what a cluster that is yet to be made can hold is not known
            continue
        amounts = {name: amount(name, str(text)) for name, text in (share or {}).items()}
        if set(amounts) != set(tenant.budget.total) or None in amounts.values():
            reason = f"its share of {params['cluster']} is not given, which takes a look at all clusters"
            remedy = "give what the module tenant_budgets returns as shares"
            reader.problem(f"tenants[{tenant.name}].budget", share, reason, remedy)
            continue
        units = {name: value for name, value in amounts.items() if value is not None}
        found.append(spread(tenant, units, params["cluster"], reader))
    if reader.problems:
        raise InvalidInput(reader.problems)
    return found


def _planned(client: Client, wanted: list[dict[str, t.Any]], **options: t.Any) -> list[Step]:
    """Like C(plan_objects), with a remedy where our identity may not even look at a kind."""
    try:
        return plan_objects(client, wanted, **options)
    except Forbidden as exc:
        raise Refused(
            f"{options['target']}: {exc}. If that is a kind of a tenant's objects, name it in"
            " cluster_access.grants.resources; otherwise our rights are those of an older release, see docs/access.md",
            cluster=options["target"],
        ) from exc


def read_settings(params: t.Mapping[str, t.Any]) -> Settings:
    """The cluster's C(settings).

    :raises InvalidInput: with every problem of them.
    """
    reader = Reader()
    settings = settings_of(params["settings"], reader, "settings")
    if reader.problems:
        raise InvalidInput(reader.problems)
    return settings


def for_cluster(declared: t.Any, cluster: t.Mapping[str, t.Any], settings: Settings | None = None) -> list[Tenant]:
    """The tenants that are for this cluster, with the namespaces that they have there. All declared ones are checked.

    :raises InvalidInput: with every problem, also when a tenant names a global cluster that runs no workloads, or needs
        what this cluster does not have.
    """
    tenants = read_all(declared)
    found = [tenant for tenant, item in zip(tenants, declared, strict=True) if concerns(item, cluster)]
    if found and not runs_workloads(cluster):
        reason = "is the dedicated global cluster, which runs platform components only"
        remedy = "Choose a workload cluster, or set cluster_colocated: true on the global cluster"
        keys = [f"tenants[{tenant.name}].clusters.names" for tenant in found]
        raise InvalidInput([Problem(key, cluster["name"], reason, remedy) for key in keys])
    found = [narrowed(tenant, cluster) for tenant in found]
    reader = Reader()
    for tenant in found:
        check_one(tenant, cluster, settings or Settings(), reader)
    if reader.problems:
        raise InvalidInput(reader.problems)
    return found


def _guard_namespaces(steps: t.Sequence[Step], params: t.Mapping[str, t.Any]) -> None:
    """Namespaces hold workloads and data: they go in two steps, each of them said.

    A namespace that is left out of the list is refused; one that was retired by an earlier run goes when this is
    allowed.
    """
    doomed = [step for step in steps if step.action == "delete" and step.id.startswith("v1/Namespace/")]
    if not doomed:
        return
    living = [step for step in doomed if _label(step, states.LABEL) != "retired"]
    if params["prune_namespaces"] and not living:
        return
    if params["prune_namespaces"]:
        what, remedy = (
            "have not been retired",
            "Declare them again with state: retired and run; then they can be deleted",
        )
    else:
        what, remedy = "are no longer declared", "Declare them again, or allow it with prune_namespaces: true"
        remedy += ", once they have been retired (state: retired)" if living else ""
    named = living if params["prune_namespaces"] else doomed
    told = ", ".join(f"{_name(step)} (tenant {_label(step, TENANT_LABEL) or 'unknown'})" for step in named)
    raise Refused(
        f"{len(named)} namespace(s) of {params['cluster']} {what} and would be deleted, with all that is in them; "
        f"nothing was changed: {told}. {remedy}.",
        namespaces=[_name(step) for step in named],
    )


def _name(step: Step) -> str:
    return step.id.rpartition("/")[2]


def _label(step: Step, label: str) -> str:
    labels = ((step.before or {}).get("metadata") or {}).get("labels") or {}
    return str(labels.get(label) or "")


OPERATION = Operation(arguments=ARGUMENTS, plan=plan, constraints=connection.CONSTRAINTS)
