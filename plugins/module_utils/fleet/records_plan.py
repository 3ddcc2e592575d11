# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps a cluster's records on the hub. Private to the collection."""

from __future__ import annotations

import datetime
import json
import typing as t
from dataclasses import dataclass, replace

from ..kube import absent, adopt, connection
from ..kube.apply import ApplySet, plan_objects
from ..kube.client import Client
from ..kube.diff import covers, project
from ..operation import Context, Operation
from ..plan import Plan, Step
from . import look, records
from .access import TIERS
from .access_info import HUB_ARGUMENTS, hub_client
from .attach import LATER, records_of
from .checks_distribution import recognise
from .identity import NAMESPACE, UID_LABEL, guard_name, guard_uid, guard_unique
from .records import Declared, Observed

_STATUS_WAVE = 3000
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
    hub = context.enter(hub_client(params))
    if params["unreachable"]:
        return _plan_unreachable(hub, params)
    member = context.enter(absent.connect(params, context.environ, params["cluster"]))
    declared = _declared(params)
    observed = observe(member, declared.name, params.get("kubernetes_version"))
    if params["upgraded"] and params["kubernetes_version"]:
        observed = replace(observed, version=f"v{params['kubernetes_version']}")
    existing = hub.get(records.CLUSTER_API, "ManagedCluster", declared.name)
    if observed.uid != _UID:
        labels = ((existing or {}).get("metadata") or {}).get("labels") or {}
        guard_unique({declared.name: observed.uid}, records_of(hub, observed.uid))
        guard_uid(declared.name, None if params["recreate"] else labels.get(UID_LABEL), observed.uid)
    objects = [
        records.managed_cluster(declared, observed.uid, observed.server, observed.ca_data),
        records.cluster_profile(declared),
    ]
    steps = plan_objects(
        hub, objects, applyset=ApplySet(f"record-{declared.name}"), target=params["hub"], adopt=adopt.kinds(params)
    )
    steps = [_plain(step, observed) for step in steps]
    steps += _status_steps(hub, params["hub"], declared, observed, existing, _coming(params, observed))
    if isinstance(member, absent.AbsentCluster):
        # A plan for a cluster that is not there yet must not become a record of it.
        steps = [replace(step, perform=member.version) for step in steps]
    outputs = {
        "uid": None if observed.uid == _UID else observed.uid,
        "version": observed.version,
        "distribution": observed.distribution.name,
        "nodes": len(observed.nodes),
    }
    return Plan(steps=steps, outputs=outputs, parallel=4)


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
    name, now = params["cluster"], _now()
    outputs = dict.fromkeys(("uid", "version", "distribution", "nodes"))
    steps = []
    for api_version, kind, namespace in _RECORDS:
        there = hub.get(api_version, kind, name, namespace)
        before = (there or {}).get("status")
        if before is not None:
            status = records.unreachable_status(kind, before, params["unreachable"], now)
            steps.append(_status_step(hub, params["hub"], api_version, kind, name, namespace, before, status))
    return Plan(steps=[step for step in steps if step is not None], outputs=outputs)


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class _Coming:
    """What a run that brings or reconfigures nodes changes of the sums over nodes.

    :param nodes: nodes join or offer something else in this run, so that no plan shows sums: check mode cannot know
        them.
    :param more: the sums will be other ones, but for check mode.
    """

    nodes: bool
    more: bool


def _coming(params: t.Mapping[str, t.Any], observed: Observed) -> _Coming:
    there = {str(node["metadata"]["name"]) for node in observed.nodes}
    then = (there | set(params["joining"])) - set(params["replaced"])
    resized = resizes(params["kubelet_changes"])
    more = (bool(params["joining"]) and len(then) != len(there)) or (resized and params["expected"])
    return _Coming(bool(params["joining"]) or resized, more)


def resizes(changes: t.Iterable[t.Mapping[str, t.Any]]) -> bool:
    """True if a change of kubelets' settings changes what their nodes offer to pods. Pure.

    :param changes: steps with C(before) and C(after), the settings that differ by name.
    """
    names = {str(name) for change in changes for key in ("before", "after") for name in change.get(key) or ()}
    return any(name.partition(".")[0] in _RESIZING for name in names)


def _status_steps(
    hub: Client,
    target: str,
    declared: Declared,
    observed: Observed,
    existing: t.Mapping[str, t.Any] | None,
    coming: _Coming,
) -> list[Step]:
    now = _now()
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
    coming: _Coming = _Coming(nodes=False, more=False),
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
        after=_conditions(status) if later else status,
        perform=lambda: hub.apply(obj, force=True, subresource="status"),
        wave=_STATUS_WAVE,
    )


def _conditions(status: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    return {"conditions": {item["type"]: item["status"] for item in status.get("conditions") or ()}}


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
        "joining": {"type": "list", "elements": "str", "default": []},
        "replaced": {"type": "list", "elements": "str", "default": []},
        "kubelet_changes": {"type": "list", "elements": "dict", "default": []},
        "expected": {"type": "bool", "default": False},
        "recreate": {"type": "bool", "default": False},
        **adopt.ARGUMENT,
        **HUB_ARGUMENTS,
        **connection.ARGUMENTS,
        **absent.ARGUMENT,
    },
    plan=plan,
    constraints=connection.CONSTRAINTS,
)
