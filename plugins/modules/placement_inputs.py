#!/usr/bin/python
# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: placement_inputs
short_description: Keep true what placements decide by
version_added: 0.1.0
description:
  - Looks at all clusters of the fleet side by side, with the access that the hub keeps of each, and keeps on the hub
    what placements decide by. A cluster that does not answer costs the others nothing.
  - Of every cluster that the hub records it keeps the records (labels, version, capacity, allocatable, conditions), as
    M(lodestar.platform.cluster_record) writes them, and does nothing about one that has none yet.
  - Its health becomes taints as OCM's registration makes them, C(cluster.open-cluster-management.io/unreachable) and
    C(cluster.open-cluster-management.io/unavailable) with the effect C(NoSelect), and besides
    C(lodestar.platform/not-available) with C(NoSelectIfNew). Their C(timeAdded) is that of the run which added them.
    Taints of others are left alone.
  - What was measured becomes scores from -100 to 100 in an AddOnPlacementScore C(lodestar) in the cluster's namespace.
    A score is written again only after it has changed by a whole step, see docs/placement.md.
  - While nothing has changed nothing is written.
author:
  - The lodestar.platform authors (@lodestar-platform)
attributes:
  check_mode:
    support: full
    description: The clusters are looked at, and nothing is written.
  diff_mode:
    support: full
    description: Shows every object that would be or was changed, before and after.
options:
  clusters:
    description: The clusters of the fleet by name, C(clusters) of what M(lodestar.platform.fleet) returns.
    type: dict
    required: true
  scores:
    description:
      - The scores that are kept. V(cpuAvailable), V(memAvailable) and V(podsAvailable) tell how much of what the nodes
        offer is not requested, V(latency) how fast the API answers, V(cost) what C(cluster_cost) of the inventory says,
        and V(budget) gives a score C(budget-<tenant>) for each tenant of the cluster, of what is left of its quotas
        there.
      - With an empty list the AddOnPlacementScores of ours are removed.
    type: list
    elements: str
    choices: [cpuAvailable, memAvailable, podsAvailable, latency, cost, budget]
    default: [cpuAvailable, memAvailable, podsAvailable, latency, cost, budget]
  taints:
    description: Keep the taints. With V(false) those that are there stay as they are.
    type: bool
    default: true
  at_once:
    description: How many clusters are looked at at the same time.
    type: int
    default: 8
extends_documentation_fragment:
  - lodestar.platform.hub
seealso:
  - module: lodestar.platform.placement
  - module: lodestar.platform.placement_info
  - module: lodestar.platform.cluster_record
"""

EXAMPLES = r"""
- name: Keep true what placements decide by
  lodestar.platform.placement_inputs:
    clusters: "{{ lodestar_fleet.clusters }}"
    hub: "{{ lodestar_fleet.hub }}"
    hub_access: "{{ lodestar_hub_access }}"
  run_once: true

- name: Keep no scores
  lodestar.platform.placement_inputs:
    clusters: "{{ lodestar_fleet.clusters }}"
    scores: []
    hub: "{{ lodestar_fleet.hub }}"
    hub_access: "{{ lodestar_hub_access }}"
  run_once: true
"""

RETURN = r"""
clusters:
  description: By name of a recorded cluster, what was found.
  returned: success
  type: dict
  contains:
    state:
      description: C(usable), or why it could not be looked at, C(unreachable), C(unavailable) (its API answers and
        fails), C(refused), C(expired), C(absent) (the hub keeps no access), C(leaving) (it is being detached or
        destroyed) or C(failed).
      returned: always
      type: str
    reason:
      description: The same in words; empty for a cluster that is usable.
      returned: always
      type: str
    scores:
      description: Its scores as they stand on the hub afterwards, by name.
      returned: unless it is leaving or failed
      type: dict
    left_out:
      description: Scores that could not be had, to the reason.
      returned: unless it is leaving or failed
      type: dict
unrecorded:
  description: Clusters of the fleet that the hub does not record yet, about which nothing is done.
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
      description: The object as C(apiVersion/Kind/namespace/name), with C(/status) or C(#taints) where only that is
        written.
      returned: always
      type: str
    action:
      description: C(create), C(update) or C(delete).
      returned: always
      type: str
    target:
      description: The hub.
      returned: always
      type: str
    description:
      description: The step in words.
      returned: always
      type: str
    before:
      description: What was there.
      returned: in check mode, and with C(--diff)
      type: raw
    after:
      description: What will be there.
      returned: in check mode, and with C(--diff)
      type: raw
"""

from ..module_utils.placement.input_plan import OPERATION


def main() -> None:
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
