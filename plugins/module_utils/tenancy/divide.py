# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Divides the budgets of all tenants over the clusters of the fleet, once a run. Private to the collection."""

from __future__ import annotations

import typing as t

from ..declaration import Reader
from ..errors import InvalidInput
from ..fleet.access_info import DEADLINE, HUB_ARGUMENTS
from ..fleet.records import CLUSTER_API
from ..kube.client import Client
from ..kube.connection import resolve
from ..kube.errors import ApiError
from ..operation import Context, Operation
from ..plan import Plan
from .budget import amount, spell
from .model import Tenant
from .shares import Shares, of_fleet
from .validate import read_all


def plan(params: t.Mapping[str, t.Any], context: Context) -> Plan:
    """Reads what the hub records of clusters, and divides. There is never anything to do.

    :raises InvalidInput: a tenant is wrong, or quotas of namespaces do not fit into the share of their cluster.
    """
    items, clusters = params["tenants"], params["clusters"]
    tenants = read_all(items, clusters)
    recorded, why = _recorded(params, context) if tenants else ({}, "")
    reader = Reader()
    shares = of_fleet(items, tenants, clusters, recorded, reader)
    if reader.problems:
        raise InvalidInput(reader.problems)
    allocatable = {name: (recorded or {}).get(name) or {} for name in clusters}
    outputs = {
        "allocatable": allocatable,
        "shares": {
            name: {
                tenant: {resource: spell(resource, units) for resource, units in share.items()}
                for tenant, share in parts.items()
            }
            for name, parts in shares.items()
        },
    }
    told = [f"it is not known what clusters can hold: {why}"] if why else []
    return Plan(outputs=outputs, warnings=told + warnings(tenants, shares, allocatable))


def _recorded(params: t.Mapping[str, t.Any], context: Context) -> tuple[dict[str, dict[str, str]] | None, str]:
    """By cluster, what its nodes can hold as the hub records it; None and the reason where the hub does not say."""
    if not params.get("hub_access"):
        return None, ""
    try:
        hub = context.enter(Client(resolve({"access": params["hub_access"]}, {}), deadline=DEADLINE))
        records = hub.list(CLUSTER_API, "ManagedCluster")
    except ApiError as exc:
        return None, f"the hub {params['hub']} cannot be asked: {exc}"
    parts = {str(item["metadata"]["name"]): (item.get("status") or {}).get("allocatable") or {} for item in records}
    return {name: {key: str(value) for key, value in part.items()} for name, part in parts.items()}, ""


def warnings(
    tenants: t.Sequence[Tenant], shares: Shares, allocatable: t.Mapping[str, t.Mapping[str, str]]
) -> list[str]:
    """Shares that are nothing, and clusters of which nobody knows what they can hold."""
    found = []
    for tenant in tenants:
        parts = {name: share[tenant.name] for name, share in shares.items() if tenant.name in share}
        if tenant.budget is None:
            continue
        unknown = [name for name in parts if not allocatable[name]]
        if tenant.budget.split == "capacity" and unknown:
            what = "so they get nothing of it yet" if len(unknown) < len(parts) else "so it is divided evenly for now"
            found.append(
                f"tenant {tenant.name}: the budget is split by capacity, and the hub has no record of that of "
                f"{', '.join(unknown)}, {what}"
            )
            continue
        for name, share in parts.items():
            nothing = [
                resource
                for resource, units in share.items()
                if not units and amount(resource, tenant.budget.total[resource])
            ]
            if nothing:
                found.append(f"tenant {tenant.name}: its share of {', '.join(nothing)} on {name} is nothing")
    return found


OPERATION = Operation(
    arguments={
        "tenants": {"type": "list", "elements": "dict", "required": True},
        "clusters": {"type": "dict", "required": True},
        **HUB_ARGUMENTS,
    },
    plan=plan,
)
