#!/usr/bin/python
# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: access_review
short_description: Tell who may do what on the clusters of the fleet
version_added: 0.1.0
description:
  - Reads the RBAC objects of clusters (Roles, ClusterRoles and their bindings, one list request a kind) and tells what
    a subject or the members of a tenant may do, where, and by which binding; or who may do something, such as delete
    Secrets in a namespace.
  - The cluster that the connection options mean is the hub, and every cluster that it records is asked, side by side,
    by the access that the hub keeps. With O(cluster) it is that one cluster.
  - A cluster that does not answer is no failure; it is named in RV(unanswered), and costs at most O(deadline).
  - It tells what RBAC allows, with what the API server itself allows the group C(system:masters). Rights of kubelets
    by the Node authorizer, and those by authorization webhooks of hosted clusters, are no part of it.
options:
  subject:
    description: Whose rights are told. Groups that Kubernetes itself adds, such as C(system:authenticated), count.
    type: dict
    suboptions:
      kind:
        description: What it is.
        type: str
        choices: [User, Group, ServiceAccount]
        required: true
      name:
        description: Its name, as clusters see it, with the prefix that authentication adds.
        type: str
        required: true
      namespace:
        description: Where a ServiceAccount lives.
        type: str
      groups:
        description: The groups of a user, which clusters do not know.
        type: list
        elements: str
        default: []
  tenant:
    description:
      - A tenant, whose members' rights are told wherever they are, and whatever else is bound in its namespaces.
        Members and namespaces are those of the bindings that the platform has made for it.
    type: str
  verbs:
    description: Only rights to do one of these, such as V(delete).
    type: list
    elements: str
    default: []
  resources:
    description:
      - Only rights on one of these, such as V(secrets), V(pods/exec) or V(deployments.apps). Without an API group it is
        the resource of that name in any group.
    type: list
    elements: str
    default: []
  namespaces:
    description: Only rights that reach into one of these. Those that hold everywhere do.
    type: list
    elements: str
    default: []
  system:
    description:
      - Without a subject and tenant, also tell what every cluster gives to its own components and to the platform.
        Groups that everybody is in, and default bindings that somebody has given to others, are told anyway.
    type: bool
    default: false
  cluster:
    description: Name of the cluster that the connection options mean, where that is the only one to ask.
    type: str
  names:
    description: Only these clusters of the hub. A name that the hub does not know is a warning.
    type: list
    elements: str
    default: []
  label_selector:
    description: Only clusters whose record matches this selector, in the syntax of Kubernetes, such as V(region=north).
    type: str
  deadline:
    description: Seconds that a cluster may take to answer.
    type: int
    default: 10
  at_once:
    description: How many clusters are asked side by side.
    type: int
    default: 16
  report_path:
    description: Also write the rows to this file, as JSON. In check mode nothing is written.
    type: path
attributes:
  check_mode:
    description: It changes nothing, and writes no report.
    support: full
  diff_mode:
    description: It changes nothing.
    support: none
extends_documentation_fragment:
  - lodestar.platform.connection
seealso:
  - module: lodestar.platform.fleet_info
author:
  - The lodestar.platform authors (@lodestar-platform)
"""

EXAMPLES = r"""
- name: See what a group may do in the fleet
  lodestar.platform.access_review:
    kubeconfig: ~/clusters/hub.yaml
    subject:
      kind: Group
      name: payments-developers

- name: See who may delete Secrets in the namespace payments
  lodestar.platform.access_review:
    kubeconfig: ~/clusters/hub.yaml
    verbs: [delete, deletecollection]
    resources: [secrets]
    namespaces: [payments]
  register: deleters

- name: See what a user may do on one cluster
  lodestar.platform.access_review:
    kubeconfig: ~/clusters/east.yaml
    cluster: east
    subject:
      kind: User
      name: anna
      groups: [payments-developers, on-call]
"""

RETURN = r"""
rows:
  description: What was found, one a subject and binding.
  returned: success
  type: list
  elements: dict
  contains:
    cluster:
      description: The cluster.
      returned: always
      type: str
    subject:
      description: Whom the binding names, with C(kind), C(name) and the C(namespace) of a ServiceAccount.
      returned: always
      type: dict
    namespace:
      description: Where it holds; V(*) is everywhere.
      returned: always
      type: str
    role:
      description: Kind and name of the role.
      returned: always
      type: str
      sample: ClusterRole edit
    binding:
      description: Kind and name of the binding.
      returned: always
      type: str
      sample: RoleBinding payments/lodestar-developer
    rules:
      description: What of the role is asked for, each rule with C(verbs), C(resources), C(names) of single objects (all
        if empty) and C(urls) that are no resources.
      returned: always
      type: list
      elements: dict
clusters:
  description: Names of the clusters that were asked.
  returned: success
  type: list
  elements: str
unanswered:
  description: By the name of a cluster that did not answer, why.
  returned: success
  type: dict
table:
  description: The same for people, a line a row, and below it what did not answer.
  returned: success
  type: list
  elements: str
report_path:
  description: The file that was written.
  returned: with O(report_path), not in check mode
  type: str
"""

from ..module_utils.fleet.access_review import OPERATION


def main() -> None:
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
