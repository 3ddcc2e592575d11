#!/usr/bin/python
# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_summary
short_description: Read what the report of the fleet shows of one cluster
version_added: 0.1.0
description:
  - Reads version, nodes and capacity of a cluster, and puts them together with what the run knows about it.
  - A cluster that does not answer within 5 seconds is no failure, but an entry with a C(problem).
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
  cluster:
    description: The cluster as in RV(lodestar.platform.fleet#module:fleet.clusters).
    type: dict
    required: true
  node_names:
    description:
      - Names of the nodes that should be there. One that is missing counts as not ready; one that is there besides is
        surplus. Without any, none is.
    type: list
    elements: str
    default: []
  certificate_expiries:
    description: When certificates of the cluster end, in RFC 3339. The earliest is shown.
    type: list
    elements: str
    default: []
  changed:
    description: The ids of the steps of this run for the cluster, or a mapping of counts by phase.
    type: raw
    default: []
  problem:
    description: What is wrong with the cluster, if it is known already.
    type: str
  access_share:
    description:
      - Percent of the lifetime of the access, at most 50, below which the entry's C(access_warning) says that it ends
        soon and was not renewed. Runs renew it at 50.
    type: int
    default: 25
  access_renewed:
    description: The access is made anew by this run, so that there is nothing to warn of. For check mode.
    type: bool
    default: false
  cluster_exists:
    description: With V(false) the cluster is taken for one that is yet to be made, and nothing is read. For check mode.
    type: bool
    default: true
extends_documentation_fragment:
  - lodestar.platform.connection
"""

EXAMPLES = r"""
- name: Read what the report shows of the cluster
  lodestar.platform.cluster_summary:
    cluster: "{{ lodestar_fleet.clusters[inventory_hostname] }}"
    access: "{{ lodestar_access }}"
  register: summary
"""

RETURN = r"""
entry:
  description: What the report knows about the cluster, one item of O(lodestar.platform.fleet_report#module:clusters).
  returned: success
  type: dict
  sample:
    cluster: east
    joined: created
    version: v1.36.3
    nodes: {ready: 2, total: 2}
    capacity: {cpu: 4, memory: 8589934592, pods: 220}
    tenants: [payments]
    policies: [registries]
    certificate_expiry: "2027-01-31T12:00:00Z"
    access_expiry: "2026-02-01T12:00:00Z"
    surplus: []
    changed: []
    access_warning: null
    problem: null
"""

from ..module_utils.fleet.report_summary import OPERATION


def main() -> None:
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
