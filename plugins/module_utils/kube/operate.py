# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Holds a cluster to a set of objects that somebody else wrote. Private to the collection."""

from __future__ import annotations

import re
import typing as t
from urllib.parse import urlsplit

from ..errors import InvalidInput, Problem
from ..operation import Context, Operation
from ..plan import Plan
from . import absent, adopt, connection
from .apply import ApplySet, plan_objects
from .client import Client
from .desired import normalise
from .documents import load_all
from .established import wait_ready
from .resources import object_id

ARGUMENTS: dict[str, t.Any] = {
    "objects": {"type": "raw", "required": True},
    "applyset": {"type": "str", "required": True},
    "namespace": {"type": "str", "default": "lodestar-system"},
    "cluster": {"type": "str"},
    "prune": {"type": "bool", "default": True},
    "prune_all": {"type": "bool", "default": False},
    **adopt.ARGUMENT,
    "force": {"type": "bool", "default": False},
    "wait": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 120},
    **connection.ARGUMENTS,
    **absent.ARGUMENT,
}
#: Sets that other modules of the collection hold; applying other objects as one of them would prune theirs.
RESERVED = ("access", "addons", "policy", "properties", "tenancy")
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,48}[a-z0-9])?")


def plan(params: t.Mapping[str, t.Any], context: Context) -> Plan:
    """The steps that make the cluster hold the objects as the members of a set, and nothing else of that set."""
    desired = normalise(read_objects(params["objects"]))
    applyset = ApplySet(_set_name(params["applyset"]), params["namespace"], params["force"])
    client = context.enter(absent.connect(params, context.environ, params["cluster"] or "the cluster"))
    steps = plan_objects(
        client,
        desired,
        applyset=applyset,
        target=params["cluster"] or urlsplit(client.connection.server).netloc,
        adopt=adopt.kinds(params),
        prune=params["prune"],
        prune_all=params["prune_all"],
    )
    return Plan(
        steps=steps,
        outputs={"objects": [object_id(obj) for obj in desired], "applyset_id": applyset.id},
        finish=lambda: _finish(client, desired, params),
        parallel=client.at_once,
    )


def _finish(client: Client, desired: list[dict[str, t.Any]], params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    if params["wait"]:
        wait_ready(client, desired, params["wait_timeout"])
    return {"requests": {"reads": client.reads, "writes": client.writes}}


def read_objects(value: t.Any) -> list[t.Any]:
    """The objects of the argument C(objects): a list of mappings or of YAML texts, a mapping, or a YAML text."""
    if isinstance(value, str):
        return [item for document in load_all(value, "objects") for item in _listed(document)]
    return [found for item in _listed(value) for found in (read_objects(item) if isinstance(item, str) else [item])]


def _listed(value: t.Any) -> list[t.Any]:
    return value if isinstance(value, list) else [value]


def _set_name(name: str) -> str:
    if name in RESERVED:
        remedy = "Choose a name of your own"
        raise InvalidInput([Problem("applyset", name, "is held by a module of this collection", remedy)])
    if not _NAME.fullmatch(name):
        remedy = "Write lower-case letters, digits and hyphens, at most 50"
        raise InvalidInput([Problem("applyset", name, "is not a name of a set", remedy)])
    return name


OPERATION = Operation(arguments=ARGUMENTS, plan=plan, constraints=connection.CONSTRAINTS)
