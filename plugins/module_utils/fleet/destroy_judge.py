# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a cluster may be destroyed. Pure. Private to the collection."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..errors import InvalidInput, Problem, Refused
from .destroy_look import Seen
from .removal import surplus


@dataclass(frozen=True)
class Case:
    """What is known of a cluster that is to be destroyed, without asking it.

    :param declared: its C(cluster_mode) in the inventory, None where it is not there.
    :param recorded: its mode in the hub's record, C("") without one.
    :param known: the hub has something of it.
    :param reset: all of its machines have been reset already.
    :param machines: node name by name of its machines in the inventory.
    :param unreachable: names of machines, or of Nodes without one, that are dead for good.
    :param forget: the hub shall forget it although none of its machines can be reset.
    :param others: names of the other clusters that the hub records; of the hub only.
    """

    name: str
    is_hub: bool = False
    declared: str | None = None
    recorded: str = ""
    known: bool = False
    reset: bool = False
    machines: t.Mapping[str, str] = field(default_factory=dict)
    unreachable: t.Sequence[str] = ()
    forget: bool = False
    others: t.Sequence[str] = ()

    def guard(self) -> None:
        """Refuses what is no cluster to be destroyed, whatever it says itself.

        :raises Refused: with the way out.
        """
        if self.is_hub:
            raise self._refused("is_hub", self._of_hub())
        if "attach" in (self.declared, self.recorded):
            raise self._refused(*self._of_attached())
        if self.declared is not None and self.forget:
            reason = f"its machines stand in the inventory: {', '.join(self.machines)}"
            remedy = "Name those that are dead for good in destroy_unreachable instead"
            raise InvalidInput([Problem("destroy_forget", True, reason, remedy)])
        if self.known and self.declared is None and not self.reset and not self.forget:
            raise self._refused(
                "machines_unknown",
                "the hub has it as created, and its machines are not in the inventory, so nobody can reset them. Add"
                " the cluster and its machines to the inventory again. If they are gone for good, pass -e"
                " destroy_forget=true, which only removes what the hub has of it",
            )

    def _refused(self, reason: str, text: str) -> Refused:
        return Refused(f"{self.name}: {text}. Nothing was changed.", reason=reason, cluster=self.name)

    def _of_hub(self) -> str:
        if self.others:
            return (
                f"this is the global cluster, and it records {len(self.others)} other cluster(s):"
                f" {', '.join(self.others)}. Without it, nobody has access to them or knows of them. Destroy them"
                " (lodestar.platform.destroy) or take them out of the fleet (lodestar.platform.detach) first, then"
                f" reset its machines with lodestar.platform.reset and -e reset_confirm={self.name}"
            )
        return (
            "this is the global cluster, whose own records are in its etcd and go with its machines, and it records no"
            f" other cluster: reset them with lodestar.platform.reset and -e reset_confirm={self.name}"
        )

    def _of_attached(self) -> tuple[str, str]:
        if self.recorded == "create":
            return "created", (
                "the hub has recorded it as created, and the inventory has cluster_mode: attach. Set cluster_mode:"
                " create again, with its machines, and run again"
            )
        return "attached", (
            "the cluster is attached, and somebody else has made it, so it is not ours to destroy. Take it out of the"
            f" fleet with lodestar.platform.detach and -e detach_clusters={self.name}"
        )


def judge(case: Case, seen: Seen) -> list[str]:
    """Refuses what must not be destroyed, and returns what the operator should know although it stops nothing.

    :raises Refused: the wrong cluster, or machines that live and would not be reset.
    """
    case.guard()
    if not case.known:
        there = "only its machines are reset" if case.declared else "and neither does the inventory: nothing is to do"
        return [f"{case.name}: the hub does not know it, {there}"]
    if case.declared is None and case.forget and not case.reset and seen.lives:
        raise Refused(
            f"{case.name}: its API still answers, so its machines live and would go on running what they have. Nothing"
            " was changed. Add the cluster and its machines to the inventory again, or shut them down.",
            reason="lives",
            cluster=case.name,
        )
    if case.declared is not None:
        _judge_machines(case, seen)
    return [] if seen.known or case.reset else [f"{case.name}: what runs on it is not known: {seen.reason}"]


def _judge_machines(case: Case, seen: Seen) -> None:
    problems = [
        Problem(
            "destroy_unreachable",
            name,
            f"is no machine and no Node of {case.name}, which has {', '.join(sorted({*case.machines, *seen.nodes}))}",
            "Correct the name",
        )
        for name in case.unreachable
        if seen.nodes and name not in case.machines and name not in seen.nodes
    ]
    if problems:
        raise InvalidInput(problems)
    lines = [
        f"{name} is Ready, so its machine is not dead: shut it down first, or have it in the inventory and leave it out"
        " of destroy_unreachable, so that it is reset"
        for name in case.unreachable
        if seen.nodes.get(case.machines.get(name, name))
    ]
    strangers = surplus([{"metadata": {"name": name}} for name in seen.nodes], case.machines.values())
    lines += [
        f"{name} is a Node of it, and no machine of the inventory stands for it, so it would not be reset: add its"
        " line, or, if its machine is dead for good, name it in destroy_unreachable"
        for name in strangers
        if name not in case.unreachable
    ]
    if lines:
        listed = "\n".join(f"- {line}" for line in lines)
        raise Refused(f"{case.name}: nothing was changed:\n{listed}", reason="machines_live", refusals=lines)


def told(case: Case, seen: Seen, removed: t.Sequence[str]) -> list[str]:
    """What destroying it means, a line each.

    :param removed: what the hub has of it, in words.
    """
    due = [name for name in case.machines if name not in case.unreachable]
    lines = [f"machines that are reset, etcd's data included: {', '.join(due)}"] if due else []
    if case.unreachable:
        lines.append(f"dead for good, so left as they are: {', '.join(case.unreachable)}")
    if case.known and not case.reset:
        lines += [f"lost with it: {line}" for line in seen.told()]
    return [*lines, f"the hub forgets: {', '.join(removed)}"] if removed else lines
