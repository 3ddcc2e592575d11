# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the hub knows of the way to a member: reads the stored access and tries it. Private to the collection."""

from __future__ import annotations

import datetime
import typing as t

from ..declaration import shown
from ..errors import PlatformError
from ..kube.absent import AbsentCluster
from ..kube.client import Client
from ..kube.connection import ARGUMENTS, resolve
from ..kube.errors import ApiError, Forbidden, NotFound, Unauthorized, Unreachable
from ..operation import Context, Operation
from ..plan import Plan
from . import tombstone
from .access_secret import Stored, from_secret, secret_name
from .identity import UID_LABEL, guard_name, guard_uid, uid_of
from .records import CLUSTER_API

#: Seconds that a member may take to answer: a cluster that is down costs this once a run.
DEADLINE = 10.0

#: The way to the hub, in the shape of :data:`connection.ARGUMENTS`' C(access).
HUB_ARGUMENTS: dict[str, t.Any] = {
    "hub_access": {**ARGUMENTS["access"]},
    "hub": {"type": "str", "default": "hub"},
}


def hub_client(params: t.Mapping[str, t.Any], context: Context) -> Client:
    """A client for the hub; one that reads nothing and refuses to write while there is no access to it."""
    if context.hub is not None:
        return t.cast(Client, context.hub)
    access = params.get("hub_access")
    return Client(resolve({"access": access}, {})) if access else AbsentCluster(str(params.get("hub") or "hub"))


def kube_system_uid(client: Client, cluster: str) -> str:
    """The identity of a cluster.

    :raises PlatformError: it has no namespace kube-system, so it is no Kubernetes cluster that we can manage; or its
        UID is none, and would be something else in a selector.
    """
    namespace = client.get("v1", "Namespace", "kube-system")
    if namespace is None:
        raise PlatformError(f"{cluster}: there is no namespace kube-system, so the cluster cannot be identified.")
    uid = uid_of(namespace)
    if not uid:
        told = str((namespace.get("metadata") or {}).get("uid") or "")
        raise PlatformError(f"{cluster}: the UID of its namespace kube-system is none: {shown(told)!r}.")
    return uid


def stored_access(hub: Client, cluster: str) -> Stored | None:
    """The access that the hub keeps for a cluster, None where it keeps none."""
    return from_secret(cluster, hub.get("v1", "Secret", secret_name(cluster), cluster))


def judge(stored: Stored, now: datetime.datetime, deadline: float = DEADLINE) -> tuple[str, str, dict[str, str] | None]:
    """Tries a stored access: (state, reason, access or None).

    States: C(usable), C(ageing) (usable, renew it), C(expired), C(refused) (the cluster does not accept it),
    C(unreachable).

    :raises Refused: another cluster answers.
    """
    cluster = stored.cluster
    if stored.left(now) <= 0:
        return "expired", f"the stored access ended at {stored.expires}; renew it with rekey: {cluster}", None
    try:
        with Client(stored.connection, deadline=deadline) as client:
            guard_uid(cluster, stored.uid, kube_system_uid(client, cluster))
    except (Unauthorized, Forbidden) as exc:
        return "refused", f"the stored access is not accepted ({exc}); renew it with rekey: {cluster}", None
    except Unreachable as exc:
        return "unreachable", str(exc), None
    if stored.ageing(now):
        return (
            "ageing",
            f"no more than half of its {stored.lifetime} seconds is left, it ends at {stored.expires}",
            stored.access,
        )
    return "usable", "", stored.access


def hub_uid(hub: Client, params: t.Mapping[str, t.Any]) -> str | None:
    """The identity of the hub; None while there is no access to it.

    :raises Refused: another cluster than the one that the access was made for answers.
    """
    if isinstance(hub, AbsentCluster):
        return None
    observed = kube_system_uid(hub, params["hub"])
    guard_uid(params["hub"], (params.get("hub_access") or {}).get("uid"), observed)
    return observed


def plan(params: t.Mapping[str, t.Any], context: Context) -> Plan:
    """Reads and tries the access to one cluster. There is never anything to do."""
    cluster, given = params["cluster"], params.get("access")
    guard_name(cluster)
    outputs: dict[str, t.Any] = dict.fromkeys(("access", "uid", "tier", "hub_uid"))
    outputs.update(state="absent", reason="", recorded_uid="")
    hub = context.enter(hub_client(params, context))
    try:
        outputs["hub_uid"] = hub_uid(hub, params)
        if given:
            outputs.update(_given(cluster, given))
        else:
            outputs.update(_from_hub(hub, cluster))
    except (Unreachable, Unauthorized, Forbidden, NotFound) as exc:
        if given:
            outputs.update(_given(cluster, given))
        else:
            outputs.update(state="hub_unreachable", reason=f"the hub cannot be asked: {exc}")
    except ApiError as exc:
        raise PlatformError(f"{cluster}: the hub cannot be asked for the access: {exc}") from exc
    outputs["hub_access"] = dict(params["hub_access"]) if params.get("hub_access") else None
    return Plan(outputs=outputs)


def _given(cluster: str, access: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """An access that was minted in this run: its cluster has just answered with it, so only its identity is read."""
    with Client(resolve({"access": access}, {}), deadline=DEADLINE) as client:
        try:
            uid = kube_system_uid(client, cluster)
        except Unreachable as exc:
            return {"state": "unreachable", "reason": str(exc), "access": None}
    guard_uid(cluster, access.get("uid"), uid)
    kept = {key: access[key] for key in access if access[key]}
    return {"state": "usable", "reason": "", "uid": uid, "recorded_uid": uid, "access": kept}


def _from_hub(hub: Client, cluster: str) -> dict[str, t.Any]:
    secret = hub.get("v1", "Secret", secret_name(cluster), cluster)
    stored = from_secret(cluster, secret)
    if stored is None:
        return _unkept(hub, cluster)
    ending = tombstone.read_ending(secret)
    stone = tombstone.read(secret)
    if stone is not None:
        state, reason, access = "detaching", tombstone.detaching(cluster, stone), None
    elif ending is not None:
        state, reason, access = "destroying", tombstone.destroying(cluster, ending), None
    else:
        state, reason, access = judge(stored, datetime.datetime.now(datetime.UTC))
    return {
        "state": state,
        "reason": reason,
        "access": access,
        "uid": stored.uid,
        "recorded_uid": stored.uid,
        "tier": stored.tier,
    }


def _unkept(hub: Client, cluster: str) -> dict[str, t.Any]:
    """Without an access: what else there is of the cluster. A destruction that was killed late has left a namespace."""
    record = hub.get(CLUSTER_API, "ManagedCluster", cluster)
    labels = ((record or {}).get("metadata") or {}).get("labels") or {}
    answer = {"reason": "the hub keeps no access for it", "recorded_uid": str(labels.get(UID_LABEL) or "")}
    ending = tombstone.read_ending(record, hub.get("v1", "Namespace", cluster))
    if ending is not None:
        answer.update(state="destroying", reason=tombstone.destroying(cluster, ending))
    return answer


OPERATION = Operation(
    arguments={
        "cluster": {"type": "str", "required": True},
        **HUB_ARGUMENTS,
        "access": {**ARGUMENTS["access"]},
    },
    plan=plan,
    sensitive=True,
)
