# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: worker
short_description: Make a prepared machine a worker
version_added: 0.1.0
description:
  - Joins the machine to its cluster with C(kubeadm join). An interrupted join goes on. A machine that belongs to the
    cluster is left alone.
options:
  material:
    description:
      - Join material from M(lodestar.platform.join_material).
    type: dict
  rejoin:
    description:
      - Leave the cluster that the machine belongs to, because it is gone for good, and join.
    type: bool
    default: false
extends_documentation_fragment:
  - lodestar.platform.on_machine
author:
  - The lodestar.platform authors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Join the machine to its cluster
  lodestar.platform.worker:
    cluster: "{{ lodestar_fleet.clusters.east }}"
    machine: "{{ lodestar_fleet.machines[inventory_hostname] }}"
    material: "{{ join.material }}"
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

from ansible_collections.lodestar.platform.plugins.module_utils.machine.operations.worker import WORKER as OPERATION


def main() -> None:
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
