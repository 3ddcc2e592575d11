# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One look at one cluster: does any of its operations have something to do? Private to the collection."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from ..errors import PlatformError
from ..fleet import access_info
from ..fleet.report_summary import OPERATION as SUMMARY
from ..kube.client import Client
from ..kube.connection import resolve
from ..kube.errors import NONSENSE, Unreachable
from ..kube.transport import one_look
from ..operation import Context
from . import told


@dataclass(frozen=True)
class Finding:
    """What a look has found of a cluster.

    :param access: what C(access_info) returns of it.
    :param entry: its entry in the report; None unless it is settled.
    :param warnings: what its operations say to an operator; of a cluster that is not settled they say it themselves.
    """

    access: dict[str, t.Any]
    entry: dict[str, t.Any] | None = None
    warnings: tuple[str, ...] = ()


def look(
    cluster: t.Mapping[str, t.Any],
    fleet: t.Mapping[str, t.Any],
    options: t.Mapping[str, t.Any] | None,
    context: Context,
) -> Finding | None:
    """Asks a cluster once what its operations want to know, and what they would do.

    :param fleet: with C(hub_access), C(shares), C(allocatable) and C(held) (:class:`delivery.held.Held`).
    :param options: None to look at the access alone.
    :param context: with the hub.
    :returns: None if not even the access could be judged: its own task says why.
    """
    with one_look(told.SETS):
        try:
            asked = {"cluster": cluster["name"], "hub": fleet["hub"] or "hub", "hub_access": fleet["hub_access"]}
            access = access_info.plan(asked, _of_one(context)).outputs
        except (PlatformError, *NONSENSE):
            return None
        if access["state"] != "usable" or options is None:
            return Finding(access)
        try:
            return _judged(cluster, fleet, access, options, context)
        except (PlatformError, *NONSENSE) as exc:
            if isinstance(exc, Unreachable) and access["access"]["server"] in str(exc):
                # It has answered before: its own tasks need not wait for it once more.
                return Finding({**access, "state": "unreachable", "reason": str(exc), "access": None})
            return Finding(access)


def _judged(
    cluster: t.Mapping[str, t.Any],
    fleet: t.Mapping[str, t.Any],
    access: dict[str, t.Any],
    options: t.Mapping[str, t.Any],
    context: Context,
) -> Finding:
    given = told.params(cluster, fleet, access["access"], fleet["hub_access"], options)
    if "addons" in given:
        given["addons"]["wait_timeout"] = 0  # What is not ready is left to the task that waits for it.
    warnings: list[str] = []
    for name, arguments in given.items():
        if name not in told.OPERATIONS:
            continue
        one = _of_one(context)
        with one.resources:
            plan = told.OPERATIONS[name].plan(arguments, one)
            if plan.steps or (name == "attach" and plan.warnings):
                return Finding(access)
            if name == "addons" and plan.finish is not None:
                plan.finish()
        warnings += plan.warnings
    with Client(resolve({"access": access["access"]}, {})) as client:
        if not fleet["held"].on(cluster, client):
            return Finding(access)
    entry = SUMMARY.plan(given["summary"], _of_one(context)).outputs["entry"]
    return Finding(access) if entry["problem"] else Finding(access, entry, tuple(warnings))


def _of_one(context: Context) -> Context:
    """The context of one operation: what it opens ends with it, and nobody looks at a diff."""
    return replace(context, resources=type(context.resources)(), environ={}, diff=False, progress=lambda _line: None)
