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
options:
  identities:
    description: The name of each cluster with the UID of its namespace C(kube-system). An empty one is not compared.
    type: dict
    required: true
  hub_access:
    description:
      - How to reach the hub, as M(lodestar.platform.cluster_access) returns it. Without it there is no hub yet, and
        whatever would have to be written there fails.
    type: dict
    suboptions:
      server:
        description: Address of the API server, V(https://host:port).
        type: str
        required: true
      ca_data:
        description: The certificates to trust, as PEM or base64 of PEM.
        type: str
      token:
        description: Bearer token.
        type: str
        required: true
      expires:
        description: When the token ends, as RFC 3339.
        type: str
      tls_server_name:
        description: The name in the server's certificate, where it is not that of O(hub_access.server).
        type: str
      uid:
        description: Identity of the hub, the UID of its namespace C(kube-system). Another cluster behind its address is
          refused.
        type: str
  hub:
    description: Name of the global cluster, for plans and messages.
    type: str
    default: hub
attributes:
  check_mode:
    description: It changes nothing.
    support: full
  diff_mode:
    description: It changes nothing.
    support: none
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
