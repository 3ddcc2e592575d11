# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the declaration of the whole inventory on the controller, whatever host or limit the task has."""

from __future__ import annotations

from ansible_collections.lodestar.platform.plugins.plugin_utils.bytecode import operation_of
from ansible_collections.lodestar.platform.plugins.plugin_utils.declaration import DeclarationAction


class ActionModule(DeclarationAction):
    """The module C(fleet), with the declaration of the run's inventory."""

    operation = operation_of("fleet")
