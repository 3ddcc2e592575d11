#!/usr/bin/python
# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: removal_decision
short_description: Decide which nodes leave a cluster
version_added: 0.1.0
description:
  - Finds the named machines and Nodes in one cluster, and the control planes that stay. Changes nothing.
  - Refuses the last control plane, a machine that is said to be dead while its Node is Ready, and a name that is not in
    the inventory and not said to be dead.
  - Names that this cluster does not know are left out of the answer.
options:
  cluster:
    description: The cluster's entry in the fleet, as M(lodestar.platform.fleet) returns it.
    type: dict
    required: true
  machines:
    description: The machines of the fleet, as M(lodestar.platform.fleet) returns them.
    type: dict
    required: true
  names:
    description: Names of machines, or of Nodes.
    type: list
    elements: str
    required: true
  unreachable:
    description: Those of them whose machines are dead for good, so that nobody tries to reach them.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    description: Nothing is ever changed.
    support: full
  diff_mode:
    description: There is never a difference.
    support: full
extends_documentation_fragment:
  - lodestar.platform.connection
author:
  - The lodestar.platform authors (@lodestar-platform)
"""

EXAMPLES = r"""
- name: Decide which nodes of the cluster leave
  lodestar.platform.removal_decision:
    cluster: "{{ lodestar_fleet.clusters.east }}"
    machines: "{{ lodestar_fleet.machines }}"
    names: [e2, e9]
    unreachable: [e9]
    access: "{{ lodestar_access }}"
  register: decision
"""

RETURN = r"""
nodes:
  description: The nodes of this cluster that leave, workers first.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: As it was asked for.
      returned: always
      type: str
    machine:
      description: Name of the machine in the inventory, empty when it is not there.
      returned: always
      type: str
    node_name:
      description: Name of the Node.
      returned: always
      type: str
    node_ip:
      description: Address of the machine, empty when nobody knows it.
      returned: always
      type: str
    role:
      description: C(control_plane) or C(worker).
      returned: always
      type: str
    reachable:
      description: Whether the machine is to be reached.
      returned: always
      type: bool
    present:
      description: Whether the cluster has the Node.
      returned: always
      type: bool
helpers:
  description: Names of the machines of control planes that stay, which can take the others out.
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

from ..module_utils.fleet.removal import OPERATION


def main() -> None:
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
