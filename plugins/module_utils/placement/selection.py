# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Selectors of clusters as OCM builds them, with the reason when a cluster does not match. Pure. Private to the
collection.

A selector that Kubernetes' label library refuses is an error for the whole Placement, not one that matches nothing.
"""

from __future__ import annotations

import typing as t

from ..declaration import is_label_key, is_label_value
from ..labels import OPERATORS, holds

Object = t.Mapping[str, t.Any]


class Misconfigured(Exception):
    """OCM refuses the Placement as it stands, and empties its decisions.

    :param plugin: the part of the scheduler that refuses it, as OCM names it; empty for the scheduler itself.
    """

    def __init__(self, reason: str, plugin: str = "") -> None:
        super().__init__(reason)
        self.plugin = plugin


def requirements(selector: Object | None) -> list[Object]:
    """A LabelSelector as a list of its requirements, checked as Kubernetes checks them.

    :raises Misconfigured: a key, an operator or a value is none of a label selector.
    """
    found: list[Object] = [
        {"key": key, "operator": "In", "values": [value]}
        for key, value in ((selector or {}).get("matchLabels") or {}).items()
    ]
    found += (selector or {}).get("matchExpressions") or []
    for item in found:
        _check(item)
    return found


def _check(item: Object) -> None:
    key, operator, values = str(item.get("key") or ""), item.get("operator"), item.get("values") or []
    if operator not in OPERATORS:
        raise Misconfigured(f"{operator!r} is not an operator of a selector: {', '.join(OPERATORS)}")
    if len(key) > 317 or not is_label_key(key):
        raise Misconfigured(f"{key!r} is not a key of a selector, which is written as name or example.org/name")
    if operator in ("In", "NotIn") and not values:
        raise Misconfigured(f"{operator} of {key} has no values")
    if operator in ("Exists", "DoesNotExist") and values:
        raise Misconfigured(f"{operator} of {key} takes no values")
    for value in values:
        if not is_label_value(value):
            raise Misconfigured(f"{value!r} for {key} is no label value, and a selector can hold no other")


def first_unmet(wanted: t.Sequence[Object], labels: t.Mapping[str, str], what: str) -> str:
    """What the labels lack, empty when all requirements hold.

    :param what: C(label) or C(claim), for people.
    """
    for item in wanted:
        if not holds(item, labels):
            return _told(item, labels, what)
    return ""


def _told(item: Object, labels: t.Mapping[str, str], what: str) -> str:
    key, operator = item["key"], item["operator"]
    there = f"{what} {key} is {labels[key]!r}" if key in labels else f"there is no {what} {key}"
    words = {"In": "not one of", "NotIn": "one of those not wanted"}
    if operator == "Exists":
        return there
    if operator == "DoesNotExist":
        return f"{there}, and must not exist"
    values = ", ".join(item.get("values") or ())
    return f"{there}, {words[operator]}: {values}" if key in labels else f"{there}, wanted: {values}"


def claims_of(cluster: Object) -> dict[str, str]:
    """The claims in a ManagedCluster's status, by name."""
    return {
        item.get("name", ""): item.get("value", "") for item in (cluster.get("status") or {}).get("clusterClaims") or ()
    }


def labels_of(cluster: Object) -> dict[str, str]:
    """A ManagedCluster's labels."""
    return dict((cluster.get("metadata") or {}).get("labels") or {})
