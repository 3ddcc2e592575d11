# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one set of ours hands on to another: members change their set where they stand, and nothing is made anew.

Reads nothing while there is nothing to hand on. Private to the collection.
"""

from __future__ import annotations

import typing as t

from ..plan import Step
from . import ledger
from .applyset import ApplySet, kind_of, kinds_of
from .client import Client
from .desired import key_of
from .diff import covers
from .observed import Key, serving
from .steps import CLOSING_WAVE, plain_step

Object = dict[str, t.Any]


class Legacy:
    """The members of an older set that a newer one takes over.

    :ivar applyset: the older one.
    """

    def __init__(self, client: Client, applyset: ApplySet) -> None:
        self.applyset = applyset
        self._client = client
        self._taken: set[Key] = set()
        self._read = False
        self._parent: Object | None = None

    def take(self, there: Object) -> Object | None:
        """Notes a member that is taken over. Returns its entry in the older set's ledger, for that of the newer one:
        who hands it back some day must know what stood there before either of them.
        """
        self._taken.add(key_of(there))
        return ledger.held(ledger.entries(self._old()), there)

    def closing(self, target: str) -> list[Step]:
        """The step by which the older set forgets, at the end, what it no longer has."""
        parent = self._old() if self._taken else None
        if parent is None:
            return []
        rest = self._rest(parent)
        kept = {key: item for key, item in ledger.entries(parent).items() if key not in self._taken}
        spaces = {obj["metadata"]["namespace"] for obj in rest if obj["metadata"].get("namespace")}
        final = self.applyset.parent({kind_of(obj) for obj in rest}, spaces, ledger.data(kept))
        same = covers(final, parent) and set(final.get("data") or ()) == set(parent.get("data") or ())
        return [] if same else [plain_step(self._client, final, parent, target, CLOSING_WAVE)]

    def _old(self) -> Object | None:
        if not self._read:
            self._parent = self._client.get("v1", "ConfigMap", self.applyset.parent_name, self.applyset.namespace)
            self._read = True
        return self._parent

    def _rest(self, parent: Object) -> list[Object]:
        """The members that stay."""
        kinds = filter(None, (serving(self._client, name) for name in sorted(kinds_of(parent))))
        there = [obj for kind in kinds for obj in self._client.list(*kind, label_selector=self.applyset.selector)]
        return [obj for obj in there if key_of(obj) not in self._taken]
