# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes a cluster into the fleet: an identity of ours on it, its access in the hub, and the hub's mark on it.

The supplied credential is used once, to make a ServiceAccount with the rights of the declared tier; it is not kept.
Private to the collection.
"""

from __future__ import annotations

import datetime
import json
import typing as t
from dataclasses import dataclass, replace

from ..errors import PlatformError, Refused
from ..kube import absent, adopt, connection, credentials
from ..kube.apply import ApplySet, plan_objects
from ..kube.client import Client
from ..kube.errors import Forbidden, Unauthorized
from ..kube.token import granted
from ..operation import Context, Operation
from ..plan import Plan, Step
from . import fleet_bindings, properties
from .access import TIERS, access_objects, rights_digest
from .access_info import DEADLINE, HUB_ARGUMENTS, hub_client, hub_uid, kube_system_uid
from .access_secret import CAPI_LABEL, Stored, from_secret, secret_name, to_secret
from .identity import (
    CLUSTER_LABEL,
    NAMESPACE,
    SERVICE_ACCOUNT,
    UID_LABEL,
    Mark,
    guard_mark,
    guard_name,
    guard_uid,
    guard_unique,
    read_mark,
)
from .records import CLUSTER_API
from .tied import tie_steps
from .tombstone import DETACHING, destroying, detaching, erased, read, read_ending

#: After every step of the sets of objects.
_HUB_NAMESPACE_WAVE, _TOKEN_WAVE = 3000, 3001
#: Stands in plans for what is only known once it has been made.
HIDDEN = "(secret)"
LATER = "(known once the cluster exists)"


@dataclass(frozen=True)
class Choice:
    """What to do about the access to an attached cluster: C(keep), C(renew), C(attach) or C(expired), and why."""

    action: str
    reason: str = ""
    warning: str = ""


def choose(
    stored: Stored | None,
    *,
    now: datetime.datetime,
    tier: str,
    rights: str,
    supplied: bool,
    rekey: bool,
    tried: bool = False,
) -> Choice:
    """Decides from what the hub keeps. Pure.

    :param rights: digest of what the declared tier may do today.
    :param supplied: a credential was given, which may be used for what our own identity cannot do.
    :param tried: the access was found good in this very run.
    """
    if stored is None:
        return Choice("attach", "the hub keeps no access")
    if rekey:
        return Choice("attach", "asked for by rekey")
    if stored.tier != tier:
        return Choice("attach", f"the declared tier is {tier}, the access is of tier {stored.tier or 'unknown'}")
    warning = ""
    if stored.rights != rights:
        if supplied:
            return Choice("attach", f"the rights of tier {tier} have changed with the collection")
        warning = (
            f"{stored.cluster}: the rights of tier {tier} have changed with the collection, and changing them takes a "
            f"credential of an administrator: run once with rekey: {stored.cluster} and a kubeconfig"
        )
    if stored.left(now) <= 0 and tried and supplied:
        return Choice("attach", f"it ended in the middle of this run, at {stored.expires}", warning)
    if stored.left(now) <= 0:
        return Choice("expired", f"it ended at {stored.expires}", warning)
    return Choice("renew" if stored.ageing(now) else "keep", "", warning)


@dataclass
class _Run:
    """One attachment: its arguments, both ends, and what the hub keeps."""

    params: t.Mapping[str, t.Any]
    context: Context
    hub: Client
    hub_uid: str | None
    secret: dict[str, t.Any] | None
    now: datetime.datetime

    @property
    def cluster(self) -> str:
        """The cluster's name in the fleet."""
        return str(self.params["cluster"])

    @property
    def tier(self) -> str:
        """The declared tier."""
        return str(self.params["tier"])

    @property
    def is_hub(self) -> bool:
        """True for the global cluster, which holds the access to itself too."""
        return bool(self.cluster == self.params["hub"])


def plan(params: t.Mapping[str, t.Any], context: Context) -> Plan:
    """The steps that take the cluster into the fleet; none while its access is good."""
    name = params["cluster"]
    guard_name(name)
    hub = context.enter(hub_client(params, context))
    secret = hub.get("v1", "Secret", secret_name(name), name)
    run = _Run(params, context, hub, hub_uid(hub, params), secret, datetime.datetime.now(datetime.UTC))
    ending = read_ending(secret)
    if ending is not None:
        raise Refused(destroying(name, ending), reason="destroying", cluster=name)
    if params.get("access") or not params["cluster_exists"]:
        return _keep_minted(run)
    stone = read(secret)
    if stone is not None and not params["rekey"]:
        raise Refused(detaching(name, stone), reason="detaching", cluster=name)
    stored = from_secret(name, secret)
    choice = choose(
        stored,
        now=run.now,
        tier=run.tier,
        rights=rights_digest(run.tier, grants=run.params["grants"]),
        supplied=credentials.given(params, context.environ),
        rekey=params["rekey"],
        tried=params["tried"],
    )
    if choice.action == "attach":
        made = _attach(run, stored)
    elif choice.action == "expired" or stored is None:
        raise PlatformError(_remedy(name, choice.reason), cluster=name)
    else:
        made = _own(run, stored, renew=choice.action == "renew")
    made.outputs["reason"] = choice.reason
    made.warnings += [choice.warning] if choice.warning else []
    return made


def _remedy(cluster: str, reason: str) -> str:
    return (
        f"{cluster}: the access that the hub keeps is of no use: {reason}. Supply a fresh credential once: set "
        f"kubeconfig to one of an administrator of {cluster} and run again with rekey: {cluster}."
    )


# -- created clusters: their access was minted on a control plane


def _keep_minted(run: _Run) -> Plan:
    access = run.params.get("access") or {}
    uid = ""
    if access:
        with Client(connection.resolve({"access": access}, {}), deadline=DEADLINE) as client:
            uid = kube_system_uid(client, run.cluster)
            guard_uid(run.cluster, access.get("uid"), uid)
            guard_mark(run.cluster, run.hub_uid, read_mark(client.get("v1", "Namespace", NAMESPACE)))
        guard_unique({run.cluster: uid}, records_of(run.hub, uid))
    kept = from_secret(run.cluster, run.secret)
    if kept is not None and uid and not run.params["recreate"]:
        guard_uid(run.cluster, kept.uid, uid)
    new = Stored(
        cluster=run.cluster,
        server=str(access.get("server") or ""),
        ca_data=connection.pem(str(access.get("ca_data") or ""), f"{run.cluster}: ca_data"),
        token=str(access.get("token") or ""),
        expires=str(access.get("expires") or ""),
        lifetime=granted(access["token"], access["expires"], run.now) if access.get("expires") else 0,
        uid=uid,
        tier=run.tier,
        rights=rights_digest(run.tier, hub=run.is_hub, grants=run.params["grants"]),
    )
    steps = [] if kept == new and not run.params["renewed"] else [_secret_step(run, lambda: new)]
    return Plan(steps=_namespace_steps(run) + steps, outputs=_outputs("created", new, uid))


# -- attached clusters


def _attach(run: _Run, stored: Stored | None) -> Plan:
    made = credentials.supplied(run.params, run.context)
    member = run.context.enter(Client(made))
    uid = kube_system_uid(member, run.cluster)
    if stored is not None and not run.params["recreate"]:
        guard_uid(run.cluster, stored.uid, uid)
    guard_mark(run.cluster, run.hub_uid, read_mark(member.get("v1", "Namespace", NAMESPACE)))
    if run.hub_uid is not None and uid == run.hub_uid:
        raise Refused(
            f"{run.cluster}: this is the hub itself ({run.params['hub']}), which is in the fleet already. "
            "Remove the cluster from the inventory, or correct its kubeconfig.",
            reason="is_hub",
            cluster=run.cluster,
        )
    guard_unique({run.cluster: uid}, records_of(run.hub, uid))
    mark = Mark(hub_uid=run.hub_uid or LATER, cluster=run.cluster)
    objects = access_objects(run.tier, mark=mark, grants=run.params["grants"])
    applied = plan_objects(
        member, objects, applyset=ApplySet("access"), target=run.cluster, adopt=adopt.kinds(run.params)
    )
    steps = [_without_hub_uid(step, mark.hub_uid) for step in applied] + tie_steps(member, objects, run.cluster)
    if run.tier == "observe":
        steps += properties.removal_steps(member, run.cluster)
    steps += fleet_bindings.removal_steps(member, run.cluster, run.tier)
    if isinstance(run.hub, absent.AbsentCluster):
        # Nothing may be written on the member that the hub could not record.
        steps = [replace(step, perform=run.hub.version) for step in steps]
    new = Stored(
        cluster=run.cluster,
        server=made.server,
        ca_data=made.ca_data,
        token="",
        uid=uid,
        tier=run.tier,
        rights=rights_digest(run.tier, grants=run.params["grants"]),
    )
    written: list[Stored] = []
    steps += [*_namespace_steps(run), _secret_step(run, lambda: _mint(run, member, new, written))]
    outputs = _outputs("attached", new, uid)
    return Plan(steps=steps, outputs=outputs, finish=lambda: {"expires": written[-1].expires}, parallel=member.at_once)


def _own(run: _Run, stored: Stored, renew: bool) -> Plan:
    """The stored access still works: it is kept, or renews itself."""
    if run.params["unreachable"]:
        raise PlatformError(f"{run.cluster}: {run.params['unreachable']}", cluster=run.cluster)
    member = run.context.enter(Client(stored.connection, deadline=DEADLINE))
    try:
        uid = kube_system_uid(member, run.cluster)
    except (Unauthorized, Forbidden) as exc:
        raise PlatformError(_remedy(run.cluster, str(exc)), cluster=run.cluster) from exc
    guard_uid(run.cluster, stored.uid, uid)
    outputs = _outputs("attached", stored, uid)
    if not renew:
        return Plan(outputs=outputs)
    written: list[Stored] = []
    step = _secret_step(run, lambda: _mint(run, member, replace(stored, token=""), written))
    return Plan(steps=[step], outputs=outputs, finish=lambda: {"expires": written[-1].expires})


def _mint(run: _Run, member: Client, new: Stored, written: list[Stored]) -> Stored:
    answer = member.create_token(NAMESPACE, SERVICE_ACCOUNT, run.params["token_lifetime"])
    token, expires = str(answer["token"]), str(answer["expirationTimestamp"])
    now = datetime.datetime.now(datetime.UTC)
    written.append(replace(new, token=token, expires=expires, lifetime=granted(token, expires, now)))
    return written[-1]


# -- the hub's side


def records_of(hub: Client, uid: str) -> list[tuple[str, str]]:
    """The names under which the hub's ManagedClusters know a cluster, each with its UID."""
    found = hub.list(CLUSTER_API, "ManagedCluster", label_selector=f"{UID_LABEL}={uid}")
    return [(item["metadata"]["name"], uid) for item in found]


def _namespace_steps(run: _Run) -> list[Step]:
    """The cluster's namespace on the hub."""
    there = run.hub.get("v1", "Namespace", run.cluster)
    labels = {CLUSTER_LABEL: run.cluster, "open-cluster-management.io/cluster-name": run.cluster}
    wanted = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": run.cluster, "labels": labels}}
    if there is not None and there["metadata"].get("deletionTimestamp"):
        raise Refused(
            f"{run.cluster}: its namespace on the hub {run.params['hub']} is being deleted. Run again when it is gone.",
            reason="namespace_terminating",
            cluster=run.cluster,
        )
    seen = ((there or {}).get("metadata") or {}).get("labels") or {}
    if all(seen.get(key) == value for key, value in labels.items()) and DETACHING not in seen:
        return []
    if there is not None and not any(seen.get(key) == run.cluster for key in labels):
        raise Refused(
            f"{run.cluster}: the hub {run.params['hub']} has a namespace of that name which is not this cluster's. "
            "Give the cluster another name, or remove the namespace.",
            reason="namespace_taken",
            cluster=run.cluster,
        )
    return [
        Step(
            id=f"v1/Namespace/{run.cluster}",
            action="create" if there is None else "update",
            target=str(run.params["hub"]),
            description=f"{'create' if there is None else 'label'} Namespace {run.cluster}",
            before=None if there is None else {"labels": {key: seen.get(key) for key in labels}},
            after={"labels": labels},
            perform=lambda: _mark_namespace(run, wanted, DETACHING in seen),
            wave=_HUB_NAMESPACE_WAVE,
        )
    ]


def _mark_namespace(run: _Run, wanted: dict[str, t.Any], marked: bool) -> None:
    run.hub.apply(wanted)
    if not marked:
        return
    record = run.hub.get(CLUSTER_API, "ManagedCluster", run.cluster)
    for obj in [wanted, *(item for item in (run.secret, record) if item is not None)]:
        metadata = obj["metadata"]
        changes = {"metadata": erased()}
        run.hub.merge(obj["apiVersion"], obj["kind"], metadata["name"], changes, metadata.get("namespace"))


def _secret_step(run: _Run, make: t.Callable[[], Stored]) -> Step:
    """Makes the access where it is not made yet, and keeps it in the hub."""
    before = None
    if run.secret is not None:
        annotations = run.secret["metadata"].get("annotations") or {}
        before = {key: value for key, value in annotations.items() if key.startswith("lodestar.platform/")}
    shown = {"tier": run.tier, "value": HIDDEN, "labels": {CAPI_LABEL: run.cluster}}
    return Step(
        id=f"v1/Secret/{run.cluster}/{secret_name(run.cluster)}",
        action="create" if run.secret is None else "update",
        target=str(run.params["hub"]),
        description=f"keep access of tier {run.tier} to {run.cluster}, good for {run.params['token_lifetime']} s",
        before=before,
        after=shown,
        perform=lambda: run.hub.apply(to_secret(make()), force=True),
        wave=_TOKEN_WAVE,
    )


def _without_hub_uid(step: Step, uid: str) -> Step:
    """The hub's UID is not known when a plan is made before the hub: no plan shows it, so that all are alike."""

    def scrubbed(value: t.Any) -> t.Any:
        return json.loads(json.dumps(value).replace(json.dumps(uid), json.dumps("(UID of the hub)")))

    return replace(step, before=scrubbed(step.before), after=scrubbed(step.after))


def _outputs(joined: str, stored: Stored, uid: str) -> dict[str, t.Any]:
    return {
        "joined": joined,
        "uid": uid or None,
        "tier": stored.tier,
        "server": stored.server or None,
        "expires": stored.expires or None,
        "reason": "",
    }


OPERATION = Operation(
    arguments={
        "cluster": {"type": "str", "required": True},
        "tier": {"type": "str", "choices": list(TIERS), "default": "tenant"},
        "token_lifetime": {"type": "int", "default": 86400, "no_log": False},
        "grants": {"type": "dict", "default": {}},
        "rekey": {"type": "bool", "default": False},
        "recreate": {"type": "bool", "default": False},
        "tried": {"type": "bool", "default": False},
        "renewed": {"type": "bool", "default": False},
        "unreachable": {"type": "str"},
        **adopt.ARGUMENT,
        **HUB_ARGUMENTS,
        **credentials.ARGUMENTS,
        **absent.ARGUMENT,
    },
    plan=plan,
    constraints=connection.CONSTRAINTS,
)
