#!/usr/bin/python
# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: serving_certificates
short_description: Approve the serving certificates of kubelets
version_added: 0.1.0
description:
  - Approves the serving certificates that the kubelets of the given nodes ask for, if a request is by the node itself,
    for exactly its name and its address, and for serving only.
  - M(lodestar.platform.addons) does the same for a whole cluster. This is for a run that has machines, and not the host
    of their cluster.
options:
  cluster:
    description: Name of the cluster, as in the inventory.
    type: str
    required: true
  kubelets:
    description: The nodes whose kubelets may get serving certificates, address by name.
    type: dict
    required: true
  joining:
    description: Names of those that have joined in this run. It is waited until they have asked.
    type: list
    elements: str
    default: []
  cluster_exists:
    description: With V(false) the cluster is taken for one that cannot be asked, and nothing is read. For check mode.
    type: bool
    default: true
attributes:
  check_mode:
    description: The steps that would be done are returned, and nothing is changed.
    support: full
  diff_mode:
    description: A step shows what is approved.
    support: full
extends_documentation_fragment:
  - lodestar.platform.connection
author:
  - The lodestar.platform authors (@lodestar-platform)
"""

EXAMPLES = r"""
- name: Approve the serving certificate of a worker that has just joined
  lodestar.platform.serving_certificates:
    cluster: east
    kubelets: {e3: 192.0.2.23}
    joining: [e3]
    access: "{{ minted.access }}"
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

from ..module_utils.fleet.serving_operation import OPERATION


def main() -> None:
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
