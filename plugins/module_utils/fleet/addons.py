# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Applies what a created cluster is founded with, and waits until it can run pods. Private to the collection.

Add-ons that a cluster can do without for a while are delivered (C(delivery/addons.py)).
"""

from __future__ import annotations

import typing as t

from ..errors import InvalidInput, Problem
from ..kube import absent, adopt, connection, wait
from ..kube.apply import ApplySet, plan_objects
from ..kube.client import Client
from ..kube.desired import key_of, normalise
from ..kube.resources import object_id
from ..operation import Context, Operation
from ..plan import Plan, Step
from . import addon_coredns, addon_kube_router, addon_metrics_server, node_marks, serving
from .addon import DEFAULT_IMAGES, NAMESPACE, Settings, families

Object = t.Mapping[str, t.Any]

#: name -> what is waited for, besides CoreDNS and the nodes: (API version, kind, namespace, name).
WATCHED: dict[str, list[tuple[str, str, str | None, str]]] = {
    "kube-router": [("apps/v1", "DaemonSet", NAMESPACE, "kube-router")],
}
#: name -> its objects, of add-ons that were members of this set once and are delivered now.
DELIVERED: dict[str, t.Callable[[], list[dict[str, t.Any]]]] = {
    addon_metrics_server.NAME: lambda: addon_metrics_server.objects("", 1),
}
#: The name of the set that the add-ons' objects are members of.
SET = "addons"
COREDNS = ("apps/v1", "Deployment", NAMESPACE, "coredns")


def settings(params: t.Mapping[str, t.Any]) -> Settings:
    """The add-ons' settings from the module's arguments.

    :raises InvalidInput: a range is none.
    """
    network = params["network"]
    problems = []
    for key in ("pod_cidr", "service_cidr"):
        try:
            families(network[key])
        except ValueError as exc:
            problems.append(Problem(f"network: {key}", network[key], str(exc), "Give a range such as 10.244.0.0/16"))
    if problems:
        raise InvalidInput(problems)
    return Settings(
        endpoint_host=params["endpoint_host"],
        endpoint_port=params["endpoint_port"],
        pod_cidr=network["pod_cidr"],
        service_cidr=network["service_cidr"],
        images={name.replace("_", "-"): image for name, image in params["images"].items() if image},
    )


def objects(params: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    """Everything that the declared add-ons consist of."""
    chosen = settings(params)
    makers = {"kube-router": addon_kube_router.objects}
    held = [name for name in params["addons"] if name in makers]
    return [*addon_coredns.objects(), *(obj for name in held for obj in makers[name](chosen))]


def network(cluster: t.Mapping[str, t.Any], images: t.Mapping[str, str]) -> list[dict[str, t.Any]]:
    """The network's objects as members of the add-ons' set, in the order in which they can be applied. Pure.

    The control plane that founds a cluster applies them, so that nodes become Ready as they join.

    :param cluster: its entry in the fleet.
    :param images: references by name of the image, where another than the bundle's is wanted.
    """
    chosen = settings(
        {
            "endpoint_host": cluster["endpoint"]["address"],
            "endpoint_port": cluster["endpoint"]["port"],
            "network": cluster["network"],
            "images": images,
        }
    )
    return [ApplySet(SET).member(obj) for obj in normalise(addon_kube_router.objects(chosen))]


def plan(params: t.Mapping[str, t.Any], context: Context) -> Plan:
    """The steps that bring the kubelets' serving certificates, the Nodes' labels and taints, and the add-ons, after
    which it is waited until they and the nodes are ready."""
    cluster = params["cluster"]
    client = context.enter(absent.connect(params, context.environ, cluster))
    steps = _object_steps(client, params)
    approvals, warnings = serving.plan(
        client, cluster, params["kubelets"], [*params["joining"], *params["asking"]] if params["kubelets"] else []
    )
    marks = node_marks.plan(client, cluster, params["marks"], params["joining"])

    def finish() -> dict[str, t.Any]:
        return {"nodes_ready": await_ready(client, params, context)} if params["wait"] else {}

    outputs = {"addons": list(params["addons"])}
    return Plan(
        steps=[*approvals, *marks, *steps], outputs=outputs, finish=finish, warnings=warnings, parallel=client.at_once
    )


def _object_steps(client: Client, params: t.Mapping[str, t.Any]) -> list[Step]:
    delivered = {key_of(obj) for name in params["addons"] if name in DELIVERED for obj in DELIVERED[name]()}
    steps = plan_objects(
        client,
        objects(params),
        applyset=ApplySet(SET, force=params["force"]),
        target=params["cluster"],
        adopt=adopt.kinds(params),
        prune_all=True,
        # A cluster of an older release: its delivery takes them over, without a moment in which they are not there.
        keep=lambda obj: key_of(obj) in delivered,
    )
    if params["cluster_exists"] or not params["founded"]:
        return steps
    brought = {object_id(obj) for obj in addon_kube_router.objects(settings(params))}
    return [step for step in steps if step.id not in brought]


def await_ready(client: Client, params: t.Mapping[str, t.Any], context: Context) -> list[str]:
    """Waits for the nodes, the add-ons and CoreDNS, and returns the names of the nodes that are ready.

    :raises NotReady: at the deadline, with what is missing and what ails the pods.
    """
    said: list[str] = []

    def lacking(state: tuple[list[Object], list[Object | None]]) -> str:
        text = missing(state[0], state[1], params["nodes"])
        if text and not said:
            said.append(text)
            context.progress(f"{params['cluster']}: waiting for {text}")
        return text

    def read() -> tuple[list[Object], list[Object | None]]:
        watched = [item for name in params["addons"] for item in WATCHED.get(name, ())] + [COREDNS]
        found: list[Object | None] = []
        for api_version, kind, namespace, name in watched:
            there = client.get(api_version, kind, name, namespace)
            found.append(there if there is not None else _gone(kind, name))
        return list(client.list("v1", "Node")), found

    nodes, _found = wait.wait_for(lacking, read, float(params["wait_timeout"]), 1.0, lambda: _pods(client))
    return sorted(node["metadata"]["name"] for node in nodes if not wait.missing(node))


def _gone(kind: str, name: str) -> Object:
    return {"kind": kind, "metadata": {"name": name, "deletionTimestamp": "now"}}


def missing(nodes: t.Sequence[Object], watched: t.Iterable[Object | None], expected: t.Collection[str]) -> str:
    """What a cluster lacks to run pods, C("") when nothing. Pure.

    A node that is not ready counts when it is expected, or when none is; what runs on each node is only wanted on ready
    ones, so that a cluster with a dead machine is not waited for in vain.

    :param expected: names of the nodes that took part in this run; empty means those that the cluster knows.
    """
    by_name = {str(node["metadata"]["name"]): node for node in nodes}
    lines = [f"Node {name}: it has not registered" for name in sorted(set(expected) - set(by_name))]
    if not nodes:
        lines.append("nodes: none has registered")
    lines += [text for name in sorted(set(expected or by_name) & set(by_name)) if (text := wait.missing(by_name[name]))]
    ready = sum(1 for node in nodes if not wait.missing(node))
    for item in watched:
        if item is not None and item.get("kind") == "DaemonSet" and not _deleted(item):
            lines += _on_ready_nodes(item, ready)
        else:
            lines += [text for text in [wait.missing(item)] if text]
    return "; ".join(lines)


def _deleted(item: Object) -> bool:
    return bool(item["metadata"].get("deletionTimestamp"))


def _on_ready_nodes(item: Object, ready: int) -> list[str]:
    status = item.get("status") or {}
    stale = (status.get("observedGeneration") or 0) < (item["metadata"].get("generation") or 0)
    available, updated = status.get("numberAvailable", 0), status.get("updatedNumberScheduled", 0)
    if not stale and min(available, updated) >= max(ready, 1):
        return []
    count = f"{min(available, updated)} of {max(ready, 1)} pods are up to date and available"
    return [f"DaemonSet {item['metadata']['name']}: {count}"]


def _pods(client: Client) -> str:
    """What ails the pods of kube-system, for the message at the deadline."""
    lines = []
    for pod in client.list("v1", "Pod", namespace=NAMESPACE):
        if wait.missing(pod):
            node = (pod.get("spec") or {}).get("nodeName") or "no node"
            lines.append(f"- pod {pod['metadata']['name']} on {node}: {wait.pod_trouble(pod)}")
    return "\n".join(sorted(lines)[:20])


OPERATION = Operation(
    arguments={
        "cluster": {"type": "str", "required": True},
        "addons": {
            "type": "list",
            "elements": "str",
            "choices": [*WATCHED, *DELIVERED],
            "default": [*WATCHED, *DELIVERED],
        },
        "endpoint_host": {"type": "str", "required": True},
        "endpoint_port": {"type": "int", "default": 6443},
        "network": {
            "type": "dict",
            "default": {},
            "apply_defaults": True,
            "options": {
                "pod_cidr": {"type": "str", "default": Settings.pod_cidr},
                "service_cidr": {"type": "str", "default": Settings.service_cidr},
                "dns_domain": {"type": "str", "default": "cluster.local"},
            },
        },
        "nodes": {"type": "list", "elements": "str", "default": []},
        "kubelets": {"type": "dict", "default": {}},
        "joining": {"type": "list", "elements": "str", "default": []},
        "asking": {"type": "list", "elements": "str", "default": []},
        "marks": {"type": "dict", "default": {}},
        "images": {
            "type": "dict",
            "default": {},
            "options": {name.replace("-", "_"): {"type": "str"} for name in DEFAULT_IMAGES},
        },
        "founded": {"type": "bool", "default": False},
        "wait": {"type": "bool", "default": True},
        "wait_timeout": {"type": "int", "default": 300},
        **adopt.ARGUMENT,
        "force": {"type": "bool", "default": False},
        **connection.ARGUMENTS,
        **absent.ARGUMENT,
    },
    plan=plan,
    constraints=connection.CONSTRAINTS,
)
