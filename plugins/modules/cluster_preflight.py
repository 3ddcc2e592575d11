#!/usr/bin/python
# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_preflight
short_description: Check whether a cluster can join the fleet
version_added: 0.1.0
description:
  - Looks at a cluster with the credential that is to attach it, and shows a table of checks. It only reads.
  - >-
    Checks are C(reachable), C(tls), C(latency), C(certificate_expiry), C(clock_skew), C(credential_expiry),
    C(distribution), C(version), C(feature_*), C(rights), C(nodes), C(other_managers), C(identity), C(metrics_api) and
    C(default_storage_class).
  - Fails when a check of severity C(error) failed, and names every such check with what was seen and what to do. A
    failed check of severity C(warning) is a warning of the task.
options:
  cluster:
    description: Name of the cluster, as in the inventory.
    type: str
    required: true
  tier:
    description: What our identity is to be allowed on the cluster; the supplied credential must be able to hand that
      on.
    type: str
    choices: [observe, tenant, lifecycle]
    default: tenant
  tenant_namespaces:
    description: Namespaces that tenants get on the cluster, to see whether one is there and somebody else's.
    type: list
    elements: str
    default: []
  ranges:
    description: Ranges of pods and services of the fleet's clusters, as lists by the name of the cluster.
    type: dict
    default: {}
  deadline:
    description: How many seconds the cluster may take to answer.
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
  - lodestar.platform.hub
  - lodestar.platform.connection
  - lodestar.platform.login
author:
  - The lodestar.platform authors (@lodestar-platform)
"""

EXAMPLES = r"""
- name: Check whether the cluster can join the fleet
  lodestar.platform.cluster_preflight:
    cluster: legacy
    kubeconfig: "{{ vault_legacy_kubeconfig }}"
    hub_access: "{{ lodestar_hub_access }}"
"""

RETURN = r"""
checks:
  description: The checks, also in the details of a failure.
  returned: always
  type: list
  elements: dict
  contains:
    id:
      description: Which check.
      returned: always
      type: str
    severity:
      description: C(error), C(warning) or C(info).
      returned: always
      type: str
    passed:
      description: Whether all is well.
      returned: always
      type: bool
    seen:
      description: What was seen.
      returned: always
      type: str
    needed:
      description: What is needed.
      returned: always
      type: str
    remedy:
      description: What to do about it, empty when all is well.
      returned: always
      type: str
table:
  description: The same as the lines of a table.
  returned: success
  type: list
  elements: str
uid:
  description: The cluster's identity, the UID of its namespace C(kube-system).
  returned: success
  type: str
version:
  description: The cluster's Kubernetes version.
  returned: success
  type: str
  sample: v1.36.3
distribution:
  description: What the cluster is.
  returned: success
  type: str
  sample: kubeadm
"""

from ..module_utils.fleet.checks_probe import OPERATION


def main() -> None:
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
