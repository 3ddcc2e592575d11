# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_keys
short_description: Read the keys of a cluster on a control plane
version_added: 0.1.0
description:
  - Reads the CAs, the service account keys and the encryption keys that all control planes of a cluster share.
    Changes nothing.
  - M(lodestar.platform.recovery_file) calls it. The result is secret and never shown.
options:
  names:
    description:
      - Which ones, of C(ca.crt), C(ca.key), C(front-proxy-ca.crt), C(front-proxy-ca.key), C(etcd/ca.crt),
        C(etcd/ca.key), C(sa.pub), C(sa.key) and C(encryption). Empty means all.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - lodestar.platform.on_machine
author:
  - The lodestar.platform authors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Read what the cluster's Secrets are encrypted with
  lodestar.platform.cluster_keys:
    cluster: "{{ lodestar_fleet.clusters.east }}"
    machine: "{{ lodestar_fleet.machines[inventory_hostname] }}"
    names: [encryption]
  register: keys
"""

RETURN = r"""
keys:
  description: Text by name; what is not on the machine is left out. Secret.
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

from ansible_collections.lodestar.platform.plugins.module_utils.machine.operations.access import (
    CLUSTER_KEYS as OPERATION,
)


def main() -> None:
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
