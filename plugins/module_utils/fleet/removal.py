# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which nodes of a cluster leave it, and which must not. Private to the collection."""

from __future__ import annotations

import typing as t
from dataclasses import asdict, dataclass

from ..errors import InvalidInput, Problem, Refused
from ..kube import connection, wait
from ..kube.client import Client
from ..operation import Context, Operation
from ..plan import Plan

Object = t.Mapping[str, t.Any]

CONTROL_PLANE = "node-role.kubernetes.io/control-plane"


@dataclass(frozen=True)
class Leaving:
    """A node that leaves.

    :param name: as the operator said it: of the machine, or of the Node.
    :param machine: its name in the inventory, empty when it is not there.
    :param role: C(control_plane) or C(worker).
    :param reachable: the machine is there to be drained and reset.
    :param present: the cluster has its Node.
    """

    name: str
    machine: str
    node_name: str
    node_ip: str
    role: str
    reachable: bool
    present: bool


def surplus(nodes: t.Iterable[Object], expected: t.Collection[str]) -> list[str]:
    """Names of Nodes that no machine of the inventory stands for. Pure."""
    return sorted(name for node in nodes if (name := str(node["metadata"]["name"])) not in expected)


def decide(
    cluster: Object, machines: Object, names: t.Sequence[str], unreachable: t.Collection[str], nodes: t.Sequence[Object]
) -> tuple[list[Leaving], list[str]]:
    """What leaves this cluster, workers first, and the control planes that stay and can take it out. Pure.

    :param machines: of the whole fleet; names of other clusters' machines are not looked at.
    :param names: of machines or Nodes.
    :param unreachable: those of them that are dead for good.
    :param nodes: the cluster's Nodes.
    :raises Refused: one of them must not leave.
    """
    known = {str(node["metadata"]["name"]): node for node in nodes}
    own = {name: item for name, item in machines.items() if item["cluster"] == cluster["name"]}
    named = {item["node_name"]: name for name, item in own.items()} | {name: name for name in own}
    strangers = {name for name in names if name not in named and (name in machines or name not in known)}
    leaving = [
        _leaving(name, own.get(named.get(name, "")), known, name in unreachable)
        for name in dict.fromkeys(names)
        if name not in strangers
    ]
    leaving.sort(key=lambda item: item.role == "control_plane")
    gone = {item.node_name for item in leaving}
    staying = sorted(name for name, node in known.items() if _is_control_plane(node) and name not in gone)
    reasons = [text for item in leaving for text in [_objection(item, known.get(item.node_name))] if text]
    reasons += _of_the_last(cluster, leaving, staying)
    if reasons:
        listed = "\n".join(f"- {line}" for line in reasons)
        raise Refused(f"{cluster['name']}: nothing was changed:\n{listed}", refusals=reasons)
    return leaving, [named[name] for name in staying if name in named]


def _is_control_plane(node: Object) -> bool:
    return CONTROL_PLANE in (node["metadata"].get("labels") or {})


def _leaving(name: str, machine: Object | None, known: t.Mapping[str, Object], dead: bool) -> Leaving:
    node_name = str(machine["node_name"]) if machine else name
    node = known.get(node_name)
    leads = (machine is not None and machine["role"] == "control_plane") or (
        node is not None and _is_control_plane(node)
    )
    return Leaving(
        name,
        str(machine["name"]) if machine else "",
        node_name,
        str(machine["node_ip"]) if machine else _address(node),
        "control_plane" if leads else "worker",
        machine is not None and not dead,
        node is not None,
    )


def _address(node: Object | None) -> str:
    found = ((node or {}).get("status") or {}).get("addresses") or ()
    return next((str(item["address"]) for item in found if item.get("type") == "InternalIP"), "")


def _objection(item: Leaving, node: Object | None) -> str:
    """Why this node must not leave as it was asked for, C("") when it may."""
    if item.reachable:
        return ""
    if node is not None and not wait.missing({"kind": "Node", **node}):
        return (
            f"{item.name} is Ready, so its machine is not dead: shut it down first, or have it in the inventory and"
            " leave it out of remove_unreachable, so that it is drained and reset"
        )
    return ""


def _of_the_last(cluster: Object, leaving: t.Sequence[Leaving], staying: t.Sequence[str]) -> list[str]:
    last = [item.name for item in leaving if item.role == "control_plane" and item.present]
    if not last or staying:
        return []
    verb = "reset and reset_confirm" if cluster.get("role") == "global" else "destroy and destroy"
    return [
        f"{', '.join(last)}: no control plane would be left. Add another one first, or end the whole cluster with"
        f" lodestar.platform.{verb}={cluster['name']}"
    ]


def plan(params: t.Mapping[str, t.Any], context: Context) -> Plan:
    """Reads the cluster's Nodes and decides. Changes nothing."""
    names, unreachable = params["names"], params["unreachable"]
    _check(names, unreachable, params["machines"])
    client = context.enter(Client(connection.resolve(params, context.environ)))
    leaving, helpers = decide(params["cluster"], params["machines"], names, unreachable, client.list("v1", "Node"))
    return Plan(outputs={"nodes": [asdict(item) for item in leaving], "helpers": helpers})


def _check(names: t.Sequence[str], unreachable: t.Sequence[str], machines: Object) -> None:
    others = sorted(set(unreachable) - set(names))
    problems = [
        Problem("remove_unreachable", name, "is not among remove_nodes", "Name it there too") for name in others
    ]
    known = {*machines, *(item["node_name"] for item in machines.values())}
    problems += [
        Problem(
            "remove_nodes",
            name,
            "is no machine of the inventory, so it cannot be reached to be drained and reset",
            "If its machine is dead for good, name it in remove_unreachable too; otherwise add it to the inventory",
        )
        for name in names
        if name not in known and name not in unreachable
    ]
    if problems:
        raise InvalidInput(problems)


OPERATION = Operation(
    arguments={
        "cluster": {"type": "dict", "required": True},
        "machines": {"type": "dict", "required": True},
        "names": {"type": "list", "elements": "str", "required": True},
        "unreachable": {"type": "list", "elements": "str", "default": []},
        **connection.ARGUMENTS,
    },
    plan=plan,
    constraints=connection.CONSTRAINTS,
)
