#!/usr/bin/python
# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_identities
short_description: Refuse the same cluster under two names
version_added: 0.1.0
description:
  - Compares the identities of the clusters of a run with each other and with those that the hub has recorded, before
    anything is written.
  - Refuses a cluster that is declared to be created while the hub has it as attached. The playbook
    C(lodestar.platform.promote) makes it a created one.
  - Refuses a cluster that is declared to be attached while the hub has it as created, which would leave its machines to
    nobody.
options:
  identities:
    description: The name of each cluster with the UID of its namespace C(kube-system). An empty one is not compared.
    type: dict
    required: true
  modes:
    description: The name of each cluster with the C(cluster_mode) that is declared, V(create) or V(attach).
    type: dict
    default: {}
attributes:
  check_mode:
    description: It changes nothing.
    support: full
  diff_mode:
    description: It changes nothing.
    support: none
extends_documentation_fragment:
  - lodestar.platform.hub
author:
  - The lodestar.platform authors (@lodestar-platform)
"""

EXAMPLES = r"""
- name: Refuse the same cluster under two names
  lodestar.platform.cluster_identities:
    identities:
      east: 7d0c1a52-3f0e-4a55-9a0b-2c1c3d1c8e01
      legacy: 0b9f4c1e-77b4-4f36-8a42-1d9b8f3f5a02
    hub_access: "{{ lodestar_hub_access }}"
  run_once: true
"""

RETURN = r"""
compared:
  description: How many clusters were compared.
  returned: success
  type: int
"""

from ..module_utils.fleet.identities import OPERATION


def main() -> None:
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
