# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the declaration of the whole inventory on the controller, whatever host or limit the task has."""

from __future__ import annotations

import typing as t

from ansible_collections.lodestar.platform.plugins.modules import fleet
from ansible_collections.lodestar.platform.plugins.plugin_utils.declaration import gather
from ansible_collections.lodestar.platform.plugins.plugin_utils.in_process import ControllerAction


class ActionModule(ControllerAction):
    """Fills in the declaration of the run's inventory, unless the task gives another."""

    operation = fleet.OPERATION

    def _inputs(self, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        return {} if self._task.args.get("hosts") is not None else gather(task_vars)
