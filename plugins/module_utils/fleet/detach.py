# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes a cluster out of the fleet, and leaves nothing of ours on it. Private to the collection.

What other objects were before we took them over is put back, tenants' namespaces stay unless told otherwise, and our
access goes last. A cluster that cannot be reached stays as a tombstone on the hub until a run reaches it.
"""

from __future__ import annotations

import datetime
import typing as t
from dataclasses import dataclass, replace

from ..errors import PlatformError, Refused
from ..kube import connection, credentials
from ..kube.client import Client
from ..kube.errors import Forbidden, Unauthorized, Unreachable
from ..kube.token import stamp
from ..operation import Context, Operation
from ..plan import Plan, Step
from . import records, tombstone
from .access_info import DEADLINE, HUB_ARGUMENTS, hub_client, hub_uid, kube_system_uid
from .access_secret import Stored, from_secret
from .detach_steps import (
    Known,
    Leaving,
    access_step,
    hub_steps,
    known,
    member_steps,
    proof_step,
    tombstone_steps,
)
from .identity import NAMESPACE, UID_LABEL, guard_mark, guard_name, guard_uid, read_mark
from .tombstone import Tombstone


def plan(params: t.Mapping[str, t.Any], context: Context) -> Plan:
    """The steps that take the cluster out of the fleet."""
    name = str(params["cluster"])
    guard_name(name)
    hub = context.enter(hub_client(params, context))
    uid = hub_uid(hub, params)
    found = known(hub, name, str(params["hub"]))
    _guard(params, found)
    if found.record is None and found.secret is None and not found.ours:
        absent = f"{name}: the hub does not know it, so there is nothing to detach"
        outputs = {"state": "absent", "reason": "the hub does not know it", "namespaces": None, "since": None}
        return Plan(outputs=outputs, warnings=[absent])
    stone = _stone(params, found)
    leaving, lack = (None, _NONE) if params["unreachable"] == "forget" else _reach(params, context, found, uid)
    outputs = {"reason": lack.why, "namespaces": stone.namespaces, "since": stone.since}
    if leaving is None and params["unreachable"] != "forget" and not stone.clean:
        if params["unreachable"] == "fail":
            raise PlatformError(f"{name}: it cannot be detached: {lack.why}", cluster=name)
        waits = f"{name}: the detachment waits until the cluster can be reached: {lack.why}"
        steps = tombstone_steps(hub, found, replace(stone, cause=lack.cause, why=lack.why[:_LONGEST]))
        return Plan(steps=steps, outputs={**outputs, "state": "pending"}, warnings=[waits])
    steps = [] if leaving is None else _leave(leaving, hub, found, stone)
    steps += hub_steps(hub, found, params["timeout"])
    return Plan(steps=steps, outputs={**outputs, "state": "detached"}, warnings=_warnings(params), parallel=4)


def _leave(leaving: Leaving, hub: Client, found: Known, stone: Tombstone) -> list[Step]:
    steps = member_steps(leaving, stone.namespaces == "keep")
    access = access_step(leaving)
    if found.namespace is not None and not stone.clean:
        steps.append(proof_step(leaving, hub, found, stone))
    return [*steps, access] if access is not None else steps


def _guard(params: t.Mapping[str, t.Any], found: Known) -> None:
    if params["cluster"] == params["hub"]:
        raise Refused(f"{params['cluster']}: this is the hub, which cannot be detached from itself.", reason="is_hub")
    if found.labels.get(records.MODE_LABEL) == "create":
        raise Refused(
            f"{params['cluster']}: the cluster was created by this platform, and detaching it would leave machines "
            "that nobody manages. End it with the playbook lodestar.platform.destroy and -e "
            f"destroy={params['cluster']} instead, which resets them.",
            reason="created",
            cluster=params["cluster"],
        )


def _stone(params: t.Mapping[str, t.Any], found: Known) -> Tombstone:
    there = tombstone.read(found.namespace)
    chosen = params["namespaces"] or (there.namespaces if there else "keep")
    return Tombstone(stamp(), chosen) if there is None else replace(there, namespaces=chosen)


@dataclass(frozen=True)
class _Lack:
    """Why there is no way to the member: the cause as :class:`Tombstone` names it, and in words."""

    cause: str = ""
    why: str = ""


_NONE = _Lack()
#: Characters of a reason that the hub keeps, which a cluster may have worded.
_LONGEST = 500


def _reach(
    params: t.Mapping[str, t.Any], context: Context, found: Known, uid: str | None
) -> tuple[Leaving | None, _Lack]:
    """The way to the member, or None and why there is none.

    :raises Refused: another cluster answers, or the cluster is another hub's by now.
    """
    name = str(params["cluster"])
    supplied = any(params.get(key) for key in ("kubeconfig", "host", "username"))
    try:
        stored = from_secret(name, found.secret)
        if supplied:
            made = credentials.supplied(params, context)
        elif stored is None:
            return None, _Lack("absent", "the hub keeps no access to it")
        elif stored.left(datetime.datetime.now(datetime.UTC)) <= 0:
            ended = f"the access to it ended at {stored.expires}: give a kubeconfig of an administrator"
            return None, _Lack("expired", ended)
        else:
            made = stored.connection
        client = context.enter(Client(made, deadline=DEADLINE))
        observed = kube_system_uid(client, name)
        mark = read_mark(client.get("v1", "Namespace", NAMESPACE))
    except (Unauthorized, Forbidden) as exc:
        return None, _Lack("refused", f"its access is not accepted ({exc}): give a kubeconfig of an administrator")
    except Unreachable as exc:
        return None, _Lack("unreachable", str(exc))
    guard_uid(name, _recorded(found, stored), observed)
    guard_mark(name, uid, mark)
    return Leaving(name, client, None if supplied or stored is None else stored.tier, params["timeout"]), _NONE


def _recorded(found: Known, stored: Stored | None) -> str:
    return str(found.labels.get(UID_LABEL) or (stored.uid if stored else ""))


def _warnings(params: t.Mapping[str, t.Any]) -> list[str]:
    if params["unreachable"] != "forget":
        return []
    return [
        f"{params['cluster']}: the hub forgets the cluster without looking at it. What of ours is on it stays there: "
        f"the namespace {NAMESPACE}, an identity whose token ends by itself, and whatever carries the label "
        "applyset.kubernetes.io/part-of."
    ]


OPERATION = Operation(
    arguments={
        "cluster": {"type": "str", "required": True},
        "namespaces": {"type": "str", "choices": ["keep", "delete"]},
        "unreachable": {"type": "str", "choices": ["tombstone", "fail", "forget"], "default": "tombstone"},
        "timeout": {"type": "int", "default": 300},
        **HUB_ARGUMENTS,
        **credentials.ARGUMENTS,
    },
    plan=plan,
    constraints=connection.CONSTRAINTS,
)
