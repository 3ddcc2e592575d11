#!/usr/bin/python
# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_report
short_description: Show where the fleet stands at the end of a run
version_added: 0.1.0
description:
  - Shows one table of the clusters of a run, and what is wrong with them.
  - Returns the same as data, and writes it as JSON to O(report_path). The file is output rather than state, so
    writing it is no change. Check mode does not write it.
  - A cluster with a problem does not make this module fail, so that a playbook can show the report and then fail.
author:
  - The lodestar.platform authors (@lodestar-platform)
attributes:
  check_mode:
    support: full
    description: The file is not written.
  diff_mode:
    support: none
    description: It changes nothing.
  action:
    support: full
    description: It runs on the controller, in the Ansible process.
options:
  clusters:
    description: What is known about each cluster, as RV(lodestar.platform.cluster_summary#module:entry) returns it.
    type: list
    elements: dict
    required: true
    suboptions:
      cluster:
        description: Name of the cluster.
        type: str
        required: true
      joined:
        description: How it became part of the fleet.
        type: str
        choices: [hub, created, attached]
      version:
        description: Its Kubernetes version.
        type: str
      nodes:
        description: Its nodes.
        type: dict
        suboptions:
          ready:
            description: How many are ready.
            type: int
            required: true
          total:
            description: How many there are, or should be.
            type: int
            required: true
      capacity:
        description: The sum of what its nodes have.
        type: dict
      tenants:
        description: Names of the tenants that are for it.
        type: list
        elements: str
        default: []
      policies:
        description: Names of the policies that are for it.
        type: list
        elements: str
        default: []
      certificate_expiry:
        description: When the first of its certificates ends, in RFC 3339.
        type: str
      access_expiry:
        description: When the platform's access to it ends, in RFC 3339.
        type: str
      surplus:
        description: Names of its Nodes that no machine of the inventory stands for. They are shown, with a warning.
        type: list
        elements: str
        default: []
      changed:
        description: The ids of the steps of this run, or a mapping of counts by phase.
        type: raw
        default: []
      access_warning:
        description: What is to be said of an access that ends soon. It is shown, with a warning.
        type: str
      problem:
        description: What is wrong with it.
        type: str
  fleet:
    description:
      - The fleet as returned by M(lodestar.platform.fleet). It gives the order, and the clusters and machines behind
        O(hosts) and O(failed_hosts).
    type: dict
  hosts:
    description:
      - Hosts of the run. A cluster among them that is not in O(clusters) is reported as not reached.
    type: list
    elements: str
    default: []
  failed_hosts:
    description: Hosts that failed or were unreachable. The cluster of each is reported with a problem.
    type: list
    elements: str
    default: []
  outcome:
    description:
      - By host, what its tasks left behind, namely C(changes), a mapping of counts by phase, and C(certificates), the
        ends of certificates in RFC 3339. What machines left behind counts for their clusters, which needs O(fleet).
      - By default it is taken from the hosts of the play. Every variable that was registered from a module of this
        collection counts with the length of its C(plan), under its name less C(_result); certificates are
        those in the variable C(lodestar_seen).
    type: dict
  detachments:
    description: Detachments that this run could not finish. They are shown.
    type: list
    elements: dict
    default: []
    suboptions:
      cluster:
        description: Name of the cluster.
        type: str
        required: true
      since:
        description: When it was asked for, in RFC 3339.
        type: str
        required: true
      reason:
        description: Why it waits.
        type: str
        required: true
  report_path:
    description: File that is written with the report as JSON, mode 0644.
    type: path
"""

EXAMPLES = r"""
- name: Show where the fleet stands
  lodestar.platform.fleet_report:
    clusters:
      - cluster: east
        joined: created
        version: v1.36.3
        nodes:
          ready: 2
          total: 2
        tenants: [payments]
        certificate_expiry: "2027-01-31T12:00:00Z"
    report_path: /var/tmp/fleet.json
  run_once: true
"""

RETURN = r"""
report:
  description: The report as data, as it is written to O(report_path).
  returned: success
  type: dict
  contains:
    schema:
      description: Version of this shape.
      type: int
      sample: 1
    at:
      description: When it was made, in RFC 3339.
      type: str
    planned:
      description: The run was in check mode, so that changes are those that would be made.
      type: bool
    clusters:
      description: The entries, the global cluster first.
      type: list
      elements: dict
    changes:
      description: How many steps the run took, or would take.
      type: int
    earliest_certificate_expiry:
      description: When the first certificate of the fleet ends.
      type: str
    detachments:
      description: As O(detachments).
      type: list
      elements: dict
    problems:
      description: As RV(problems).
      type: list
      elements: str
table:
  description: The lines that are shown.
  returned: success
  type: list
  elements: str
problems:
  description: One line for each cluster that has a problem.
  returned: success
  type: list
  elements: str
report_path:
  description: The file that was written.
  returned: when O(report_path) is set and not in check mode
  type: str
"""

from ..module_utils.fleet.report_operation import OPERATION


def main() -> None:
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
