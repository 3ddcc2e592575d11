#!/usr/bin/python
# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_attach
short_description: Take a cluster into the fleet
version_added: 0.1.0
description:
  - Makes a ServiceAccount with the rights of the declared tier on a cluster that exists, and keeps a token of it that
    expires in the hub's Secret C(<cluster>-kubeconfig), in the shape of Cluster API. The supplied credential is used
    once and not kept.
  - While more than half of the token's lifetime is left nothing is done, and the supplied kubeconfig is not even read.
    Later the token renews itself. Once it has ended, a fresh credential and O(rekey) are needed.
  - For a cluster that the collection created, O(access) is what was minted on its control plane, and is kept in the
    same Secret.
  - A cluster's identity is the UID of its namespace C(kube-system). The same cluster under two names, another cluster
    behind a known name, and a cluster of another hub are refused with both names.
options:
  cluster:
    description: Name of the cluster, as in the inventory.
    type: str
    required: true
  tier:
    description:
      - What our identity may do on the cluster; docs/access.md says what each is for.
      - A change of tier uses the supplied credential again.
    type: str
    choices: [observe, tenant, lifecycle]
    default: tenant
  token_lifetime:
    description: How many seconds a token is good for, at least 600. Some clusters grant less, and that is what counts.
    type: int
    default: 86400
  grants:
    description:
      - Rights beyond the tier's, for what tenants get on this cluster. C(cluster_roles) are ClusterRoles that our
        identity may bind, C(resources) are kinds that it may manage, as C(plural) or C(plural.group).
      - A change uses the supplied credential again.
    type: dict
    default: {}
  rekey:
    description: Make the access anew with the supplied credential, whatever is left of the old one. Another cluster is
      refused.
    type: bool
    default: false
  recreate:
    description: Another cluster than the recorded one may answer behind this name, since the old one is gone for good.
    type: bool
    default: false
  tried:
    description:
      - The access that the hub keeps was found good in this run. If it has ended since, a supplied credential makes it
        anew without O(rekey), and the run goes on.
    type: bool
    default: false
  renewed:
    description:
      - The access to a created cluster is made in this run, so that the hub keeps another one afterwards. For check
        mode, where it is yet to be made.
    type: bool
    default: false
  adopt:
    description:
      - Kinds of which objects that exist and were made by somebody else are taken over, such as V(Namespace), or
        V(all). Others are refused by name.
    type: list
    elements: str
    default: []
  unreachable:
    description:
      - Why the cluster did not answer earlier in this run by the access that the hub keeps. It is not asked once more
        by that access, which would cost a deadline again, and the task fails with this. A credential that is to make
        the access anew is used all the same.
    type: str
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
  - lodestar.platform.login
author:
  - The lodestar.platform authors (@lodestar-platform)
"""

EXAMPLES = r"""
- name: Take an existing cluster into the fleet
  lodestar.platform.cluster_attach:
    cluster: legacy
    kubeconfig: "{{ vault_legacy_kubeconfig }}"
    tier: tenant
    hub_access: "{{ lodestar_hub_access }}"

- name: Keep the access to a created cluster in the hub
  lodestar.platform.cluster_attach:
    cluster: east
    tier: lifecycle
    access: "{{ lodestar_access }}"
    hub_access: "{{ lodestar_hub_access }}"

- name: Take an OpenShift cluster into the fleet by user and password
  lodestar.platform.cluster_attach:
    cluster: shift
    host: https://api.shift.example.com:6443
    ca_cert: /etc/pki/shift.pem
    username: admin
    password: "{{ vault_shift_password }}"
    hub_access: "{{ lodestar_hub_access }}"

- name: Give a cluster a fresh access
  lodestar.platform.cluster_attach:
    cluster: legacy
    kubeconfig: /home/admin/legacy.kubeconfig
    rekey: true
    hub_access: "{{ lodestar_hub_access }}"
"""

RETURN = r"""
joined:
  description: How the cluster joined, C(attached) or C(created).
  returned: success
  type: str
uid:
  description: The cluster's identity, V(null) for one that is yet to be made.
  returned: success
  type: str
tier:
  description: The tier of the access.
  returned: success
  type: str
server:
  description: Address of the cluster's API server.
  returned: success
  type: str
expires:
  description: When the access ends, as RFC 3339.
  returned: success
  type: str
  sample: "2026-11-23T16:00:00Z"
reason:
  description: Why an access was made anew.
  returned: success
  type: str
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

from ..module_utils.fleet.attach import OPERATION


def main() -> None:
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
