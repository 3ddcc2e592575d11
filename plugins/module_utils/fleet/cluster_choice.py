# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which clusters an item of a platform-wide list names, and what is wrong with that. Pure. Private to the collection.

Which clusters that means is answered by selectors.py.
"""

from __future__ import annotations

import typing as t

from ..declaration import Reader
from ..labels import OPERATORS
from .selectors import runs_workloads, why_left_out

Clusters = t.Mapping[str, t.Mapping[str, t.Any]]


def check(value: t.Any, reader: Reader, key: str, clusters: Clusters | None, workloads_only: bool) -> None:
    """Notes what is wrong with an item's C(clusters).

    :param clusters: the fleet's clusters by name, ``None`` when only the item itself can be judged.
    :param workloads_only: the item must not be for a global cluster that is not co-located.
    """
    if value is None:
        return
    chosen = reader.mapping(value, key, ("names", "selector"))
    if isinstance(value, dict) and len(set(chosen) & {"names", "selector"}) != 1:
        reason = "an item names its clusters in exactly one way"
        reader.problem(
            key,
            value,
            reason,
            "write names: [...] or selector: {...}, or leave clusters out for every workload cluster",
        )
    check_selector(chosen.get("selector"), reader, f"{key}.selector")
    for place, name in enumerate(reader.sequence(chosen.get("names"), f"{key}.names")):
        where = f"{key}.names[{place}]"
        if not isinstance(name, str):
            reader.problem(where, name, "is not the name of a cluster", "quote it")
        elif clusters is None:
            continue
        elif name not in clusters:
            reader.problem(
                where,
                name,
                f"is not a cluster of the inventory; there are {', '.join(sorted(clusters))}",
                "correct the name",
            )
        elif workloads_only and not runs_workloads(clusters[name]):
            reason = "is the dedicated global cluster, which runs platform components only"
            reader.problem(
                where, name, reason, "choose a workload cluster, or set cluster_colocated: true on the global cluster"
            )
        elif why := why_left_out(clusters[name]):
            reader.problem(where, name, f"cannot hold it: {why}", "attach it with cluster_access: {tier: tenant}")


def check_selector(value: t.Any, reader: Reader, key: str) -> None:
    """Notes what is wrong with a LabelSelector."""
    selector = reader.mapping(value, key, ("matchLabels", "matchExpressions"))
    reader.labels(selector.get("matchLabels"), f"{key}.matchLabels")
    for place, entry in enumerate(reader.sequence(selector.get("matchExpressions"), f"{key}.matchExpressions")):
        where = f"{key}.matchExpressions[{place}]"
        expression = reader.mapping(entry, where, ("key", "operator", "values"))
        if not isinstance(expression.get("key"), str):
            reader.problem(f"{where}.key", expression.get("key"), "is not a label key", "name the label")
        operator = reader.choice(expression.get("operator"), f"{where}.operator", OPERATORS)
        values = reader.sequence(expression.get("values"), f"{where}.values")
        if operator in ("In", "NotIn") and not values:
            reader.problem(f"{where}.values", values, f"{operator} needs values", "list at least one")
        if operator in ("Exists", "DoesNotExist") and values:
            reader.problem(f"{where}.values", values, f"{operator} takes no values", "remove them")
