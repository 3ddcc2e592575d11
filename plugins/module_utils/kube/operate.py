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
from . import absent, adopt, connection, ignore
from .apply import ApplySet, plan_objects
from .client import Client
from .desired import Normal, declared_resources, normalise
from .errors import UnknownKind
from .established import wait_ready
from .outcome import summary
from .rehearse import rehearse
from .resources import object_id
from .sources import Sourced, read_objects, read_paths

ARGUMENTS: dict[str, t.Any] = {
    "objects": {"type": "raw"},
    "src": {"type": "list", "elements": "path"},
    "applyset": {"type": "str", "required": True},
    "namespace": {"type": "str", "default": "lodestar-system"},
    "cluster": {"type": "str"},
    "prune": {"type": "bool", "default": True},
    "prune_all": {"type": "bool", "default": False},
    "prune_limit": {"type": "int", "default": 50},
    **ignore.ARGUMENT,
    "default_namespace": {"type": "str"},
    **adopt.ARGUMENT,
    "force": {"type": "bool", "default": False},
    "wait": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 120},
    **connection.ARGUMENTS,
    **absent.ARGUMENT,
}
#: Sets that other modules of the collection hold; applying other objects as one of them would prune theirs.
RESERVED = ("access", "addons", "compliance", "fleet-roles", "policy", "properties", "tenancy")
#: Likewise, all whose names begin so.
RESERVED_PREFIX = "delivery-"
_HOOK = "helm.sh/hook"
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,48}[a-z0-9])?")


def plan(params: t.Mapping[str, t.Any], context: Context) -> Plan:
    """The steps that make the cluster hold the objects as the members of a set, and nothing else of that set."""
    applyset = ApplySet(_set_name(params["applyset"]), params["namespace"], params["force"])
    limit, rules, taken = _limit(params["prune_limit"]), ignore.read(params["ignore"]), adopt.kinds(params)
    sourced = declared(params, context.environ)
    desired = normalise([obj for _where, obj in sourced], [where for where, _obj in sourced])
    client = context.enter(absent.connect(params, context.environ, params["cluster"] or "the cluster"))
    if params["default_namespace"]:
        desired = placed(client, desired, params["default_namespace"])
    steps = plan_objects(
        client,
        desired,
        applyset=applyset,
        target=params["cluster"] or urlsplit(client.connection.server).netloc,
        adopt=taken,
        prune=params["prune"],
        prune_all=params["prune_all"],
        prune_limit=limit,
        ignore=rules,
    )
    return Plan(
        steps=steps,
        outputs={"objects": [object_id(obj) for obj in desired], "applyset_id": applyset.id},
        finish=lambda: _finish(client, desired, params),
        rehearse=(lambda: rehearse(client, steps)) if params["cluster_exists"] else None,
        outcome=summary(steps, len(desired)),
        warnings=[*ignore.unmatched(rules, desired), *_hooks(desired)],
        parallel=client.at_once,
    )


def declared(params: t.Mapping[str, t.Any], environ: t.Mapping[str, str]) -> list[Sourced]:
    """The objects of the arguments C(objects) and C(src), each with where it stands."""
    found = read_objects(params["objects"]) if params["objects"] is not None else []
    return found + (read_paths(params["src"], environ) if params["src"] else [])


def placed(client: Client, objects: Normal, namespace: str) -> Normal:
    """The objects, those of namespaced kinds that name no namespace in this one."""
    client.learn(declared_resources(objects))

    def place(obj: dict[str, t.Any]) -> dict[str, t.Any]:
        if obj["metadata"].get("namespace"):
            return obj
        try:
            namespaced = client.resource(obj["apiVersion"], obj["kind"]).namespaced
        except UnknownKind:
            return obj
        return {**obj, "metadata": {**obj["metadata"], "namespace": namespace}} if namespaced else obj

    return normalise([place(obj) for obj in objects], [object_id(obj) for obj in objects])


def _hooks(objects: t.Sequence[dict[str, t.Any]]) -> list[str]:
    hooks = [obj for obj in objects if _HOOK in (obj["metadata"].get("annotations") or {})]
    if not hooks:
        return []
    named = ", ".join(object_id(obj) for obj in hooks[:5])
    return [
        f"{len(hooks)} Helm hook(s) are held like other objects ({named}): render with --no-hooks to leave them out"
    ]


def _limit(value: int) -> int:
    if not 0 <= value <= 100:
        remedy = "Write a part in percent, from 0 to 100"
        raise InvalidInput([Problem("prune_limit", value, "is no part of a set", remedy)])
    return value


def _finish(client: Client, desired: list[dict[str, t.Any]], params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    if params["wait"]:
        wait_ready(client, desired, params["wait_timeout"])
    return {"requests": {"reads": client.reads, "writes": client.writes}}


def _set_name(name: str) -> str:
    if name in RESERVED or name.startswith(RESERVED_PREFIX):
        remedy = "Choose a name of your own"
        raise InvalidInput([Problem("applyset", name, "is held by a module of this collection", remedy)])
    if not _NAME.fullmatch(name):
        remedy = "Write lower-case letters, digits and hyphens, at most 50"
        raise InvalidInput([Problem("applyset", name, "is not a name of a set", remedy)])
    return name


CONSTRAINTS = {**connection.CONSTRAINTS, "required_one_of": [("objects", "src")]}
OPERATION = Operation(arguments=ARGUMENTS, plan=plan, constraints=CONSTRAINTS)
