# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The objects that give the platform its rights on a cluster."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import access
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.identity import Mark

DOCUMENTATION = r"""
name: access_objects
short_description: The objects that give the platform its rights on a cluster
version_added: 0.1.0
description:
  - Namespace, ServiceAccount, roles and bindings of a tier, for M(lodestar.platform.cluster_access).
options:
  _input:
    description: The tier, V(observe), V(tenant) or V(lifecycle).
    type: str
    required: true
  hub:
    description: The cluster is the hub, whose records are kept too.
    type: bool
    default: false
  hub_uid:
    description: Identity of the hub that the cluster belongs to. Without it the cluster is not marked.
    type: str
  cluster:
    description: Name of the cluster in the fleet.
    type: str
  grants:
    description: Rights beyond the tier's, C(cluster_roles) to bind and C(resources) to manage.
    type: dict
"""

EXAMPLES = r"""
objects: "{{ 'lifecycle' | lodestar.platform.access_objects(hub_uid=lodestar_hub_uid, cluster='east') }}"
"""

RETURN = r"""
_value:
  description: The objects, in an order in which they can be applied.
  type: list
  elements: dict
"""


def access_objects(
    tier: str,
    hub: bool = False,
    hub_uid: str | None = None,
    cluster: str | None = None,
    grants: dict[str, list[str]] | None = None,
) -> list[dict[str, t.Any]]:
    """The objects of a tier, with the hub's mark where the hub is known."""
    if tier not in access.TIERS:
        raise AnsibleFilterError(f"{tier!r} is no tier of access; there are {', '.join(access.TIERS)}")
    mark = Mark(hub_uid=str(hub_uid), cluster=str(cluster)) if hub_uid and cluster and not hub else None
    return access.access_objects(str(tier), hub=bool(hub), mark=mark, grants=grants)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Name and function of each."""
        return {"access_objects": access_objects}
