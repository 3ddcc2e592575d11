# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bootstrap_decision
short_description: Decide whether machines found a cluster, join it, or stop
version_added: 0.1.0
description:
  - Runs on the controller, whatever the connection of the host. Reads nothing but the cluster's recovery file.
  - A cluster is founded only when nothing answers at its endpoint, every control plane of the inventory was looked
    at in this run and
    holds no cluster state, no worker that was looked at belongs to a cluster, and the hub has no record of it.
      Otherwise the task
    fails, and says what was seen and the way out.
  - What a control plane that joins, or takes another's place, does to the members of etcd is checked before anything
    is changed, as far as a member of the cluster was looked at. The refusal has etcd's figures.
  - Control planes that hold different keys, and a recovery file that does not fit its cluster, are refused. So are
    arguments that the API server of the cluster does not know.
options:
  cluster:
    description:
      - The cluster's entry in the fleet.
    type: dict
    required: true
  probes:
    description:
      - What M(lodestar.platform.machine) returned as C(machine), by machine name, for the machines of the cluster
        that are in this run.
    type: dict
    required: true
  control_planes:
    description:
      - Address by node name of every control plane that the inventory gives the cluster. A learner of etcd that belongs
        to none of them was left behind.
    type: dict
    default: {}
  recorded_uid:
    description:
      - The identity that the hub has recorded for this cluster, if it has.
    type: str
  recreate:
    description:
      - Name of a cluster that is gone for good and is founded again although it is recorded or workers still belong
        to it.
        Data of etcd is not touched by this; machines that hold some must be reset first.
    type: str
  hub_asked:
    description:
      - V(false) when the hub may have a record of this cluster, but could not be asked. A workload cluster is then not
        founded.
    type: bool
    default: true
  destroying:
    description:
      - Why the cluster is not managed, while the hub has it as being destroyed. Then it is refused whole.
    type: str
  max_unavailable:
    description:
      - How many workers of the cluster may be brought to their declaration at once, as a number or a percentage of all.
        They join all at once.
    type: str
    default: "1"
  recovery:
    description:
      - What is at the path of the cluster's recovery file, as digests. Filled in by the action plugin.
    type: dict
    default: {}
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
- name: Decide what the machines of east do
  lodestar.platform.bootstrap_decision:
    cluster: "{{ lodestar_fleet.clusters.east }}"
    probes:
      e1: "{{ hostvars.e1.lodestar_seen.machine }}"
      e2: "{{ hostvars.e2.lodestar_seen.machine }}"
  register: decided
"""

RETURN = r"""
machines:
  description:
    - By machine name, C(action) (V(found), V(join), V(repair), which is a member that is not as declared, or
      V(present)), C(reason), C(leaders) (control planes that can give join material, best first), C(shares) (this
      control plane holds what all machines of the cluster share to the declaration), C(gone) (ids of etcd members that
      leave before this one joins, as their machines are gone), C(removed) (ids of those that an earlier join takes
      out), C(turn) (control planes of one cluster act in this order, one at a time, interrupted joins before others,
      and workers in batches), C(recovery) (the keys of this one are to be written to the recovery file) and C(idle)
      (there is nothing to do for this machine at all).
  returned: success
  type: dict
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

from ansible_collections.lodestar.platform.plugins.module_utils.machine.decision import OPERATION


def main() -> None:
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
