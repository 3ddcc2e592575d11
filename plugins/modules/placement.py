#!/usr/bin/python
# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: placement
short_description: Hold the hub to the declared placements
version_added: 0.1.0
description:
  - Makes a Placement of Open Cluster Management (OCM) for each declared one, in one namespace, with the
    ManagedClusterSetBinding that it needs, and deletes ours that are no longer declared.
  - Decides nothing. OCM's placement controller does, and M(lodestar.platform.placement_info) tells what it decides and
    why.
  - What OCM would refuse, or take and not do, is refused here, with every mistake in one message.
options:
  placements:
    description:
      - The placements of the platform.
      - >-
        Keys of an item are C(name), C(description), and those of a Placement's spec in OCM's names: C(clusterSets),
        C(numberOfClusters), C(predicates), C(prioritizerPolicy), C(tolerations) and C(decisionStrategy);
        see docs/placement.md.
    type: list
    elements: dict
    required: true
  cluster:
    description: Name of the hub, as in the inventory.
    type: str
    required: true
  namespace:
    description: The namespace of the hub that holds the placements. It is made, and ends with the last of them.
    type: str
    default: lodestar-placements
  cluster_set:
    description: The ManagedClusterSet that is bound to the namespace, from which placements choose.
    type: str
    default: default
  controller_image:
    description:
      - Image of OCM's placement controller, with its program at C(/placement). It is run in C(lodestar-system), with
        the rights that it uses and no others; none of OCM's agents and other controllers are needed. Must be an image
        that the hub's nodes can get, such as V(registry.example.org/open-cluster-management/placement:v1.2.1).
      - V(bundle) is the image that the machines of a global cluster get from the collection's bundle.
      - Empty where OCM runs on the hub already. One that was run by this module is deleted then.
    type: str
    default: ''
  controller_replicas:
    description: How many pods of the controller run. One of them decides, another one takes over when it is lost.
    type: int
    default: 1
  prune_all:
    description:
      - Allow that nothing is declared and all of our placements are deleted. Without it that is refused.
    type: bool
    default: false
  adopt:
    description:
      - Kinds of which objects that exist and were made by somebody else are taken over, such as V(Namespace), or
        V(all). Others are refused by name.
    type: list
    elements: str
    default: []
  force:
    description:
      - Take over fields of our objects that another field manager declares as well, with another value.
        Without it the conflict is refused, and names the manager.
    type: bool
    default: false
  cluster_exists:
    description:
      - With V(false) the hub is taken for one that is yet to be made. The plan is that of an empty cluster, and
        nothing can be carried out; this is for check mode on machines that hold nothing.
    type: bool
    default: true
attributes:
  check_mode:
    description: The plan is the same, and nothing is written.
    support: full
  diff_mode:
    description: Shows every object that would be or was changed, before and after.
    support: full
extends_documentation_fragment:
  - lodestar.platform.connection
seealso:
  - module: lodestar.platform.placement_info
author:
  - The lodestar.platform authors (@lodestar-platform)
"""

EXAMPLES = r"""
- name: Choose two clusters of production, the emptier ones
  lodestar.platform.placement:
    cluster: hub
    placements:
      - name: shop
        description: The shop runs in two places
        numberOfClusters: 2
        predicates:
          - requiredClusterSelector:
              labelSelector:
                matchLabels:
                  env: production
        prioritizerPolicy:
          configurations:
            - scoreCoordinate:
                builtIn: ResourceAllocatableMemory
              weight: 2
        tolerations:
          - key: cluster.open-cluster-management.io/unreachable
            operator: Exists
            tolerationSeconds: 600
"""

RETURN = r"""
placements:
  description: Names of the declared placements.
  returned: success
  type: list
  elements: str
objects:
  description: The objects that the hub holds for them, as C(apiVersion/Kind/namespace/name).
  returned: success
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
      description: The cluster.
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

from ..module_utils.placement.operate import OPERATION


def main() -> None:
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
