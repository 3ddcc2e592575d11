# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The objects of a created cluster's network."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.lodestar.platform.plugins.module_utils.errors import InvalidInput
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import addons

DOCUMENTATION = r"""
name: network_objects
short_description: The objects of a created cluster's network
version_added: 0.1.0
description:
  - kube-router, its account and its rights, as M(lodestar.platform.addons) holds them, for the control plane that
    founds the cluster with M(lodestar.platform.control_plane). Nodes become Ready as they join then.
options:
  _input:
    description: The cluster's entry in the fleet.
    type: dict
    required: true
  images:
    description: Image references in place of the bundle's, as O(lodestar.platform.addons#module:images).
    type: dict
    default: {}
"""

EXAMPLES = r"""
network: "{{ lodestar_fleet.clusters.east | lodestar.platform.network_objects }}"
"""

RETURN = r"""
_value:
  description: The objects, in an order in which they can be applied.
  type: list
  elements: dict
"""


def network_objects(
    cluster: t.Mapping[str, t.Any], images: t.Mapping[str, str] | None = None
) -> list[dict[str, t.Any]]:
    """The objects as members of the add-ons' set."""
    try:
        return addons.network(cluster, images or {})
    except (InvalidInput, KeyError) as exc:
        raise AnsibleFilterError(f"network_objects takes a cluster's entry in the fleet: {exc}") from exc


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Name and function of each."""
        return {"network_objects": network_objects}
