# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes the declaration out of a run's inventory: the variables that make the fleet, of all hosts, whatever the limit.

Private to the collection.
"""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleError
from ansible_collections.lodestar.platform.plugins.module_utils.errors import InvalidInput, Problem
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.inventory import (
    LIST_KEYS,
    hosts_of,
    resembles,
)
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.inventory_credential import SECRET_KEYS
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.inventory_hosts import CLUSTER_KEYS, MACHINE_KEYS
from ansible_collections.lodestar.platform.plugins.plugin_utils.in_process import ControllerAction, plain

#: What tells that the inventory is only a slice of itself; AWX names the workflow of a sliced job like its template.
_SLICE_COUNTS = ("awx_job_slice_count", "tower_job_slice_count")
_WORKFLOW, _TEMPLATE = "awx_workflow_job_name", "awx_job_template_name"


class DeclarationAction(ControllerAction):
    """Gives the operation the declaration of the run's inventory, unless the task has C(hosts) of its own."""

    def _inputs(self, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        return {} if self._task.args.get("hosts") is not None else gather(task_vars)


def gather(task_vars: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The arguments C(hosts), C(groups) and C(slices) of lodestar.platform.fleet, as plain data.

    Only the known variables are templated. Of a credential, which may be in a vault, only its presence is looked at.

    :raises InvalidInput: naming every variable whose template fails.
    """
    groups = {str(name): [str(host) for host in hosts] for name, hosts in task_vars["groups"].items()}
    clusters, machines = hosts_of(groups)
    reader = _Reader(task_vars["hostvars"])
    hosts = {name: reader.cluster(name) for name in clusters}
    hosts.update({name: reader.machine(name) for name in machines if name not in hosts})
    if reader.problems:
        raise InvalidInput(reader.problems)
    return {"hosts": hosts, "groups": groups, "slices": slices(task_vars)}


def slices(task_vars: t.Mapping[str, t.Any]) -> int:
    """Into how many slices AWX cut the inventory of this run; 2 stands for "more than one"."""
    for key in _SLICE_COUNTS:
        count = str(task_vars.get(key) or "")
        if count.isdigit() and int(count) > 1:
            return int(count)
    template = task_vars.get(_TEMPLATE)
    return 2 if template and task_vars.get(_WORKFLOW) == template else 1


def _parts(value: t.Any) -> t.Any:
    """What may be known of a credential: of a mapping its keys, of anything else that it is there."""
    return sorted(str(key) for key in value) if isinstance(value, dict) else True


class _Reader:
    """Reads variables of hosts. A platform-wide list is templated once, for all hosts that declare the same."""

    def __init__(self, hostvars: t.Any) -> None:
        self._hostvars = hostvars
        self._lists: dict[str, tuple[t.Any, t.Any]] = {}
        self.problems: list[Problem] = []

    def cluster(self, name: str) -> dict[str, t.Any]:
        """The known variables of a cluster host."""
        raw, view = self._hostvars.raw_get(name), self._hostvars[name]
        answer = self._known(name, view, CLUSTER_KEYS)
        answer.update({key: self._list(name, view, key, raw[key]) for key in LIST_KEYS if key in raw})
        answer.update({key: _parts(raw[key]) for key in SECRET_KEYS if raw.get(key)})
        return answer

    def machine(self, name: str) -> dict[str, t.Any]:
        """The known variables of a machine."""
        return self._known(name, self._hostvars[name], MACHINE_KEYS)

    def _known(self, name: str, view: t.Any, keys: t.Iterable[str]) -> dict[str, t.Any]:
        """The given variables of a host, and with a null those that look like misspelt ones."""
        answer = {key: self._value(name, view, key) for key in keys if key in view}
        answer.update({str(key): None for key in view if resembles(str(key))})
        return answer

    def _list(self, name: str, view: t.Any, key: str, raw: t.Any) -> t.Any:
        if key not in self._lists:
            self._lists[key] = (raw, self._value(name, view, key))
        known, value = self._lists[key]
        return value if known is raw or known == raw else self._value(name, view, key)

    def _value(self, name: str, view: t.Any, key: str) -> t.Any:
        try:
            return plain(view[key])
        except AnsibleError as exc:
            reason = f"cannot be evaluated: {str(exc).splitlines()[0]}"
            self.problems.append(Problem(f"{name}: {key}", "(template)", reason, "Correct the template"))
            return None
