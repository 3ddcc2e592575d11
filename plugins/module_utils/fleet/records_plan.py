# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps a cluster's records on the hub. Private to the collection."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass, replace

from ..kube import absent, adopt, connection
from ..kube.apply import ApplySet, plan_objects
from ..kube.client import Client
from ..kube.diff import covers, project
from ..kube.token import stamp
from ..operation import Context, Operation
from ..plan import Plan, Step
from . import fleet_bindings, look, properties, records
from .access import TIERS
from .access_info import HUB_ARGUMENTS, hub_client
from .attach import LATER, records_of
from .checks_distribution import recognise
from .fleet_roles import FleetRole
from .identity import NAMESPACE, UID_LABEL, guard_name, guard_uid, guard_unique
from .records import Declared, Observed

_STATUS_WAVE = 3000
#: Stands in plans for what is only known once the access has been made.
LATER_ACCESS = "(known once the access is made)"
#: Settings of a kubelet on which capacity or allocatable of its node depend (kubelet.config.k8s.io/v1beta1).
_RESIZING = (
    "maxPods", "podsPerCore", "kubeReserved", "systemReserved", "reservedSystemCPUs", "reservedMemory", "evictionHard",
    "enforceNodeAllocatable",
)  # fmt: skip
_RECORDS = ((records.CLUSTER_API, "ManagedCluster", None), (records.PROFILE_API, "ClusterProfile", NAMESPACE))
_UID = "00000000-0000-0000-0000-000000000000"


def observe(client: Client, cluster: str, version: str | None = None) -> Observed:
    """What the records show of a cluster; of one that is not there yet, what is declared.

    Costs four requests.
    """
    if isinstance(client, absent.AbsentCluster):
        nothing = recognise("", (), ())
        return Observed(_UID, LATER, "", f"v{version}" if version else LATER, (), nothing)
    return look.observe(client, cluster)


def plan(params: t.Mapping[str, t.Any], context: Context) -> Plan:
    """The steps that make the hub's records say what is declared and seen."""
    guard_name(params["cluster"])
    hub = context.enter(hub_client(params, context))
    if params["unreachable"]:
        return _plan_unreachable(hub, params)
    member = context.enter(absent.connect(params, context.environ, params["cluster"]))
    declared = _declared(params)
    roles = fleet_bindings.check(params["fleet_roles"], declared.name, declared.tier)
    observed, adopted = _observed(params, member), adopt.kinds(params)
    existing = hub.get(records.CLUSTER_API, "ManagedCluster", declared.name)
    if observed.uid != _UID:
        guard_identity(hub, declared.name, observed.uid, None if params["recreate"] else existing)
    steps = recorded_steps(hub, params["hub"], declared, observed, existing, adopted, _coming(params, observed))
    said, left_out, unheld = _on_member(params, member, declared, roles)
    steps += said
    if isinstance(member, absent.AbsentCluster):
        # A plan for a cluster that is not there yet must not become a record of it.
        steps = [replace(step, perform=member.version) for step in steps]
    told = None if left_out else records.cluster_properties(declared)
    # What a tier never does is no news: capabilities tell it.
    warnings = [text for text in (left_out, unheld) if text and declared.tier != "observe"]
    outputs = {**_outputs(observed, told), "fleet_roles": [] if unheld else [role.name for role in roles]}
    return Plan(steps=steps, outputs=outputs, warnings=warnings, parallel=4)


def guard_identity(hub: Client, cluster: str, uid: str, existing: t.Mapping[str, t.Any] | None) -> None:
    """Refuses a cluster whose identity another record has, or that is another one than its record is of.

    :raises Refused: naming both.
    """
    labels = ((existing or {}).get("metadata") or {}).get("labels") or {}
    guard_unique({cluster: uid}, records_of(hub, uid))
    guard_uid(cluster, labels.get(UID_LABEL), uid)


def _on_member(
    params: t.Mapping[str, t.Any], member: Client, declared: Declared, roles: t.Sequence[FleetRole]
) -> tuple[list[Step], str | None, str]:
    """The steps that tell the cluster which one it is, and whom to obey; and why it cannot be told, of each."""
    coming = params["access_renewed"] and params["expected"]
    said, left_out = properties.plan(
        member, declared, is_hub=declared.name == params["hub"], adopt=adopt.kinds(params), coming=coming
    )
    given, unheld = fleet_bindings.plan(member, roles, declared.name, tier=declared.tier, coming=coming)
    return said + given, left_out, unheld


def _outputs(observed: Observed, told: dict[str, str] | None) -> dict[str, t.Any]:
    return {
        "uid": None if observed.uid == _UID else observed.uid,
        "version": observed.version,
        "distribution": observed.distribution.name,
        "nodes": len(observed.nodes),
        "properties": told,
    }


def _observed(params: t.Mapping[str, t.Any], member: Client) -> Observed:
    """What is seen of the cluster, with what this run knows better."""
    observed = observe(member, params["cluster"], params.get("kubernetes_version"))
    expires = (params.get("access") or {}).get("expires")
    if not expires and isinstance(member, absent.AbsentCluster):
        expires = LATER_ACCESS
    observed = replace(observed, access_expires=str(expires or ""))
    if params["upgraded"] and params["kubernetes_version"]:
        observed = replace(observed, version=f"v{params['kubernetes_version']}")
    return observed


def _declared(params: t.Mapping[str, t.Any]) -> Declared:
    return Declared(
        name=params["cluster"],
        mode=params["mode"],
        role=params["cluster_role"],
        labels=params["cluster_labels"],
        cluster_set=params["cluster_set"],
        tier=params["tier"],
    )


def _plan_unreachable(hub: Client, params: t.Mapping[str, t.Any]) -> Plan:
    """Records that the cluster does not answer; a cluster that has no record yet gets none."""
    outputs = dict.fromkeys(("uid", "version", "distribution", "nodes", "properties", "fleet_roles"))
    steps = unreachable_steps(hub, params["hub"], params["cluster"], params["unreachable"], params["access_state"])
    return Plan(steps=steps, outputs=outputs)


def unreachable_steps(hub: Client, target: str, name: str, why: str, state: str) -> list[Step]:
    """The steps that make a cluster's records say that it does not answer; none of a cluster without records.

    :param target: the hub's name, for the steps.
    :param state: of :func:`records.unreachable_status`.
    """
    now, steps = stamp(), []
    for api_version, kind, namespace in _RECORDS:
        there = hub.get(api_version, kind, name, namespace)
        before = (there or {}).get("status")
        if before is not None:
            status = records.unreachable_status(kind, before, why, now, state)
            steps.append(_status_step(hub, target, api_version, kind, name, namespace, before, status))
    return [step for step in steps if step is not None]


@dataclass(frozen=True)
class _Coming:
    """What a run changes of a status that check mode cannot know.

    :param nodes: nodes join or offer something else in this run, so that no plan shows sums.
    :param access: our access is made in this run, so that no plan shows its end.
    :param more: the status will be another one, but for check mode.
    """

    nodes: bool = False
    access: bool = False
    more: bool = False


def _coming(params: t.Mapping[str, t.Any], observed: Observed) -> _Coming:
    there = {str(node["metadata"]["name"]) for node in observed.nodes}
    then = (there | set(params["joining"])) - set(params["replaced"])
    resized = resizes(params["kubelet_changes"])
    renewed = bool(params["access_renewed"])
    more = (bool(params["joining"]) and len(then) != len(there)) or ((resized or renewed) and params["expected"])
    return _Coming(bool(params["joining"]) or resized, renewed, more)


def resizes(changes: t.Iterable[t.Mapping[str, t.Any]]) -> bool:
    """True if a change of kubelets' settings changes what their nodes offer to pods. Pure.

    :param changes: steps with C(before) and C(after), the settings that differ by name.
    """
    names = {str(name) for change in changes for key in ("before", "after") for name in change.get(key) or ()}
    return any(name.partition(".")[0] in _RESIZING for name in names)


def recorded_steps(
    hub: Client,
    target: str,
    declared: Declared,
    observed: Observed,
    existing: t.Mapping[str, t.Any] | None,
    adopted: t.Collection[str] = (),
    coming: _Coming = _Coming(),
) -> list[Step]:
    """The steps that make the hub's records of a cluster say what is declared and seen.

    :param target: the hub's name, for the steps.
    :param existing: the ManagedCluster that is there.
    :raises Refused: a record, or a field of it, is somebody else's.
    """
    objects = [
        records.managed_cluster(declared, observed.uid, observed.server, observed.ca_data),
        records.cluster_profile(declared),
    ]
    record = ApplySet(f"record-{declared.name}")
    found = plan_objects(hub, objects, applyset=record, target=target, adopt=adopted)
    return [_plain(step, observed) for step in found] + _status_steps(hub, target, declared, observed, existing, coming)


def _status_steps(
    hub: Client,
    target: str,
    declared: Declared,
    observed: Observed,
    existing: t.Mapping[str, t.Any] | None,
    coming: _Coming,
) -> list[Step]:
    now = stamp()
    profile = hub.get(records.PROFILE_API, "ClusterProfile", declared.name, NAMESPACE)
    before = (existing or {}).get("status"), (profile or {}).get("status")
    found = [
        _status_step(
            hub,
            target,
            records.CLUSTER_API,
            "ManagedCluster",
            declared.name,
            None,
            before[0],
            records.managed_cluster_status(declared, observed, before[0], now),
            coming,
        ),
        _status_step(
            hub,
            target,
            records.PROFILE_API,
            "ClusterProfile",
            declared.name,
            NAMESPACE,
            before[1],
            records.cluster_profile_status(declared, observed, before[1], now),
        ),
    ]
    return [step for step in found if step is not None]


def _status_step(
    hub: Client,
    target: str,
    api_version: str,
    kind: str,
    name: str,
    namespace: str | None,
    before: t.Any,
    status: dict[str, t.Any],
    coming: _Coming = _Coming(),
) -> Step | None:
    if before is not None and covers(status, before) and not coming.more:
        return None
    # What a cluster will show is not known before it is there: no plan of a first status, or of one with more nodes.
    later = before is None or coming.nodes
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    obj = {"apiVersion": api_version, "kind": kind, "metadata": metadata, "status": status}
    path = "/".join(part for part in (api_version, kind, namespace, name) if part)
    return Step(
        id=f"{path}/status",
        action="create" if before is None else "update",
        target=target,
        description=f"write the status of {kind} {name}",
        before=None if before is None else _conditions(before) if later else project(before, status),
        after=_conditions(status) if later else _without_end(status) if coming.access else status,
        perform=lambda: hub.apply(obj, force=True, subresource="status"),
        wave=_STATUS_WAVE,
    )


def _conditions(status: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    return {"conditions": {item["type"]: item["status"] for item in status.get("conditions") or ()}}


def _without_end(status: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """A status without the end of an access that is yet to be made."""
    claims = [
        {**item, "value": LATER_ACCESS} if item["name"] == records.ACCESS_EXPIRES else item
        for item in status["clusterClaims"]
    ]
    conditions = [
        {**item, "message": LATER_ACCESS} if item["type"] == records.ACCESS else item for item in status["conditions"]
    ]
    return {**status, "clusterClaims": claims, "conditions": conditions}


def _plain(step: Step, observed: Observed) -> Step:
    """A creating step without what is only known once the cluster is there, so that check mode and run plan alike."""
    if step.action != "create" or step.after is None:
        return step
    after = json.loads(json.dumps(step.after))
    (after.get("metadata") or {}).get("labels", {}).pop(UID_LABEL, None)
    if "managedClusterClientConfigs" in (after.get("spec") or {}):
        after["spec"]["managedClusterClientConfigs"] = LATER
    return replace(step, after=after)


OPERATION = Operation(
    arguments={
        "cluster": {"type": "str", "required": True},
        "mode": {"type": "str", "choices": ["create", "attach"], "default": "create"},
        "cluster_role": {"type": "str", "choices": ["global", "workload"], "default": "workload"},
        "cluster_labels": {"type": "dict", "default": {}},
        "cluster_set": {"type": "str", "default": "default"},
        "tier": {"type": "str", "choices": list(TIERS), "default": "lifecycle"},
        "kubernetes_version": {"type": "str"},
        "upgraded": {"type": "bool", "default": False},
        "unreachable": {"type": "str"},
        "access_state": {"type": "str", "choices": ["unreachable", "refused", "expired"], "default": "unreachable"},
        "access_renewed": {"type": "bool", "default": False},
        "joining": {"type": "list", "elements": "str", "default": []},
        "replaced": {"type": "list", "elements": "str", "default": []},
        "kubelet_changes": {"type": "list", "elements": "dict", "default": []},
        "expected": {"type": "bool", "default": False},
        "recreate": {"type": "bool", "default": False},
        "fleet_roles": {"type": "list", "elements": "dict", "default": []},
        **adopt.ARGUMENT,
        **HUB_ARGUMENTS,
        **connection.ARGUMENTS,
        **absent.ARGUMENT,
    },
    plan=plan,
    constraints=connection.CONSTRAINTS,
)
