# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compares the identities of all clusters of a run, and those that the hub has. Private to the collection."""

from __future__ import annotations

import typing as t

from ..kube.errors import ApiError
from ..operation import Context, Operation
from ..plan import Plan
from .access_info import HUB_ARGUMENTS, hub_client
from .identity import UID_LABEL, guard_unique
from .records import CLUSTER_API


def plan(params: t.Mapping[str, t.Any], context: Context) -> Plan:
    """Refuses the same cluster under two names. There is never anything to do."""
    hub = context.enter(hub_client(params))
    warnings = []
    try:
        records = hub.list(CLUSTER_API, "ManagedCluster", label_selector=UID_LABEL)
    except ApiError as exc:
        records = []
        warnings.append(f"the records of the hub cannot be compared: {exc}")
    known = [(str(item["metadata"]["name"]), str(item["metadata"]["labels"][UID_LABEL])) for item in records]
    identities = {str(name): str(uid or "") for name, uid in params["identities"].items()}
    guard_unique(identities, known)
    return Plan(outputs={"compared": len({*identities, *(name for name, _uid in known)})}, warnings=warnings)


OPERATION = Operation(
    arguments={"identities": {"type": "dict", "required": True}, **HUB_ARGUMENTS},
    plan=plan,
)
