# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decides in the Ansible process, whatever the connection of the host, and shows the plan."""

from __future__ import annotations

from ansible_collections.lodestar.platform.plugins.plugin_utils.bytecode import operation_of
from ansible_collections.lodestar.platform.plugins.plugin_utils.outcome import TableAction


class ActionModule(TableAction):
    """The module C(upgrade_waves)."""

    operation = operation_of("upgrade_waves")
