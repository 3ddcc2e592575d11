# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes out of the inventory what variables of roles tell of each cluster. Private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.lodestar.platform.plugins.plugin_utils.in_process import InProcessAction, plain


class OptionsAction(InProcessAction):
    """Gives the operation the variables of roles that its clusters have, unless the task has C(options) of its own."""

    def _inputs(self, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        if self._task.args.get("options") is not None:
            return {}
        names = [str(name) for name in self._task.args.get("names") or ()]
        return {"options": {name: options_of(task_vars["hostvars"], name) for name in names}}


def options_of(hostvars: t.Any, name: str) -> dict[str, t.Any]:
    """The variables of roles that a host has; a null for one that says something else than the fleet."""
    # With the operation, by Python's cache: Ansible's own imports take longer than the rest.
    from ansible_collections.lodestar.platform.plugins.module_utils.settled import told

    given = [key for key in hostvars.raw_get(name) if key in told.OPTIONS or key in told.DECLARED]
    return {key: plain(hostvars[name][key]) if key in told.OPTIONS else None for key in given}
