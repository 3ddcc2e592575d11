# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is to be done about deliveries on one cluster. Reads only. Private to the collection."""

from __future__ import annotations

import functools
import typing as t
from dataclasses import dataclass, field, replace

from ..errors import InvalidInput, PlatformError, Problem, Refused
from ..fleet import access_info
from ..fleet.access import rights_digest
from ..fleet.access_secret import RIGHTS, secret_name
from ..kube.apply import ApplySet, plan_objects
from ..kube.client import Client
from ..kube.connection import resolve
from ..kube.desired import Normal, key_of
from ..kube.errors import NONSENSE, Forbidden
from ..kube.operate import placed
from ..kube.steps import CLOSING_WAVE, ObjectStep
from ..kube.transport import one_look
from ..operation import Context
from ..plan import Step
from . import rights
from .absent import AbsentMember
from .member import Member
from .model import Delivery

Object = t.Mapping[str, t.Any]

HOLD, LEAVE, CLEAR = "hold", "leave", "clear"
AnyMember: t.TypeAlias = "Member | AbsentMember"


class Rendered(t.Protocol):
    """What a delivery is on each cluster."""

    def of(self, cluster: Object, client: Client | None = None) -> Normal:
        """The objects for a cluster, which ``client`` asks what a chart looks at."""


@dataclass(frozen=True)
class Work:
    """One delivery on one cluster.

    :param what: C(hold) it there, C(leave) the cluster once it is ready elsewhere, or C(clear) it first of all.
    :param steps: as the apply engine plans them, with ids that are those of a single cluster.
    :param desired: what it holds there.
    :param settled: there is nothing to do, and nothing to wait for.
    """

    delivery: str
    cluster: str
    what: str
    client: Client = field(repr=False)
    steps: tuple[Step, ...] = ()
    desired: Normal = field(default_factory=Normal, repr=False)
    settled: bool = False

    @property
    def prefix(self) -> str:
        """What makes the ids of its steps those of a plan for many clusters."""
        return f"{self.cluster}: {self.delivery}: "

    def shown(self) -> list[Step]:
        """Its steps in a plan for many clusters."""
        return [replace(step, id=self.prefix + step.id) for step in self.steps]


@dataclass
class Found:
    """What a look has found of a cluster.

    :param state: C(usable), or of :func:`access_info.judge` why it is not; C(failed) for any other reason.
    :param gone: the hub knows no cluster of this name.
    :param problems: by delivery, why nothing is done about it here.
    :param invalid: what is wrong with the declaration.
    :param delivered: what is there, by its ledgers; None where they were not asked for.
    """

    name: str
    state: str = "usable"
    reason: str = ""
    gone: bool = False
    client: AnyMember | None = None
    works: list[Work] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)
    invalid: list[Problem] = field(default_factory=list)
    delivered: set[str] | None = None


@dataclass(frozen=True)
class Asked:
    """What is asked of a cluster.

    :param cluster: as in the fleet; None for one that has left the inventory.
    :param hold: the deliveries that are for it.
    :param leave: the names of those that are not, and may be there.
    :param ledgers: the names of those that leave it if a ledger is there.
    """

    name: str
    cluster: Object | None
    hold: tuple[tuple[Delivery, Rendered], ...] = ()
    leave: tuple[str, ...] = ()
    ledgers: tuple[str, ...] = ()

    @property
    def deliveries(self) -> list[str]:
        """All names."""
        return [*(one.name for one, _content in self.hold), *self.leave, *self.ledgers]


def look(asked: Asked, params: t.Mapping[str, t.Any], context: Context) -> Found:
    """Looks at a cluster with the access that the hub keeps, and plans what it is asked for.

    Whatever is wrong with the cluster is told, and stops no other one.

    :param params: with C(hub) and C(hub_access). ``context`` has the hub's client.
    """
    found = Found(asked.name)
    with one_look():
        member = found.client = _member(asked, params, context, found)
        if member is None:
            return found
        try:
            if asked.ledgers:
                found.delivered = member.delivered()
            _plan(asked, params, context, member, found)
        except (PlatformError, *NONSENSE) as exc:
            found.state, found.reason = "failed", _reason(exc)
            found.works, found.problems = [], {}
    member.act()
    return found


def _member(asked: Asked, params: t.Mapping[str, t.Any], context: Context, found: Found) -> AnyMember | None:
    """The cluster, if it answers, or as it is before the run has made it."""
    if asked.name in params["founding"]:
        return AbsentMember(asked.name)
    access = _reach(asked, params, context, found)
    if access is None:
        return None
    return Member(resolve({"access": access}, {}), [ApplySet(f"delivery-{name}") for name in asked.deliveries])


def _reach(asked: Asked, params: t.Mapping[str, t.Any], context: Context, found: Found) -> dict[str, t.Any] | None:
    """The access to a cluster, if it answers."""
    given = {key: params[key] for key in ("hub", "hub_access")}
    own = params["hub_access"] if asked.name == params["hub"] else None
    try:
        told = access_info.plan({"cluster": asked.name, "access": own, **given}, context).outputs
    except (PlatformError, *NONSENSE) as exc:
        found.state, found.reason = "failed", _reason(exc)
        return None
    if told["state"] in ("usable", "ageing"):
        return {key: value for key, value in told["access"].items() if key != "uid"}
    found.state, found.reason = told["state"], told["reason"]
    found.gone = told["state"] == "absent" and not told["recorded_uid"]
    return None


def _plan(asked: Asked, params: t.Mapping[str, t.Any], context: Context, member: AnyMember, found: Found) -> None:
    taken: dict[t.Any, str] = {}
    judge = _judge_rights(asked, params, _effective(asked, params, context))
    for delivery, content in asked.hold:
        try:
            desired = content.of(asked.cluster or {}, member)
            if delivery.default_namespace:
                desired = placed(member, desired, delivery.default_namespace)
        except InvalidInput as exc:
            found.invalid += exc.problems
            continue
        except Refused as exc:
            found.problems[delivery.name] = _reason(exc)
            continue
        wrong = judge(delivery, rights.kinds_of(member, desired))
        if wrong is not None:
            found.invalid.append(wrong)
            continue
        twice = sorted({taken[key] for obj in desired if (key := key_of(obj)) in taken})
        taken.update({key_of(obj): delivery.name for obj in desired})
        if twice:
            found.problems[delivery.name] = f"it declares objects that {', '.join(twice)} declares there as well"
            continue
        _hold(delivery, desired, asked.name, member, found)
    there = [name for name in asked.ledgers if name in (found.delivered or ())]
    for name in [*asked.leave, *there]:
        _try(name, found, functools.partial(_leave, name, asked.name, member, found))


def _hold(delivery: Delivery, desired: Normal, cluster: str, member: AnyMember, found: Found) -> None:
    def plan() -> None:
        steps = steps_to_hold(delivery, desired, member, cluster)
        settled = not steps and member.ready(desired)
        found.works.append(Work(delivery.name, cluster, HOLD, member, tuple(steps), desired, settled))

    _try(delivery.name, found, plan)


def steps_to_hold(delivery: Delivery, desired: Normal, client: Client, cluster: str) -> list[Step]:
    """The steps that make a cluster hold a delivery.

    :param desired: what it is there, and ``client`` is of the cluster.
    :raises PlatformError: the cluster does not answer, or something there is refused.
    """
    return plan_objects(
        client,
        desired,
        applyset=ApplySet(delivery.set_name, force=delivery.force),
        target=cluster,
        adopt=delivery.adopt,
        prune_limit=delivery.prune_limit,
        heir_of=[ApplySet(name) for name in delivery.heir_of],
    )


def known(asked: Asked) -> Found:
    """What an earlier look of the run has found of a cluster that holds all that is decided for it."""
    there = AbsentMember(asked.name)
    works = [
        Work(one.name, asked.name, HOLD, there, (), content.of(asked.cluster or {}), settled=True)
        for one, content in asked.hold
    ]
    return Found(asked.name, works=works)


def _leave(name: str, cluster: str, member: AnyMember, found: Found) -> None:
    """Everything of the set goes, and its ledger last."""
    applyset = ApplySet(f"delivery-{name}")
    steps = plan_objects(member, [], applyset=applyset, target=cluster, prune_all=True)
    kept: list[Step] = [step for step in steps if isinstance(step, ObjectStep)]
    parent = member.get("v1", "ConfigMap", applyset.parent_name, applyset.namespace)
    if parent is not None:
        kept.append(_end_ledger(member, parent, cluster))
    found.works.append(Work(name, cluster, LEAVE, member, tuple(kept)))


def _end_ledger(client: Client, parent: Object, cluster: str) -> Step:
    metadata = parent["metadata"]
    name, namespace = metadata["name"], metadata["namespace"]
    return Step(
        id=f"v1/ConfigMap/{namespace}/{name}",
        action="delete",
        target=cluster,
        description=f"delete ConfigMap {namespace}/{name}",
        before={"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}},
        perform=lambda: client.delete("v1", "ConfigMap", name, namespace, metadata.get("uid")),
        wave=CLOSING_WAVE,
    )


def _try(name: str, found: Found, plan: t.Callable[[], None]) -> None:
    """Plans a delivery; what the cluster refuses keeps no other delivery from it."""
    try:
        plan()
    except (Forbidden, InvalidInput, Refused) as exc:
        found.problems[name] = _reason(exc)


def _reason(exc: BaseException) -> str:
    if isinstance(exc, PlatformError):
        return str(exc)
    return f"it answers with something that is no Kubernetes API ({type(exc).__name__})"


def _judge_rights(
    asked: Asked, params: t.Mapping[str, t.Any], effective: bool
) -> t.Callable[[Delivery, t.Collection[tuple[str, str]]], Problem | None]:
    """Tells the problem of a delivery of these kinds that needs more rights on the cluster than are declared, or than
    those of them that we were given.

    :param effective: what is declared was given.
    """
    access = (asked.cluster or {}).get("access") or {}
    role = "hub" if asked.name == params["hub"] else str(access.get("tier") or "tenant")
    declared = rights.held(role, access.get("grants") or {})
    given = declared if effective else rights.held(role, {})

    def judge(delivery: Delivery, kinds: t.Collection[tuple[str, str]]) -> Problem | None:
        name = delivery.name
        # What our identity holds of these kinds is for the platform's own sets.
        if not delivery.platform and (never := rights.never(kinds)):
            return rights.problem(name, asked.name, never, declared=False)
        for there, is_declared in ((declared, False), (given, True)):
            if missing := rights.lacking(kinds, there):
                return rights.problem(name, asked.name, missing, is_declared)
        return None

    return judge


def _effective(asked: Asked, params: t.Mapping[str, t.Any], context: Context) -> bool:
    """True when the rights that are declared for our identity are those that it was given."""
    access = (asked.cluster or {}).get("access")
    if asked.name in (params["hub"], *params["founding"]) or not access:
        return True
    secret = context.hub.get("v1", "Secret", secret_name(asked.name), asked.name) or {}
    stored = ((secret.get("metadata") or {}).get("annotations") or {}).get(RIGHTS)
    return bool(stored == rights_digest(access["tier"], grants=access.get("grants") or {}))
