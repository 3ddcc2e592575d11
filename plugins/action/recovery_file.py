# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes on the controller what it brings from the machine."""

from __future__ import annotations

from ansible_collections.lodestar.platform.plugins.plugin_utils.bytecode import operation_of
from ansible_collections.lodestar.platform.plugins.plugin_utils.recovery import RecoveryAction


class ActionModule(RecoveryAction):
    """The module C(recovery_file)."""

    operation = operation_of("recovery_file")
