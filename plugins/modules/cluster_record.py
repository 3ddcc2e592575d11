#!/usr/bin/python
# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_record
short_description: Keep a cluster's records on the hub
version_added: 0.1.0
description:
  - Keeps an Open Cluster Management C(ManagedCluster) and a SIG Multicluster C(ClusterProfile) for a cluster, with
    labels, version, capacity, claims and conditions by the names of these projects.
  - Tells the cluster itself its name and its set, the same that the ClusterProfile says, by the C(ClusterProperty)s
    C(cluster.clusterset.k8s.io) and C(clusterset.k8s.io) of the About API (KEP-2149), unless O(tier=observe). Their
    definition is brought where the cluster has none; one of somebody else is used as it is.
  - The condition C(AccessValid) and the claim C(access-expires.lodestar.platform) of the ManagedCluster say whether our
    access is good, and when it ends.
  - Nothing is written while nothing has changed. There is no heartbeat, and the time of a condition is that of its last
    change.
  - A cluster whose identity another record has is refused with both names.
options:
  cluster:
    description: Name of the cluster, as in the inventory.
    type: str
    required: true
  mode:
    description: How the cluster joined the fleet.
    type: str
    choices: [create, attach]
    default: create
  cluster_role:
    description: Whether the cluster is the fleet's global cluster or a workload cluster.
    type: str
    choices: [global, workload]
    default: workload
  cluster_labels:
    description: Labels of the cluster, for selectors and placements.
    type: dict
    default: {}
  cluster_set:
    description: The ManagedClusterSet that the cluster is in.
    type: str
    default: default
  tier:
    description: The tier of our access to the cluster, by which the record says what the platform can do with it.
    type: str
    choices: [observe, tenant, lifecycle]
    default: lifecycle
  kubernetes_version:
    description: The declared version, for the plan of a cluster that is yet to be made.
    type: str
  upgraded:
    description: Take the cluster to run O(kubernetes_version) already. For check mode of an upgrade.
    type: bool
    default: false
  unreachable:
    description:
      - Why the cluster cannot be reached. Its records then say that nobody knows whether it answers
        (C(ManagedClusterConditionAvailable=Unknown)), since when and why, and keep what was seen last. The cluster is
        not asked, and one without records gets none.
    type: str
  access_state:
    description:
      - The state of the access of a cluster that is O(unreachable), as M(lodestar.platform.access_info) tells it.
    type: str
    choices: [unreachable, refused, expired]
    default: unreachable
  access_renewed:
    description: Our access is made anew in this run, so that its end is part of no plan.
    type: bool
    default: false
  joining:
    description:
      - Names of the nodes that join in this run. What the cluster has of CPU and memory is then part of no plan, and a
        change of it is told in check mode if their number changes.
    type: list
    elements: str
    default: []
  replaced:
    description: Names of the nodes whose places they take, and which leave.
    type: list
    elements: str
    default: []
  kubelet_changes:
    description:
      - Changes of kubelets' settings in this run, steps with C(before) and C(after). If one of them changes what a node
        offers to pods, what the cluster has of it is part of no plan.
    type: list
    elements: dict
    default: []
  expected:
    description: Take the kubelets to have these settings, and our access to be renewed, already. For check mode.
    type: bool
    default: false
  recreate:
    description: Another cluster than the recorded one may answer behind this name, since the old one is gone for good.
    type: bool
    default: false
  fleet_roles:
    description:
      - The roles of people in the fleet that are for this cluster. Keys of an item are C(name), C(description), C(role)
        (platform-admin, cluster-admin or auditor), C(members) (C(kind) Group or User, and C(name)) and C(clusters).
      - The cluster is held to them by ClusterRoleBindings, and loses those that are no longer declared. Where the
        O(tier) is V(observe) it is left alone; V(tenant) can have auditors only.
    type: list
    elements: dict
    default: []
  adopt:
    description:
      - Kinds of which objects that exist and were made by somebody else are taken over, such as V(ClusterProperty), or
        V(all). Others are refused by name. What that replaces on the cluster is put back when it is detached.
    type: list
    elements: str
    default: []
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
    description: Shows every object that would be or was changed, before and after. Secret values are never part of it.
    support: full
extends_documentation_fragment:
  - lodestar.platform.hub
  - lodestar.platform.connection
author:
  - The lodestar.platform authors (@lodestar-platform)
"""

EXAMPLES = r"""
- name: Record the cluster on the hub
  lodestar.platform.cluster_record:
    cluster: east
    cluster_labels:
      region: east
    access: "{{ lodestar_access }}"
    hub_access: "{{ lodestar_hub_access }}"

- name: Record that a cluster cannot be reached
  lodestar.platform.cluster_record:
    cluster: east
    unreachable: no answer before the deadline
    hub_access: "{{ lodestar_hub_access }}"
"""

RETURN = r"""
uid:
  description: The cluster's identity, V(null) for one that is yet to be made.
  returned: success
  type: str
version:
  description: The cluster's Kubernetes version.
  returned: success
  type: str
  sample: v1.36.3
distribution:
  description: The distribution as far as any identity can tell.
  returned: success
  type: str
  sample: kubeadm
nodes:
  description: How many nodes the cluster has.
  returned: success
  type: int
fleet_roles:
  description: Names of the roles that the cluster holds; empty where our access has no right to give any.
  returned: success
  type: list
  elements: str
properties:
  description:
    - What the cluster was told of itself, value by name. V(null) where it was told nothing, since the tier is
      C(observe), or for the reason in the warning.
  returned: success
  type: dict
  sample: {cluster.clusterset.k8s.io: east, clusterset.k8s.io: default}
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
      description: The cluster that is changed.
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

from ..module_utils.fleet.records_plan import OPERATION


def main() -> None:
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
