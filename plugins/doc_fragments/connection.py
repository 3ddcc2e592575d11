# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How modules reach an API server, for their documentation."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of module_utils/kube/connection.py."""

    DOCUMENTATION = r"""
options:
  access:
    description:
      - How to reach the cluster, as lodestar.platform keeps it for clusters of the fleet. Stands alone, without the
        options below and without their environment variables.
    type: dict
    suboptions:
      server:
        description: Address of the API server, V(https://host:port).
        type: str
        required: true
      ca_data:
        description: The certificates to trust, as PEM or base64 of PEM. Those of the system by default.
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
        description: Identity of the cluster, the UID of its namespace C(kube-system), for what keeps access.
        type: str
  kubeconfig:
    description:
      - A kubeconfig, as the path of a file, as YAML text or as a mapping. E(K8S_AUTH_KUBECONFIG) by default; never
        C(~/.kube/config). With this option the environment is not looked at.
      - It may carry an address, a CA and a credential, nothing else. Programs to run, files to read, proxies,
        link-local addresses and unverified TLS are refused by name; O(kubeconfig_allow) can allow some.
    type: raw
  kubeconfig_allow:
    description:
      - What this kubeconfig may do beyond carrying data.
      - V(exec) runs its credential plugin on the controller, which needs the Python package C(kubernetes).
      - V(files) reads the files that it names by absolute paths.
      - V(link-local) connects to a link-local or cloud metadata address.
    type: list
    elements: str
    choices: [exec, files, link-local]
    default: []
  context:
    description: The context of the kubeconfig. E(K8S_AUTH_CONTEXT), or the current context, by default.
    type: str
  host:
    description:
      - Address of the API server, V(https://host:port). E(K8S_AUTH_HOST), or that of the kubeconfig, by default.
        With this option only E(K8S_AUTH_API_KEY) and E(K8S_AUTH_SSL_CA_CERT) of the environment are looked at.
    type: str
  api_key:
    description: Bearer token. E(K8S_AUTH_API_KEY), or the credential of the kubeconfig, by default.
    type: str
  ca_cert:
    description:
      - The certificates to trust, as the path of a PEM file or its content. E(K8S_AUTH_SSL_CA_CERT), or those of the
        kubeconfig, by default.
      - TLS is always verified. E(K8S_AUTH_VERIFY_SSL) with a false value is refused.
    type: str
notes:
  - Runs inside the Ansible process when the connection is local, and as an ordinary module on the host otherwise.
  - Needs no Python package but PyYAML.
"""
