# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One cluster, seen by all deliveries at once: each kind is listed once, whatever many of them ask. Private to the
collection.
"""

from __future__ import annotations

import typing as t

from ..fleet.identity import NAMESPACE
from ..kube.applyset import ID, PART_OF, ApplySet, set_of
from ..kube.client import Client, Objects
from ..kube.connection import Connection
from ..kube.wait import WAITED_FOR, missing

Object = dict[str, t.Any]

_PREFIX = "applyset-delivery-"
#: Ids of so many sets fit into an address.
_MOST_IDS = 50


class Member(Client):
    """A client that answers for sets from one LIST a kind, and for their ledgers from one LIST, while plans are made.

    :param sets: those that will be asked for.
    """

    def __init__(self, connection: Connection, sets: t.Collection[ApplySet]) -> None:
        super().__init__(connection)
        self._ids = {one.selector: one.id for one in sets}
        self._ledgers: dict[str, Object] | None = None
        self._kinds: dict[tuple[str, str], dict[str | None, Objects]] = {}
        self._places: dict[tuple[str, ...], Object] = {}
        self._looking = True

    def act(self) -> None:
        """From now on everything is asked anew."""
        self._looking = False

    def ledgers(self) -> dict[str, Object]:
        """The ledgers of all sets, by name."""
        if self._ledgers is None:
            found = super().list("v1", "ConfigMap", namespace=NAMESPACE, label_selector=ID)
            self._ledgers = {str(obj["metadata"]["name"]): obj for obj in found}
        return self._ledgers

    def delivered(self) -> set[str]:
        """The names of the deliveries that have a ledger here."""
        return {name.removeprefix(_PREFIX) for name in self.ledgers() if name.startswith(_PREFIX)}

    def ready(self, objects: t.Iterable[Object]) -> bool:
        """True when all objects that can be unready were listed, and are ready."""
        return not any(missing(self._places.get(_place(obj))) for obj in objects if obj["kind"] in WAITED_FOR)

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Object | None:
        """An object; the ledger of a set as it was when all were listed."""
        ours = (api_version, kind, namespace) == ("v1", "ConfigMap", NAMESPACE) and name.startswith(_PREFIX)
        if self._looking and ours:
            return self.ledgers().get(name)
        return super().get(api_version, kind, name, namespace)

    def list(
        self,
        api_version: str,
        kind: str,
        *,
        namespace: str | None = None,
        label_selector: str | None = None,
        field_selector: str | None = None,
    ) -> Objects:
        """Objects of a kind; the members of a set out of those of all of them."""
        wanted = self._ids.get(label_selector or "")
        if not self._looking or wanted is None or namespace or field_selector:
            return super().list(
                api_version, kind, namespace=namespace, label_selector=label_selector, field_selector=field_selector
            )
        if (api_version, kind) not in self._kinds:
            sets: dict[str | None, Objects] = {}
            for obj in super().list(api_version, kind, label_selector=self._selector()):
                sets.setdefault(set_of(obj), []).append(obj)
                self._places[_place(obj)] = obj
            self._kinds[api_version, kind] = sets
        return list(self._kinds[api_version, kind].get(wanted, ()))

    def _selector(self) -> str:
        ids = sorted(self._ids.values())
        return PART_OF if len(ids) > _MOST_IDS else f"{PART_OF} in ({','.join(ids)})"


def _place(obj: Object) -> tuple[str, ...]:
    metadata = obj["metadata"]
    return obj["apiVersion"], obj["kind"], metadata.get("namespace") or "", metadata["name"]
