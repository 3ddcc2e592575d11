# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nodes that are a tenant's own. Pure. Private to the collection.

The nodes carry labels, and the taint C(lodestar.platform/tenant=<tenant>), from the inventory or an administrator. Pods
of the tenant must choose them, and pods of other tenants must not tolerate the taint.
"""

from __future__ import annotations

import typing as t

from ..declaration import TENANT_LABEL, Reader

KEYS = ("labels",)
#: The annotation of namespaces that says which labels the nodes have: C(pool=payments,zone=a).
ANNOTATION = "lodestar.platform/nodes"
#: The key of the taint; its value is the tenant.
TAINT = TENANT_LABEL


def read(value: t.Any, reader: Reader, key: str) -> dict[str, str]:
    """The key C(nodes) of a tenant: labels of its nodes, empty when it has none of its own."""
    if value is None:
        return {}
    declared = reader.mapping(value, key, KEYS)
    labels = reader.labels(declared.get("labels"), f"{key}.labels")
    if not labels:
        reason = "nodes of its own are told by at least one label"
        reader.problem(f"{key}.labels", declared.get("labels"), reason, "name one, such as pool: payments")
    return labels


def notes(labels: t.Mapping[str, str]) -> dict[str, str]:
    """What stands on each namespace of a tenant."""
    return {ANNOTATION: ",".join(f"{key}={labels[key]}" for key in sorted(labels))} if labels else {}
