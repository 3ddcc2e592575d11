# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the operations of a cluster's play are told, from the fleet alone. Pure. Private to the collection.

The roles tell the same with their variables. One that is set for a cluster is an *option* here, by its name.
"""

from __future__ import annotations

import typing as t

from ..delivery.addons import KINDS
from ..delivery.model import ADDON_PREFIX
from ..fleet.addons import OPERATION as ADDONS
from ..fleet.addons import SET
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
    "addons_images": (("addons",), "images"),
    "addons_names": (("addons",), "addons"),
    "addons_nodes": (("addons",), "nodes"),
    "addons_wait_timeout": (("addons",), "wait_timeout"),
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
    "addons": "access cluster",
    "attach": "access cluster credential fleet_roles hub hub_access kubeconfig kubeconfig_allow kubeconfig_context"
    " recreate rekey",
    "policy": "access cluster cluster_colocated cluster_exists cluster_labels cluster_role policies tier",
    "report": "access access_renewed certificate_expiries changed cluster_exists problem",
    "tenancy": "access allocatable cluster cluster_colocated cluster_exists cluster_labels cluster_role grants settings"
    " shares tenants tier",
}
#: Variables of the roles whose defaults say what the fleet says. A cluster for which one is set is left to its tasks.
DECLARED = frozenset(f"{role}_{name}" for role, names in _AS_IN_THE_FLEET.items() for name in names.split())
#: In the order of their tasks; the first one is for created clusters.
OPERATIONS: dict[str, Operation] = {
    "addons": ADDONS,
    "attach": ATTACH,
    "record": RECORD,
    "tenancy": TENANCY,
    "policy": POLICY,
}
_DELIVERED = [f"delivery-{ADDON_PREFIX}{name}" for name in KINDS]
#: What these, and add-ons that are delivered, choose the members of their sets by. Some kinds are in several sets.
SETS = tuple(ApplySet(name).selector for name in (SET, *_DELIVERED, "fleet-roles", "policy", "properties", "tenancy"))


def params(
    cluster: t.Mapping[str, t.Any],
    fleet: t.Mapping[str, t.Any],
    access: t.Mapping[str, t.Any],
    hub_access: t.Mapping[str, t.Any],
    options: t.Mapping[str, t.Any],
) -> dict[str, Params]:
    """The arguments of each operation for a cluster, by its name in :data:`OPERATIONS`, and of C(summary).

    :param cluster: of ``fleet``, whose C(shares) and C(allocatable) are what C(tenant_budgets) returns.
    :param access: to the cluster.
    :param options: by the names of :data:`OPTIONS`.
    """
    hub = {"hub": fleet["hub"] or "hub", "hub_access": hub_access}
    given = {
        **({"addons": {**_addons(cluster, fleet), "access": access}} if cluster["mode"] == "create" else {}),
        "attach": {**_attach(cluster), **({"access": access} if cluster["mode"] == "create" else {}), **hub},
        "record": {**_record(cluster, fleet), "access": access, **hub},
        "tenancy": {**_tenancy(cluster, fleet), "access": access},
        "policy": {**_about(cluster), "policies": fleet["policies"], "access": access},
        "summary": {"cluster": cluster, "node_names": list(_nodes(cluster, fleet)), "access": access},
    }
    for option, value in options.items():
        for operation in given.keys() & set(OPTIONS[option][0]):
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


def _nodes(cluster: t.Mapping[str, t.Any], fleet: t.Mapping[str, t.Any]) -> dict[str, t.Mapping[str, t.Any]]:
    """The machines of a created cluster by the names of their nodes."""
    machines = [fleet["machines"][name] for name in (*cluster["control_plane"], *cluster["workers"])]
    return {str(machine["node_name"]): machine for machine in machines}


def _addons(cluster: t.Mapping[str, t.Any], fleet: t.Mapping[str, t.Any]) -> Params:
    """For a cluster whose machines have nothing to do: no node joins, and none asks for its first certificate."""
    nodes = _nodes(cluster, fleet)
    serving = cluster["kubelet_config"].get("serverTLSBootstrap", True)

    def marks(machine: t.Mapping[str, t.Any]) -> Params:
        dedicated = machine["role"] == "control_plane" and not cluster["colocated"]
        return {"labels": machine["labels"], "taints": machine["taints"], "dedicated": dedicated}

    return {
        "cluster": cluster["name"],
        "endpoint_host": cluster["endpoint"]["address"],
        "endpoint_port": cluster["endpoint"]["port"],
        "network": cluster["network"],
        "kubelets": {name: machine["node_ip"] for name, machine in nodes.items()} if serving else {},
        "marks": {name: marks(machine) for name, machine in nodes.items()},
    }


def _api_servers(cluster: t.Mapping[str, t.Any], fleet: t.Mapping[str, t.Any]) -> list[Params]:
    """Where those of a created cluster are: kube-vip only carries an address, so there their port is the endpoint's."""
    endpoint = cluster["endpoint"]
    port = endpoint["port"] if cluster["control_plane"] and endpoint["provider"] == "kube_vip" else 6443
    addresses = [str(fleet["machines"][name]["node_ip"]) for name in cluster["control_plane"]]
    return [{"cidr": f"{one}/{128 if ':' in one else 32}", "port": port} for one in addresses]


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
        "settings": {"api_server": _api_servers(cluster, fleet), **cluster["tenant_settings"]},
        "shares": fleet["shares"].get(cluster["name"]) or {},
        "allocatable": fleet["allocatable"].get(cluster["name"]) or {},
    }
