# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Label selectors, with the semantics of Kubernetes (apimachinery, labels.Requirement.Matches). Pure. Private to the
collection.
"""

from __future__ import annotations

import typing as t

OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")


def matches(selector: t.Mapping[str, t.Any], labels: t.Mapping[str, str]) -> bool:
    """True when all requirements of the LabelSelector hold. An empty selector matches everything.

    C(NotIn) and C(DoesNotExist) hold for labels without the key, as in Kubernetes.

    :raises ValueError: for an operator that LabelSelectors do not have.
    """
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    return all(holds(item, labels) for item in selector.get("matchExpressions") or [])


def holds(requirement: t.Mapping[str, t.Any], labels: t.Mapping[str, str]) -> bool:
    """True when one of C(matchExpressions) holds.

    :raises ValueError: for an operator that LabelSelectors do not have.
    """
    key, operator = requirement["key"], requirement["operator"]
    values = requirement.get("values") or []
    if operator == "In":
        return key in labels and labels[key] in values
    if operator == "NotIn":
        return key not in labels or labels[key] not in values
    if operator == "Exists":
        return key in labels
    if operator == "DoesNotExist":
        return key not in labels
    raise ValueError(f"{operator!r} is not an operator of a label selector: {', '.join(OPERATORS)}")
