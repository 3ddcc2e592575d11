# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: recovery_file
short_description: Keep the keys of a cluster in a file on the controller
version_added: 0.1.0
description:
  - Writes the CAs, the service account keys and the encryption keys of a cluster to a file on the controller, mode
    0600, at once or not at all. See docs/recovery.md.
  - Brings from the control plane only the keys that the file lacks, so none when nothing is to be written. A key that
    is in the file is never replaced.
  - Keys stand in no variable, result or diff.
options:
  cluster:
    description:
      - The cluster's entry in the fleet.
    type: dict
    required: true
  machine:
    description:
      - The entry in the fleet of the control plane that the keys come from, which is the host of the task.
    type: dict
    required: true
  path:
    description:
      - The file. Its directory must be there, and not everybody may write to it.
    type: path
    required: true
  uid:
    description:
      - The cluster's identity, if it is known yet.
    type: str
  held:
    description:
      - Digests of the keys that the machine holds, by name, as M(lodestar.platform.machine) returns them. Empty means
        that there will be all of them, once the cluster is founded.
    type: dict
    default: {}
  file:
    description:
      - What the file holds. Filled in by the action plugin.
    type: dict
  keys:
    description:
      - The keys that it lacks. Filled in by the action plugin.
    type: dict
attributes:
  check_mode:
    description: The plan is the same, no key leaves the machine and nothing is written.
    support: full
  diff_mode:
    description: Shows which keys are held, never a key.
    support: full
author:
  - The lodestar.platform authors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Keep the keys of east
  lodestar.platform.recovery_file:
    cluster: "{{ lodestar_fleet.clusters.east }}"
    machine: "{{ lodestar_fleet.machines[inventory_hostname] }}"
    path: /etc/lodestar/recovery/east.json
    uid: "{{ lodestar_seen.machine.uid }}"
    held: "{{ lodestar_seen.machine.keys }}"
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

from ansible_collections.lodestar.platform.plugins.module_utils.machine.recovery_file import RECOVERY_FILE as OPERATION


def main() -> None:
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
