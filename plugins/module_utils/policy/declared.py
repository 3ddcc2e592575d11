# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which of the declared policies are for a cluster. Pure. Private to the collection."""

from __future__ import annotations

import typing as t

from ..fleet.selectors import concerns
from .model import Policy, read_all


def for_cluster(declared: t.Any, cluster: t.Mapping[str, t.Any]) -> list[Policy]:
    """The policies that are for this cluster. All declared ones are checked.

    :raises InvalidInput: with every problem.
    """
    policies = read_all(declared)
    return [policy for policy, item in zip(policies, declared, strict=True) if concerns(item, cluster)]
