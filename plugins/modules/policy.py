# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: policy
short_description: Hold one cluster to its policies
version_added: 0.1.0
description:
  - Makes a ValidatingAdmissionPolicy and its bindings for each policy that is for this cluster, or a
    MutatingAdmissionPolicy where the rule changes objects, and deletes ours that are no longer declared. They are
    evaluated by the API server itself, and need Kubernetes 1.30, or 1.36 to change objects.
  - System namespaces, members of the group C(lodestar:break-glass) and what is being deleted are always exempt, so that
    no policy can lock a cluster out. An update is judged by what it brings, not by what the object had before.
  - The API server compiles the expressions of every policy that would be written before the first write.
options:
  policies:
    description:
      - The policies of the platform; those that are not for this cluster are left out.
      - >-
        Keys of an item are C(name), C(description), C(rule) (one of the library, see docs/policies.md, or cel),
        C(mode) (deny, warn or audit; mutate for rules that change objects), C(if_unsupported) (fail or skip, of these),
        C(parameters) of the rule, C(clusters) (C(names) or C(selector); every
        workload cluster by default), C(scope) (all namespaces but the system's, only those of tenants, or
        C(namespaces), C(tenants) and C(selector)), C(exemptions) (C(namespaces), C(groups), C(users)), C(exceptions)
        (C(owner), C(reason), C(until), and C(namespaces), C(tenants), C(names) of what they are for), and
        C(workloads) (whether whoever makes a Deployment or the like is warned about its pods; true by default).
    type: list
    elements: dict
    required: true
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
    description:
      - The tier of our access to the cluster. With V(observe) it is never selected, since nothing may be written.
    type: str
    choices: [observe, tenant, lifecycle]
  accept_violations:
    description:
      - Let the mode of a policy become stricter, from audit to warn or to deny, although the cluster holds objects that
        break it, or a policy that cannot be judged before. Without it that is refused, with figures.
    type: bool
    default: false
  exception_warning_days:
    description:
      - How many days before its end an exception is warned about. One that has ended is warned about until it is
        removed from the declaration.
    type: int
    default: 14
  prune_all:
    description:
      - Allow that nothing is declared for this cluster and all of our policies are deleted. Without it that is refused.
    type: bool
    default: false
  adopt:
    description:
      - Kinds of which objects that exist and were made by somebody else are taken over, such as V(Namespace), or
        V(all). Others are refused by name.
    type: list
    elements: str
    default: []
  force:
    description:
      - Take over fields of our objects that another field manager declares as well, with another value.
        Without it the conflict is refused, and names the manager.
    type: bool
    default: false
  cluster_exists:
    description:
      - With V(false) the cluster is taken for one that is yet to be made. The plan is that of an empty cluster, and
        nothing can be carried out; this is for check mode on machines that hold nothing.
    type: bool
    default: true
attributes:
  check_mode:
    description: The plan is the same, and nothing is written.
    support: full
  diff_mode:
    description: Shows every object that would be or was changed, before and after.
    support: full
extends_documentation_fragment:
  - lodestar.platform.connection
author:
  - The lodestar.platform authors (@lodestar-platform)
"""

EXAMPLES = r"""
- name: Hold the cluster to its policies
  lodestar.platform.policy:
    cluster: east
    policies:
      - name: registries
        rule: allowed_registries
        mode: deny
        parameters:
          registries:
            - registry.example.org
            - docker.io/library
      - name: limits
        rule: required_resources
        mode: warn
        parameters:
          limits: [memory]
          requests: [cpu, memory]
      - name: team-label
        rule: required_labels
        mode: audit
        parameters:
          labels: [team]
        exemptions:
          namespaces: [monitoring]
        exceptions:
          - owner: shop@example.org
            reason: the importer is replaced in spring
            until: "2027-03-31"
            namespaces: [shop]
            names: ["importer-*"]
      - name: no-node-ports
        rule: cel
        mode: deny
        parameters:
          resources:
            - resources: [services]
          validations:
            - expression: "!has(object.spec.type) || object.spec.type != 'NodePort'"
              message: a Service of type NodePort is not allowed here; use an Ingress
"""

RETURN = r"""
policies:
  description: The policies that are for this cluster.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      returned: always
      type: str
    rule:
      description: Its rule.
      returned: always
      type: str
    mode:
      description: What a violation leads to.
      returned: always
      type: str
exceptions:
  description: The exceptions from these policies.
  returned: success
  type: list
  elements: dict
  contains:
    policy:
      description: The policy that it is from.
      returned: always
      type: str
    owner:
      description: Who answers for it.
      returned: always
      type: str
    reason:
      description: Why it is there.
      returned: always
      type: str
    until:
      description: Its end, in UTC.
      returned: always
      type: str
    state:
      description: C(active), C(ending) or C(ended). One that has ended is no longer part of the policy.
      returned: always
      type: str
    namespaces:
      description: The namespaces that it is for.
      returned: always
      type: list
      elements: str
    tenants:
      description: The tenants that it is for.
      returned: always
      type: list
      elements: str
    names:
      description: The names of objects that it is for.
      returned: always
      type: list
      elements: str
objects:
  description: The objects of each of these policies, as C(apiVersion/Kind/name).
  returned: success
  type: dict
  sample:
    registries:
      - admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy/registries.policy.lodestar.platform
plan:
  description: What was done, or in check mode would be done, in order.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The object as C(apiVersion/Kind/namespace/name).
      returned: always
      type: str
    action:
      description: C(create), C(update) or C(delete).
      returned: always
      type: str
    target:
      description: The cluster.
      returned: always
      type: str
    description:
      description: The step in words.
      returned: always
      type: str
    before:
      description: The declared fields as they were.
      returned: in check mode, and with C(--diff)
      type: raw
    after:
      description: The declared fields as they will be.
      returned: in check mode, and with C(--diff)
      type: raw
"""

from ansible_collections.lodestar.platform.plugins.module_utils.policy.operate import OPERATION


def main() -> None:
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
