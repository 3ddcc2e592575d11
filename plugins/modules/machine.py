# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: machine
short_description: Prepare a machine for Kubernetes and report what it holds
version_added: 0.1.0
description:
  - Kernel modules and settings, containerd 2.x, runc, CNI plugins, the Kubernetes binaries, every image of the
    bundle, and the units
    and files of containerd and the kubelet. One module execution when nothing is to be done.
  - A machine gets only what it lacks, by digest. Artifacts are verified on the controller before anything is changed.
  - Images are pinned, and the container runtime is seen to report it, so that the kubelet never removes one that it
    could not get again.
  - A service is restarted only when something that it reads has changed since it began.
  - What the machine holds of a cluster comes back as RV(machine); M(lodestar.platform.bootstrap_decision) decides by
    it.
  - Whether the machine can carry Kubernetes at all is judged by M(lodestar.platform.machine_preflight), of all machines
    of a run together, by RV(preflight).
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
  seen:
    description:
      - What this module has returned in check mode a moment ago. What the machine lacks is then brought without a
        second look at it; what is done is planned on the machine all the same.
    type: dict
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
- name: Prepare the machine
  lodestar.platform.machine:
    cluster: "{{ lodestar_fleet.clusters.east }}"
    machine: "{{ lodestar_fleet.machines[inventory_hostname] }}"
    bundle_path: ~/.cache/lodestar/bundle
  register: prepared
"""

RETURN = r"""
machine:
  description: What the machine holds.
  returned: success
  type: dict
  contains:
    empty:
      description: It holds no cluster and no part of one.
      returned: always
      type: bool
    kubelet_identity:
      description: The kubelet has a kubeconfig.
      returned: always
      type: bool
    kubelet_final:
      description: The kubelet has a certificate of its own, which it renews.
      returned: always
      type: bool
    etcd_data:
      description: Data of etcd is on the machine.
      returned: always
      type: bool
    half_joined:
      description: A join as a control plane was interrupted after etcd had begun.
      returned: always
      type: bool
    founding:
      description: The kubelet has the identity that C(kubeadm init) gives and takes back at its end.
      returned: always
      type: bool
    static_pods:
      description: Names of static pod manifests.
      returned: always
      type: list
      elements: str
    ca_sha256:
      description: Digest of the public key of the cluster's CA, if there is one.
      returned: always
      type: str
    lasting:
      description: What the cluster was founded with and keeps for life (C(endpoint), C(pod_cidr), C(service_cidr)), as
        this control plane holds it. Empty on other machines.
      returned: always
      type: dict
    refused_authentication:
      description: What the API server has against the declared C(cluster_authentication), in its own words. Empty
        where it has nothing, was not asked, or could not be.
      returned: always
      type: str
    unknown_arguments:
      description: Declared arguments that the API server of this control plane does not know, each with the one that it
        resembles, or null. Looked for only among arguments that it does not run with.
      returned: always
      type: dict
    holds_cluster:
      description: The machine is a control plane with an C(admin.conf), whether its API answers or not.
      returned: always
      type: bool
    access_kept:
      description: The machine keeps an access to its cluster, fresh or not. Control planes of the global cluster do.
      returned: always
      type: bool
    claims:
      description: The joins that this control plane helps with, by machine, with the C(owner), a run, of each.
      returned: always
      type: dict
    keys:
      description: Digests of the keys that all control planes of the cluster share, by name. Empty on a worker.
      returned: always
      type: dict
    recorded:
      description: C(name) and C(uid) of the cluster that the machine was made a part of.
      returned: always
      type: dict
    api_healthy:
      description: The API server of this machine answers.
      returned: always
      type: bool
    uid:
      description: UID of the namespace kube-system, the cluster's identity, from a control plane that answers.
      returned: always
      type: str
    members:
      description: Members of etcd as this control plane knows them, with C(id), C(name), C(peer_urls), C(learner) and
        C(healthy). Empty where etcd does not answer.
      returned: always
      type: list
      elements: dict
    replaces:
      description: Node name of the control plane whose place this machine takes, by the inventory.
      returned: always
      type: str
    pending:
      description: Ids of the steps by which a control plane is not as declared, or has lost a part of its membership.
      returned: always
      type: list
      elements: str
    shared:
      description: Ids of the steps by which what all machines of the cluster share is not as declared, seen from here.
      returned: always
      type: list
      elements: str
    prepared:
      description: Something of this collection is on the machine. A member without is one of a cluster of others.
      returned: always
      type: bool
    differs:
      description: The steps of C(pending) and C(shared), each as in RV(plan).
      returned: always
      type: list
      elements: dict
    lacks:
      description: Ids of the steps that preparing this machine takes.
      returned: always
      type: list
      elements: str
    endpoint:
      description: Whether anything answers at the cluster's endpoint (C(answers)) and the CA that it shows
        (C(ca_sha256)), and whether its name is known to the machine (C(resolves)).
      returned: always
      type: dict
    certificates:
      description: C(name) and C(not_after) of the certificates that the machine lives by.
      returned: always
      type: list
      elements: dict
    images:
      description: References of the bundle's images by name.
      returned: always
      type: dict
    addresses:
      description: Its IP addresses.
      returned: always
      type: list
      elements: str
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

from ansible_collections.lodestar.platform.plugins.module_utils.machine.operations.look import MACHINE as OPERATION


def main() -> None:
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
