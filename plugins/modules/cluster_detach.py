#!/usr/bin/python
# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_detach
short_description: Take a cluster out of the fleet
version_added: 0.1.0
description:
  - Removes from an attached cluster every object that attaching, tenants and policies made, puts back what objects were
    before they were adopted, looks once more that nothing of ours is left, and deletes its own access last. Then the
    hub forgets the cluster.
  - It uses the access that the hub keeps. When that has ended, or was revoked, a credential of an administrator is
    needed; with one, the cluster-wide rights are deleted one by one, without one Kubernetes' garbage collector takes
    them, since the namespace C(lodestar-system) owns them.
  - A cluster that cannot be reached is marked on the hub and managed no longer; running again once it can be reached
    finishes the job, which a site run does by itself. The mark says since when and why.
  - A run that was killed goes on where it stopped. A cluster that the hub does not know is as wanted.
  - Clusters that the platform created are refused, since their machines would be left to nobody; they are reset.
options:
  cluster:
    description: Name of the cluster, as the hub has it. It need not be in the inventory any more.
    type: str
    required: true
  namespaces:
    description:
      - What becomes of the namespaces that tenants got. V(keep) leaves them with all workloads, without our labels,
        quotas, network policies and role bindings. V(delete) deletes them with everything in them, but for those that
        were adopted, which are always kept.
      - By default V(keep), or what was said when the detachment was begun.
    type: str
    choices: [keep, delete]
  unreachable:
    description:
      - What to do when the cluster cannot be reached. V(tombstone) marks it on the hub, V(fail) changes nothing, and
        V(forget) removes it from the hub without looking, reachable or not, for a cluster that is gone for good.
    type: str
    choices: [tombstone, fail, forget]
    default: tombstone
  timeout:
    description: How many seconds to wait until what was deleted is gone.
    type: int
    default: 300
attributes:
  check_mode:
    description: The plan is the same, and nothing is written.
    support: full
  diff_mode:
    description: Shows every object that would be or was changed, before and after. Secret values are never part of it.
    support: full
extends_documentation_fragment:
  - lodestar.platform.hub
  - lodestar.platform.connection
  - lodestar.platform.login
author:
  - The lodestar.platform authors (@lodestar-platform)
"""

EXAMPLES = r"""
- name: Take a cluster out of the fleet, its tenants keep their namespaces
  lodestar.platform.cluster_detach:
    cluster: legacy
    hub_access: "{{ lodestar_hub_access }}"

- name: See what would go with the namespaces
  lodestar.platform.cluster_detach:
    cluster: legacy
    namespaces: delete
    hub_access: "{{ lodestar_hub_access }}"
  check_mode: true
  register: leaving

- name: Forget a cluster that is gone for good
  lodestar.platform.cluster_detach:
    cluster: burnt-down
    unreachable: forget
    hub_access: "{{ lodestar_hub_access }}"
"""

RETURN = r"""
state:
  description: C(detached), C(pending) (it cannot be reached, the hub remembers it), or C(absent) (the hub does not know
    it).
  returned: success
  type: str
reason:
  description: Why the cluster could not be reached, empty otherwise.
  returned: success
  type: str
since:
  description: When the detachment was first asked for, as RFC 3339; V(null) where the hub does not know the cluster.
  returned: success
  type: str
namespaces:
  description: What becomes of tenants' namespaces, C(keep) or C(delete); V(null) where the hub does not know the
    cluster.
  returned: success
  type: str
left:
  description: What is still there of what was deleted, and what it waits for.
  returned: when something was not gone in time
  type: list
  elements: str
plan:
  description: What was done, or in check mode would be done, in order.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The object as C(apiVersion/Kind/namespace/name).
      returned: always
      type: str
    action:
      description: C(create), C(update) or C(delete).
      returned: always
      type: str
    target:
      description: The cluster that is changed.
      returned: always
      type: str
    description:
      description: The step in words.
      returned: always
      type: str
    before:
      description: The declared fields as they were.
      returned: in check mode, and with C(--diff)
      type: raw
    after:
      description: The declared fields as they will be.
      returned: in check mode, and with C(--diff)
      type: raw
"""

from ..module_utils.fleet.detach import OPERATION


def main() -> None:
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
