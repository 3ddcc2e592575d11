#!/usr/bin/python
# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: addons
short_description: Bring and await what a created cluster runs pods with
version_added: 0.1.0
description:
  - Approves the serving certificates that the kubelets of the given nodes ask for, if a request is by the node itself,
    for exactly its name and its address, and for serving only. Every other pending request of the signer
    C(kubernetes.io/kubelet-serving) is left alone, with a warning.
  - Applies kube-router as CNI with NetworkPolicy, and waits until the nodes, it and CoreDNS are ready.
  - It tolerates the taint of control planes, so that it runs on a dedicated global cluster too.
  - Other add-ons, such as metrics-server, are delivered by M(lodestar.platform.delivery).
options:
  cluster:
    description: Name of the cluster, as in the inventory.
    type: str
    required: true
  addons:
    description:
      - Which add-ons the cluster has. One that is left out is removed.
      - C(metrics-server) is delivered. Named here, what an older release brought of it as a part of this set stays
        until the delivery takes it over.
    type: list
    elements: str
    choices: [kube-router, metrics-server]
    default: [kube-router, metrics-server]
  endpoint_host:
    description: Address at which every node reaches the API server, before services work.
    type: str
    required: true
  endpoint_port:
    description: Port of the API server there.
    type: int
    default: 6443
  network:
    description: Ranges of the cluster.
    type: dict
    default: {}
    suboptions:
      pod_cidr:
        description: Range of pods; an IPv4 and an IPv6 range with a comma between them for both.
        type: str
        default: 10.244.0.0/16
      service_cidr:
        description: Range of services, likewise.
        type: str
        default: 10.96.0.0/12
      dns_domain:
        description: DNS domain of the cluster. The add-ons do not use it.
        type: str
        default: cluster.local
  nodes:
    description:
      - Names of the nodes that must be ready. By default those that the cluster knows.
    type: list
    elements: str
    default: []
  kubelets:
    description:
      - The nodes whose kubelets may get serving certificates, address by name. Empty approves none.
    type: dict
    default: {}
  joining:
    description:
      - Names of the nodes that join in this run. With O(kubelets) it is waited until their kubelets have asked.
    type: list
    elements: str
    default: []
  asking:
    description:
      - Names of nodes that are there, and whose kubelets are told in this run to ask for serving certificates for the
        first time. It is waited for them likewise.
    type: list
    elements: str
    default: []
  marks:
    description:
      - By node name, C(labels) (a mapping), C(taints) (a list of C(key), C(value), C(effect)) and C(dedicated) (a
        control plane that keeps the taint of kubeadm). Nodes get them. What was declared is written down in the
        annotation C(lodestar.platform/declared) of the Node, and taken back when it is declared no more. What others
        have set stays.
    type: dict
    default: {}
  images:
    description: Image references in place of the bundle's.
    type: dict
    default: {}
    suboptions:
      kube_router:
        description: Image of kube-router.
        type: str
  founded:
    description:
      - The cluster was founded by this run, or would be but for check mode. The control plane that founds brings the
        network itself then, with M(lodestar.platform.control_plane), and a plan for a cluster that is yet to be made
        leaves it out.
    type: bool
    default: false
  wait:
    description: Wait until nodes, add-ons and CoreDNS are ready. Check mode does not wait.
    type: bool
    default: true
  wait_timeout:
    description: How many seconds to wait. After that the task fails and says what is missing, and what ails the pods.
    type: int
    default: 300
  adopt:
    description:
      - Kinds of which objects that exist and were made by somebody else are taken over, such as V(Namespace), or
        V(all). Others are refused by name.
    type: list
    elements: str
    default: []
  force:
    description: Take over fields of our objects that another field manager declares as well, with another value.
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
    description: Shows every object that would be or was changed, before and after. Secret values are never part of it.
    support: full
extends_documentation_fragment:
  - lodestar.platform.connection
author:
  - The lodestar.platform authors (@lodestar-platform)
"""

EXAMPLES = r"""
- name: Bring the add-ons of a created cluster
  lodestar.platform.addons:
    cluster: east
    endpoint_host: 192.0.2.20
    network:
      pod_cidr: 10.44.0.0/16
      service_cidr: 10.45.0.0/16
    access: "{{ lodestar_access }}"
"""

RETURN = r"""
addons:
  description: The add-ons of the cluster.
  returned: success
  type: list
  elements: str
nodes_ready:
  description: Names of the nodes that are ready.
  returned: success, unless in check mode or with O(wait=false)
  type: list
  elements: str
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

from ..module_utils.fleet.addons import OPERATION


def main() -> None:
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
