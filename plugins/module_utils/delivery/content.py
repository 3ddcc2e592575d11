# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The objects of a delivery: read once, and made what each cluster gets. Private to the collection."""

from __future__ import annotations

import typing as t

from ..errors import InvalidInput, Problem
from ..fleet.identity import NAMESPACE
from ..kube.desired import Normal, normalise
from ..kube.resources import object_id
from ..kube.sources import read_objects, read_paths
from .division import is_scaled, replicas_of, shares, unweighted, with_replicas
from .model import Delivery
from .patches import merged, unmatched

Object = dict[str, t.Any]


def read_content(delivery: Delivery, environ: t.Mapping[str, str]) -> Normal:
    """The objects as they are declared, for no cluster in particular.

    :raises InvalidInput: something cannot be read, or is no object; naming everything.
    :raises PlatformError: a kustomization cannot be built.
    """
    key = f"deliveries[{delivery.name}]"
    try:
        found = read_objects(delivery.objects, "objects") if delivery.objects is not None else []
        found += read_paths(delivery.src, environ) if delivery.src else []
        objects = normalise([obj for _where, obj in found], [where for where, _obj in found])
    except InvalidInput as exc:
        known = [Problem(f"{key}: {item.key}", item.value, item.reason, item.remedy) for item in exc.problems]
        raise InvalidInput(known) from None
    problems = [
        Problem(f"{key}: {object_id(obj)}", NAMESPACE, "is the platform's own namespace", "Choose another namespace")
        for obj in objects
        if NAMESPACE
        in (obj["metadata"].get("namespace"), obj["metadata"]["name"] if obj["kind"] == "Namespace" else "")
    ]
    problems += [
        Problem(f"{key}.patches[{place}].target", delivery.patches[place].aim, "fits no object of it", "Correct it")
        for place in unmatched(delivery.patches, objects)
    ]
    if delivery.default_namespace == NAMESPACE:
        reason = "is the platform's own namespace"
        problems.append(Problem(f"{key}.default_namespace", NAMESPACE, reason, "Choose another namespace"))
    if problems:
        raise InvalidInput(problems)
    return objects


class Content:
    """What each cluster gets of a delivery.

    :param objects: of :func:`read_content`.
    :param clusters: names of the clusters that it is for.
    :param allocatable: by cluster, what its nodes can hold, as the hub records it.
    :raises InvalidInput: replicas cannot be divided.
    """

    def __init__(
        self,
        delivery: Delivery,
        objects: Normal,
        clusters: t.Collection[str],
        allocatable: t.Mapping[str, t.Mapping[str, str]],
    ) -> None:
        unweighted(delivery.name, delivery.division, clusters)
        self._delivery, self._objects = delivery, objects
        divided = delivery.division.way != "duplicate"
        self._shares = [
            shares(replicas_of(obj), delivery.division, clusters, allocatable) if divided and is_scaled(obj) else None
            for obj in objects
        ]

    def of(self, cluster: t.Mapping[str, t.Any]) -> Normal:
        """The objects for a cluster: with its share of the replicas, and patched.

        :raises InvalidInput: a patch has made something of an object that is none.
        """
        patches = [patch for patch in self._delivery.patches if patch.is_for(cluster)]
        if not patches and not self.replicas():
            return self._objects
        found = []
        for obj, share in zip(self._objects, self._shares, strict=True):
            made = obj if share is None else with_replicas(obj, share[cluster["name"]])
            for patch in patches:
                if patch.fits(obj):
                    made = merged(made, patch.content)
            found.append(made)
        where = [f"deliveries[{self._delivery.name}] on {cluster['name']}: {object_id(obj)}" for obj in self._objects]
        return normalise(found, where)

    def replicas(self) -> dict[str, dict[str, int]]:
        """By divided workload, its replicas by cluster."""
        pairs = zip(self._objects, self._shares, strict=True)
        return {object_id(obj): share for obj, share in pairs if share is not None}
