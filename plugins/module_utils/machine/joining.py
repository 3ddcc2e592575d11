# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Joins and repairs of a cluster's control planes: their order, and what they do to etcd. Pure, and private."""

from __future__ import annotations

import dataclasses
import typing as t

from ..errors import Refused
from . import membership
from .decide import JOIN, REPAIR, Decision, Probe
from .etcd import removal_problem
from .turns import turns


def checked(
    cluster: t.Mapping[str, t.Any],
    probes: t.Mapping[str, Probe | None],
    decided: dict[str, Decision],
    nodes: membership.ControlPlanes,
) -> dict[str, Decision]:
    """Checks what joins and repairs do to the members of etcd, one after the other, before the first is begun.

    :param nodes: address by node name of every control plane of the inventory.
    :returns: the decisions, with the members that are gone.
    :raises Refused: one of them cannot be done; names it, with etcd's figures.
    """
    known = {name: probe for name in cluster["control_plane"] if (probe := probes.get(name))}
    reported = [probe["members"] for probe in known.values() if probe.get("voter") and probe["members"]]
    if not reported:
        return decided
    members = membership.from_report(reported[0])
    order = turns(cluster, known, decided)
    acting = sorted(set(order) & set(known), key=lambda name: order[name])
    joining = [name for name in acting if decided[name].action == JOIN]
    gone = membership.gone(members, [known[name] for name in joining if not known[name]["etcd_data"]])
    for name in acting:
        probe = known[name]
        problem = None
        if decided[name].action == JOIN:
            planned = membership.change(members, probe, probe["etcd_data"], gone, nodes)
            problem = membership.problem(members, probe, probe["etcd_data"], planned, nodes)
            members = membership.after(members, probe, planned)
        elif decided[name].action == REPAIR and (leaving := membership.named(members, probe["replaces"])):
            problem = removal_problem(members, leaving)
        if problem is not None:
            raise Refused(
                f"nothing was changed, since {name} cannot take its place in {cluster['name']}: {problem}",
                cluster=cluster["name"],
            )
    first = {name: dataclasses.replace(decided[name], gone=tuple(gone)) for name in joining[:1]}
    later = {name: dataclasses.replace(decided[name], removed=tuple(gone)) for name in joining[1:]}
    return {**decided, **first, **later}
