# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Holds the hub to the declared placements. Private to the collection."""

from __future__ import annotations

import typing as t

from ..errors import InvalidInput, Problem
from ..fleet import addon_placement
from ..kube import absent, adopt, connection
from ..kube.apply import ApplySet, plan_objects
from ..kube.resources import object_id
from ..operation import Context, Operation
from ..plan import Plan
from .model import DEFAULT_SET, read_all
from .render import NAMESPACE, Object, objects

ARGUMENTS: dict[str, t.Any] = {
    "placements": {"type": "list", "elements": "dict", "required": True},
    "cluster": {"type": "str", "required": True},
    "namespace": {"type": "str", "default": NAMESPACE},
    "cluster_set": {"type": "str", "default": DEFAULT_SET},
    "controller_image": {"type": "str", "default": ""},
    "controller_replicas": {"type": "int", "default": 1},
    "prune_all": {"type": "bool", "default": False},
    **adopt.ARGUMENT,
    "force": {"type": "bool", "default": False},
    **connection.ARGUMENTS,
    **absent.ARGUMENT,
}


def plan(params: t.Mapping[str, t.Any], context: Context) -> Plan:
    """The steps that make the hub hold the declared placements, and no other of ours.

    :raises InvalidInput: a declared placement is wrong.
    :raises Refused: every placement would be deleted without C(prune_all), or something of others taken.
    """
    placements = read_all(params["placements"])
    wanted = objects(placements, params["namespace"], params["cluster_set"])
    wanted += _controller(params["controller_image"], params["controller_replicas"])
    client = context.enter(absent.connect(params, context.environ, params["cluster"]))
    steps = plan_objects(
        client,
        wanted,
        applyset=ApplySet("placement", force=params["force"]),
        target=params["cluster"],
        adopt=adopt.kinds(params),
        prune_all=params["prune_all"],
    )
    outputs = {
        "placements": [placement.name for placement in placements],
        "objects": [object_id(obj) for obj in wanted],
    }
    return Plan(steps=steps, outputs=outputs, parallel=client.at_once)


def _controller(image: str, replicas: int) -> list[Object]:
    """OCM's controller, where an image of it is given."""
    if replicas < 0:
        remedy = "Give a number of pods, of which one decides"
        raise InvalidInput([Problem("controller_replicas", replicas, "must not be negative", remedy)])
    return addon_placement.objects(image, replicas) if image else []


OPERATION = Operation(arguments=ARGUMENTS, plan=plan, constraints=connection.CONSTRAINTS)
