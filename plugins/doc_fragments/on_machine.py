# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules that run on machines have in common."""

from __future__ import annotations


class ModuleDocFragment:
    """Options and attributes of a module that runs on a machine."""

    DOCUMENTATION = r"""
options:
  cluster:
    description:
      - The cluster's entry in the fleet, as M(lodestar.platform.fleet) returns it.
    type: dict
    required: true
  machine:
    description:
      - The entry in the fleet of the machine that the module runs on.
    type: dict
    required: true
  owner:
    description:
      - Who runs this, for those who have to wait for the machine's lock.
      - Filled in by the action plugin.
    type: dict
    default: {}
  lock_timeout:
    description:
      - How many seconds to wait for another run that changes this machine.
      - After that the task fails and names that run.
    type: int
    default: 300
attributes:
  check_mode:
    description: The plan is the same, no lock is taken and nothing is written.
    support: full
  diff_mode:
    description: Shows every step, before and after. Secret values are never part of it.
    support: full
requirements:
  - root on the machine, directly or with C(become)
"""
