# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a control plane gives out: access to its cluster, and the keys of a cluster. Private to the collection."""

from __future__ import annotations

from ...errors import Refused
from ...operation import Context, Operation
from ...plan import Plan
from .. import access, host, place, recovery
from .common import COMMON, Params, finished, shared


def _cluster_keys(params: Params, context: Context) -> Plan:
    place.require_place(params["machine"])
    unknown = sorted(set(params["names"]) - set(recovery.KEYS))
    if unknown:
        raise Refused(f"names: {', '.join(unknown)} are no keys of a cluster; known are {', '.join(recovery.KEYS)}")
    found = {name: host.read(recovery.KEYS[name]) for name in params["names"] or recovery.KEYS}
    return Plan(outputs={"keys": {name: text for name, text in found.items() if text is not None}})


def _cluster_access(params: Params, context: Context) -> Plan:
    place.require_place(params["machine"])
    if params["keep"] is not None:
        return finished(access.keeping(params["cluster"], params["machine"], params["keep"], params["founded"]))
    return finished(
        access.plan(
            params["cluster"],
            params["machine"],
            params["objects"],
            params["lifetime"],
            params["founded"],
            params["kept_only"],
        )
    )


CLUSTER_ACCESS = Operation(
    arguments={
        **COMMON,
        "objects": {"type": "list", "elements": "dict", "default": []},
        "lifetime": {"type": "int", "default": 86400},
        "founded": {"type": "bool", "default": False},
        "kept_only": {"type": "bool", "default": False},
        "keep": {"type": "dict", "no_log": True},
    },
    plan=_cluster_access,
    sensitive=True,
    guard=shared,
)

CLUSTER_KEYS = Operation(
    arguments={**COMMON, "names": {"type": "list", "elements": "str", "default": []}},
    plan=_cluster_keys,
    sensitive=True,
    guard=shared,
)
