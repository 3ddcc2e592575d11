# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: control_plane
short_description: Make a prepared machine a control plane
version_added: 0.1.0
description:
  - Founds a cluster with C(kubeadm init), joins one with C(kubeadm join), or brings back what a control plane has
    lost. An interrupted
    step is recognised by looking and goes on; data of etcd is never deleted.
  - On a control plane that exists, the arguments of the static pods and the names in the API server's certificate are
    held to the declaration. kubeadm makes the new manifest. Where the new pod does not become healthy, the manifest
    that was there before is put back, and the task fails with the last lines of the pod's log.
  - The API has its stable endpoint from the first minute. With the provider C(kube_vip), kube-vip runs with an
    identity of its own
    that may hold its Lease and nothing else.
  - The audit log is on, Secrets are encrypted at rest, and every control plane holds the same key.
  - Whether to found or to join is decided by M(lodestar.platform.bootstrap_decision). Control planes of one cluster
    go one at a time.
options:
  state:
    description:
      - V(found) the cluster on this machine, V(join) it, or V(present), which does neither and repairs.
    type: str
    choices: [found, join, present]
    default: present
  images:
    description:
      - References of the bundle's images by name, as M(lodestar.platform.machine) returns them.
    type: dict
    required: true
  material:
    description:
      - Join material from M(lodestar.platform.join_material), for O(state=join). With O(state=found) the keys of the
        cluster's recovery file; filled in by the action plugin.
    type: dict
  recovered:
    description:
      - Names of the keys that the cluster's recovery file holds, and a cluster that is founded is made with.
      - Filled in by the action plugin.
    type: list
    elements: str
    default: []
  share:
    description:
      - Also hold what all machines of the cluster share to the declaration, namely kubeadm's ConfigMaps and kube-proxy.
        One control plane does this for all.
    type: bool
    default: false
  retires:
    description:
      - Node name of a living control plane that this machine replaces, as M(lodestar.platform.join_material) returns
        it. Its etcd member and its Node are removed once this machine has joined. With O(state=present) the machine
        looks for itself whether the one that it replaces is still there.
    type: str
  network:
    description:
      - Objects of the cluster's network, as P(lodestar.platform.network_objects#filter) gives them. With O(state=found)
        they are applied as soon as the API answers, so that nodes become Ready as they join. From then on
        M(lodestar.platform.addons) holds them.
    type: list
    elements: dict
    default: []
extends_documentation_fragment:
  - lodestar.platform.on_machine
author:
  - The lodestar.platform authors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Found the cluster
  lodestar.platform.control_plane:
    cluster: "{{ lodestar_fleet.clusters.east }}"
    machine: "{{ lodestar_fleet.machines[inventory_hostname] }}"
    images: "{{ lodestar_seen.machine.images }}"
    state: found
    network: "{{ lodestar_fleet.clusters.east | lodestar.platform.network_objects }}"
"""

RETURN = r"""

plan:
  description: What was done, or in check mode would be done, in order.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Stable name of what is changed.
      returned: always
      type: str
    action:
      description: C(create), C(update), C(delete), C(restart) or C(run).
      returned: always
      type: str
    target:
      description: The machine or cluster that is changed.
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

from ansible_collections.lodestar.platform.plugins.module_utils.machine.operations.control_plane import (
    CONTROL_PLANE as OPERATION,
)


def main() -> None:
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
