# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operation behind C(serving_certificates). Private to the collection."""

from __future__ import annotations

import typing as t

from ..kube import absent, connection
from ..operation import Context, Operation
from ..plan import Plan
from . import serving


def plan(params: t.Mapping[str, t.Any], context: Context) -> Plan:
    """A step for each of the given nodes that asks, or will ask."""
    client = context.enter(absent.connect(params, context.environ, params["cluster"]))
    steps, _others = serving.plan(client, params["cluster"], params["kubelets"], params["joining"])
    return Plan(steps=steps)


OPERATION = Operation(
    arguments={
        "cluster": {"type": "str", "required": True},
        "kubelets": {"type": "dict", "required": True},
        "joining": {"type": "list", "elements": "str", "default": []},
        **connection.ARGUMENTS,
        **absent.ARGUMENT,
    },
    plan=plan,
    constraints=connection.CONSTRAINTS,
)
