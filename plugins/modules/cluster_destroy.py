#!/usr/bin/python
# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_destroy
short_description: Mark a created cluster as being destroyed, and make the hub forget it
version_added: 0.1.0
description:
  - The hub's part of the playbook C(lodestar.platform.destroy), which asks for a confirmation, marks the cluster with
    O(state=destroying), resets its machines, and forgets it with O(state=absent). This module touches no machine.
  - With O(state=destroying) it tells what runs on the cluster that the platform has not brought, and what the hub would
    forget, judges whether the cluster may be destroyed, and marks the Secret with the access, the ManagedCluster and
    the namespace of the cluster. From then on site runs refuse the cluster.
  - With O(state=absent) it removes the ManagedCluster, the ClusterProfile, the access Secret and the namespace of the
    cluster from the hub. This is for a cluster whose machines are reset, and fails without the mark.
  - A run that was killed goes on where it stopped. A cluster that the hub does not know is as wanted.
  - Refused are the global cluster, attached clusters, a cluster whose machines are not in the inventory unless
    O(forget=true), and one with machines that live and would not be reset.
options:
  cluster:
    description: Name of the cluster, as the hub has it.
    type: str
    required: true
  state:
    description: V(destroying) judges and marks, V(absent) removes what the hub has of it.
    type: str
    choices: [destroying, absent]
    default: destroying
  declared:
    description: The cluster's entry in the fleet, empty for one that is not in the inventory any more.
    type: dict
    default: {}
  machines:
    description: The machines of the fleet, by name. Those of other clusters are not looked at.
    type: dict
    default: {}
  unreachable:
    description:
      - Names of its machines that are dead for good and are not reset, and of Nodes that no machine of the inventory
        stands for. Refused while such a Node is Ready.
    type: list
    elements: str
    default: []
  forget:
    description:
      - Go on with a cluster whose machines are not in the inventory, so that none of them can be reset. Refused while
        its API answers.
    type: bool
    default: false
  timeout:
    description: How many seconds to wait until the namespace on the hub is gone.
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
seealso:
  - module: lodestar.platform.machine_reset
  - module: lodestar.platform.cluster_detach
author:
  - The lodestar.platform authors (@lodestar-platform)
"""

EXAMPLES = r"""
- name: See what would be lost with a cluster
  lodestar.platform.cluster_destroy:
    cluster: east
    declared: "{{ lodestar_fleet.clusters.east }}"
    machines: "{{ lodestar_fleet.machines }}"
    hub_access: "{{ lodestar_hub_access }}"
  check_mode: true
  register: ending

- name: Make the hub forget it, once its machines are reset
  lodestar.platform.cluster_destroy:
    cluster: east
    state: absent
    declared: "{{ lodestar_fleet.clusters.east }}"
    machines: "{{ lodestar_fleet.machines }}"
    hub_access: "{{ lodestar_hub_access }}"
"""

RETURN = r"""
known:
  description: Whether the hub has anything of the cluster.
  returned: success
  type: bool
since:
  description: When its destruction was asked for first, as RFC 3339; V(null) where that is now, or never was.
  returned: success
  type: str
runs:
  description: What is lost with the cluster, as its own API tells.
  returned: success, with O(state=destroying)
  type: dict
  contains:
    known:
      description: Whether the API told it.
      returned: always
      type: bool
    reason:
      description: Why it did not, empty otherwise.
      returned: always
      type: str
    namespaces:
      description: How many pods run there that neither Kubernetes nor the platform has brought, by namespace.
      returned: always
      type: dict
    volumes:
      description: C(name), C(claim), C(capacity) and C(reclaim_policy) of each PersistentVolume; V(null) where the
        access may not list them.
      returned: always
      type: list
      elements: dict
    load_balancers:
      description: C(name) and C(addresses) of each Service of type LoadBalancer.
      returned: always
      type: list
      elements: dict
    told:
      description: The same for people, a line each.
      returned: always
      type: list
      elements: str
removed:
  description: What the hub has of the cluster and forgets at the end.
  returned: success, with O(state=destroying)
  type: list
  elements: str
told:
  description: What destroying it means for people, a line each.
  returned: success, with O(state=destroying)
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
      description: C(update) or C(delete).
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
      description: What was there. Never a secret value.
      returned: in check mode, and with C(--diff)
      type: raw
    after:
      description: What will be there. Never a secret value.
      returned: in check mode, and with C(--diff)
      type: raw
"""

from ..module_utils.fleet.destroy import OPERATION


def main() -> None:
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
