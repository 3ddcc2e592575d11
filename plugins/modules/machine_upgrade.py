# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: machine_upgrade
short_description: Take one machine to the declared version of Kubernetes
version_added: 0.1.0
description:
  - Does one part of the upgrade of one machine with kubeadm. What an earlier run has done is told by looking and is not
    done again, so a part that was interrupted goes on.
  - Which machine does what, and when, is decided by M(lodestar.platform.upgrade_decision). Between O(part=control) and
    O(part=kubelet) the pods are moved away, see M(lodestar.platform.drain).
  - What it installs was brought by M(lodestar.platform.machine_stage).
options:
  part:
    description:
      - V(control) runs C(kubeadm upgrade), which writes manifests and settings and renews certificates, and waits until
        the control plane is healthy. On the machine with O(first) the settings that are declared now are handed to
        kubeadm before.
      - V(kubelet) replaces and restarts the kubelet, and waits until its Node is ready with the new version.
      - V(clean) removes images of the bundle's names that belong to other versions.
    type: str
    choices: [control, kubelet, clean]
    required: true
  first:
    description:
      - This control plane takes the cluster itself to the version (C(kubeadm upgrade apply)); others follow it
        (C(kubeadm upgrade node)).
    type: bool
    default: false
  held:
    description:
      - RV(lodestar.platform.machine_stage#module:machine), as it was before the upgrade was begun.
    type: dict
    required: true
extends_documentation_fragment:
  - lodestar.platform.on_machine
author:
  - The lodestar.platform authors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Take the control plane to the declared version
  lodestar.platform.machine_upgrade:
    cluster: "{{ lodestar_fleet.clusters.east }}"
    machine: "{{ lodestar_fleet.machines[inventory_hostname] }}"
    part: control
    first: true
    held: "{{ seen.machine }}"
"""

RETURN = r"""
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
    MACHINE_UPGRADE as OPERATION,
)


def main() -> None:
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
