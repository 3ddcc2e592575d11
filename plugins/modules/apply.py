#!/usr/bin/python

# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apply
short_description: Hold a cluster to a set of Kubernetes objects
version_added: 0.1.0
description:
  - Makes a cluster hold exactly the declared objects as the members of a named set. What is in the set and no longer
    declared is deleted.
  - Unchanged objects cost one list request a kind and no write. What differs is written by server-side apply, as field
    manager C(lodestar). Only declared fields count; what defaulting and controllers add is left alone.
  - A member's field that somebody edited is taken back. One that another manager declares is refused with its name, and
    so is an object that exists without being in the set.
  - Membership is the ApplySet label of KEP-3659, so that C(kubectl) and others see it.
options:
  objects:
    description:
      - The objects, as a list of mappings, a mapping, or YAML text with any number of documents.
      - Objects of namespaced kinds need C(metadata.namespace).
    type: raw
    required: true
  applyset:
    description:
      - Name of the set. Objects that leave the declaration of a set are deleted, so two declarations must never share a
        name.
      - V(access), V(addons), V(policy) and V(tenancy) are held by other modules.
    type: str
    required: true
  namespace:
    description: Namespace of the ConfigMap C(applyset-NAME) that records the set.
    type: str
    default: lodestar-system
  cluster:
    description: Name of the cluster in messages and in the plan. The server's address by default.
    type: str
  prune:
    description: Delete objects of the set that are no longer declared.
    type: bool
    default: true
  prune_all:
    description: Allow an empty O(objects) to delete every object of the set. Without it that is refused.
    type: bool
    default: false
  adopt:
    description:
      - Kinds of which objects that exist and are not of the set are taken over, such as V(ConfigMap), or V(all). Others
        are refused by name.
      - What this replaces is kept in the set's parent, but for values of Secrets. An object that was taken over is
        handed back as it was, and not deleted, when it is no longer declared.
    type: list
    elements: str
    default: []
  force:
    description: Take over fields that another manager declares. Without it they are refused, and the manager is named.
    type: bool
    default: false
  wait:
    description: Wait until workloads are available, nodes and pods ready, custom resource definitions established.
    type: bool
    default: false
  wait_timeout:
    description: Seconds to wait for all objects together.
    type: int
    default: 120
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
    description: Shows every object that would be or was changed, before and after, without the content of Secrets.
    support: full
extends_documentation_fragment:
  - lodestar.platform.connection
author:
  - The lodestar.platform authors (@lodestar-platform)
"""

EXAMPLES = r"""
- name: Hold the cluster to the manifests of a component
  lodestar.platform.apply:
    applyset: metrics
    objects: "{{ lookup('ansible.builtin.file', 'metrics.yaml') }}"
    kubeconfig: ~/.kube/east
    wait: true

- name: A namespace and a quota
  lodestar.platform.apply:
    applyset: shop
    access: "{{ shop_access }}"
    objects:
      - apiVersion: v1
        kind: Namespace
        metadata:
          name: shop
      - apiVersion: v1
        kind: ResourceQuota
        metadata:
          name: shop
          namespace: shop
        spec:
          hard:
            pods: "50"

- name: Remove everything of the set
  lodestar.platform.apply:
    applyset: shop
    access: "{{ shop_access }}"
    objects: []
    prune_all: true
"""

RETURN = r"""
objects:
  description: The declared objects, as C(apiVersion/Kind/namespace/name).
  returned: success
  type: list
  elements: str
  sample: [v1/Namespace/shop, v1/ResourceQuota/shop/shop]
applyset_id:
  description: The id of the set, the value of its members' label C(applyset.kubernetes.io/part-of).
  returned: success
  type: str
requests:
  description: How many requests were sent, C(reads) and C(writes). Dry-runs and access reviews are reads.
  returned: success, not in check mode
  type: dict
  sample:
    reads: 6
    writes: 0
plan:
  description: What was done, or in check mode would be done, in order.
  returned: always
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
      description: The cluster.
      returned: always
      type: str
    description:
      description: The step in words.
      returned: always
      type: str
    before:
      description: The declared fields as they were.
      returned: always
      type: raw
    after:
      description: The declared fields as they will be.
      returned: always
      type: raw
done:
  description: Ids of the steps that were carried out before one failed.
  returned: when a step failed
  type: list
  elements: str
"""

from ansible_collections.lodestar.platform.plugins.module_utils.kube.operate import OPERATION


def main() -> None:
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
