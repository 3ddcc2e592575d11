#!/usr/bin/python
# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: access_info
short_description: Read the access to a cluster that the hub keeps
version_added: 0.1.0
description:
  - Reads the hub's Secret C(<cluster>-kubeconfig), tries the access, and checks that the cluster that answers is the
    one that was recorded.
  - A missing, ended or refused access and an unreachable cluster are no failures; RV(state) says which it is.
  - The result is secret and never shown.
options:
  cluster:
    description: Name of the cluster, as in the inventory.
    type: str
    required: true
  access:
    description: An access that was minted in this run, which is handed on instead of the one in the hub.
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
        description: The name in the server's certificate, where it is not that of O(access.server).
        type: str
      uid:
        description: Identity of the cluster, the UID of its namespace C(kube-system).
        type: str
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
- name: Read the access to the cluster
  lodestar.platform.access_info:
    cluster: east
    hub_access: "{{ lodestar_hub_access }}"
  register: known
"""

RETURN = r"""
access:
  description: C(server), C(ca_data), C(token) and C(expires), or V(null). Secret.
  returned: success
  type: dict
state:
  description:
    - C(usable), C(ageing) (usable, no more than half of its lifetime is left), C(expired), C(refused) (the cluster does
      not accept it), C(unreachable), C(absent), C(detaching) (it is on its way out of the fleet),
      C(destroying) (its end has begun), or C(hub_unreachable).
  returned: success
  type: str
reason:
  description: The state in words, empty when the access is good.
  returned: success
  type: str
uid:
  description: The identity of the cluster whose access this is.
  returned: success
  type: str
recorded_uid:
  description: The identity that the hub has recorded under this name, even where it keeps no access; empty without a
    record.
  returned: success
  type: str
tier:
  description: The tier of the stored access.
  returned: success
  type: str
hub_access:
  description: The access to the hub that was given, V(null) without one.
  returned: success
  type: dict
hub_uid:
  description: The identity of the hub, V(null) without access to it.
  returned: success
  type: str
"""

from ..module_utils.fleet.access_info import OPERATION


def main() -> None:
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
