# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""User and password of OpenShift, for the documentation of modules that take a supplied credential."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of module_utils/kube/credentials.py besides those of a connection."""

    DOCUMENTATION = r"""
options:
  username:
    description:
      - A user of OpenShift, together with O(password) and in place of a token, beside O(host) or O(kubeconfig).
        E(K8S_AUTH_USERNAME) by default. The OAuth server of the cluster gives a token for this task, which is revoked
        when it ends.
      - The certificates of O(ca_cert) must be good for the cluster's ingress, too, where its OAuth server is.
    type: str
  password:
    description: The password of O(username). E(K8S_AUTH_PASSWORD) by default.
    type: str
"""
