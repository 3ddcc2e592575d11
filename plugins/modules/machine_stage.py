# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: machine_stage
short_description: Bring to a machine what its upgrade needs, and report where it stands
version_added: 0.1.0
description:
  - Imports and pins the images of the cluster's declared version, and puts kubeadm, kubectl and kubelet of that version
    beside the ones that run. Nothing that runs is touched, so that nothing is transferred while the machine is
    unavailable.
  - In check mode it only reports, in RV(machine), which versions the machine runs.
  - Artifacts are verified on the controller before anything is changed, and sent only where they are missing.
options:
  bundle_path:
    description:
      - Directory of the bundle on the controller. Required.
    type: path
  image_purposes:
    description:
      - Which images of the bundle the machine gets. V(test) are the images of the collection's own tests.
        Machines of the global cluster get those of V(hub) besides.
    type: list
    elements: str
    default: [kubernetes, addon]
  artifacts:
    description:
      - The artifacts that the machine needs. Filled in by the action plugin from the bundle's manifest.
    type: list
    elements: dict
    default: []
  staging:
    description:
      - Directory on the machine that holds the artifacts that were sent. Filled in by the action plugin.
    type: path
  api_patience:
    description:
      - How many seconds the API server of a control plane may take to answer, as after a reboot, before it counts as
        down.
    type: int
    default: 90
extends_documentation_fragment:
  - lodestar.platform.on_machine
author:
  - The lodestar.platform authors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: See which versions the machine runs
  lodestar.platform.machine_stage:
    cluster: "{{ lodestar_fleet.clusters.east }}"
    machine: "{{ lodestar_fleet.machines[inventory_hostname] }}"
    bundle_path: ~/.cache/lodestar/bundle
  check_mode: true
  register: seen
"""

RETURN = r"""
machine:
  description: The versions on this machine, before anything was brought.
  returned: success
  type: dict
  contains:
    kubelet:
      description: Version of the kubelet on the disk, none without one.
      returned: always
      type: str
    kubelet_current:
      description: The kubelet that runs is the one on the disk.
      returned: always
      type: bool
    member:
      description: The machine belongs to a cluster.
      returned: always
      type: bool
    static_pods:
      description: Version by name of kube-apiserver, kube-controller-manager and kube-scheduler, from their manifests.
      returned: always
      type: dict
    lasting:
      description: What the cluster was founded with and keeps for life. Empty on a worker.
      returned: always
      type: dict
    refused_authentication:
      description: What the API server has against the declared C(cluster_authentication), in its own words. Empty
        where it has nothing, was not asked, or could not be.
      returned: always
      type: str
    unknown_arguments:
      description: Declared arguments that the API server of the declared version does not know, each with the one that
        it resembles.
      returned: always
      type: dict
    etcd_problem:
      description: Why no member of etcd may be restarted now, if so.
      returned: always
      type: str
    cluster:
      description: What the API server of a control plane says; none on a worker, and while it does not answer.
      returned: always
      type: dict
      contains:
        api:
          description: Its version.
          returned: always
          type: str
        declared:
          description: The version that kubeadm has noted in the cluster.
          returned: always
          type: str
        nodes:
          description: C(name), C(kubelet) (a version), C(ready), C(cordoned), C(cordoned_by_us) and C(dedicated) of
            every Node.
          returned: always
          type: list
          elements: dict
        webhooks:
          description: C(configuration), C(webhook) and C(matches) of webhooks that fail closed and match pods of
            kube-system or Nodes.
          returned: always
          type: list
          elements: dict
        deprecated:
          description: C(resource), C(removed_in) and C(callers) of API versions that end and were asked for.
          returned: always
          type: list
          elements: dict
    binaries:
      description: C(sha256) and C(version) of what the upgrade installs, by path.
      returned: always
      type: dict
    images:
      description: References of the bundle's images by name.
      returned: always
      type: dict
    references:
      description: References of all images that the machine keeps.
      returned: always
      type: list
      elements: str
    old_images:
      description: Images of the bundle's names that belong to other versions.
      returned: always
      type: list
      elements: str
    architecture:
      description: As Go and OCI name it.
      returned: always
      type: str
preflight:
  description: What M(lodestar.platform.machine_preflight) judges the machine by. Also returned when the module fails.
  returned: when the module has run
  type: dict
  contains:
    facts:
      description: What was seen of hardware, system, network and of what else is on the machine.
      returned: always
      type: dict
    offset:
      description: Lower and upper bound of the machine's clock less the controller's, in seconds.
      returned: when the machine was only looked at, since nothing was to be done or in check mode
      type: list
      elements: float
    bundle_architecture:
      description: The architecture that the bundle is made for.
      returned: when the machine was only looked at
      type: str
busy:
  description: The run that was changing the machine while it was looked at.
  returned: success
  type: dict
missing:
  description: Digests of artifacts that the machine lacks.
  returned: success
  type: list
  elements: str
plan:
  description: What was done, or in check mode would be done, in order.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Stable name of what is changed.
      returned: always
      type: str
    action:
      description: C(create), C(update), C(delete), C(restart) or C(run).
      returned: always
      type: str
    target:
      description: The machine or cluster that is changed.
      returned: always
      type: str
    description:
      description: The step in words.
      returned: always
      type: str
    before:
      description: What was there. Never a secret value.
      returned: in check mode, and with C(--diff)
      type: raw
    after:
      description: What will be there. Never a secret value.
      returned: in check mode, and with C(--diff)
      type: raw
"""

from ansible_collections.lodestar.platform.plugins.module_utils.machine.operations.upgrade import (
    MACHINE_STAGE as OPERATION,
)


def main() -> None:
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
