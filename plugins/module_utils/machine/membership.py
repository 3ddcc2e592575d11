# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which members leave etcd so that a control plane can join, and when they may not. Pure. Private to the collection.

etcd takes no new member while one that votes does not answer (its strict reconfiguration check). So members of
machines that are gone leave before a join, and all of them at once; a living one that is replaced leaves after it.
"""

from __future__ import annotations

import difflib
import typing as t
from dataclasses import dataclass

from .etcd import Member, majority, peer_url, quorum_problem, removal_problem, stale

#: Address by node name of every control plane that the inventory gives a cluster.
ControlPlanes = t.Mapping[str, str]


@dataclass(frozen=True)
class Change:
    """What a join does to the members of etcd.

    :param before: leave before it, in this order: what machines that are gone have left behind.
    :param after: leaves after it: a living member that the joining machine replaces.
    """

    before: tuple[Member, ...] = ()
    after: Member | None = None


def after(members: t.Sequence[Member], joiner: t.Mapping[str, t.Any], planned: Change) -> list[Member]:
    """The members once a machine has joined."""
    left = (*planned.before, planned.after)
    own = peer_url(joiner["node_ip"])
    staying = [member for member in members if member not in left and own not in member.peer_urls]
    return [*staying, _voter(joiner)]


def _voter(machine: t.Mapping[str, t.Any]) -> Member:
    name = machine["node_name"]
    return Member(f"(of {name})", name, (peer_url(machine["node_ip"]),), (), learner=False, healthy=True)


def named(members: t.Sequence[Member], name: str | None) -> Member | None:
    """The member of a Node. One that has never started has no name."""
    return next((member for member in members if name and member.name == name), None)


def change(
    members: t.Sequence[Member],
    joiner: t.Mapping[str, t.Any],
    has_data: bool,
    gone: t.Collection[str],
    control_planes: ControlPlanes,
) -> Change:
    """What must happen to the members before and after a machine joins.

    :param members: with their health.
    :param joiner: the machine's entry in the fleet.
    :param has_data: it holds data of etcd, from a join that was interrupted.
    :param gone: ids of members whose machines were found empty, or have left, at the beginning of this run.
    """
    own = stale(members, joiner["node_name"], joiner["node_ip"], has_data)
    old = named(members, joiner.get("replaces"))
    before = [own] if own is not None else []
    before += [member for member in members if member not in before and _left_behind(member, gone, control_planes)]
    if old is not None and not old.healthy and old not in before:
        before.append(old)
    return Change(tuple(before), old if old is not None and old not in before else None)


def _left_behind(member: Member, gone: t.Collection[str], control_planes: ControlPlanes) -> bool:
    if member.healthy and not member.learner:
        return False
    return member.id in gone or (member.learner and owner(member, control_planes) is None)


def owner(member: Member, control_planes: ControlPlanes) -> str | None:
    """Node name of the machine of the inventory that a member belongs to."""
    return next(
        (name for name, ip in control_planes.items() if member.name == name or peer_url(ip) in member.peer_urls), None
    )


def gone(members: t.Sequence[Member], empty: t.Iterable[t.Mapping[str, t.Any]]) -> list[str]:
    """Ids of the members that machines without data of etcd have left behind, and those of dead ones they replace.

    :param empty: for each such machine C(node_name), C(node_ip) and C(replaces).
    """
    found: dict[str, None] = {}
    for machine in empty:
        own = stale(members, machine["node_name"], machine["node_ip"], has_data=False)
        old = named(members, machine.get("replaces"))
        for member in (own, old if old is not None and not old.healthy else None):
            if member is not None:
                found[member.id] = None
    return list(found)


def problem(
    members: t.Sequence[Member],
    joiner: t.Mapping[str, t.Any],
    has_data: bool,
    planned: Change,
    control_planes: ControlPlanes,
) -> str | None:
    """Why a machine cannot join as a control plane now; C(None) when it can."""
    found = quorum_problem(members) or replacement_problem(members, joiner, control_planes)
    if found is not None:
        return found
    left = list(members)
    for member in planned.before:
        found = removal_problem(left, member)
        if found is not None:
            return f"the etcd member {member.name or member.id} has to leave first, and {found}"
        left.remove(member)
    own = peer_url(joiner["node_ip"])
    ill = [item for item in left if not item.learner and not item.healthy and own not in item.peer_urls]
    if ill:
        voters = [item for item in left if not item.learner]
        return (
            f"{len(voters) - len(ill)} of {len(voters)} etcd members are healthy, ill: {_names(ill)}, and etcd takes no"
            " new member while one is ill. Bring that machine back, remove its node, or let a new one replace it"
        )
    learners = [item for item in left if item.learner and not (has_data and own in item.peer_urls)]
    if learners:
        owners = ", ".join(owner(item, control_planes) or item.id for item in learners)
        return f"the join of {owners} is not finished: its etcd member has no vote yet. Run with that machine first"
    return _departure_problem(left, joiner, planned.after)


def _departure_problem(members: list[Member], joiner: t.Mapping[str, t.Any], leaving: Member | None) -> str | None:
    """Whether the one that is replaced can leave once the joining machine votes."""
    if leaving is None:
        return None
    return removal_problem(after(members, joiner, Change()), leaving)


def replacement_problem(
    members: t.Sequence[Member], joiner: t.Mapping[str, t.Any], control_planes: ControlPlanes
) -> str | None:
    """What is wrong with C(replaces) of a machine that is not yet, or not only, what it shall be."""
    name = joiner.get("replaces")
    if not name or named(members, name) is not None:
        return None
    others = sorted(member.name for member in members if member.name and owner(member, control_planes) is None)
    if not others:
        # It has left already: a run was interrupted after that.
        return None
    close = difflib.get_close_matches(name, others, 1, 0.6)
    return (
        f"{joiner['node_name']} says replaces: {name}, and no etcd member has that name. Members that are in the"
        f" cluster and not in the inventory: {', '.join(others)}. "
        + (f"Did you mean {close[0]}?" if close else "Name one of them.")
    )


def figures(members: t.Sequence[Member]) -> str:
    """The state of etcd in a few words."""
    voters = [member for member in members if not member.learner]
    healthy = sum(member.healthy for member in voters)
    return f"{healthy} of {len(voters)} etcd members are healthy, {majority(len(voters))} are needed"


def reported(member: Member) -> dict[str, t.Any]:
    """A member as plain data."""
    return {
        "id": member.id,
        "name": member.name,
        "peer_urls": list(member.peer_urls),
        "learner": member.learner,
        "healthy": member.healthy,
    }


def from_report(given: t.Iterable[t.Mapping[str, t.Any]]) -> list[Member]:
    """Members as a machine's report has them."""
    return [Member(**{**item, "peer_urls": tuple(item["peer_urls"]), "client_urls": ()}) for item in given]


def _names(members: t.Iterable[Member]) -> str:
    return ", ".join(member.name or member.id for member in members)
