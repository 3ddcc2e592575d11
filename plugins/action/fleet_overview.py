# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the report on the controller, whatever host the task has, and shows what needs attention."""

from __future__ import annotations

from ansible_collections.lodestar.platform.plugins.plugin_utils.bytecode import operation_of
from ansible_collections.lodestar.platform.plugins.plugin_utils.outcome import TableAction


class ActionModule(TableAction):
    """The module C(fleet_overview), in-process."""

    operation = operation_of("fleet_overview")
