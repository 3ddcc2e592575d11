# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What machines that are gone have left in a cluster, and is taken away before another one joins.

Private to the collection.
"""

from __future__ import annotations

import typing as t

from ..errors import Refused
from ..plan import Step
from . import kubeapi, membership
from .etcd import Etcd, Member
from .request import Request, add


def plan(steps: list[Step], request: Request) -> str | None:
    """Adds what must go before the join. Returns the node name of what goes after it, if anything does."""
    api = request.api()
    try:
        node = api.get(f"/api/v1/nodes/{request.joiner['node_name']}")
        problem = None if node is None else _node_problem(node, request.joiner)
        if problem is not None:
            raise Refused(problem)
        change = _plan_members(steps, request) if request.control_plane else membership.Change()
        if node is not None:
            _add_node(steps, request, request.joiner["node_name"])
        return _plan_predecessor(steps, request, api, change.after)
    finally:
        api.close()


def _plan_members(steps: list[Step], request: Request) -> membership.Change:
    known = request.standing
    members = [member for member in Etcd(request.machine["node_ip"]).members() if member.id not in known.removed]
    change = membership.change(members, request.joiner, known.has_data, known.gone, known.control_planes)
    problem = membership.problem(members, request.joiner, known.has_data, change, known.control_planes)
    if problem is not None:
        raise Refused(f"{request.joiner['name']} cannot join {request.cluster['name']} as a control plane: {problem}")
    for place, member in enumerate(change.before):
        _plan_removal(steps, request, member, place)
    return change


def _plan_predecessor(steps: list[Step], request: Request, api: kubeapi.Api, living: Member | None) -> str | None:
    """The Node of a dead control plane that is replaced goes with its member; a living one keeps both for now."""
    name = request.joiner.get("replaces")
    if living is not None:
        return str(name)
    if name and api.get(f"/api/v1/nodes/{name}") is not None:
        _add_node(steps, request, name)
    return None


def _add_node(steps: list[Step], request: Request, name: str) -> None:
    step = "node" if name == request.joiner["node_name"] else f"node:{name}"
    description = f"delete the Node {name} of an earlier machine"
    add(steps, request, step, "delete", description, lambda asked: _delete_node(asked, name), before=name)


def _plan_removal(steps: list[Step], request: Request, left: Member, place: int) -> None:
    add(
        steps,
        request,
        "etcd-member" if place == 0 else f"etcd-member:{place}",
        "delete",
        f"remove the etcd member {left.name or left.id}, which a machine that is gone has left behind",
        lambda asked: Etcd(asked.machine["node_ip"]).remove(left),
        before={"name": left.name, "peer": list(left.peer_urls), "learner": left.learner},
    )


def _node_problem(node: t.Mapping[str, t.Any], joiner: t.Mapping[str, t.Any]) -> str | None:
    """Why a Node of the joiner's name must stay: another machine lives under it. Pure."""
    status = node.get("status") or {}
    ready = any(item["type"] == "Ready" and item["status"] == "True" for item in status.get("conditions") or ())
    addresses = {item["address"] for item in status.get("addresses") or () if item["type"] == "InternalIP"}
    if ready and addresses and joiner["node_ip"] not in addresses:
        return (
            f"a Node {joiner['node_name']} lives at {', '.join(sorted(addresses))},"
            f" and {joiner['name']} has {joiner['node_ip']}; nothing was changed."
            " Give the new machine another node_name."
        )
    return None


def _delete_node(request: Request, name: str) -> None:
    api = request.api()
    try:
        api.delete(f"/api/v1/nodes/{name}")
    finally:
        api.close()
