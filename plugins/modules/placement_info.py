#!/usr/bin/python
# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: placement_info
short_description: Tell what the hub's placements decide, and why
version_added: 0.1.0
description:
  - Reads the hub's Placements with all that they are decided from, and tells of every cluster what chose it or kept it
    out, that is the set, the predicate, the taint, or the scores that ranked it. The cluster that the connection
    options mean is the hub.
  - The decisions are those of OCM's placement controller. The explanation is an evaluation of the same objects, which
    agrees with that controller. Where the two differ, OCM has not seen what the hub holds now, or does not run, and
    the difference is told.
  - Placements that select by a CEL expression which cannot be judged here are named in a warning, and left out.
options:
  names:
    description: Only these placements. A name that the hub does not know is a warning.
    type: list
    elements: str
    default: []
  namespace:
    description: The namespace of the hub that holds the placements.
    type: str
    default: lodestar-placements
  cluster_set:
    description: The ManagedClusterSet that would be bound to the namespace, with O(placements).
    type: str
    default: default
  placements:
    description:
      - Tell what would become of these placements, instead of those on the hub, in the shape of
        M(lodestar.platform.placement). Decisions that the hub has of the same names count as made before.
    type: list
    elements: dict
  wait_timeout:
    description:
      - How many seconds to wait until the decisions are those that OCM makes of what the hub holds now. V(0) looks
        once. That they are not is no failure, see RV(settled).
    type: int
    default: 0
attributes:
  check_mode:
    description: It changes nothing.
    support: full
  diff_mode:
    description: It changes nothing.
    support: none
extends_documentation_fragment:
  - lodestar.platform.connection
seealso:
  - module: lodestar.platform.placement
author:
  - The lodestar.platform authors (@lodestar-platform)
"""

EXAMPLES = r"""
- name: See why the shop runs where it does
  lodestar.platform.placement_info:
    kubeconfig: ~/clusters/hub.yaml
    names: [shop]
    wait_timeout: 30
  register: decided

- name: Show it
  ansible.builtin.debug:
    msg: "{{ decided.table }}"
"""

RETURN = r"""
placements:
  description: The placements, by name.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      returned: always
      type: str
    namespace:
      description: Its namespace on the hub.
      returned: always
      type: str
    idle:
      description: Why OCM leaves it alone, empty where it does not.
      returned: always
      type: str
    misconfigured:
      description: Why OCM refuses it, and decides for no cluster; empty where it does not.
      returned: always
      type: str
    settled:
      description: The decisions on the hub are those that OCM makes of what the hub holds now.
      returned: always
      type: bool
    difference:
      description: Why they are not, empty where they are.
      returned: always
      type: str
    satisfied:
      description: As many clusters are chosen as were asked for.
      returned: always
      type: bool
    reason:
      description: The reason of OCM's condition C(PlacementSatisfied).
      returned: always
      type: str
      sample: AllDecisionsScheduled
    unscheduled:
      description: How many clusters are missing.
      returned: always
      type: int
    decisions:
      description: The clusters in the decisions on the hub.
      returned: always
      type: list
      elements: str
    foretold:
      description: The clusters that OCM decides for with what the hub holds now.
      returned: always
      type: list
      elements: str
    groups:
      description: The groups of these, each with C(index), C(name) and C(clusters).
      returned: always
      type: list
      elements: dict
    clusters:
      description: Every cluster of the hub, those that are ranked first.
      returned: always
      type: list
      elements: dict
      contains:
        name:
          description: Its name.
          returned: always
          type: str
        chosen:
          description: It is foretold.
          returned: always
          type: bool
        stage:
          description: What kept it out, C(ClusterSet), C(Predicate), C(TaintToleration), C(NumberOfClusters) or
            C(Misconfigured); empty where nothing did.
          returned: always
          type: str
        reasons:
          description: Why, and what is odd about its scores.
          returned: always
          type: list
          elements: str
        rank:
          description: Its place among the clusters that fit, from 1; V(null) for others.
          returned: always
          type: int
        score:
          description: The sum of its scores by weight; V(null) where it was not ranked.
          returned: always
          type: int
        scores:
          description: Each C(prioritizer) with its C(weight) and the C(score) that it gave. Of an add-on whose
            AddOnPlacementScore says it also C(measured), what the score says in words, C(since), when it was written,
            and C(not_measured_since), since when the cluster does not answer, or V(null).
          returned: always
          type: list
          elements: dict
        tolerated_until:
          description: When the first toleration of its taints ends, as RFC 3339; V(null) where none does.
          returned: always
          type: str
    looks_again:
      description: When OCM looks again, since a toleration ends; V(null) where none does.
      returned: always
      type: str
settled:
  description: All of them are settled. Never true of O(placements).
  returned: success
  type: bool
table:
  description: The same for people, a line a cluster, and below what is wrong.
  returned: success
  type: list
  elements: str
problems:
  description: What an operator should look at.
  returned: success
  type: list
  elements: str
"""

from ..module_utils.placement.info import OPERATION


def main() -> None:
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
