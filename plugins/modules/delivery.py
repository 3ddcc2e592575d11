#!/usr/bin/python
# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: delivery
short_description: Hold clusters to the sets of objects that are delivered to them
version_added: 0.1.0
description:
  - Brings sets of objects to many clusters in one task, side by side, with the access that the hub keeps of each. Every
    delivery is a set of its own on each cluster, and is held to its declaration as M(lodestar.platform.apply) does.
  - Where a delivery goes is declared by name or label of clusters, or decided by a Placement of OCM on the hub. It
    leaves a cluster that is no longer decided after it is ready on all that are, and never on the hub's word alone. It
    never leaves all clusters at once unless it is named in O(withdraw).
  - A cluster that does not answer, or refuses, costs the others nothing. It is named in RV(problems) and does not make
    the module fail, so that a playbook can show all of them and then fail. A step that fails makes it fail, after the
    other clusters were served.
  - With C(rollout) a changed set comes to its clusters by OCM's RolloutStrategy, and stops when too many have failed.
    The last set that was ready everywhere is kept in a Secret on the hub.
  - A record on the hub says on which clusters a delivery may be. It is written before the first object and after the
    last, so a run that was killed is taken up by the next.
author:
  - The lodestar.platform authors (@lodestar-platform)
attributes:
  check_mode:
    support: full
    description: The clusters are asked whether the steps would succeed.
  diff_mode:
    support: full
    description: Values of Secrets are not shown.
options:
  deliveries:
    description:
      - The deliveries as declared, see the collection's C(docs/delivery.md). All of them, even with O(names).
      - One with a C(chart) needs C(helm), 3 or 4, on the C(PATH) of the task, see C(docs/charts.md).
    type: list
    elements: dict
    required: true
  clusters:
    description: The clusters of the fleet by name, C(clusters) of what M(lodestar.platform.fleet) returns.
    type: dict
    required: true
  names:
    description: Only these deliveries. All by default.
    type: list
    elements: str
    default: []
  withdraw:
    description:
      - Names of deliveries that are taken away from all clusters. They must no longer be declared, or be for no
        cluster.
      - A delivery that is no longer declared, and not named here, stays where it is, with a warning.
    type: list
    elements: str
    default: []
  resume:
    description:
      - Names of deliveries whose rollout has stopped, or was rolled back, and is to go on with what is declared.
      - Without this such a delivery is left as it is until its declaration changes.
    type: list
    elements: str
    default: []
  rollback:
    description:
      - Names of deliveries that go back to their last good set, on every cluster on which a rollout has changed it, or
        may have. Nothing else is written.
      - What is declared is not brought again by itself, until the declaration changes or O(resume) names it.
    type: list
    elements: str
    default: []
  failover_limit:
    description:
      - How many places, of a delivery on a cluster, may move away from clusters that do not answer in one run, as a
        number or in percent of all places of deliveries with a placement. Percent are rounded up. The rest waits and is
        a problem, and moves in the next runs.
      - OCM decides that a cluster is replaced, by the tolerations of the Placement.
    type: str
    default: 25%
  presume_lost:
    description:
      - Clusters of the fleet that do not answer, of which an operator says for this run that nothing runs there any
        more. Their places move whatever the O(failover_limit), also those of deliveries with C(duplicates=forbid), of
        which the copy is then removed first when the cluster answers again.
    type: list
    elements: str
    default: []
  decision_timeout:
    description:
      - Seconds that OCM may take until its decisions are those that it makes from what is on the hub now. After that
        a delivery with another decision is left as it is, and is a problem.
    type: int
    default: 60
  at_once:
    description: How many clusters are looked at, and acted on, at the same time.
    type: int
    default: 8
  addons:
    description:
      - What is declared of the platform's add-ons, see the collection's C(docs/delivery.md). Each is a delivery of the
        name C(addon-) and its own. An add-on that is not in the list is as it is by default, on every created cluster.
      - Without this option there are no add-ons, and those that are there stay.
    type: list
    elements: dict
  addon_names:
    description: By cluster, the names of the add-ons that it has, where it says so itself. It is left by others.
    type: dict
    default: {}
  founding:
    description:
      - Names of clusters that are yet to be made or attached. The plan is that of an empty cluster, and nothing can be
        carried out there; this is for check mode.
    type: list
    elements: str
    default: []
  settled:
    description:
      - Names of clusters of which an earlier task of the run has seen that they hold what is decided for them, such as
        M(lodestar.platform.fleet_settled). They are not asked again.
    type: list
    elements: str
    default: []
  only:
    description:
      - Names of the clusters that may be changed, all by default. The others are not asked, and no delivery leaves any
        cluster, since nobody knows then whether it is ready elsewhere.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - lodestar.platform.hub
seealso:
  - module: lodestar.platform.apply
"""

EXAMPLES = r"""
- name: Deliver what is declared
  lodestar.platform.delivery:
    deliveries:
      - name: shop
        src: [apps/shop]
        clusters: {selector: {matchLabels: {env: production}}}
        patches:
          - clusters: {selector: {matchLabels: {size: small}}}
            target: {kind: Deployment}
            patch: {spec: {replicas: 1}}
    clusters: "{{ lodestar_fleet.clusters }}"
    hub: "{{ lodestar_fleet.hub }}"
    hub_access: "{{ lodestar_hub_access }}"
  run_once: true

- name: Deliver a chart, with values of its own on small clusters
  lodestar.platform.delivery:
    deliveries:
      - name: web
        chart:
          source: oci://registry.example.org/charts/web
          version: 1.2.3
          namespace: web
          values: {replicas: 3}
          cluster_values:
            - clusters: {selector: {matchLabels: {size: small}}}
              values: {replicas: 1}
        patches:
          - target: {kind: Deployment, name: web}
            json_patch: [{op: add, path: /spec/template/spec/containers/0/args/-, value: --verbose}]
    clusters: "{{ lodestar_fleet.clusters }}"
    hub: "{{ lodestar_fleet.hub }}"
    hub_access: "{{ lodestar_hub_access }}"
  run_once: true

- name: Hold every created cluster to the platform's add-ons
  lodestar.platform.delivery:
    deliveries: []
    addons:
      - name: metrics-server
        replicas: 3
    clusters: "{{ lodestar_fleet.clusters }}"
    hub: "{{ lodestar_fleet.hub }}"
    hub_access: "{{ lodestar_hub_access }}"
  run_once: true

- name: Take a delivery away everywhere
  lodestar.platform.delivery:
    deliveries: []
    withdraw: [shop]
    clusters: "{{ lodestar_fleet.clusters }}"
    hub: "{{ lodestar_fleet.hub }}"
    hub_access: "{{ lodestar_hub_access }}"
  run_once: true
"""

RETURN = r"""
deliveries:
  description: By delivery, the C(clusters) that are decided, and those that it is C(leaving) in this run.
  returned: success
  type: dict
replicas:
  description: By delivery and workload whose replicas are divided, those of each cluster.
  returned: success
  type: dict
outcome:
  description: What became of each delivery on each cluster.
  returned: when a plan was made
  type: dict
  contains:
    DELIVERY:
      description: By cluster.
      type: dict
      contains:
        CLUSTER:
          description:
            - C(state) is C(delivered), C(unchanged), C(withdrawn), C(failed) or C(not_begun), with C(created),
              C(changed), C(unchanged), C(pruned), C(failed) and so on as in RV(lodestar.platform.apply#module:outcome),
              without what is empty.
            - A cluster that has got the last good set back is C(rolled_back).
            - A cluster to which a rollout did not come is C(not_begun), with the C(reason).
            - Where nothing was begun it is C(kept) (not ready elsewhere yet), C(waiting) (nobody knows where it goes,
              or it may not move away from a silent cluster), C(surplus) (the cluster was replaced while it was silent,
              and keeps its copy),
              C(refused), C(stopped) or C(rolled_back) (the rollout does not go on by itself), or why the cluster
              cannot be reached, with the C(reason).
          type: dict
rollouts:
  description:
    - By delivery with a rollout, the C(digest) of what is declared, the C(state) that the hub has recorded before the
      run, and the C(way) of this run, C(go), C(back) (to the last good set) or C(held) (nothing is done).
    - C(stages) are those in which clusters are changed, each with C(name), C(clusters), how many of them may be under
      way C(at_once), and C(failures) that it tolerates.
  returned: success
  type: dict
problems:
  description: What could not be done, one line each, with the delivery and the cluster.
  returned: success
  type: list
  elements: str
plan:
  description: The steps, each with its cluster as C(target).
  returned: always
  type: list
  elements: dict
not_rehearsed:
  description: Steps whose success is not certain, with the reason.
  returned: in check mode
  type: list
  elements: dict
requests:
  description: How many requests the clusters got, C(reads) and C(writes).
  returned: success, not in check mode
  type: dict
"""

from ..module_utils.delivery.operate import OPERATION


def main() -> None:
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
