# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes nodes out of a cluster, from a control plane that stays: etcd member, then Node. Private to the collection."""

from __future__ import annotations

import typing as t

from ..errors import Refused
from ..plan import Plan, Step
from . import health, kubeapi
from .etcd import Etcd, Member, peer_url, removal_problem

Leaving = t.Mapping[str, t.Any]


def plan(cluster: t.Mapping[str, t.Any], machine: t.Mapping[str, t.Any], leaving: t.Sequence[Leaving]) -> Plan:
    """The removal of each node's member, as far as it has one, and of its Node, one after the other.

    :param machine: the control plane that this runs on.
    :param leaving: C(node_name) and C(node_ip) of each.
    :raises Refused: etcd would lose its quorum on the way, or this machine is one of those that leave.
    """
    if any(item["node_name"] == machine["node_name"] for item in leaving):
        raise Refused(f"{machine['name']} cannot take itself out of {cluster['name']}; nothing was changed")
    removal = Removal(cluster, machine)
    members = doomed(Etcd(machine["node_ip"]).members(), leaving, cluster["name"])
    api = removal.api()
    try:
        for item in leaving:
            if item["node_name"] in members:
                removal.add_member(members[item["node_name"]])
            if api.get(_path(item["node_name"])) is not None:
                removal.add_node(item["node_name"])
    finally:
        api.close()
    return Plan(steps=removal.steps)


def doomed(members: t.Sequence[Member], leaving: t.Sequence[Leaving], cluster: str) -> dict[str, Member]:
    """The member of each node that has one. Pure.

    :raises Refused: their removal in this order would cost etcd its quorum.
    """
    found: dict[str, Member] = {}
    left = list(members)
    for item in leaving:
        peer = peer_url(item["node_ip"]) if item["node_ip"] else ""
        own = next((one for one in left if one.name == item["node_name"] or peer in one.peer_urls), None)
        if own is None:
            continue
        problem = removal_problem(left, own)
        if problem is not None:
            raise Refused(
                f"{item['node_name']} must not leave {cluster}: {problem}; nothing was changed. Bring back the members"
                " that are ill, or remove those that are dead for good first."
            )
        found[item["node_name"]] = own
        left.remove(own)
    return found


def _path(node_name: str) -> str:
    return f"/api/v1/nodes/{node_name}"


class Removal:
    """Collects the steps, each after the one before."""

    def __init__(self, cluster: t.Mapping[str, t.Any], machine: t.Mapping[str, t.Any]) -> None:
        self._cluster, self._machine = cluster, machine
        self.steps: list[Step] = []

    def api(self) -> kubeapi.Api:
        """The local API server.

        :raises PlatformError: this machine is not a control plane, or its API does not answer.
        """
        return health.require_api(self._cluster, self._machine)

    def add_member(self, member: Member) -> None:
        """Adds the removal of an etcd member, which looks at the quorum once more."""
        etcd = Etcd(self._machine["node_ip"])
        before = {"name": member.name, "peer": list(member.peer_urls), "healthy": member.healthy}
        name = member.name or member.id
        self._add(f"etcd-member:{name}", f"remove the etcd member {name}", lambda: etcd.remove(member), before)

    def add_node(self, name: str) -> None:
        """Adds the deletion of a Node."""
        self._add(f"v1/Node/{name}", f"delete the Node {name}", lambda: self._delete(name), name)

    def _add(self, step_id: str, description: str, perform: t.Callable[[], object], before: t.Any) -> None:
        wave = len(self.steps)
        self.steps.append(Step(step_id, "delete", self._cluster["name"], description, before, None, perform, wave))

    def _delete(self, name: str) -> None:
        api = self.api()
        try:
            api.delete(_path(name))
        finally:
            api.close()
