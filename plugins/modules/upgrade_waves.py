#!/usr/bin/python
# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: upgrade_waves
short_description: Decide which clusters are upgraded together
version_added: 0.1.0
description:
  - Divides the workload clusters of a run into waves, by a RolloutStrategy as Open Cluster Management (OCM) has it. The
    global cluster is none of them; it goes first.
  - Runs on the controller, whatever the connection of the host, and changes nothing.
options:
  rollout:
    description:
      - The strategy, as in the collection's C(docs/lifecycle.md). Without any all clusters are upgraded side by side.
    type: dict
    default: {}
  clusters:
    description: The clusters of the fleet by name, C(clusters) of what M(lodestar.platform.fleet) returns.
    type: dict
    required: true
  left:
    description: By cluster of the run, what M(lodestar.platform.upgrade_decision) returned, C(turns) and C(settled).
    type: dict
    required: true
  refused:
    description: Clusters of the run whose upgrade was refused. They have failed when the turn of their wave has come.
    type: list
    elements: str
    default: []
  hub:
    description: Name of the global cluster.
    type: str
attributes:
  check_mode:
    description: Nothing is ever changed.
    support: full
  diff_mode:
    description: Nothing is ever changed.
    support: none
seealso:
  - module: lodestar.platform.upgrade_gate
author:
  - The lodestar.platform authors (@lodestar-platform)
"""

EXAMPLES = r"""
- name: One cluster first, then two at a time
  lodestar.platform.upgrade_waves:
    rollout:
      type: Progressive
      progressive:
        mandatoryDecisionGroups: [{groupName: canary}]
        maxConcurrency: 2
      groupStrategy:
        decisionGroups:
          - groupName: canary
            groupClusterSelector: {labelSelector: {matchLabels: {canary: "true"}}}
    clusters: "{{ lodestar_fleet.clusters }}"
    left:
      east: {turns: 2, settled: false}
      west: {turns: 1, settled: false}
    hub: "{{ lodestar_fleet.hub }}"
  register: ordered
"""

RETURN = r"""
waves:
  description: The waves in their order.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Of the wave, for people.
      type: str
    clusters:
      description: Those of its clusters that have something left, or were refused.
      type: list
      elements: str
    refused:
      description: Those of them that were refused.
      type: list
      elements: str
    first_turn:
      description: The turn, counted over all waves, in which its clusters begin.
      type: int
    stage:
      description: Waves of the same number share the limit of failures.
      type: int
    failures:
      description: How many clusters of the stage may fail before no further wave is begun.
      type: int
    limit:
      description: What sets that limit.
      type: str
    soak:
      description: Seconds that its clusters must stay well before the next wave begins.
      type: int
table:
  description: The waves in words, if there is more than one. It is shown.
  returned: success
  type: list
  elements: str
plan:
  description: Always empty.
  returned: success
  type: list
  elements: dict
"""

from ansible_collections.lodestar.platform.plugins.module_utils.upgrades.operations import WAVES as OPERATION


def main() -> None:
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
