# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: machine_promote
short_description: Make a machine of an attached cluster one of ours
version_added: 0.1.0
description:
  - In check mode it tells what the machine is (RV(seen)), by which M(lodestar.platform.promotion_check) judges whether
    its cluster can be promoted, and what would be written.
  - Otherwise it writes what makes a machine ours, which nothing but runs of this collection reads, namely the record of
    its cluster, the note to which a reset goes back, and on a control plane a copy of the file by which the API server
    encrypts Secrets, or one that says that they are not encrypted. It restarts nothing.
  - What is written already is left as it is, so that a run that was killed goes on.
options:
  uid:
    description:
      - UID of the namespace kube-system of the cluster, as the hub has recorded it. Not needed in check mode.
    type: str
    default: ""
extends_documentation_fragment:
  - lodestar.platform.on_machine
author:
  - The lodestar.platform authors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: See what the machine is
  lodestar.platform.machine_promote:
    cluster: "{{ lodestar_fleet.clusters.legacy }}"
    machine: "{{ lodestar_fleet.machines[inventory_hostname] }}"
  check_mode: true
  register: look
"""

RETURN = r"""
machine:
  description: Name of the machine.
  returned: success
  type: str
seen:
  description:
    - What was seen of the machine and, on a control plane, of its cluster, without a secret. C(member), C(prepared),
      C(ca_sha256), C(recorded), C(static_pods), C(kubelet), C(containerd), C(network), and on a control plane C(api),
      C(uid), C(mark), C(nodes), C(members), C(configuration), C(founded), C(lasting), C(images), C(arguments), C(keys)
      (digests), C(encryption), C(addons) and C(unreadable).
  returned: always
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

from ansible_collections.lodestar.platform.plugins.module_utils.machine.promotion.operation import (
    MACHINE_PROMOTE as OPERATION,
)


def main() -> None:
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
