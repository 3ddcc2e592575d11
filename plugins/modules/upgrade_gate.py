#!/usr/bin/python
# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: upgrade_gate
short_description: Tell whether the next clusters may be upgraded
version_added: 0.1.0
description:
  - Looks at the clusters of earlier waves, with the access that the hub keeps of each. One is well when every
    machine of it was upgraded, its API answers, and all of its nodes are ready.
  - Where more of them are not well than may be, the next wave must not begin. That does not make the module fail.
  - Changes nothing.
options:
  waves:
    description: The waves, as M(lodestar.platform.upgrade_waves) returned them.
    type: list
    elements: dict
    required: true
  begins:
    description: The place of the wave that is to begin, from 0.
    type: int
    required: true
  undone:
    description: By cluster, its machines that were not upgraded.
    type: dict
    default: {}
  deadline:
    description: Seconds that a cluster may take to answer.
    type: int
    default: 10
attributes:
  check_mode:
    description: Nothing is ever changed.
    support: full
  diff_mode:
    description: Nothing is ever changed.
    support: none
extends_documentation_fragment:
  - lodestar.platform.hub
seealso:
  - module: lodestar.platform.upgrade_waves
author:
  - The lodestar.platform authors (@lodestar-platform)
"""

EXAMPLES = r"""
- name: See whether the second wave may begin
  lodestar.platform.upgrade_gate:
    waves: "{{ ordered.waves }}"
    begins: 1
    undone: {east: [e2]}
    hub: "{{ lodestar_fleet.hub }}"
    hub_access: "{{ lodestar_hub_access }}"
  register: gate
"""

RETURN = r"""
stopped:
  description: Why the wave must not begin, with the clusters that are not well; empty where it may.
  returned: success
  type: str
begins:
  description: The place of the wave that was asked for.
  returned: success
  type: int
ill:
  description: By cluster of an earlier wave that is not well, what is wrong with it.
  returned: success
  type: dict
plan:
  description: Always empty.
  returned: success
  type: list
  elements: dict
"""

from ansible_collections.lodestar.platform.plugins.module_utils.upgrades.operations import GATE as OPERATION


def main() -> None:
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
