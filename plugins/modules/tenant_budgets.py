#!/usr/bin/python
# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: tenant_budgets
short_description: Divide the budgets of tenants over the clusters of a fleet
version_added: 0.1.0
description:
  - Computes the share that each cluster has of the budget of each tenant, exactly, and verifies that the quotas of
    namespaces fit into it. What the nodes of a cluster can hold is read from the hub's records, by one LIST.
  - It is called once a run, before M(lodestar.platform.tenancy) is called for each cluster.
options:
  tenants:
    description: The tenants of the platform.
    type: list
    elements: dict
    required: true
  clusters:
    description: The clusters of the fleet by name, as M(lodestar.platform.fleet) returns them.
    type: dict
    required: true
attributes:
  check_mode:
    description: It changes nothing.
    support: full
  diff_mode:
    description: It changes nothing.
    support: none
extends_documentation_fragment:
  - lodestar.platform.hub
seealso:
  - module: lodestar.platform.tenancy
author:
  - The lodestar.platform authors (@lodestar-platform)
"""

EXAMPLES = r"""
- name: Divide the budgets
  lodestar.platform.tenant_budgets:
    tenants: "{{ tenants }}"
    clusters: "{{ lodestar_fleet.clusters }}"
    hub_access: "{{ lodestar_hub_access }}"
  run_once: true
  register: budgets
"""

RETURN = r"""
shares:
  description: By cluster and tenant, the share of the tenant's budget.
  returned: success
  type: dict
  sample:
    east:
      payments:
        requests.cpu: "12"
allocatable:
  description: By cluster, what its nodes can hold together, as the hub records it; empty where it is not known.
  returned: success
  type: dict
  sample:
    east:
      cpu: "16"
      memory: 64Gi
"""

from ansible_collections.lodestar.platform.plugins.module_utils.tenancy.divide import OPERATION


def main() -> None:
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
