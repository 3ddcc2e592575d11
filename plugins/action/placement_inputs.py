# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the module in the Ansible process."""

from __future__ import annotations

from ansible_collections.lodestar.platform.plugins.plugin_utils.bytecode import operation_of
from ansible_collections.lodestar.platform.plugins.plugin_utils.in_process import InProcessAction


class ActionModule(InProcessAction):
    """The module C(placement_inputs), in-process."""

    operation = operation_of("placement_inputs")
