# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the module on the machine, and brings etcd's tools to it."""

from __future__ import annotations

from ansible_collections.lodestar.platform.plugins.plugin_utils.bytecode import operation_of
from ansible_collections.lodestar.platform.plugins.plugin_utils.on_machine import ToolsAction


class ActionModule(ToolsAction):
    """The module C(etcd_snapshot)."""

    operation = operation_of("etcd_snapshot")
