# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: promotion_check
short_description: Judge whether an attached cluster can become a created one
version_added: 0.1.0
description:
  - Holds what the machines of a cluster have reported, and what the hub has recorded of it, against every check of a
    promotion, and shows what failed, what is adopted, and what a site run would change afterwards. It looks at nothing
    itself and changes nothing.
  - A failed check does not make this module fail, so that a playbook can show everything and then fail.
author:
  - The lodestar.platform authors (@lodestar-platform)
attributes:
  check_mode:
    support: full
    description: It changes nothing.
  diff_mode:
    support: none
    description: It changes nothing.
  action:
    support: full
    description: It runs on the controller, in the Ansible process.
options:
  cluster:
    description: The cluster's entry in the fleet, as M(lodestar.platform.fleet) returns it, with C(mode) V(create).
    type: dict
    required: true
  machines:
    description: The entries of its machines in the fleet, by name.
    type: dict
    required: true
  looks:
    description:
      - By machine, what M(lodestar.platform.machine_promote) returned in check mode, also where it failed.
    type: dict
    required: true
  site_looks:
    description:
      - By machine, what M(lodestar.platform.machine) returned in check mode, also where it failed.
    type: dict
    default: {}
  record:
    description: What the hub has recorded of the cluster, as M(lodestar.platform.fleet_info) returns it.
    type: dict
    default: {}
  hub_uid:
    description: UID of the hub's namespace kube-system.
    type: str
    default: ""
  addons:
    description: Names of the add-ons that a site run brings to the cluster.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Whether legacy can be promoted
  lodestar.platform.promotion_check:
    cluster: "{{ lodestar_fleet.clusters.legacy }}"
    machines: "{{ lodestar_fleet.machines }}"
    looks:
      l1: "{{ hostvars.l1.look }}"
    site_looks:
      l1: "{{ hostvars.l1.lodestar_seen }}"
    record: "{{ recorded.clusters | first }}"
    hub_uid: "{{ lodestar_hub_uid }}"
    addons: [metrics-server]
  register: judged
"""

RETURN = r"""
findings:
  description: Every check of every machine or of the cluster, with C(check), C(severity), C(subject), C(passed),
    C(seen), C(needed) and C(remedy).
  returned: success
  type: list
  elements: dict
problems:
  description: One line for each failed check of severity error. The cluster can be promoted if there is none.
  returned: success
  type: list
  elements: str
differs:
  description:
    - By machine, what a site run would change after the promotion, in order, with C(what), C(description), C(seen),
      C(wanted) and C(restarts), which is what would be restarted for it, or empty.
  returned: success
  type: dict
table:
  description: The lines that are shown.
  returned: success
  type: list
  elements: str
"""

from ..module_utils.machine.promotion.operation import PROMOTION_CHECK as OPERATION


def main() -> None:
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
