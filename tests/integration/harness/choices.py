# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Choices of clusters, of tenants and of policies, and whether one cluster is among them."""

from __future__ import annotations

import typing as t

#: The cluster, in the arguments of a module.
EAST: dict[str, t.Any] = {"cluster": "east", "cluster_labels": {"env": "prod", "region": "north"}}


def _expression(key: str, operator: str, *values: str) -> dict[str, t.Any]:
    return {"selector": {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}}


#: Name -> C(clusters), and whether that is for the cluster.
CHOICES: dict[str, tuple[dict[str, t.Any] | None, bool]] = {
    "all": (None, True),
    "named": ({"names": ["west", "east"]}, True),
    "not-named": ({"names": ["west", "eastern"]}, False),
    "labels": ({"selector": {"matchLabels": {"env": "prod", "region": "north"}}}, True),
    "other-label": ({"selector": {"matchLabels": {"env": "prod", "region": "south"}}}, False),
    "in": (_expression("env", "In", "test", "prod"), True),
    "not-in": (_expression("env", "In", "test"), False),
    "other-key": (_expression("region", "In", "prod"), False),
    "outside": (_expression("env", "NotIn", "test"), True),
    "not-outside": (_expression("env", "NotIn", "test", "prod"), False),
    "there": (_expression("region", "Exists"), True),
    "not-there": (_expression("zone", "Exists"), False),
    "without": (_expression("zone", "DoesNotExist"), True),
    "not-without": (_expression("region", "DoesNotExist"), False),
}
