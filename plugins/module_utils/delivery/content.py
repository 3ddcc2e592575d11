# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The objects of a delivery: read once, and made what each cluster gets. Private to the collection."""

from __future__ import annotations

import threading
import typing as t

from ..errors import InvalidInput, Problem
from ..fleet.identity import NAMESPACE
from ..kube.client import Client
from ..kube.desired import Normal, normalise
from ..kube.resources import object_id
from ..kube.sources import read_objects, read_paths
from .division import DIVISIONS, is_scaled, replicas_of, shares, unweighted, with_replicas
from .json_patch import PatchFailed
from .model import Delivery
from .patches import Patch, unmatched
from .rendering import Rendering

Object = dict[str, t.Any]


def read_content(delivery: Delivery, environ: t.Mapping[str, str]) -> Normal:
    """The objects as they are declared, for no cluster in particular; without those of a chart.

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
    problems = _in_our_namespace(key, objects)
    if delivery.chart is None:
        problems += unfitting(delivery, unmatched(delivery.patches, objects))
    if delivery.default_namespace == NAMESPACE:
        reason = "is the platform's own namespace"
        problems.append(Problem(f"{key}.default_namespace", NAMESPACE, reason, "Choose another namespace"))
    if problems:
        raise InvalidInput(problems)
    return objects


def unfitting(delivery: Delivery, places: t.Iterable[int]) -> list[Problem]:
    """The problems of patches that are for no object at all."""
    key = f"deliveries[{delivery.name}]"
    return [
        Problem(f"{key}.patches[{place}].target", delivery.patches[place].aim, "fits no object of it", "Correct it")
        for place in places
    ]


def _in_our_namespace(key: str, objects: t.Iterable[Object]) -> list[Problem]:
    return [
        Problem(f"{key}: {object_id(obj)}", NAMESPACE, "is the platform's own namespace", "Choose another namespace")
        for obj in objects
        if NAMESPACE
        in (obj["metadata"].get("namespace"), obj["metadata"]["name"] if obj["kind"] == "Namespace" else "")
    ]


class Content:
    """What each cluster gets of a delivery. Threads may share it.

    :param objects: of :func:`read_content`.
    :param clusters: names of the clusters that it is for.
    :param allocatable: by cluster, what its nodes can hold, as the hub records it.
    :param chart: renders the delivery's chart, which may give other objects on each cluster.
    :raises InvalidInput: replicas cannot be divided.
    """

    def __init__(
        self,
        delivery: Delivery,
        objects: Normal,
        clusters: t.Collection[str],
        allocatable: t.Mapping[str, t.Mapping[str, str]],
        chart: Rendering | None = None,
    ) -> None:
        unweighted(delivery.name, delivery.division, clusters)
        self._delivery, self._objects, self._chart = delivery, objects, chart
        self._clusters, self._allocatable = clusters, allocatable
        self._lock = threading.Lock()
        self._whole: dict[int, Normal] = {}
        self._unfit: dict[str, set[int]] = {}
        self._totals: dict[str, int] | None = None
        self._shares: dict[str, dict[str, int]] = {}
        if chart is None:
            self._divide(objects, "")

    def of(self, cluster: t.Mapping[str, t.Any], client: Client | None = None) -> Normal:
        """The objects for a cluster: with its share of the replicas, and patched.

        :param client: of the cluster, which is asked what its chart looks at.
        :raises InvalidInput: the chart cannot be rendered for it, a patch cannot be applied, or has made something of
            an object that is none.
        """
        objects = self._objects if self._chart is None else self._rendered(self._chart, cluster, client)
        patches = [(place, patch) for place, patch in enumerate(self._delivery.patches) if patch.is_for(cluster)]
        if not patches and not self._shares:
            return objects
        found = [self._made(obj, patches, str(cluster["name"])) for obj in objects]
        where = [f"deliveries[{self._delivery.name}] on {cluster['name']}: {object_id(obj)}" for obj in objects]
        return normalise(found, where)

    def replicas(self) -> dict[str, dict[str, int]]:
        """By divided workload, its replicas by cluster."""
        return self._shares

    def warnings(self) -> list[str]:
        """What is to be known about its chart, once the clusters were looked at."""
        kept = sorted(self._chart.kept) if self._chart is not None else []
        if not kept:
            return []
        named = ", ".join(kept)
        return [
            f"delivery {self._delivery.name}: {named}: the chart says helm.sh/resource-policy: keep, and what leaves a "
            "delivery is deleted all the same"
        ]

    def problems(self) -> list[Problem]:
        """The patches that fit no object on any cluster, once all clusters were looked at."""
        if self._chart is None or set(self._unfit) != set(self._clusters) or not self._unfit:
            return []
        return unfitting(self._delivery, sorted(set.intersection(*self._unfit.values())))

    def _made(self, obj: Object, patches: t.Iterable[tuple[int, Patch]], cluster: str) -> Object:
        share = self._shares.get(object_id(obj))
        made = obj if share is None else with_replicas(obj, share[cluster])
        for place, patch in patches:
            if patch.fits(obj):
                try:
                    made = patch.applied(made)
                except PatchFailed as exc:
                    key = f"deliveries[{self._delivery.name}].patches[{place}].json_patch on {cluster}"
                    remedy = "Correct the patch, or what it is for"
                    raise InvalidInput([Problem(key, object_id(obj), str(exc), remedy)]) from None
        return made

    def _rendered(self, chart: Rendering, cluster: t.Mapping[str, t.Any], client: Client | None) -> Normal:
        """The objects of the chart and the others; the same ones for clusters whose chart is the same."""
        rendered, key = chart.of(cluster, client), f"deliveries[{self._delivery.name}]"
        with self._lock:
            if id(rendered) not in self._whole:
                both = [*self._objects, *rendered]
                names = [*map(object_id, self._objects), *(f"the chart's {object_id(obj)}" for obj in rendered)]
                wrong = _in_our_namespace(key, rendered)
                if wrong:
                    raise InvalidInput(wrong)
                self._whole[id(rendered)] = normalise(both, names)
            objects = self._whole[id(rendered)]
            self._unfit[str(cluster["name"])] = set(unmatched(self._delivery.patches, objects))
            self._divide(objects, str(cluster["name"]))
        return objects

    def _divide(self, objects: Normal, cluster: str) -> None:
        """Divides the replicas, of which there must be one sum for all clusters."""
        if self._delivery.division.way == DIVISIONS[0]:
            return
        totals = {object_id(obj): replicas_of(obj) for obj in objects if is_scaled(obj)}
        if self._totals is None:
            self._totals = totals
            self._shares = {
                name: shares(total, self._delivery.division, self._clusters, self._allocatable)
                for name, total in totals.items()
            }
        other = sorted(name for name in {**totals, **self._totals} if totals.get(name) != self._totals.get(name))
        if other:
            key, reason = f"deliveries[{self._delivery.name}].replicas on {cluster}", "are not the same everywhere"
            remedy = "Divide what every cluster declares alike, or leave replicas out"
            raise InvalidInput([Problem(key, ", ".join(other), reason, remedy)])
