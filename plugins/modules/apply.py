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
  - What gives no object, such as an empty file or text, is taken for a template that failed and refused by name, since
    what a set lacks would be deleted.
  - Custom resource definitions and namespaces come first, and are waited for before what needs them. Objects that do
    not need each other are written side by side, and one that fails keeps none of them from being written.
options:
  objects:
    description:
      - The objects, as a list of mappings, a mapping, or YAML text with any number of documents, such as what
        C(helm template) prints. Lists of objects are unfolded.
      - One of O(objects) and O(src) is needed; with both, the set is all of it. No object may be declared twice.
    type: raw
  src:
    description:
      - Files with manifests (YAML or JSON, any number of documents), directories, and globs.
      - Of a directory every file below it that ends in V(.yml), V(.yaml) or V(.json) is read, in the order of names;
        names that begin with a dot are left out. A directory with a kustomization is built by C(kustomize) or
        C(kubectl).
      - A relative path is looked for where Ansible looks for files, in the role and beside the playbook. Where the task
        does not run on the controller, paths are of the host and must be absolute.
    type: list
    elements: path
  default_namespace:
    description: Namespace of objects that need one and name none. Without it such an object is refused.
    type: str
  applyset:
    description:
      - Name of the set. Objects that leave the declaration of a set are deleted, so two declarations must never share a
        name.
      - V(access), V(addons), V(policy), V(properties), V(tenancy) and what begins with V(delivery-) are held by other
        modules.
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
    description: Allow that nothing is declared and every object of the set is deleted. Without it that is refused.
    type: bool
    default: false
  prune_limit:
    description:
      - The largest part of the set, in percent, that may be deleted at once. More is refused, from five objects on,
        since it is rather a declaration that lost something. V(100) allows all of it, as long as something is declared.
    type: int
    default: 50
  ignore:
    description:
      - Fields that are declared for new objects only, and then left to whoever holds them, such as C(spec.replicas) of
        a workload with a HorizontalPodAutoscaler.
      - A field is left out of what is applied when the object exists and another manager holds the field, or somebody
        has taken it away since the same was applied. As long as it is ours alone it is applied like any other.
    type: list
    elements: dict
    default: []
    suboptions:
      group:
        description: API group of the objects, empty for the core group. All groups by default. C(*) is a wildcard.
        type: str
      kind:
        description: Kind of the objects. All kinds by default. C(*) is a wildcard.
        type: str
      name:
        description: Name of the objects. All names by default. C(*) is a wildcard.
        type: str
      namespace:
        description: Namespace of the objects. All namespaces by default. C(*) is a wildcard.
        type: str
      paths:
        description:
          - The fields, like C(spec.replicas), C(spec.template.spec.containers[name=app].image) for an element of a
            list, or C(metadata.annotations["example.com/x"]) for a key with dots.
        type: list
        elements: str
        required: true
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
    description:
      - The plan is the same, and nothing is written. Every step is tried by a server-side dry-run, so that what the
        server would refuse fails here too.
      - An object in a namespace that the same run makes is judged as one for the namespace V(default), so that its
        fields are checked; one whose definition the same run writes is compared with the shape that this says.
        RV(not_rehearsed) names both.
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

- name: A directory, a kustomization and a chart that was rendered before
  lodestar.platform.apply:
    applyset: shop
    src:
      - manifests/shop
      - overlays/production
    objects: "{{ rendered_chart.stdout }}"
    default_namespace: shop
    access: "{{ shop_access }}"
    ignore:
      - kind: Deployment
        paths: [spec.replicas]

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
outcome:
  description:
    - What became of each object, in check mode what would become of it. Objects are named as in RV(plan[].id).
    - The ConfigMap that records the set is part of RV(plan) only.
  returned: when a plan could be made
  type: dict
  contains:
    created:
      description: Objects that were made.
      type: list
      elements: str
      returned: always
    changed:
      description: Objects that were changed, each as C(id) and the changed fields as C(paths).
      type: list
      elements: dict
      returned: always
      sample: [{id: v1/ResourceQuota/shop/shop, paths: [spec.hard.pods]}]
    unchanged:
      description: How many declared objects were as declared.
      type: int
      returned: always
    pruned:
      description: Objects that are no longer declared and were deleted.
      type: list
      elements: str
      returned: always
    handed_back:
      description: Objects that are no longer declared, had been taken over, and were given back.
      type: list
      elements: str
      returned: always
    conflicted:
      description: Objects of which another manager took fields meanwhile, each as C(id), C(managers) and C(fields).
      type: list
      elements: dict
      returned: always
    failed:
      description: Objects that could not be written, each as C(id) and C(reason).
      type: list
      elements: dict
      returned: always
    not_begun:
      description: Objects that were not written because of a failure.
      type: list
      elements: str
      returned: always
not_rehearsed:
  description: Steps whose success could not be tried, each as C(id) and C(reason).
  returned: in check mode
  type: list
  elements: dict
  sample: [{id: v1/ResourceQuota/shop/shop, reason: "its namespace shop does not exist yet; its fields are valid"}]
conflicts:
  description:
    - Objects of which others declare fields with other values, each as C(id) and its C(fields), which are C(path) and
      C(managers), which are C(name) and C(since).
  returned: when something was refused
  type: list
  elements: dict
withheld:
  description: The steps, like those of RV(plan), that were not done because something else was refused.
  returned: when something was refused
  type: list
  elements: dict
failed_steps:
  description: The steps that the server would refuse, each as C(id) and C(reason).
  returned: when a rehearsal in check mode failed
  type: list
  elements: dict
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
      returned: in check mode, and with C(--diff)
      type: raw
    after:
      description: The declared fields as they will be.
      returned: in check mode, and with C(--diff)
      type: raw
    cause:
      description:
        - Why an object that exists is written. C(redeclared) is whether the declaration has changed since it was
          applied; C(fields) are those that others have changed, each as C(path) and C(managers), which are C(name) and
          C(since).
      returned: for an object that is updated
      type: dict
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
