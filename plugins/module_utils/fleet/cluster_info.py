# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module cluster_info: what one cluster says of itself. Private to the collection."""

from __future__ import annotations

import typing as t

from ..errors import InvalidInput, Problem
from ..kube import connection, credentials, token
from ..kube.client import Client
from ..operation import Context, Operation
from ..plan import Plan
from . import look


def plan(params: t.Mapping[str, t.Any], context: Context) -> Plan:
    """Reads the cluster. There is never anything to do."""
    if params["deadline"] < 1:
        problem = Problem("deadline", params["deadline"], "must be at least 1", "Give a number, or leave it away")
        raise InvalidInput([problem])
    made = credentials.supplied(params, context)
    client = context.enter(Client(made, deadline=float(params["deadline"])))
    found = look.facts(client, str(params["cluster"] or made.server))
    return Plan(outputs={"info": {**found, **look.ours(client), "credential_expires": _end(made)}})


def _end(made: connection.Connection) -> str | None:
    """When the credential ends, RFC 3339; None where it does not say so."""
    try:
        return made.expires or token.end(made.token)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


OPERATION = Operation(
    arguments={
        "cluster": {"type": "str"},
        "deadline": {"type": "int", "default": 10},
        **credentials.ARGUMENTS,
    },
    plan=plan,
    constraints=connection.CONSTRAINTS,
)
