#!/usr/bin/python
# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_info
short_description: Read what a cluster says of itself
version_added: 0.1.0
description:
  - Reads identity, version, distribution, nodes and capacity of any Kubernetes cluster, and what the platform
    has there.
  - Costs six requests, and changes nothing.
options:
  cluster:
    description: A name for the cluster, for messages. The address of its API server by default.
    type: str
  deadline:
    description: Seconds that each request may take.
    type: int
    default: 10
attributes:
  check_mode:
    description: It changes nothing.
    support: full
  diff_mode:
    description: It changes nothing.
    support: none
extends_documentation_fragment:
  - lodestar.platform.connection
  - lodestar.platform.login
seealso:
  - module: lodestar.platform.fleet_info
  - module: lodestar.platform.cluster_preflight
author:
  - The lodestar.platform authors (@lodestar-platform)
"""

EXAMPLES = r"""
- name: See what the cluster is
  lodestar.platform.cluster_info:
    kubeconfig: ~/clusters/legacy.yaml
  register: legacy

- name: Show nodes that are not ready
  ansible.builtin.debug:
    msg: "{{ legacy.info.nodes | rejectattr('ready') | map(attribute='name') }}"
"""

RETURN = r"""
info:
  description: What was seen.
  returned: success
  type: dict
  contains:
    server:
      description: Address of the API server.
      returned: always
      type: str
    uid:
      description: The cluster's identity, the UID of its namespace C(kube-system).
      returned: always
      type: str
    version:
      description: Version of the API server.
      returned: always
      type: str
      sample: v1.36.3
    distribution:
      description: C(name), and the C(evidence) by which it was recognised.
      returned: always
      type: dict
      sample: {name: kubeadm, evidence: a node has the annotation kubeadm.alpha.kubernetes.io/cri-socket}
    api_groups:
      description: Names of the API groups that are served.
      returned: always
      type: list
      elements: str
    nodes:
      description: Each node's C(name), C(ready), C(schedulable), C(version), C(architecture), C(roles),
        C(addresses) and C(taints), by name.
      returned: always
      type: list
      elements: dict
    capacity:
      description: The sum of what the nodes have, as quantities.
      returned: always
      type: dict
      sample: {cpu: "4", memory: 16393268Ki, pods: "220"}
    allocatable:
      description: The sum of what the nodes offer to pods, as quantities.
      returned: always
      type: dict
    mark:
      description: The C(hub_uid) of the hub that manages the cluster and the C(cluster)'s name there. V(null) for
        one that no hub has.
      returned: always
      type: dict
    credential_expires:
      description: When the credential ends that was used, as RFC 3339. V(null) where it does not say so.
      returned: always
      type: str
    sets:
      description: Names of the sets of objects that the platform keeps on the cluster. V(null) where the
        identity may not see them.
      returned: always
      type: list
      elements: str
"""

from ..module_utils.fleet.cluster_info import OPERATION


def main() -> None:
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
