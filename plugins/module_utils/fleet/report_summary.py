# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module cluster_summary: what the report knows about one cluster. Private to the collection."""

from __future__ import annotations

import datetime
import typing as t
from fractions import Fraction

from ..errors import InvalidInput, PlatformError, Problem
from ..kube import absent, connection, quantity, wait
from ..kube.client import Client
from ..kube.token import granted, moment
from ..operation import Context, Operation
from ..plan import Plan
from . import removal, report

Summary = dict[str, t.Any]

#: Resources of nodes that are added up.
_CAPACITY = ("cpu", "memory", "pods")

#: Seconds that a cluster may take to answer; the report is no place to wait.
DEADLINE = 5.0

#: Percent of its lifetime at which a run renews an access.
RENEWED_AT = 50

ARGUMENTS: dict[str, t.Any] = {
    "cluster": {"type": "dict", "required": True},
    "node_names": {"type": "list", "elements": "str", "default": []},
    "certificate_expiries": {"type": "list", "elements": "str", "default": []},
    "changed": {"type": "raw", "default": []},
    "problem": {"type": "str"},
    "access_share": {"type": "int", "default": 25},
    "access_renewed": {"type": "bool", "default": False},
    **connection.ARGUMENTS,
    **absent.ARGUMENT,
}


def plan(params: t.Mapping[str, t.Any], context: Context) -> Plan:
    """Reads the cluster; a cluster that does not answer has a problem, and is no failure."""
    share, access = params["access_share"], params.get("access") or {}
    if not 0 <= share <= RENEWED_AT:
        reason = f"is no percentage from 0 to {RENEWED_AT}, at which runs renew an access"
        raise InvalidInput([Problem("access_share", share, reason, "Give one, or leave it away")])
    now = datetime.datetime.now(datetime.UTC)
    entry = {
        **report.declared(params["cluster"]),
        "certificate_expiry": report.earliest(params["certificate_expiries"]),
        "access_expiry": access.get("expires") or None,
        "access_warning": None if params["access_renewed"] else fading(access, share, now),
        "changed": params["changed"],
        "problem": params["problem"] or None,
    }
    try:
        with absent.connect(params, context.environ, params["cluster"]["name"], deadline=DEADLINE) as client:
            entry.update(cluster_summary(client, params["node_names"], params["cluster_exists"]))
    except PlatformError as exc:
        entry["problem"] = entry["problem"] or str(exc).splitlines()[0]
    return Plan(outputs={"entry": entry})


def fading(access: t.Mapping[str, t.Any], share: int, now: datetime.datetime) -> str | None:
    """What is to be said of an access that ends soon and was not renewed; None of a good one. Pure.

    :param access: C(token) and C(expires); one that does not say when it ends is taken for good.
    :param share: percent of its lifetime below which that is soon.
    """
    if not access.get("expires"):
        return None
    lifetime = granted(str(access.get("token") or ""), str(access["expires"]), now)
    left = (moment(str(access["expires"])) - now).total_seconds()
    if lifetime > 0 and left >= lifetime * share / 100:
        return None
    percent = max(0, int(100 * left / lifetime)) if lifetime > 0 else 0
    return (
        f"the access to it ends at {access['expires']}, {percent} % of its lifetime is left, and this run did not "
        "renew it: see its tasks above, or make it anew (lodestar.platform.rekey for an attached cluster)"
    )


def cluster_summary(client: Client, node_names: t.Sequence[str] = (), exists: bool = True) -> Summary:
    """What a cluster says about itself: ``version``, ``nodes`` (``ready``, ``total``), ``capacity``, ``surplus``.

    :param node_names: nodes that should be there; one that is not counts as not ready. Without any, nobody knows which
        should be, and none is surplus.
    :param exists: without a cluster, only the nodes that should be there are counted.
    :raises PlatformError: when the cluster does not answer, or refuses to.
    """
    nodes = client.list("v1", "Node")
    seen = {str(node["metadata"]["name"]) for node in nodes}
    ready = sum(1 for node in nodes if not wait.missing({"kind": "Node", **node}))
    summary: Summary = {"nodes": {"ready": ready, "total": len(seen | set(node_names))}, "capacity": capacity(nodes)}
    summary["surplus"] = removal.surplus(nodes, node_names) if node_names else []
    if exists:
        summary["version"] = str(client.version()["gitVersion"])
    return summary


def capacity(nodes: t.Iterable[t.Mapping[str, t.Any]]) -> dict[str, int]:
    """The sum of what nodes have: cores, bytes and pods, rounded down."""
    total = dict.fromkeys(_CAPACITY, Fraction(0))
    for node in nodes:
        found = (node.get("status") or {}).get("capacity") or {}
        for key in _CAPACITY:
            total[key] += quantity.parse(found.get(key)) or 0
    return {key: int(value) for key, value in total.items()}


OPERATION = Operation(arguments=ARGUMENTS, plan=plan, constraints=connection.CONSTRAINTS)
