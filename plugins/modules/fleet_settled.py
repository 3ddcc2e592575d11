#!/usr/bin/python
# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_settled
short_description: See which clusters have nothing to do
version_added: 0.1.0
description:
  - Looks at many clusters side by side, in one task, with what the modules addons, cluster_attach, cluster_record,
    tenancy and policy, and delivery for the platform's add-ons, would look at. Each cluster is asked once what several
    of them want to know. One for which none of them would do anything is settled.
  - A play lets settled clusters go, which saves their tasks. What is wrong with a cluster, or has to be done there, is
    left to those modules to say and to do.
  - The result holds the access to clusters that are not settled, and is never shown.
author:
  - The lodestar.platform authors (@lodestar-platform)
attributes:
  check_mode:
    support: full
    description: It changes nothing.
  diff_mode:
    support: none
    description: It changes nothing.
options:
  fleet:
    description: The fleet, as M(lodestar.platform.fleet) returns it.
    type: dict
    required: true
  names:
    description: Names of clusters. The hub is left out, and so are created ones unless O(created) is set.
    type: list
    elements: str
    required: true
  options:
    description:
      - By cluster, the variables of the roles addons, attach, tenancy, policy and report that are set for it. A cluster
        for which one is set that says something else than the fleet is not looked at beyond its access. By default they
        are taken from the variables of the hosts.
    type: dict
    default: {}
  created:
    description:
      - Look at created clusters, too. Their machines may have something to do all the same, which is not looked at
        here, so they are told apart.
    type: bool
    default: false
  addons:
    description:
      - The declared C(platform_addons). A cluster that lacks one of its add-ons, or where one is not ready, is not
        settled.
    type: list
    elements: dict
    default: []
  at_once:
    description: How many clusters are looked at at the same time.
    type: int
    default: 8
extends_documentation_fragment:
  - lodestar.platform.hub
"""

EXAMPLES = r"""
- name: See which attached clusters have nothing to do
  lodestar.platform.fleet_settled:
    fleet: "{{ lodestar_fleet }}"
    names: "{{ ansible_play_hosts }}"
    hub: "{{ lodestar_fleet.hub }}"
    hub_access: "{{ lodestar_hub_access }}"
  run_once: true
  register: look

- name: Let them go
  ansible.builtin.meta: end_host
  when: inventory_hostname in look.settled
"""

RETURN = r"""
settled:
  description:
    - By cluster that has nothing to do, its C(uid), and its C(entry) in the report, see
      M(lodestar.platform.cluster_summary).
  returned: success
  type: dict
at_rest:
  description:
    - The same of clusters of which it holds as long as the machines of those under C(created) are left alone. That is
      the cluster itself if it is a created one, and those with which it shares a budget that is split by capacity.
  returned: success
  type: dict
looked:
  description:
    - By cluster that is not in RV(settled), what M(lodestar.platform.access_info) returns of it. One whose access could
      not be judged is in none of both. Secret.
  returned: success
  type: dict
"""

from ansible_collections.lodestar.platform.plugins.module_utils.settled.operation import OPERATION


def main() -> None:
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
