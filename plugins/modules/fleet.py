#!/usr/bin/python
# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet
short_description: Read and check the declaration of the whole fleet
version_added: 0.1.0
description:
  - Reads clusters, machines, tenants, policies, placements, deliveries, add-ons and the roles of people from the
    variables and groups of the whole inventory, fills in every default, and returns them as one mapping.
  - Refuses a wrong declaration with one message that lists every problem, each with its key, its value and a remedy.
  - It needs no facts and no connection. With C(--limit) it still reads the whole inventory.
  - Of the variable C(kubeconfig) only its presence is looked at, so a vault need not be open.
author:
  - The lodestar.platform authors (@lodestar-platform)
attributes:
  check_mode:
    support: full
    description: It changes nothing.
  diff_mode:
    support: none
    description: It changes nothing.
  action:
    support: full
    description: It runs on the controller, in the Ansible process.
options:
  bundle_path:
    description:
      - Directory of the bundle. Clusters that are created must run a Kubernetes version that it holds.
      - A directory without a bundle is no problem, so that the declaration can be read before the bundle is made.
    type: path
  refuse_slices:
    description:
      - Fail in a job that AWX has cut into slices, since a slice of the inventory is not the fleet.
      - AWX tells a job nothing about slices, but runs them in a workflow that is named like the job template. A
        workflow of that name is therefore taken for a sliced job. The variables C(awx_job_slice_count) and
        C(tower_job_slice_count) are respected as well.
    type: bool
    default: false
  hosts:
    description:
      - Variables by host. By default those of the running inventory, which is what one wants, except to check a
        declaration that is elsewhere.
    type: dict
  groups:
    description: Hosts by group, those of child groups included. Given together with O(hosts).
    type: dict
  slices:
    description: Number of slices that the inventory was cut into. Found out together with O(hosts).
    type: int
    default: 1
"""

EXAMPLES = r"""
- name: Read and check the declaration
  lodestar.platform.fleet:
    bundle_path: /srv/lodestar/bundle
    refuse_slices: true
  run_once: true
  register: declaration

- name: Show the workload clusters
  ansible.builtin.debug:
    msg: "{{ declaration.fleet.clusters.values() | selectattr('role', 'eq', 'workload') | map(attribute='name') }}"
  run_once: true
"""

RETURN = r"""
fleet:
  description: The declaration with every default filled in. Holds no secret.
  returned: success
  type: dict
  contains:
    hub:
      description: Name of the global cluster.
      type: str
      sample: global
    clusters:
      description: Clusters by name; what each holds is described in docs/inventory.md.
      type: dict
    machines:
      description:
        - Machines by inventory name, with C(cluster), C(role), C(rank), C(node_name), C(node_ip), C(labels), C(taints),
          C(replaces).
      type: dict
    tenants:
      description: The tenants as declared.
      type: list
      elements: dict
    policies:
      description: The policies as declared.
      type: list
      elements: dict
    fleet_roles:
      description: The roles of people in the fleet as declared.
      type: list
      elements: dict
    placements:
      description: The placements as declared.
      type: list
      elements: dict
    deliveries:
      description: The deliveries as declared, without their objects and patches, which may hold secrets.
      type: list
      elements: dict
    platform_addons:
      description: The add-ons of the platform as declared, without their patches.
      type: list
      elements: dict
problems:
  description: What is wrong with the declaration, in the order of the inventory.
  returned: failure
  type: list
  elements: dict
  contains:
    key:
      description: Where it stands.
      type: str
      sample: "east: kubernetes_version"
    value:
      description: What stands there, cut to a line.
      type: raw
    reason:
      description: What is wrong, and what is allowed.
      type: str
    remedy:
      description: What to do about it.
      type: str
"""

import typing as t
from pathlib import Path

from ..module_utils.bundle import manifest
from ..module_utils.delivery import addons
from ..module_utils.delivery import model as delivery
from ..module_utils.errors import Refused
from ..module_utils.fleet import inventory
from ..module_utils.machine.preflight import registry
from ..module_utils.operation import Context, Operation
from ..module_utils.placement import model as placement
from ..module_utils.plan import Plan
from ..module_utils.policy import model as policy
from ..module_utils.tenancy import validate as tenancy

JUDGES: inventory.Judges = {
    "tenants": tenancy.validate,
    "policies": policy.validate,
    "placements": placement.validate,
    "deliveries": delivery.validate,
    "platform_addons": addons.validate,
}


def bundle_versions(path: str | None) -> tuple[str, ...] | None:
    """Kubernetes versions of the bundle, ``None`` when there is no bundle."""
    if path is None or not (Path(path) / manifest.FILE).exists():
        return None
    return manifest.load(path).kubernetes


def plan(params: t.Mapping[str, t.Any], context: Context) -> Plan:
    """Reads the declaration; there is never anything to do."""
    if params["refuse_slices"] and params["slices"] > 1:
        raise Refused(
            "this job sees only a slice of the inventory, and the fleet is the whole of it. Set the job template's"
            " number of slices to 1. If the job is not sliced, name its workflow other than the job template"
        )
    versions = bundle_versions(params["bundle_path"])
    fleet = inventory.read(params["hosts"] or {}, params["groups"] or {}, versions, JUDGES, registry.IDS)
    return Plan(outputs={"fleet": fleet.as_dict()}, warnings=fleet.warnings)


OPERATION = Operation(
    arguments={
        "bundle_path": {"type": "path"},
        "refuse_slices": {"type": "bool", "default": False},
        "hosts": {"type": "dict"},
        "groups": {"type": "dict"},
        "slices": {"type": "int", "default": 1},
    },
    plan=plan,
    constraints={"required_together": [("hosts", "groups")]},
)


def main() -> None:
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
