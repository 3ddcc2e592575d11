# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the modules that keep the fleet's records reach the hub."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of HUB_ARGUMENTS in module_utils/fleet/access_info.py."""

    DOCUMENTATION = r"""
options:
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
"""
