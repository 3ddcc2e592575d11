# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Nodes, as the API lists them, say. Pure."""

from __future__ import annotations

import typing as t

Node = t.Mapping[str, t.Any]


def names(nodes: t.Iterable[Node]) -> list[str]:
    """Their names, sorted."""
    return sorted(node["metadata"]["name"] for node in nodes)


def is_ready(node: Node) -> bool:
    """Whether its condition Ready is True."""
    return any(item["type"] == "Ready" and item["status"] == "True" for item in node["status"]["conditions"])


def unready(nodes: t.Iterable[Node]) -> list[str]:
    """Names of those that are not Ready."""
    return names(node for node in nodes if not is_ready(node))


def cordoned(nodes: t.Iterable[Node]) -> list[str]:
    """Names of those that take no new pods."""
    return names(node for node in nodes if node["spec"].get("unschedulable"))


def kubelets(nodes: t.Iterable[Node]) -> dict[str, str]:
    """Version of the kubelet by name, without the v."""
    return {node["metadata"]["name"]: node["status"]["nodeInfo"]["kubeletVersion"].removeprefix("v") for node in nodes}
