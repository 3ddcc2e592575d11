# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operations behind the modules that run on machines: arguments in, plan out. Private to the collection."""

from __future__ import annotations

import contextlib
import time
import typing as t

from ..errors import InvalidInput, PlatformError, Problem, Refused
from ..operation import Context, Operation
from ..plan import Plan
from . import (
    access,
    claims,
    control_plane,
    host,
    lock,
    material,
    node,
    place,
    prepare,
    probe,
    recovery,
    removal,
    request,
    reset,
    snapshots,
    static_pods,
    upgrade,
    upgrade_stage,
    worker,
)
from .preflight import reach
from .preflight.observe import observe

Params = t.Mapping[str, t.Any]

_COMMON: dict[str, t.Any] = {
    "cluster": {"type": "dict", "required": True},
    "machine": {"type": "dict", "required": True},
    "owner": {"type": "dict", "default": {}},
    "lock_timeout": {"type": "int", "default": 300},
}


def _exclusive(params: Params) -> t.ContextManager[None]:
    return lock.held(params["owner"], params["lock_timeout"])


def _shared(params: Params) -> t.ContextManager[None]:
    return lock.held(params["owner"], params["lock_timeout"], shared=True)


def _finished(plan: Plan) -> Plan:
    plan.warnings += lock.waited()
    return plan


def _look(params: Params, patience: float) -> tuple[probe.Holding, dict[str, t.Any]]:
    """What the machine holds, and what its membership has lost. A starting API server is given time."""
    cluster, machine = params["cluster"], params["machine"]
    found = probe.holding(cluster, machine)
    nothing: dict[str, t.Any] = {"pending": [], "shared": [], "unknown_arguments": {}}
    if machine["role"] == "worker":
        return found, nothing
    if found.kubelet_final and found.etcd_data and not (found.local.healthy or found.half_joined) and patience > 0:
        found = _patient(params, patience)
    if not (found.kubelet_final and found.etcd_data) or found.half_joined:
        return found, nothing
    images = prepare.image_references(params["artifacts"])
    changes = static_pods.changes(node.Member(cluster, machine, images))
    return found, {
        "pending": control_plane.pending(cluster, machine, images, found),
        "shared": control_plane.shared_pending(cluster, machine, images, found),
        "unknown_arguments": static_pods.unknown_arguments(cluster, changes),
    }


def _patient(params: Params, patience: float) -> probe.Holding:
    cluster, machine = params["cluster"], params["machine"]
    latest = probe.holding(cluster, machine)

    def lacking() -> str | None:
        nonlocal latest
        latest = probe.holding(cluster, machine)
        return None if latest.local.healthy else "no answer"

    if host.services(["kubelet"])["kubelet"].active:
        with contextlib.suppress(PlatformError):
            host.wait_for("the API server answers", lacking, patience, interval=1)
    return latest


def _machine(params: Params, context: Context) -> Plan:
    def made() -> Plan:
        plan = prepare.plan(params["cluster"], params["machine"], params["artifacts"], params["staging"])
        plan.outputs["machine"] = {**_report(params), "lacks": [step.id for step in plan.steps]}
        if plan.steps:
            plan.finish = lambda: {"machine": {**_report(params), "lacks": []}}
        return plan

    return _finished(_looked_at(params, made))


def _looked_at(params: Params, make: t.Callable[[], Plan]) -> Plan:
    """A plan, beside the facts that preflight judges by."""
    facts = observe(params["cluster"], params["machine"], time.time()).as_dict()
    try:
        place.require_root()
        place.require_place(params["machine"])
        plan = make()
    except PlatformError as exc:
        # One failure must not hide the others that the facts tell.
        exc.details["preflight"] = _timed(facts)
        raise
    plan.outputs |= {"busy": lock.busy(), "preflight": _timed(facts)}
    return plan


def _timed(facts: dict[str, t.Any]) -> dict[str, t.Any]:
    """The later the clock is read, the narrower is what the controller can say of it."""
    return {"facts": {**facts, "clock": [facts["clock"][0], time.time()]}}


def _report(params: Params) -> dict[str, t.Any]:
    found, membership = _look(params, params["api_patience"])
    answer = {**probe.report(params["cluster"], params["machine"], found), **membership}
    answer["images"] = prepare.image_references(params["artifacts"])
    return answer


def _control_plane(params: Params, context: Context) -> Plan:
    place.require_place(params["machine"])
    return _finished(
        control_plane.plan(
            params["cluster"],
            params["machine"],
            params["images"],
            params["state"],
            params["material"] or None,
            params["recovered"],
            params["share"],
            params["retires"],
        )
    )


def _worker(params: Params, context: Context) -> Plan:
    place.require_place(params["machine"])
    return _finished(worker.plan(params["cluster"], params["machine"], params["material"] or None, params["rejoin"]))


def _join_material(params: Params, context: Context) -> Plan:
    place.require_place(params["machine"])
    cluster, machine, owner = params["cluster"], params["machine"], params["owner"]
    if params["state"] == "absent":
        return _finished(material.removal(cluster, machine, params["joiner"], owner))
    joiner = params["joiner"] or {}
    claims.check(claims.load(), joiner, owner, params["supersedes"])
    standing = request.Standing(params["joiner_etcd_data"], params["gone"], params["removed"], params["control_planes"])
    planned = material.plan(cluster, machine, joiner, standing, params["images"])
    return _finished(claims.claiming(planned, joiner, owner))


def _cluster_keys(params: Params, context: Context) -> Plan:
    place.require_place(params["machine"])
    unknown = sorted(set(params["names"]) - set(recovery.KEYS))
    if unknown:
        raise Refused(f"names: {', '.join(unknown)} are no keys of a cluster; known are {', '.join(recovery.KEYS)}")
    found = {name: host.read(recovery.KEYS[name]) for name in params["names"] or recovery.KEYS}
    return Plan(outputs={"keys": {name: text for name, text in found.items() if text is not None}})


def _cluster_access(params: Params, context: Context) -> Plan:
    place.require_place(params["machine"])
    if params["keep"] is not None:
        return _finished(access.keeping(params["cluster"], params["machine"], params["keep"], params["founded"]))
    return _finished(
        access.plan(
            params["cluster"],
            params["machine"],
            params["objects"],
            params["lifetime"],
            params["founded"],
            params["kept_only"],
        )
    )


def _machine_reset(params: Params, context: Context) -> Plan:
    place.require_place(params["machine"])
    return _finished(reset.plan(params["cluster"], params["machine"], params["confirm"], params["state"]))


def _node_removal(params: Params, context: Context) -> Plan:
    place.require_place(params["machine"])
    return _finished(removal.plan(params["cluster"], params["machine"], params["leaving"]))


def _machine_stage(params: Params, context: Context) -> Plan:
    def made() -> Plan:
        return upgrade_stage.plan(params["cluster"], params["machine"], params["artifacts"], params["staging"])

    return _finished(_looked_at(params, made))


def _machine_upgrade(params: Params, context: Context) -> Plan:
    place.require_place(params["machine"])
    task = upgrade.Task(params["cluster"], params["machine"], params["first"], params["held"])
    return _finished(upgrade.plan(task, params["part"]))


def _etcd_snapshot(params: Params, context: Context) -> Plan:
    if params["keep"] < 1:
        raise InvalidInput([Problem("keep", params["keep"], "must be at least 1", "Give a number of snapshots")])
    place.require_place(params["machine"])
    plan = snapshots.plan(params["cluster"], params["machine"], params["artifacts"], params["staging"], params["keep"])
    plan.outputs["busy"] = lock.busy()
    return _finished(plan)


_BUNDLED: dict[str, t.Any] = {
    **_COMMON,
    "bundle_path": {"type": "path"},
    "artifacts": {"type": "list", "elements": "dict", "default": []},
    "staging": {"type": "path"},
}
_PURPOSES = {"image_purposes": {"type": "list", "elements": "str", "default": ["kubernetes", "addon"]}}

MACHINE = Operation(
    arguments={
        **_BUNDLED,
        **_PURPOSES,
        "api_patience": {"type": "int", "default": 90},
    },
    plan=_machine,
    guard=_exclusive,
)

MACHINE_REACH = Operation(
    arguments={
        **_COMMON,
        "state": {"type": "str", "choices": ["listening", "probed", "ended"], "required": True},
        "lifetime": {"type": "int", "default": 60},
        "timeout": {"type": "float", "default": 3.0},
        "among": {"type": "str", "choices": ["newcomers", "all"], "default": "newcomers"},
        "peers": {"type": "list", "elements": "dict", "default": []},
        "unit": {"type": "str"},
    },
    plan=reach.plan,
    constraints={"required_if": [("state", "ended", ["unit"])]},
)

CONTROL_PLANE = Operation(
    arguments={
        **_COMMON,
        "state": {"type": "str", "choices": ["found", "join", "present"], "default": "present"},
        "images": {"type": "dict", "required": True},
        "material": {"type": "dict", "no_log": True},
        "recovered": {"type": "list", "elements": "str", "default": []},
        "share": {"type": "bool", "default": False},
        "retires": {"type": "str"},
    },
    plan=_control_plane,
    guard=_exclusive,
)

WORKER = Operation(
    arguments={
        **_COMMON,
        "material": {"type": "dict", "no_log": True},
        "rejoin": {"type": "bool", "default": False},
    },
    plan=_worker,
    guard=_exclusive,
)

JOIN_MATERIAL = Operation(
    arguments={
        **_COMMON,
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "joiner": {"type": "dict"},
        "joiner_etcd_data": {"type": "bool", "default": False},
        "gone": {"type": "list", "elements": "str", "default": []},
        "removed": {"type": "list", "elements": "str", "default": []},
        "control_planes": {"type": "dict", "default": {}},
        "supersedes": {"type": "str"},
        "images": {"type": "dict", "default": {}},
    },
    plan=_join_material,
    constraints={"required_if": [("state", "present", ["joiner"])]},
    sensitive=True,
    guard=_exclusive,
)

CLUSTER_ACCESS = Operation(
    arguments={
        **_COMMON,
        "objects": {"type": "list", "elements": "dict", "default": []},
        "lifetime": {"type": "int", "default": 86400},
        "founded": {"type": "bool", "default": False},
        "kept_only": {"type": "bool", "default": False},
        "keep": {"type": "dict", "no_log": True},
    },
    plan=_cluster_access,
    sensitive=True,
    guard=_shared,
)

CLUSTER_KEYS = Operation(
    arguments={**_COMMON, "names": {"type": "list", "elements": "str", "default": []}},
    plan=_cluster_keys,
    sensitive=True,
    guard=_shared,
)

MACHINE_RESET = Operation(
    arguments={
        **_COMMON,
        "confirm": {"type": "str"},
        "state": {"type": "str", "choices": ["stopped", "absent"], "default": "absent"},
    },
    plan=_machine_reset,
    guard=_exclusive,
)

NODE_REMOVAL = Operation(
    arguments={
        **_COMMON,
        "leaving": {"type": "list", "elements": "dict", "required": True},
    },
    plan=_node_removal,
    guard=_exclusive,
)

MACHINE_STAGE = Operation(
    arguments={**_BUNDLED, **_PURPOSES},
    plan=_machine_stage,
    guard=_exclusive,
)

MACHINE_UPGRADE = Operation(
    arguments={
        **_COMMON,
        "part": {"type": "str", "choices": list(upgrade.PARTS), "required": True},
        "first": {"type": "bool", "default": False},
        "held": {"type": "dict", "required": True},
    },
    plan=_machine_upgrade,
    guard=_exclusive,
)

ETCD_SNAPSHOT = Operation(
    arguments={**_BUNDLED, "keep": {"type": "int", "default": 5}},
    plan=_etcd_snapshot,
    guard=_exclusive,
)
