# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node_removal
short_description: Take nodes out of their cluster, from a control plane that stays
version_added: 0.1.0
description:
  - Runs on a healthy control plane that stays. Removes the etcd member of each node that has one, and then its Node.
  - Fails before the first change when C(etcd) would lose its quorum on the way. The quorum is looked at again before
    each member is removed.
  - Touches nothing on the machines that leave.
options:
  leaving:
    description:
      - The nodes that leave, in this order, as M(lodestar.platform.removal_decision) returns them. Of each,
        C(node_name) is the name of its Node and of its etcd member, and by C(node_ip) a member is known that has never
        started.
    type: list
    elements: dict
    required: true
extends_documentation_fragment:
  - lodestar.platform.on_machine
author:
  - The lodestar.platform authors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Take a control plane out of the cluster
  lodestar.platform.node_removal:
    cluster: "{{ lodestar_fleet.clusters.east }}"
    machine: "{{ lodestar_fleet.machines.e1 }}"
    leaving:
      - node_name: e3
        node_ip: 192.0.2.23
  delegate_to: e1
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

from ansible_collections.lodestar.platform.plugins.module_utils.machine.operations.leaving import (
    NODE_REMOVAL as OPERATION,
)


def main() -> None:
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
