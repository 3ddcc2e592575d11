#!/usr/bin/python
# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_info
short_description: Read the fleet from its hub
version_added: 0.1.0
description:
  - Reads the clusters that the hub records. The cluster that the connection options mean is the hub.
  - With O(live=true) every cluster is asked, too, side by side, by the access that the hub keeps. One that does not
    answer is no failure, and costs at most O(deadline).
  - The result holds no credential.
options:
  names:
    description: Only these clusters. A name that the hub does not know is a warning.
    type: list
    elements: str
    default: []
  label_selector:
    description: Only clusters whose record matches this selector, in the syntax of Kubernetes, such as V(region=north).
    type: str
  live:
    description: Ask each cluster whether it answers. This needs to read the hub's access Secrets.
    type: bool
    default: false
  deadline:
    description: Seconds that a cluster may take to answer.
    type: int
    default: 10
  at_once:
    description: How many clusters are asked side by side.
    type: int
    default: 16
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
  - module: lodestar.platform.cluster_info
  - plugin: lodestar.platform.fleet
    plugin_type: inventory
author:
  - The lodestar.platform authors (@lodestar-platform)
"""

EXAMPLES = r"""
- name: See which clusters of the north answer
  lodestar.platform.fleet_info:
    kubeconfig: ~/clusters/hub.yaml
    label_selector: region=north
    live: true
  register: north

- name: Name those that do not
  ansible.builtin.debug:
    msg: "{{ north.clusters | rejectattr('live.state', 'in', ['usable', 'ageing']) | map(attribute='name') }}"
"""

RETURN = r"""
clusters:
  description: The clusters, by name.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Its name in the fleet.
      returned: always
      type: str
    uid:
      description: Its identity, the UID of its namespace C(kube-system).
      returned: always
      type: str
    mode:
      description: C(create) or C(attach).
      returned: always
      type: str
    role:
      description: C(global) or C(workload).
      returned: always
      type: str
    cluster_set:
      description: The ManagedClusterSet that it is in.
      returned: always
      type: str
    labels:
      description: Its labels, those of the platform aside.
      returned: always
      type: dict
    version:
      description: Its version of Kubernetes when a run has last seen it.
      returned: always
      type: str
      sample: v1.36.3
    distribution:
      description: What it is, such as C(kubeadm) or C(eks).
      returned: always
      type: str
    server:
      description: Address of its API server.
      returned: always
      type: str
    capacity:
      description: The sum of what its nodes have, as quantities.
      returned: always
      type: dict
    allocatable:
      description: The sum of what its nodes offer to pods, as quantities.
      returned: always
      type: dict
    taints:
      description: Taints of its record, for placements.
      returned: always
      type: list
      elements: dict
    available:
      description: Whether it answered when a run has last asked, C(True), C(False) or C(Unknown).
      returned: always
      type: str
    conditions:
      description: C(status), C(reason), C(message) and C(since) of each condition of its record, by type.
      returned: always
      type: dict
    lacking:
      description: What the platform cannot do with it, such as C(upgrades) of an attached cluster, and why.
      returned: always
      type: dict
    access_expires:
      description: When our access to it ends, as RFC 3339, as far as a run has recorded it.
      returned: always
      type: str
    detaching:
      description: It is on its way out of the fleet, which waits until it can be reached.
      returned: always
      type: bool
    destroying:
      description: It is being destroyed, which is not finished.
      returned: always
      type: bool
    destroying_since:
      description: When that was asked for, as RFC 3339; V(null) for other clusters.
      returned: always
      type: str
    live:
      description: How it answers now.
      returned: with O(live=true)
      type: dict
      contains:
        state:
          description: C(usable), C(ageing) (usable, no more than half of the access' lifetime is left), C(expired),
            C(refused), C(unreachable) or C(absent) (the hub keeps no access).
          returned: always
          type: str
        reason:
          description: The state in words; empty when all is well.
          returned: always
          type: str
        expires:
          description: When the access ends, as RFC 3339.
          returned: always
          type: str
        tier:
          description: The tier of the access.
          returned: always
          type: str
        seconds:
          description: The fastest answer.
          returned: always
          type: float
        version:
          description: Version of its API server.
          returned: always
          type: str
        nodes:
          description: How many nodes it has, C(total), and how many of them are C(ready).
          returned: always
          type: dict
detachments:
  description: Detachments that are not finished, by name, also of clusters without a record. The next site run goes on.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The cluster's name in the fleet.
      returned: always
      type: str
    since:
      description: When it was asked for, as RFC 3339.
      returned: always
      type: str
    namespaces:
      description: What becomes of tenants' namespaces, C(keep) or C(delete).
      returned: always
      type: str
    clean:
      description: Nothing of ours is left on the cluster but the access.
      returned: always
      type: bool
    cause:
      description: Why it waits, C(unreachable), or of the access C(refused), C(expired) or C(absent). Empty where no
        run had to wait.
      returned: always
      type: str
    why:
      description: The same in words, as it was first seen.
      returned: always
      type: str
table:
  description: The same for people, a line a cluster, and below it what is wrong.
  returned: success
  type: list
  elements: str
problems:
  description: What an operator should look at. Without O(live) that is only what the hub records.
  returned: success
  type: list
  elements: str
"""

from ..module_utils.fleet.fleet_info import OPERATION


def main() -> None:
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
