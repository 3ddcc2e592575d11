# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether clusters hold the platform's add-ons, for a look that asks them other things as well. Private to the
collection."""

from __future__ import annotations

import typing as t

from ..kube.apply import ApplySet
from ..kube.client import Client
from ..kube.desired import Normal, key_of
from ..kube.wait import WAITED_FOR, missing
from .addons import Addon, AddonContent
from .look import steps_to_hold
from .record import Records


class Held:
    """What is declared and recorded of add-ons. Threads may share it.

    :param addons: all of the platform.
    """

    def __init__(self, addons: t.Sequence[Addon], records: Records) -> None:
        self._addons, self._records = addons, records

    def on(self, cluster: t.Mapping[str, t.Any], client: Client) -> bool:
        """True when a cluster has its add-ons, they are ready, and the hub records that they are there, and no others.

        :param client: of the cluster.
        :raises PlatformError: it does not answer, or something there is refused.
        """
        return all(self._one(addon, cluster, client) for addon in self._addons)

    def _one(self, addon: Addon, cluster: t.Mapping[str, t.Any], client: Client) -> bool:
        chosen, name = addon.item["clusters"]["names"], str(cluster["name"])
        if (name in chosen) != (name in self._records.clusters(addon.name)):
            return False
        if name not in chosen:
            return True
        desired = AddonContent(addon).of(cluster)
        return not steps_to_hold(addon, desired, client, name) and _is_ready(desired, client, addon.set_name)


def _is_ready(desired: Normal, client: Client, set_name: str) -> bool:
    """Told by what was listed of the set."""
    kinds = {(str(obj["apiVersion"]), str(obj["kind"])) for obj in desired if obj["kind"] in WAITED_FOR}
    selector = ApplySet(set_name).selector
    there = {key_of(obj): obj for kind in sorted(kinds) for obj in client.list(*kind, label_selector=selector)}
    return not any(missing(there.get(key_of(obj))) for obj in desired if obj["kind"] in WAITED_FOR)
