# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_access
short_description: Mint access to a created cluster on its control plane
version_added: 0.1.0
description:
  - Ensures the ServiceAccount C(lodestar-system/lodestar) and the objects that say what it may do, and makes a token
    of it that expires.
  - Rights that another tier, or an attachment before a promotion, gave our identity and that O(objects) do not have are
    deleted, namely ClusterRoleBindings to it alone whose names begin with C(lodestar:), with their ClusterRoles; and so
    is what says that these objects were an attachment's.
  - The token is kept on the control plane, readable by root only, and comes back while more than half of its
    lifetime is left. Then no request is made that writes.
  - The result is secret and never shown. Its steps hold no secret; the callback P(lodestar.platform.plan#callback)
    shows them under C(--diff).
options:
  objects:
    description:
      - Objects of C(rbac.authorization.k8s.io), Namespaces and ServiceAccounts that the access consists of.
    type: list
    elements: dict
    default: []
  lifetime:
    description:
      - Lifetime of the token in seconds, at least 600. The cluster may grant less.
    type: int
    default: 86400
  founded:
    description:
      - The cluster is there by now, or would be but for check mode. Where the machine holds none, all that a new
        cluster lacks is planned.
    type: bool
    default: false
  kept_only:
    description:
      - Only look for an access that the machine keeps, and make none. Any control plane may keep it, so all are asked
        before one makes a new one.
    type: bool
    default: false
  keep:
    description:
      - An access that another control plane has made, to be kept on this one, too. None is made then, and RV(access) is
        V(null). Empty in check mode, where it is yet to be made.
    type: dict
extends_documentation_fragment:
  - lodestar.platform.on_machine
author:
  - The lodestar.platform authors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Get access to the cluster
  lodestar.platform.cluster_access:
    cluster: "{{ lodestar_fleet.clusters.east }}"
    machine: "{{ lodestar_fleet.machines.e1 }}"
    objects: "{{ access_objects }}"
  delegate_to: e1
  register: minted
"""

RETURN = r"""
access:
  description:
    - C(server), C(ca_data), C(token), C(expires) and C(uid), the cluster's identity. Secret.
    - V(null) where there is no cluster on the machine or its API does not answer, and in check mode when it would be
      made.
  returned: success
  type: dict
lacking:
  description:
    - The cluster is on the machine and its API answers, but the machine keeps no access that would do. With O(founded)
      it is so where there is no cluster yet.
  returned: success
  type: bool
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
    CLUSTER_ACCESS as OPERATION,
)


def main() -> None:
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
