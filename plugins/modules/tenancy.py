# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: tenancy
short_description: Hold one cluster to its tenants
version_added: 0.1.0
description:
  - Makes the namespaces of the tenants that are for this cluster, and in each of them Roles, RoleBindings, a
    ResourceQuota, a LimitRange, NetworkPolicies and the tenant's own objects, with Pod Security labels on the
    namespaces, and for all tenants together the ValidatingAdmissionPolicies that hold them to their limits. Objects
    that are no longer declared are deleted.
  - The whole desired state of a cluster is one call. Unchanged tenants cost one list request a kind and no write.
  - Every declared tenant is checked before anything is read from the cluster, also those that are for other clusters,
    and all problems are named at once.
  - A namespace that is no longer declared is deleted only with O(prune_namespaces), and after an earlier run has
    retired it, since it holds workloads and data.
options:
  tenants:
    description:
      - The tenants of the platform; those that are not for this cluster are left out.
      - >-
        Keys of an item are C(name), C(description), C(clusters) (C(names) or C(selector); every workload cluster by
        default), C(namespaces) (names, or mappings with C(name), C(clusters), C(state), C(quota), C(limits),
        C(pod_security), C(labels), C(annotations)), C(members) (C(kind) Group, User or ServiceAccount, C(name), and
        C(role) owner, admin, developer, viewer or one of the tenant's own, or C(cluster_role)), C(roles) (C(name),
        C(rules)), C(budget) (C(total), C(split), C(shares), C(weights)), C(quota) (hard limits for each namespace),
        C(limits) (C(default), C(default_request), C(max), C(min) of a container), C(isolation) (tenant, namespace or
        none), C(network) (C(allow_dns), C(allow_ingress), C(allow_monitoring), C(allow_api_server), C(ingress),
        C(egress)), C(pod_security) (privileged, baseline or restricted), C(allow) (C(registries), C(storage_classes),
        C(priority_classes), C(ingress_classes), C(host_suffixes)), C(nodes) (C(labels)), C(state) (active, cordoned or
        retired), C(objects) (manifests), C(labels) and C(annotations) of the namespaces.
      - docs/tenants.md explains them.
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
  grants:
    description:
      - Rights beyond the tier's that our identity has on this cluster, as in C(cluster_access.grants). C(cluster_roles)
        are the ClusterRoles that a member may get as C(cluster_role).
    type: dict
    default: {}
  settings:
    description:
      - What tenants depend on in this cluster, the same for all of them. C(reserved_namespaces) are names, or
        beginnings of names with a C(*), that no tenant may have, beside the built-in ones. C(ingress_namespaces) and
        C(monitoring_namespaces) are where ingress controllers and monitoring run. C(api_server) is a list of C(cidr)
        and C(port) (6443) of the API servers themselves.
    type: dict
    default: {}
  shares:
    description:
      - By tenant, this cluster's share of its budget, as M(lodestar.platform.tenant_budgets) returns it for each
        cluster.
      - Without it only budgets with explicit shares can be kept, and other tenants with a budget are refused.
    type: dict
    default: {}
  allocatable:
    description:
      - What the cluster's nodes can hold together, C(cpu), C(memory), C(ephemeral-storage) and C(pods). Quotas that
        promise more are warned about.
    type: dict
    default: {}
  prune_namespaces:
    description:
      - Delete namespaces of ours that are no longer declared and were retired before (C(state=retired)), with
        everything in them. Without it, or if one was not retired, the call is refused and names them.
    type: bool
    default: false
  adopt:
    description:
      - Kinds of which objects that exist and were made by somebody else are taken over, which matters for V(Namespace),
        or V(all). Others are refused by name. Our names inside of our namespaces are always taken over, so that members
        of a tenant cannot keep the platform out.
      - Such a namespace is handed back with the labels that it had, and not deleted, when it is no longer declared.
    type: list
    elements: str
    default: []
  force:
    description:
      - Take over fields of our namespaces that another field manager declares as well, with another value.
        Without it the conflict is refused, and names the manager. Inside of our namespaces they are always taken over.
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
- name: Hold the cluster to its tenants
  lodestar.platform.tenancy:
    cluster: east
    cluster_labels:
      env: prod
    tenants:
      - name: payments
        clusters:
          selector:
            matchLabels:
              env: prod
        namespaces:
          - payments
          - name: payments-batch
            quota:
              pods: "50"
        members:
          - kind: Group
            name: payments-developers
            role: developer
        quota:
          requests.cpu: "4"
          requests.memory: 8Gi
        limits:
          default_request:
            cpu: 100m
            memory: 128Mi

- name: Delete the namespaces of a tenant that was retired and is no longer declared
  lodestar.platform.tenancy:
    cluster: east
    tenants: "{{ tenants }}"
    prune_namespaces: true
"""

RETURN = r"""
tenants:
  description: Names of the tenants that are for this cluster.
  returned: success
  type: list
  elements: str
  sample: [payments]
objects:
  description: The objects of each of these tenants, as C(apiVersion/Kind/namespace/name).
  returned: success
  type: dict
  sample:
    payments:
      - v1/Namespace/payments
      - v1/ResourceQuota/payments/lodestar
guards:
  description: The objects that are for all tenants of the cluster, as C(apiVersion/Kind/name).
  returned: success
  type: list
  elements: str
  sample: [admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy/registries.tenancy.lodestar.platform]
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

from ansible_collections.lodestar.platform.plugins.module_utils.tenancy.operate import OPERATION


def main() -> None:
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
