# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compares the identities of all clusters of a run, and those that the hub has, and how each came into the fleet.

Private to the collection.
"""

from __future__ import annotations

import typing as t

from ..errors import Refused
from ..kube.errors import ApiError
from ..operation import Context, Operation
from ..plan import Plan
from .access_info import HUB_ARGUMENTS, hub_client
from .identity import UID_LABEL, guard_unique
from .records import CLUSTER_API, MODE_LABEL


def plan(params: t.Mapping[str, t.Any], context: Context) -> Plan:
    """Refuses the same cluster under two names, and one whose mode was changed. There is never anything to do."""
    hub = context.enter(hub_client(params, context))
    warnings = []
    try:
        records = hub.list(CLUSTER_API, "ManagedCluster", label_selector=UID_LABEL)
    except ApiError as exc:
        records = []
        warnings.append(f"the records of the hub cannot be compared: {exc}")
    guard_modes(params["modes"], {str(item["metadata"]["name"]): item["metadata"]["labels"] for item in records})
    known = [(str(item["metadata"]["name"]), str(item["metadata"]["labels"][UID_LABEL])) for item in records]
    identities = {str(name): str(uid or "") for name, uid in params["identities"].items()}
    guard_unique(identities, known)
    return Plan(outputs={"compared": len({*identities, *(name for name, _uid in known)})}, warnings=warnings)


def guard_modes(declared: t.Mapping[str, str], recorded: t.Mapping[str, t.Mapping[str, str]]) -> None:
    """Refuses clusters that are declared to be created and recorded as attached, and the other way round. Pure.

    :param declared: C(create) or C(attach) by name.
    :param recorded: the labels of the hub's records by name.
    :raises Refused: naming them all.
    """
    attached, created = _differ(declared, recorded, "create", "attach"), _differ(declared, recorded, "attach", "create")
    if attached:
        raise Refused(
            f"{', '.join(attached)}: cluster_mode = 'create', and the hub has recorded it as attached: its machines"
            " were not made by this platform, and would be reconfigured and restarted unseen. Nothing was changed. Run"
            f" the playbook lodestar.platform.promote with -e promote={attached[0]}, which shows what is adopted and"
            " what differs, or set cluster_mode: attach again.",
            reason="attached",
            clusters=attached,
        )
    if created:
        raise Refused(
            f"{', '.join(created)}: cluster_mode = 'attach', and the hub has recorded it as created: nobody would look"
            " after its machines, and the platform would lose its rights there. Nothing was changed. Set cluster_mode:"
            " create again, with its machines, or end the cluster with the playbook lodestar.platform.destroy and"
            f" -e destroy={created[0]}.",
            reason="created",
            clusters=created,
        )


def _differ(
    declared: t.Mapping[str, str], recorded: t.Mapping[str, t.Mapping[str, str]], wanted: str, there: str
) -> list[str]:
    return sorted(
        name for name, mode in declared.items() if mode == wanted and recorded.get(name, {}).get(MODE_LABEL) == there
    )


OPERATION = Operation(
    arguments={
        "identities": {"type": "dict", "required": True},
        "modes": {"type": "dict", "default": {}},
        **HUB_ARGUMENTS,
    },
    plan=plan,
)
