# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan that brings a machine back to what it was before it came to a cluster. Private to the collection.

The only code that removes etcd data. What was noted before the first preparation (before.py) is what it goes back to;
the note itself goes last, so that a reset that was killed goes on.
"""

from __future__ import annotations

import json
import os
import typing as t

from ..errors import InvalidInput, Problem, Refused
from ..plan import Plan
from . import before, containers, host, paths, restore, unwire
from .node import Steps

STOPPED, ABSENT = "stopped", "absent"


def plan(
    cluster: t.Mapping[str, t.Any],
    machine: t.Mapping[str, t.Any],
    confirm: str | None,
    state: str = ABSENT,
    stopped: bool = False,
) -> Plan:
    """What resets this machine. A machine that nothing of ours has come to is left alone.

    :param confirm: the name of the cluster, said by the operator.
    :param state: C(stopped) only takes the machine out of its cluster's work, and what serves the API out of its
        endpoint, while etcd goes on.
    :param stopped: this run has stopped the machine, or would have but for check mode.
    :raises InvalidInput: the operator has not named this cluster.
    :raises Refused: the machine belongs to another cluster.
    """
    check(cluster, machine, confirm)
    steps = Steps(machine["name"])
    outputs = {"machine": machine["name"]}
    if not os.path.isdir(host.STATE_DIRECTORY):
        warnings = []
        if os.path.isdir(paths.KUBERNETES):
            warnings = [
                f"{machine['name']} holds {paths.KUBERNETES}, which is not of this collection; it is left alone"
            ]
        return Plan(outputs=outputs, warnings=warnings)
    noted = before.load()
    if not stopped:
        containers.add_kubelet(steps)
    if state == STOPPED:
        containers.add_serving(steps)
        return Plan(steps=steps.items, outputs=outputs)
    containers.add_end(steps)
    warnings = unwire.add(steps, cluster, noted)
    warnings += restore.add(steps, cluster, noted)
    if noted is None:
        warnings.append(
            f"{machine['name']} was prepared by a release that noted nothing: its kernel settings stay until it boots"
        )
    return Plan(steps=steps.items, outputs=outputs, warnings=warnings)


def check(cluster: t.Mapping[str, t.Any], machine: t.Mapping[str, t.Any], confirm: str | None) -> None:
    """Refuses to reset what the operator has not named, or what the inventory has in the wrong place.

    :raises InvalidInput: it is not confirmed.
    :raises Refused: the machine says that it belongs to another cluster.
    """
    name = cluster["name"]
    if confirm != name:
        reason = f"{machine['name']} is a machine of {name}, and nothing is reset that is not named"
        raise InvalidInput([Problem("reset_confirm", confirm, reason, f"Pass -e reset_confirm={name}")])
    try:
        recorded = json.loads(host.read(paths.CLUSTER_RECORD) or "{}").get("name")
    except (ValueError, AttributeError):
        recorded = None
    if recorded not in (None, name):
        raise Refused(
            f"{machine['name']} belongs to {recorded} by its own record, and the inventory has it in {name};"
            " nothing was changed. Correct the inventory."
        )
