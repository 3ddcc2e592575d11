#!/usr/bin/python
# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: drift
short_description: Report what differs from the declaration, in all clusters
version_added: 0.1.0
description:
  - Makes one report of the sets of objects that modules of this collection hold, such as M(lodestar.platform.tenancy),
    M(lodestar.platform.policy) and M(lodestar.platform.apply). It reads their results, in check mode or not, so it asks
    no cluster by itself and says what check mode says.
  - Of a field that somebody changed it names the manager, and since when, as the cluster records it. A cluster does not
    record who deleted an object or removed a field.
  - The report is returned as lines of a table and as data, and is written as JSON to O(report_path). The file is output
    rather than state, so writing it is no change. Check mode does not write it.
  - A difference does not make this module fail, so that a playbook can show the report and then fail.
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
  sets:
    description: What was compared.
    type: list
    elements: dict
    required: true
    suboptions:
      cluster:
        description: Name of the cluster.
        type: str
        required: true
      set:
        description: Name of the set, such as V(tenancy).
        type: str
        required: true
      enforced:
        description: The module was not in check mode, so that what it found it has repaired.
        type: bool
        default: false
      result:
        description: What the module that holds the set has returned, also when it failed.
        type: dict
        required: true
  report_path:
    description: File that is written with the report as JSON, mode 0644.
    type: path
"""

EXAMPLES = r"""
- name: What differs of the tenants
  lodestar.platform.tenancy:
    tenants: "{{ tenants }}"
    cluster: "{{ inventory_hostname }}"
    access: "{{ access }}"
  check_mode: true
  register: tenancy_result
  ignore_errors: true # a refusal is part of the report

- name: Show it
  lodestar.platform.drift:
    sets:
      - cluster: "{{ inventory_hostname }}"
        set: tenancy
        result: "{{ tenancy_result }}"
    report_path: /var/tmp/drift.json
"""

RETURN = r"""
drift:
  description: What differs.
  returned: success
  type: list
  elements: dict
  contains:
    cluster:
      description: Name of the cluster.
      type: str
      returned: always
    set:
      description: Name of the set.
      type: str
      returned: always
    object:
      description: The object as C(apiVersion/Kind/namespace/name), empty where the whole set is meant.
      type: str
      returned: always
    difference:
      description:
        - V(missing) for a declared object that is not there, V(edited) for one of which somebody changed fields,
          V(redeclared) for one whose declaration has changed since it was applied, V(undeclared) for a member that is
          no longer declared, V(differs) for anything else.
        - V(conflict) for an object of which another manager declares fields with other values. V(failed) for what could
          not be compared or was refused; C(reason) says why.
      type: str
      returned: always
    fields:
      description: The fields that differ, where the cluster records who holds them.
      type: list
      elements: str
      returned: always
    managers:
      description: Who holds these fields.
      type: list
      elements: str
      returned: always
    since:
      description: When the first of these managers last changed any field of the object, in RFC 3339, or empty.
      type: str
      returned: always
    state:
      description: V(found), V(repaired) or V(left). What is left was refused, or could not be repaired.
      type: str
      returned: always
    reason:
      description: More, in words.
      type: str
      returned: always
report:
  description: The report as it is written, with C(schema), C(at), C(compared), C(counts) by state, and C(drift).
  returned: success
  type: dict
table:
  description: The lines of the table.
  returned: success
  type: list
  elements: str
problems:
  description: One line for each difference that was not repaired.
  returned: success
  type: list
  elements: str
report_path:
  description: The file that was written.
  returned: when O(report_path) is set and not in check mode
  type: str
"""

from ..module_utils.fleet.drift_operation import OPERATION


def main() -> None:
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
