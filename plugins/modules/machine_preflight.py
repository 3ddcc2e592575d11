#!/usr/bin/python
# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: machine_preflight
short_description: Judge whether machines can carry Kubernetes
version_added: 0.1.0
description:
  - Holds what the machines of a run have reported against every preflight check, shows one table of what failed, and
    returns all of it as data. It looks at no machine itself and changes nothing.
  - Checks that compare machines (clocks, hostnames, machine-ids, ports between them) see all machines of the run.
  - A check in the C(preflight_skip) of a machine's entry in the fleet is not made of it.
  - A failed check does not make this module fail, so that a playbook can show and write everything and then fail.
author:
  - The lodestar.platform authors (@lodestar-platform)
attributes:
  check_mode:
    support: full
    description: The file is not written.
  diff_mode:
    support: none
    description: It changes nothing.
  action:
    support: full
    description: It runs on the controller, in the Ansible process.
options:
  fleet:
    description: The fleet, as M(lodestar.platform.fleet) returns it.
    type: dict
    required: true
  looks:
    description:
      - By machine, C(preflight) as M(lodestar.platform.machine) returns it; C(trouble) (V(unreachable), V(not run) or
        V(refused)) and C(message) of a look that failed; C(listening) and C(probes) as
        M(lodestar.platform.machine_reach) returns them.
      - By default it is what the hosts of the play have registered in the roles C(machine) and C(preflight).
    type: dict
  limits:
    description: What is enough.
    type: dict
    suboptions:
      control_plane_cpus:
        description: CPUs of a control plane.
        type: int
        default: 2
      worker_cpus:
        description: CPUs of a worker.
        type: int
        default: 1
      control_plane_memory_mib:
        description: Memory of a control plane.
        type: int
        default: 1700
      worker_memory_mib:
        description: Memory of a worker.
        type: int
        default: 900
      free_mib:
        description: Free space below the paths where Kubernetes writes, of a machine that is to join. Paths on one file
          system need the sum.
        type: dict
        default: {/var/lib/containerd: 4096, /var/lib/kubelet: 1024, /var/lib/etcd: 2048, /var/log: 512,
          /usr/local/bin: 768, /opt/cni/bin: 128}
      low_mib:
        description: Free space on each of these file systems, of any machine.
        type: int
        default: 512
      inodes_percent:
        description: Free inodes on each of these file systems.
        type: int
        default: 5
      time_skew:
        description: Seconds between the clocks of two machines, of which only what is certain counts.
        type: float
        default: 1.0
      etcd_latency_ms:
        description: Milliseconds for a connection between control planes of a cluster.
        type: float
        default: 10.0
      latency_ms:
        description: Milliseconds for a connection between other machines of a cluster.
        type: float
        default: 100.0
  show_all:
    description: Show a line for each machine, too, and say so when nothing has failed. Otherwise nothing is shown then.
    type: bool
    default: false
  report_path:
    description: File on the controller that is written with the report as JSON, mode 0644.
    type: path
"""

EXAMPLES = r"""
- name: Whether the machines of this play can carry Kubernetes
  lodestar.platform.machine_preflight:
    fleet: "{{ lodestar_fleet }}"
    limits:
      worker_memory_mib: 4096
    report_path: /var/tmp/preflight.json
  run_once: true
  register: checked
"""

RETURN = r"""
report:
  description: Everything as data, as it is written to O(report_path).
  returned: success
  type: dict
  contains:
    schema:
      description: Version of this shape.
      returned: always
      type: int
      sample: 1
    at:
      description: When it was made, in RFC 3339.
      returned: always
      type: str
    errors:
      description: How many checks of severity error failed.
      returned: always
      type: int
    warnings:
      description: How many checks of severity warning failed.
      returned: always
      type: int
    machines:
      description: By machine, C(cluster), C(state) (V(to join), V(member) or V(not seen)), C(latency_ms) by peer, and
        C(checks), a list of C(check), C(severity), C(status) (V(passed), V(failed) or V(skipped)), C(seen), C(needed)
        and C(remedy).
      returned: always
      type: dict
table:
  description: The lines that are shown.
  returned: success
  type: list
  elements: str
problems:
  description: One line for each error.
  returned: success
  type: list
  elements: str
report_path:
  description: The file that was written.
  returned: when O(report_path) is set and not in check mode
  type: str
"""

from ..module_utils.machine.preflight.operation import OPERATION


def main() -> None:
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
