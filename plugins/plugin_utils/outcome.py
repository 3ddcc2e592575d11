# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes what the tasks of a run left behind out of the variables of its hosts. Private to the collection."""

from __future__ import annotations

import typing as t

from ansible.utils.display import Display
from ansible_collections.lodestar.platform.plugins.module_utils.output import printable
from ansible_collections.lodestar.platform.plugins.plugin_utils.in_process import ControllerAction, plain

display = Display()

Outcome = dict[str, dict[str, t.Any]]

_RESULT = "_result"
_SEEN = "lodestar_seen"
#: The result of the one task that serves all clusters.
_SHARED = "delivery_result"


class TableAction(ControllerAction):
    """Shows the table that the operation makes."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        answer = super().run(tmp, task_vars)
        if answer.get("table"):
            display.display(printable("\n".join(answer["table"])))
        return answer


class OutcomeAction(TableAction):
    """Gives the operation what the hosts of the play left behind, unless the task has an C(outcome) of its own."""

    def _inputs(self, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        return {} if self._task.args.get("outcome") is not None else {"outcome": gather(task_vars)}


def gather(task_vars: t.Mapping[str, t.Any]) -> Outcome:
    """By host of the play, failed ones included: C(changes) by phase, and C(certificates)."""
    hostvars = task_vars["hostvars"]
    hosts = [str(host) for host in task_vars.get("ansible_play_hosts_all", ())]
    return {host: outcome_of(hostvars.raw_get(host), host) for host in hosts}


def outcome_of(variables: t.Mapping[str, t.Any], host: str = "") -> dict[str, t.Any]:
    """What one host left behind.

    :param variables: its variables, not templated: registered results and facts are data.
    :param host: its name. Of a task that served all clusters every host has the result, and its own steps count.
    """
    changes = {
        str(name).removesuffix(_RESULT): _steps(value, host if name == _SHARED else "")
        for name, value in variables.items()
    }
    seen = variables.get(_SEEN)
    machine = seen.get("machine") if isinstance(seen, t.Mapping) else None
    held = machine if isinstance(machine, t.Mapping) else {}
    return {
        "changes": {phase: count for phase, count in changes.items() if count},
        "certificates": [plain(item["not_after"]) for item in held.get("certificates") or () if item.get("not_after")],
    }


def _steps(value: t.Any, target: str = "") -> int:
    """The number of steps in a result of an operation, or in the results of a loop over one; of a failed one, of those
    that were done.

    A task that only looks says that it changed nothing, whatever it planned.

    :param target: only its steps are counted, of all where it is empty.
    """
    if not isinstance(value, t.Mapping) or not value.get("changed"):
        return 0
    if isinstance(value.get("results"), list):
        return sum(_steps(item) for item in value["results"])
    plan = value.get("plan")
    steps = [
        step
        for step in (plan if isinstance(plan, list) else ())
        if isinstance(step, t.Mapping) and {"id", "action", "target"} <= set(step)
    ]
    if value.get("failed") and isinstance(value.get("done"), list):
        elsewhere = {step["id"] for step in steps if target and step["target"] != target}
        return sum(1 for done in value["done"] if done not in elsewhere)
    return sum(1 for step in steps if target in ("", step["target"]))
