#!/usr/bin/python
# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: drain
short_description: Cordon, drain or uncordon a node
version_added: 0.1.0
description:
  - Takes the pods off a node by the Eviction API, which honours every PodDisruptionBudget, until a deadline.
  - Pods of DaemonSets and static pods are left. Pods that end already are waited for.
  - The cordon carries a mark, the annotation C(lodestar.platform/cordoned) of the Node. Only a cordon with that mark is
    ever taken back, by this run or by a later one; a node that somebody else has cordoned stays cordoned.
options:
  cluster:
    description: Name of the cluster, for plans and messages.
    type: str
    required: true
  node:
    description: Name of the Node.
    type: str
    required: true
  state:
    description:
      - V(cordoned) keeps new pods away.
      - V(drained) keeps new pods away, evicts the pods that are there, and waits until they are gone.
      - V(uncordoned) takes our cordon back. Another's is left alone, with a warning.
    type: str
    choices: [cordoned, drained, uncordoned]
    default: drained
  timeout:
    description:
      - How many seconds the whole drain may take. An eviction that a PodDisruptionBudget denies is repeated until then.
      - At the deadline the task fails, and its message names the budgets with their figures, the pods that they
        protect, and the pods that have not ended.
    type: int
    default: 600
  grace_period:
    description: Seconds that the processes of a pod get to end, in place of what each pod says.
    type: int
  delete_emptydir_data:
    description: Evict pods with C(emptyDir) volumes too, whose data is lost. Without it they are refused by name.
    type: bool
    default: false
  force:
    description: Evict pods without a controller too, which nothing makes again. Without it they are refused by name.
    type: bool
    default: false
  uncordon_on_failure:
    description: Take our cordon back when the drain fails, its deadline included.
    type: bool
    default: true
  assume_cordon:
    description:
      - Plan as if the node carried a cordon of ours. For check mode, where the cordon that is taken back was only
        predicted.
    type: bool
    default: false
attributes:
  check_mode:
    description:
      - The plan is the same, and nothing is written. Budgets that allow no disruption now are warnings.
    support: full
  diff_mode:
    description: Shows the cordon and every eviction.
    support: full
extends_documentation_fragment:
  - lodestar.platform.connection
author:
  - The lodestar.platform authors (@lodestar-platform)
"""

EXAMPLES = r"""
- name: Take the pods off a node
  lodestar.platform.drain:
    cluster: east
    node: e3
    timeout: 300
    delete_emptydir_data: true
    access: "{{ lodestar_access }}"

- name: Give it back
  lodestar.platform.drain:
    cluster: east
    node: e3
    state: uncordoned
    access: "{{ lodestar_access }}"
"""

RETURN = r"""
node:
  description: Name of the Node.
  returned: success
  type: str
cordoned:
  description: Whether the node is cordoned afterwards.
  returned: success
  type: bool
own_cordon:
  description: Whether the cordon is ours, so that O(state=uncordoned) takes it back.
  returned: success
  type: bool
evicted:
  description: The pods that were asked to go and are gone, as C(namespace/name). In check mode those that would be.
  returned: success, with O(state=drained)
  type: list
  elements: str
left:
  description: The pods of DaemonSets and the static pods, which stay.
  returned: success, with O(state=drained)
  type: list
  elements: str
blocked_by:
  description: The budgets that denied evictions until the deadline.
  returned: when the drain stopped at its deadline
  type: list
  elements: dict
  contains:
    budget:
      description: The budget as C(namespace/name).
      returned: always
      type: str
    pods:
      description: The pods that it protects and that were to go.
      returned: always
      type: list
      elements: str
    disruptionsAllowed:
      description: How many pods may go now.
      returned: always
      type: int
    currentHealthy:
      description: How many pods are healthy.
      returned: always
      type: int
    desiredHealthy:
      description: How many have to be.
      returned: always
      type: int
    expectedPods:
      description: How many pods the budget counts.
      returned: always
      type: int
remaining:
  description: The pods that were to go and are still on the node.
  returned: when the drain stopped at its deadline
  type: list
  elements: str
plan:
  description: What was done, or in check mode would be done, in order.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The object as C(v1/Node/name) or C(v1/Pod/namespace/name).
      returned: always
      type: str
    action:
      description: C(update) of the Node, or C(delete) of a pod.
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
      description: Whether the node takes pods; or the pod's node and controller.
      returned: in check mode, and with C(--diff)
      type: dict
    after:
      description: Whether the node takes pods.
      returned: in check mode, and with C(--diff)
      type: dict
"""

from ..module_utils.fleet.drain import OPERATION


def main() -> None:
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
