# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ties the cluster-wide rights of our identity to the namespace lodestar-system, so that they go with it.

Kubernetes' garbage collector deletes what a deleted owner leaves. So our identity needs no right over its own rights to
leave nothing behind: deleting its namespace is enough. Private to the collection.
"""

from __future__ import annotations

import typing as t

from ..errors import PlatformError
from ..kube.client import Client
from ..kube.resources import object_id
from ..plan import Step
from .identity import NAMESPACE

Object = dict[str, t.Any]
#: After the objects of the access.
_WAVE = 100
_WIDE = ("ClusterRole", "ClusterRoleBinding")


def tie_steps(client: Client, objects: t.Iterable[Object], target: str) -> list[Step]:
    """The steps that make the namespace the owner of the cluster-wide ones among our identity's objects.

    :param objects: of :func:`access.access_objects`.
    """
    space = client.get("v1", "Namespace", NAMESPACE)
    uid = str(space["metadata"]["uid"]) if space is not None and "uid" in space["metadata"] else None
    return [_step(client, obj, target) for obj in objects if obj["kind"] in _WIDE and not _tied(client, obj, uid)]


def _tied(client: Client, obj: Object, uid: str | None) -> bool:
    there = client.get(obj["apiVersion"], obj["kind"], obj["metadata"]["name"]) if uid is not None else None
    owners = ((there or {}).get("metadata") or {}).get("ownerReferences") or ()
    return any(owner.get("uid") == uid for owner in owners)


def _step(client: Client, obj: Object, target: str) -> Step:
    name = obj["metadata"]["name"]

    def perform() -> None:
        space = client.get("v1", "Namespace", NAMESPACE)
        if space is None:
            raise PlatformError(f"{target}: the namespace {NAMESPACE} has gone meanwhile")
        owner = {"apiVersion": "v1", "kind": "Namespace", "name": NAMESPACE, "uid": space["metadata"]["uid"]}
        client.merge(obj["apiVersion"], obj["kind"], name, {"metadata": {"ownerReferences": [owner]}})

    return Step(
        id=f"{object_id(obj)}#owner",
        action="update",
        target=target,
        description=f"make Namespace {NAMESPACE} the owner of {obj['kind']} {name}",
        after={"ownerReferences": [{"kind": "Namespace", "name": NAMESPACE}]},
        perform=perform,
        wave=_WAVE,
    )
