# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster that the same run would make or attach first, for check mode. Private to the collection."""

from __future__ import annotations

import typing as t

from ..kube.absent import AbsentCluster

Object = dict[str, t.Any]


class AbsentMember(AbsentCluster):
    """Answers as :class:`Member` does of a cluster that holds nothing."""

    def act(self) -> None:
        """Nothing was asked, so there is nothing to ask anew."""

    def ledgers(self) -> dict[str, Object]:
        """There are none."""
        return {}

    def delivered(self) -> set[str]:
        """No delivery is there."""
        return set()

    def ready(self, objects: t.Iterable[Object]) -> bool:
        """Check mode waits for nothing."""
        return True
