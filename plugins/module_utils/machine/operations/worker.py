# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A machine becomes a worker. Private to the collection."""

from __future__ import annotations

from ...operation import Context, Operation
from ...plan import Plan
from .. import place, worker
from .common import COMMON, Params, exclusive, finished


def _worker(params: Params, context: Context) -> Plan:
    place.require_place(params["machine"])
    return finished(worker.plan(params["cluster"], params["machine"], params["material"] or None, params["rejoin"]))


WORKER = Operation(
    arguments={
        **COMMON,
        "material": {"type": "dict", "no_log": True},
        "rejoin": {"type": "bool", "default": False},
    },
    plan=_worker,
    guard=exclusive,
)
