# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_snapshot
short_description: Keep a verified snapshot of etcd on a control plane
version_added: 0.1.0
description:
  - Takes a snapshot of etcd's member on this machine, and verifies it by the digest that etcd has put at its end and by
    C(etcdutl snapshot status), before it gets its name.
  - Snapshots are kept in C(/var/lib/lodestar/snapshots), mode 0600. They hold every Secret of the cluster as
    etcd does, and are worth nothing without the encryption keys of the cluster.
  - Every run takes one.
options:
  keep:
    description:
      - How many snapshots stay, the new one included. The oldest are removed.
    type: int
    default: 5
  bundle_path:
    description:
      - Directory of the bundle on the controller, which has etcd's tools. Required.
    type: path
  artifacts:
    description:
      - The tools. Filled in by the action plugin from the bundle's manifest.
    type: list
    elements: dict
    default: []
  staging:
    description:
      - Directory on the machine that holds the artifacts that were sent. Filled in by the action plugin.
    type: path
extends_documentation_fragment:
  - lodestar.platform.on_machine
author:
  - The lodestar.platform authors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Keep a snapshot
  lodestar.platform.etcd_snapshot:
    cluster: "{{ lodestar_fleet.clusters.east }}"
    machine: "{{ lodestar_fleet.machines[inventory_hostname] }}"
    bundle_path: ~/.cache/lodestar/bundle
"""

RETURN = r"""
snapshot:
  description: The snapshot that was taken; none in check mode.
  returned: success
  type: dict
  contains:
    path:
      description: Where it is on the machine.
      returned: always
      type: str
    revision:
      description: Revision of etcd.
      returned: always
      type: int
    keys:
      description: How many keys it holds.
      returned: always
      type: int
    bytes:
      description: Its size.
      returned: always
      type: int
machine:
  description: The machine's C(architecture).
  returned: success
  type: dict
busy:
  description: The run that was changing the machine while it was looked at.
  returned: success
  type: dict
missing:
  description: Digests of tools that the machine lacks.
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

from ansible_collections.lodestar.platform.plugins.module_utils.machine.operations.upgrade import (
    ETCD_SNAPSHOT as OPERATION,
)


def main() -> None:
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
