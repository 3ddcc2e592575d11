# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: join_material
short_description: Give a machine what it needs for joining a cluster
version_added: 0.1.0
description:
  - Runs on any healthy control plane, by delegation. Makes a bootstrap token of 15 minutes, and for a control plane
    uploads the certificates encrypted with a key of this one join.
  - Checks etcd first, and takes away the Nodes and the etcd members that machines which are gone have left behind. Such
    are an earlier one of the same name, a dead one that the joining machine replaces, and a learner of no machine.
  - A living control plane that is replaced stays until the new one votes; RV(retires) names it.
  - The result is secret and never shown. Its steps hold no secret; the callback P(lodestar.platform.plan#callback)
    shows them under C(--diff).
options:
  state:
    description:
      - V(absent) takes back what was made for O(joiner), and removes what earlier joins have left in the cluster.
        Without O(joiner) it takes back what was made for all machines that this run has joined.
    type: str
    choices: [present, absent]
    default: present
  joiner:
    description:
      - The entry in the fleet of the machine that joins, or has joined. Required with O(state=present).
    type: dict
  joiner_etcd_data:
    description:
      - The joining machine holds data of etcd, from a join that was interrupted.
    type: bool
    default: false
  gone:
    description:
      - Ids of etcd members whose machines were found empty in this run, as M(lodestar.platform.bootstrap_decision)
        returns them. They are removed unless they are healthy.
    type: list
    elements: str
    default: []
  removed:
    description:
      - Ids of those that an earlier join of this run removes. They count as removed, in check mode too.
    type: list
    elements: str
    default: []
  control_planes:
    description:
      - Address by node name of every control plane that the inventory gives the cluster.
    type: dict
    default: {}
  supersedes:
    description:
      - A run that has claimed this join and is known to be dead. Filled in by the action plugin.
    type: str
  claimed:
    description:
      - The C(owner) of a claim that M(lodestar.platform.machine) has seen on this control plane. With O(state=absent)
        and without O(joiner), what that run has left goes too, if it is known to be dead; otherwise nothing is done.
    type: dict
  images:
    description:
      - References of the bundle's images by name, as M(lodestar.platform.machine) returns them.
    type: dict
    default: {}
extends_documentation_fragment:
  - lodestar.platform.on_machine
author:
  - The lodestar.platform authors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Get join material from a healthy control plane
  lodestar.platform.join_material:
    cluster: "{{ lodestar_fleet.clusters.east }}"
    machine: "{{ lodestar_fleet.machines.e1 }}"
    joiner: "{{ lodestar_fleet.machines[inventory_hostname] }}"
    images: "{{ lodestar_seen.machine.images }}"
  delegate_to: e1
  register: join
"""

RETURN = r"""
material:
  description: The join material, V(null) in check mode and with O(state=absent). Secret.
  returned: success
  type: dict
  contains:
    token:
      description: Bootstrap token.
      returned: always
      type: str
    ca_hash:
      description: What the joining machine knows the cluster's CA by.
      returned: always
      type: str
    uid:
      description: The cluster's identity.
      returned: always
      type: str
    certificate_key:
      description: Key of the uploaded certificates.
      returned: for a control plane
      type: str
    encryption:
      description: Content of the EncryptionConfiguration.
      returned: for a control plane
      type: str
    member:
      description: The joining machine is a member of etcd already.
      returned: for a control plane
      type: bool
retires:
  description: Node name of a living control plane that O(joiner) replaces, V(null) where there is none. It is given to
    M(lodestar.platform.control_plane).
  returned: with O(state=present)
  type: str
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

from ansible_collections.lodestar.platform.plugins.module_utils.machine.operations.join_material import (
    JOIN_MATERIAL as OPERATION,
)


def main() -> None:
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
