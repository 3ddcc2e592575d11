# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: machine_reset
short_description: Bring a machine back to what it was before it came to a cluster
version_added: 0.1.0
description:
  - Ends the kubelet, every pod and the container runtime, and removes what they and the collection have made, C(etcd)'s
    data included. This is the only module that removes such data.
  - Of addresses, interfaces, routes, packet filter rules and address sets only those of the cluster are removed, never
    those of others.
  - What the machine's first preparation noted is brought back, namely kernel settings, modes of directories, files that
    were replaced, and units. Kernel modules stay loaded until the machine boots. Logs stay.
  - A machine that nothing of the collection has come to is left alone.
options:
  confirm:
    description:
      - The name of the cluster that the machine belongs to. Without it, or with another name, nothing is done and the
        task fails.
    type: str
  state:
    description:
      - V(absent) resets the machine.
      - V(stopped) only ends the kubelet and, in this order, kube-vip, the API server, the controller manager and the
        scheduler, so that the endpoint moves on. C(etcd) and all other pods go on. For a machine whose etcd member is
        about to be removed.
    type: str
    choices: [stopped, absent]
    default: absent
  stopped:
    description:
      - An earlier task of this run has O(state=stopped), so the kubelet is not planned for again. Check mode has not
        stopped it.
    type: bool
    default: false
extends_documentation_fragment:
  - lodestar.platform.on_machine
author:
  - The lodestar.platform authors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Bring the machine back to what it was
  lodestar.platform.machine_reset:
    cluster: "{{ lodestar_fleet.clusters.east }}"
    machine: "{{ lodestar_fleet.machines[inventory_hostname] }}"
    confirm: east
"""

RETURN = r"""
machine:
  description: Name of the machine.
  returned: success
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

from ansible_collections.lodestar.platform.plugins.module_utils.machine.operations.leaving import (
    MACHINE_RESET as OPERATION,
)


def main() -> None:
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
