# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a namespace takes new workloads, or is on its way out. Pure. Private to the collection."""

from __future__ import annotations

import typing as t

from ..declaration import Reader

#: From the usual one to the last: C(cordoned) takes no new workloads, and of C(retired) members only read.
STATES = ("active", "cordoned", "retired")
#: A label of namespaces that are not active, by which the API server chooses them.
LABEL = "lodestar.platform/state"

#: By cluster; that of all others under the empty name.
ByCluster: t.TypeAlias = dict[str, str]


def read(value: t.Any, reader: Reader, key: str) -> ByCluster:
    """The key C(state): one for all clusters, or a mapping of clusters to theirs."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        return {"": reader.choice(value, key, STATES)}
    found = {}
    for cluster, state in value.items():
        if not isinstance(cluster, str) or not cluster:
            reader.problem(key, cluster, "is not the name of a cluster", "quote it")
            continue
        found[cluster] = reader.choice(state, f"{key}.{cluster}", STATES)
    return found


def combined(cluster: str, *declared: ByCluster) -> str:
    """The state in a cluster: the last of those that a tenant and its namespace say."""
    said = [one.get(cluster, one.get("", STATES[0])) for one in declared]
    return max(said, key=STATES.index)
