# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: upgrade_decision
short_description: Decide what an upgrade does on each machine of a cluster, or refuse it
version_added: 0.1.0
description:
  - Runs on the controller, whatever the connection of the host, and changes nothing.
  - Refuses to skip a minor version, to downgrade, to leave kubelets behind that are too old, a cluster past its hub, an
    attached cluster, a control plane that is not whole, API versions that somebody uses and that end, and webhooks that
    could keep nodes from coming back.
  - What is left is told by what the machines hold, so an interrupted upgrade goes on where it was.
options:
  cluster:
    description:
      - The cluster's entry in the fleet. Its version is the one to reach.
    type: dict
    required: true
  node_names:
    description:
      - Node name by machine, of all machines of the cluster.
    type: dict
    default: {}
  probes:
    description:
      - What M(lodestar.platform.machine_stage) returned as C(machine), by machine name, for the machines of the cluster
        that are in this run.
    type: dict
    default: {}
  running:
    description:
      - The version that an attached cluster runs, if it answered.
    type: str
  hub:
    description:
      - The cluster that manages this one. Left out for the hub itself.
    type: dict
    suboptions:
      name:
        description: Its name.
        type: str
        required: true
      running:
        description: The version that it runs now, if it answered.
        type: str
      planned:
        description: The version that it runs when this cluster's turn has come, if that is known.
        type: str
  max_unavailable:
    description:
      - How many workers are taken at a time, a number or a percentage of all workers such as V(25%), rounded down, at
        least one.
    type: str
    default: "1"
  drain:
    description:
      - Whether the pods of a machine are moved away before its kubelet is replaced.
      - V(auto) does it for another minor version, unless the node is not ready or no other node could take the pods.
    type: str
    choices: [auto, always, never]
    default: auto
  allow_webhooks:
    description:
      - Names of webhook configurations that fail closed and do no harm.
    type: list
    elements: str
    default: []
  allow_removed_apis:
    description:
      - API resources, as C(group/version/resource), that end with the new version and whose callers do not matter.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    description: Nothing is ever changed.
    support: full
  diff_mode:
    description: Nothing is ever changed.
    support: none
author:
  - The lodestar.platform authors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Decide what is left to upgrade in east
  lodestar.platform.upgrade_decision:
    cluster: "{{ lodestar_fleet.clusters.east }}"
    node_names: {e1: e1, e2: e2}
    probes:
      e1: "{{ hostvars.e1.lodestar_upgrade_held }}"
      e2: "{{ hostvars.e2.lodestar_upgrade_held }}"
    hub: {name: global, running: 1.37.2, planned: 1.37.2}
  register: decided
"""

RETURN = r"""
machines:
  description:
    - By machine name, C(phase) (V(apply), V(node), V(kubelet), V(uncordon) or V(none)), C(turn) (machines of one turn
      act together, turns one after the other; those of turn 0 have nothing to wait for), C(drain), C(node_name) and
      C(reason).
  returned: success
  type: dict
turns:
  description: The last turn.
  returned: success
  type: int
snapshot:
  description: The control plane that keeps a snapshot of etcd before anything is changed, if one is restarted.
  returned: success
  type: str
settled:
  description: Nothing is left to do.
  returned: success
  type: bool
waits_for_hub:
  description: The hub must have been upgraded before.
  returned: success
  type: bool
table:
  description: The plan in words, with what will be unavailable. It is shown.
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

from ansible_collections.lodestar.platform.plugins.module_utils.machine.upgrade_decision import OPERATION


def main() -> None:
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
