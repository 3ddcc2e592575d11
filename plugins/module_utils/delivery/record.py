# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a delivery is, as the hub keeps it: a ConfigMap a delivery. Private to the collection.

A cluster is named before the first object is written there, and until the last one is gone. So a run that was killed is
taken up by the next, whatever is decided by then. The ledgers on the clusters say the same, and are asked where a
delivery has no record.
"""

from __future__ import annotations

import json
import typing as t
from types import MappingProxyType

from ..errors import PlatformError
from ..fleet.identity import NAMESPACE
from ..kube.client import Client
from ..kube.resources import object_id
from ..kube.steps import CLOSING_WAVE, PARENT_WAVE, plain_step
from ..plan import Step
from .failover_rule import Mark, read_marks, render_marks
from .rollout.standing import Standing, read, told

Object = dict[str, t.Any]

LABEL = "lodestar.platform/record"
_KIND = "delivery"
_PREFIX = "delivery-"
_DATA, _LOST = "clusters", "lost"
_ROLLOUT = "rollout"


class Records:
    """The records of all deliveries. Costs no request beyond what a snapshot of the hub has listed."""

    def __init__(self, hub: Client) -> None:
        found = hub.list("v1", "ConfigMap", namespace=NAMESPACE, label_selector=f"{LABEL}={_KIND}")
        self._there = {str(obj["metadata"]["name"]).removeprefix(_PREFIX): obj for obj in found}

    @property
    def names(self) -> list[str]:
        """The deliveries that are recorded."""
        return sorted(self._there)

    def clusters(self, name: str) -> list[str]:
        """The clusters on which a delivery may be.

        :raises PlatformError: somebody has changed the record.
        """
        there = self._there.get(name)
        if there is None:
            return []
        try:
            found = json.loads(there["data"][_DATA])
        except (KeyError, TypeError, ValueError):
            found = None
        if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
            raise PlatformError(
                f"the hub's {object_id(there)} does not say where the delivery {name} is. Delete it, and the ledgers "
                "of all clusters are asked instead; nothing was changed."
            )
        return sorted(found)

    def standing(self, name: str) -> Standing | None:
        """How the rollout of a delivery stands; None where nothing is known of one.

        :raises PlatformError: somebody has changed the record.
        """
        text = ((self._there.get(name) or {}).get("data") or {}).get(_ROLLOUT)
        if text is None:
            return None
        try:
            return read(text)
        except (TypeError, ValueError):
            raise PlatformError(
                f"the hub's {object_id(self._there[name])} does not say how the rollout of {name} stands. Remove "
                f"{_ROLLOUT} from it, and the rollout begins anew; nothing was changed."
            ) from None

    def lost(self, name: str) -> dict[str, Mark]:
        """The clusters of a delivery that were replaced while they did not answer.

        :raises PlatformError: somebody has changed the record.
        """
        there = self._there.get(name)
        try:
            return read_marks(json.loads(((there or {}).get("data") or {}).get(_LOST) or "{}"))
        except (TypeError, ValueError):
            raise PlatformError(
                f"the hub's {object_id(there or {})} does not say from where the delivery {name} has moved. Remove "
                f"its data {_LOST}, by which copies that were left are removed like others; nothing was changed."
            ) from None

    def steps(
        self,
        hub: Client,
        target: str,
        name: str,
        during: t.Collection[str],
        after: t.Collection[str],
        standings: tuple[Standing | None, Standing | None] = (None, None),
        lost: t.Mapping[str, Mark] = MappingProxyType({}),
    ) -> Steps:
        """The steps before the first object of a delivery is written or deleted, and after the last.

        :param during: the clusters on which it may be until then.
        :param after: those on which it is afterwards.
        :param standings: how its rollout stands during, and after.
        :param lost: the clusters that were replaced while they did not answer.
        """
        there = self._there.get(name)
        # What is known of a rollout goes last.
        first = standings[0] if standings[0] is not None else self.standing(name)
        opening, closing = render(name, during, first, lost), render(name, after, standings[1], lost)
        before: list[Step] = []
        known = there is not None and (self.clusters(name), self.standing(name)) == (sorted(during), first)
        if during and not (known and opening["data"].get(_LOST) == (there or {})["data"].get(_LOST)):
            before = [plain_step(hub, opening, there, target, PARENT_WAVE)]
        if opening["data"] == closing["data"] and (after or there is None):
            return before, []
        if after:
            return before, [plain_step(hub, closing, opening, target, CLOSING_WAVE)]
        return before, [_forget(hub, opening, target)]


#: Before and after.
Steps = tuple[list[Step], list[Step]]


def render(
    name: str,
    clusters: t.Collection[str],
    standing: Standing | None = None,
    lost: t.Mapping[str, Mark] = MappingProxyType({}),
) -> Object:
    """The record of a delivery."""
    rollout = {_ROLLOUT: told(standing)} if standing is not None else {}
    marks = render_marks({cluster: mark for cluster, mark in lost.items() if cluster in clusters})
    away = {_LOST: json.dumps(marks, sort_keys=True)} if marks else {}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": _PREFIX + name, "namespace": NAMESPACE, "labels": {LABEL: _KIND}},
        "data": {_DATA: json.dumps(sorted(clusters)), **rollout, **away},
    }


def _forget(hub: Client, obj: Object, target: str) -> Step:
    return Step(
        id=f"{object_id(obj)}#closing",
        action="delete",
        target=target,
        description=f"delete ConfigMap {NAMESPACE}/{obj['metadata']['name']}",
        before=obj,
        perform=lambda: hub.delete("v1", "ConfigMap", obj["metadata"]["name"], NAMESPACE),
        wave=CLOSING_WAVE,
    )
