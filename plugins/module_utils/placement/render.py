# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Declared placements as objects of the hub. Pure. Private to the collection."""

from __future__ import annotations

import typing as t

from ..declaration import DESCRIPTION_ANNOTATION
from .health import tolerations
from .model import Placement

Object = dict[str, t.Any]

PLACEMENT_API = "cluster.open-cluster-management.io/v1beta1"
SET_API = "cluster.open-cluster-management.io/v1beta2"
#: The namespace of the hub that holds the platform's placements.
NAMESPACE = "lodestar-placements"


def objects(placements: t.Sequence[Placement], namespace: str, cluster_set: str) -> list[Object]:
    """The namespace, the set that it may choose from, and the Placements; nothing where none is declared."""
    if not placements:
        return []
    binding = {"name": cluster_set, "namespace": namespace}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
        {
            "apiVersion": SET_API,
            "kind": "ManagedClusterSetBinding",
            "metadata": binding,
            "spec": {"clusterSet": cluster_set},
        },
        *(_placement(item, namespace) for item in placements),
    ]


def _placement(placement: Placement, namespace: str) -> Object:
    metadata: Object = {"name": placement.name, "namespace": namespace}
    if placement.description:
        metadata["annotations"] = {DESCRIPTION_ANNOTATION: placement.description}
    return {"apiVersion": PLACEMENT_API, "kind": "Placement", "metadata": metadata, "spec": _spec(placement.spec)}


def _spec(declared: t.Mapping[str, t.Any]) -> Object:
    """With the tolerations by which nothing moves away from a cluster that is silent unless that was asked for."""
    return {**declared, "tolerations": tolerations(declared.get("tolerations") or ())}
