# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: compliance_scan
short_description: See what a cluster holds that its policies would not let in
version_added: 0.1.0
description:
  - Judges what already runs by the policies that are declared for the cluster and by those that are in force on it,
    whoever made them, as the API server would judge it if it were made now. Costs one LIST a kind.
  - Policies are evaluated here, by the same CEL that the API server runs. What an expression uses that is not known
    here is told, and its policy is not judged. Nobody in particular asks, so exemptions of users and groups do not
    count.
  - Keeps what it found as PolicyReports (wgpolicyk8s.io) on a cluster that serves them, and writes JSON and JUnit
    files. With O(hub_access) the hub keeps a summary of the cluster, one result a policy.
  - Violations do not make this module fail, so that a playbook can show them first; see RV(compliant).
options:
  policies:
    description:
      - The policies of the platform, as for M(lodestar.platform.policy); those that are not for this cluster, and those
        that change objects, are left out.
    type: list
    elements: dict
    default: []
  cluster:
    description: Name of the cluster, as in the inventory.
    type: str
    required: true
  cluster_labels:
    description: Labels of the cluster, which selectors look at.
    type: dict
    default: {}
  cluster_role:
    description: Whether the cluster is the fleet's global cluster or a workload cluster.
    type: str
    choices: [global, workload]
    default: workload
  cluster_colocated:
    description: The global cluster also runs workloads.
    type: bool
    default: false
  tier:
    description: The tier of our access to the cluster. With V(observe) no declared policy is for it.
    type: str
    choices: [observe, tenant, lifecycle]
  in_force:
    description:
      - Judge by the policies that the cluster has, too. Of one that is declared as well, the declaration counts.
    type: bool
    default: true
  fail_on:
    description: The mildest mode of policies whose violations make the cluster not compliant.
    type: str
    choices: [none, deny, warn, audit]
    default: deny
  limit:
    description: How many violations are returned and written to the JSON file; the counts are always whole.
    type: int
    default: 1000
  report:
    description:
      - Keep PolicyReports on the cluster, one a namespace and one for the cluster, named C(lodestar-compliance).
    type: bool
    default: true
  report_dir:
    description:
      - Directory on the controller for C(<cluster>.json) and C(<cluster>.junit.xml). They are output rather than state,
        so writing them is no change. Check mode does not write them.
    type: path
  unreachable:
    description:
      - Why the cluster could not be asked. It is not scanned then and not compliant, and the files in O(report_dir) say
        so.
    type: str
  cluster_exists:
    description: With V(false) the cluster is taken for one that is yet to be made, which holds nothing.
    type: bool
    default: true
attributes:
  check_mode:
    description: The scan is the same, and nothing is written.
    support: full
  diff_mode:
    description: Shows every report that would be or was changed, before and after.
    support: full
extends_documentation_fragment:
  - lodestar.platform.connection
  - lodestar.platform.hub
author:
  - The lodestar.platform authors (@lodestar-platform)
"""

EXAMPLES = r"""
- name: See what would break a policy before it is declared
  lodestar.platform.compliance_scan:
    cluster: east
    report: false
    policies:
      - name: digests
        rule: digest_only
        mode: deny
  register: scan

- name: Scan by what is in force, and keep the results
  lodestar.platform.compliance_scan:
    cluster: east
    fail_on: warn
    report_dir: reports
"""

RETURN = r"""
compliant:
  description:
    - Whether no violation of a policy of the mode O(fail_on), or of a stricter one, was found. False for a cluster that
      was not scanned.
  returned: success
  type: bool
scan:
  description: What was found; the JSON file holds the same.
  returned: success
  type: dict
  contains:
    cluster:
      description: The cluster.
      returned: always
      type: str
    compliant:
      description: As above.
      returned: always
      type: bool
    unreachable:
      description: Why the cluster could not be asked, empty when it was scanned.
      returned: always
      type: str
    fail_on:
      description: The threshold.
      returned: always
      type: str
    violations:
      description: How many violations there are, by the mode of their policies.
      returned: always
      type: dict
    passed:
      description: How many judgements were passed.
      returned: always
      type: int
    policies:
      description: C(name), C(mode), C(declared), and how many objects C(pass), C(fail) and C(error), of each policy.
      returned: always
      type: list
      elements: dict
    findings:
      description: The violations, with C(policy), C(mode), C(result) (C(fail) or C(error)), C(message) and C(object).
      returned: always
      type: list
      elements: dict
    left_out:
      description: How many violations O(limit) left out.
      returned: always
      type: int
    skipped:
      description: Policies that could not be judged, or not on everything, and why.
      returned: always
      type: list
      elements: dict
table:
  description: The scan for people, a line a policy.
  returned: success
  type: list
  elements: str
report_paths:
  description: The files that were written, C(json) and C(junit).
  returned: when O(report_dir) is given, not in check mode
  type: dict
plan:
  description:
    - The reports on the cluster that were written, or in check mode would be, as M(lodestar.platform.policy) returns.
  returned: success
  type: list
  elements: dict
"""

from ansible_collections.lodestar.platform.plugins.module_utils.policy.compliance import OPERATION


def main() -> None:
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
