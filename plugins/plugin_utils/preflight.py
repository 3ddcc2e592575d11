# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes what machines reported out of the variables of a run's hosts, for those who judge it and those who probe.

Private to the collection.
"""

from __future__ import annotations

import typing as t

from ansible_collections.lodestar.platform.plugins.module_utils.machine.preflight import needs, parse, reach
from ansible_collections.lodestar.platform.plugins.plugin_utils.in_process import plain
from ansible_collections.lodestar.platform.plugins.plugin_utils.on_machine import MachineAction
from ansible_collections.lodestar.platform.plugins.plugin_utils.outcome import TableAction

#: Where the roles machine, upgrade and preflight register what the modules returned.
_LOOKS, _LISTENING, _PROBED = ("lodestar_seen", "upgrade_seen"), "preflight_listening", "preflight_probed"
_FLEET = "lodestar_fleet"
_MESSAGE_LENGTH = 200

Look = dict[str, t.Any]


class JudgingAction(TableAction):
    """Gives the operation what the machines of the play reported, unless the task has C(looks) of its own."""

    def _inputs(self, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        return {} if self._task.args.get("looks") is not None else {"looks": gather(task_vars)}


def gather(task_vars: t.Mapping[str, t.Any]) -> dict[str, Look]:
    """By host of the play, failed ones included, what its look left behind."""
    hostvars = task_vars["hostvars"]
    return {str(host): look_of(hostvars.raw_get(host)) for host in task_vars.get("ansible_play_hosts_all", ())}


def look_of(variables: t.Mapping[str, t.Any]) -> Look:
    """What one host left behind: C(preflight), C(trouble), C(message), C(listening) and C(probes), where there are.

    :param variables: its variables, not templated: registered results are data.
    """
    seen = _look(variables)
    answer: Look = {"preflight": plain((seen or {}).get("preflight"))}
    answer["trouble"] = _trouble(seen)
    if answer["trouble"]:
        answer["message"] = _message(seen or {})
    listening, probed = variables.get(_LISTENING) or {}, variables.get(_PROBED) or {}
    answer["listening"] = plain(listening.get("listening"))
    answer["probes"] = plain(probed.get("probes"))
    return answer


def _trouble(seen: t.Mapping[str, t.Any] | None) -> str:
    """Why a look failed. Every result of our modules has a plan, so one without is not theirs."""
    if seen is None or seen.get("unreachable"):
        return "unreachable"
    if not seen.get("failed"):
        return ""
    return "refused" if "plan" in seen else "not run"


def _message(seen: t.Mapping[str, t.Any]) -> str:
    lines = str(seen.get("msg") or "it was not looked at").strip().splitlines()
    text = lines[0] if lines else ""
    return text if len(text) <= _MESSAGE_LENGTH else text[:_MESSAGE_LENGTH] + "..."


class ReachAction(MachineAction):
    """Tells the module which peers there are, and how their listeners can be known.

    A member whose own components listen on all of its ports need not be asked to do so.
    """

    def _on_machine(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        if arguments["state"] == "listening":
            facts = _facts(task_vars["hostvars"].raw_get(arguments["machine"]["name"]))
            ports = served(arguments["cluster"], arguments["machine"], facts)
            if ports:
                return {**reach.NOTHING, "occupied": ports, "changed": False, "plan": []}
        if arguments["state"] == "probed" and not arguments.get("peers"):
            among = arguments.get("among") or "newcomers"
            arguments["peers"] = peers(arguments["cluster"], arguments["machine"], task_vars, among == "all")
        return super()._on_machine(arguments, task_vars)


def peers(
    cluster: t.Mapping[str, t.Any], machine: t.Mapping[str, t.Any], task_vars: t.Mapping[str, t.Any], everybody: bool
) -> list[dict[str, t.Any]]:
    """The other machines of the cluster, with the ports of each that this one must reach.

    Machines that could not be looked at in this run are left out; those that are not part of it are not.

    :param everybody: also a member from a member; otherwise one of the two must be new.
    """
    hostvars = task_vars["hostvars"]
    fleet = plain(hostvars.raw_get(machine["name"])[_FLEET]["machines"])
    play = set(task_vars.get("ansible_play_hosts_all", ()))
    newcomer = not _member(hostvars.raw_get(machine["name"]))
    answer = []
    for name in (*cluster["control_plane"], *cluster["workers"]):
        variables = hostvars.raw_get(name) if name in play else {}
        if name == machine["name"] or (name in play and not _seen(variables)):
            continue
        if everybody or newcomer or (name in play and not _member(variables)):
            answer.append(_peer(cluster, machine, fleet[name], variables.get(_LISTENING) or {}))
    return answer


def served(cluster: t.Mapping[str, t.Any], machine: t.Mapping[str, t.Any], facts: t.Mapping[str, t.Any]) -> list[int]:
    """The ports of a member that others must reach, if something listens on each of them; otherwise empty.

    :param facts: of its look.
    """
    wanted = {item.port for item in needs.open_ports(cluster, machine)}
    there = {
        int(item["port"]) for item in facts.get("listeners") or () if parse.serves(item["address"], machine["node_ip"])
    }
    return sorted(wanted) if facts.get("member") and wanted <= there else []


def _look(variables: t.Mapping[str, t.Any]) -> t.Mapping[str, t.Any] | None:
    """The result of the look at a host that its play has had, of a machine or of an upgrade."""
    return next((variables[name] for name in _LOOKS if variables.get(name)), None)


def _facts(variables: t.Mapping[str, t.Any]) -> t.Mapping[str, t.Any]:
    return ((_look(variables) or {}).get("preflight") or {}).get("facts") or {}


def _seen(variables: t.Mapping[str, t.Any]) -> bool:
    return bool(_facts(variables))


def _member(variables: t.Mapping[str, t.Any]) -> bool:
    return bool(_facts(variables).get("member"))


def _peer(
    cluster: t.Mapping[str, t.Any],
    machine: t.Mapping[str, t.Any],
    peer: t.Mapping[str, t.Any],
    listening: t.Mapping[str, t.Any],
) -> dict[str, t.Any]:
    ours = list(listening.get("listening") or ())
    return {
        "name": peer["name"],
        "address": peer["node_ip"],
        "token": str(listening.get("token") or ""),
        "ports": [
            {"port": item.port, "purpose": item.purpose, "ours": item.port in ours}
            for item in needs.reached(cluster, machine, peer)
        ],
    }
