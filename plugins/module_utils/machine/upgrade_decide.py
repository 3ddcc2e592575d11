# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is left to upgrade in a cluster, in which order, and why it must not be begun. Pure. Private to the collection.

Everything is told by what the machines hold now, so an upgrade that was killed anywhere goes on where it was.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..errors import InvalidInput, Problem, Refused
from . import arguments, authentication, lasting, upgrade_rules, versions
from .turns import batch_size

Probe = t.Mapping[str, t.Any]

#: What is left on a machine: the cluster's configuration and its own (C(apply)), its own (C(node)), a kubelet that was
#: replaced and not restarted (C(kubelet)), a cordon of ours (C(uncordon)), nothing.
APPLY, NODE, KUBELET, UNCORDON, NONE = "apply", "node", "kubelet", "uncordon", "none"
#: When pods are moved away before a kubelet is replaced.
DRAINS = ("auto", "always", "never")


@dataclass(frozen=True)
class Options:
    """What the operator chooses.

    :param max_unavailable: workers at a time in a cluster, a number or a percentage such as C(25%).
    :param drain: one of :data:`DRAINS`.
    :param hub: C(name), C(running) and C(planned) (versions or C(None)); C(None) for the hub itself.
    """

    max_unavailable: str = "1"
    drain: str = "auto"
    allow_webhooks: tuple[str, ...] = ()
    allow_removed_apis: tuple[str, ...] = ()
    hub: t.Mapping[str, t.Any] | None = None


@dataclass
class Decision:
    """What happens in a cluster.

    :param machines: C(phase), C(turn), C(drain), C(node_name), C(reason) by machine. Machines of turn 0 have nothing to
        wait for; one turn follows the other.
    :param snapshot: the control plane that keeps a snapshot of etcd before anything is changed.
    :param waits_for_hub: the hub must have been upgraded first.
    :param running: the oldest version that its API servers run.
    """

    machines: dict[str, dict[str, t.Any]]
    running: str
    snapshot: str | None = None
    waits_for_hub: bool = False
    warnings: list[str] = field(default_factory=list)

    @property
    def settled(self) -> bool:
        """Nothing is left."""
        return all(entry["phase"] == NONE for entry in self.machines.values())


@dataclass
class _View:
    """A cluster as its machines see it."""

    cluster: t.Mapping[str, t.Any]
    names: t.Mapping[str, str]
    probes: t.Mapping[str, Probe]
    known: t.Mapping[str, t.Any]

    @property
    def target(self) -> str:
        return str(self.cluster["version"])

    @property
    def control_planes(self) -> list[str]:
        return [name for name in self.cluster["control_plane"] if name in self.probes]

    @property
    def nodes(self) -> dict[str, t.Mapping[str, t.Any]]:
        """What the cluster knows of its Nodes, by their names."""
        return {node["name"]: node for node in self.known["nodes"]}

    @property
    def api_servers(self) -> dict[str, str]:
        """Version by control plane: the older of the manifest's and of what answers: a restart may be under way."""
        found = {}
        for name in self.control_planes:
            probe = self.probes[name]
            seen = [probe["static_pods"].get("kube-apiserver"), (probe["cluster"] or {}).get("api")]
            if any(seen):
                found[name] = versions.oldest([item for item in seen if item])
        return found

    def node(self, machine: str) -> t.Mapping[str, t.Any]:
        return self.nodes.get(self.names[machine], {})


def decide(
    cluster: t.Mapping[str, t.Any], names: t.Mapping[str, str], probes: t.Mapping[str, Probe], options: Options
) -> Decision:
    """What every machine of a created cluster has left.

    :param cluster: its entry in the fleet.
    :param names: node name by machine, of all its machines.
    :param probes: as :func:`upgrade_probe.observe` has them, by machine, of those that were reached.
    :raises Refused: it must not be upgraded so. Names every reason at once, and nothing has been changed.
    """
    members = {name: probe for name, probe in probes.items() if probe["member"]}
    if not members and set(cluster["control_plane"]) <= set(probes):
        return Decision({}, "")
    view = _View(cluster, names, members, _known(cluster, members))
    _check_lasting(view)
    machines = _left(view)
    pending = any(entry["phase"] != NONE for entry in machines.values())
    decision = Decision(machines, versions.oldest(view.api_servers.values()))
    problems = _version_problems(view, options)
    if pending:
        found, decision.warnings = _hazards(view, options)
        problems += found
    if problems:
        raise InvalidInput(problems)
    busy = [name for name in view.control_planes if machines[name]["phase"] in (APPLY, NODE, KUBELET)]
    if busy:
        _require_whole(view, machines)
        decision.snapshot = next((name for name in busy if machines[name]["phase"] == APPLY), busy[0])
    decision.waits_for_hub = pending and _waits(view, options)
    _order(view, machines, options)
    decision.warnings += _unreached(view, names)
    return decision


def _known(cluster: t.Mapping[str, t.Any], probes: t.Mapping[str, Probe]) -> t.Mapping[str, t.Any]:
    """What the cluster says of itself, from its first control plane that answers."""
    for name in cluster["control_plane"]:
        if name in probes and probes[name]["cluster"] is not None:
            return t.cast(t.Mapping[str, t.Any], probes[name]["cluster"])
    seen = ", ".join(name for name in cluster["control_plane"] if name in probes) or "none"
    raise Refused(
        f"no control plane of {cluster['name']} answers (reached in this run: {seen}); nothing was changed."
        " Bring one back and run again; a cluster that was never made is made by lodestar.platform.site.",
        cluster=cluster["name"],
    )


def _check_lasting(view: _View) -> None:
    for name in view.control_planes:
        problems = lasting.problems(view.cluster, name, view.probes[name]["lasting"])
        if problems:
            raise InvalidInput(problems)


def _version_problems(view: _View, options: Options) -> list[Problem]:
    name, target, servers = view.cluster["name"], view.target, view.api_servers
    seen = {f"the API server of {machine}": version for machine, version in servers.items()}
    seen |= {f"the kubelet of {node}": item["kubelet"] for node, item in view.nodes.items()}
    if view.known["declared"]:
        seen[f"the configuration of {name}"] = view.known["declared"]
    found = [
        upgrade_rules.downgrade(name, target, seen),
        upgrade_rules.skipped_minor(name, target, servers),
        upgrade_rules.old_kubelets(
            name,
            target,
            {node: item["kubelet"] for node, item in view.nodes.items()},
            versions.oldest(servers.values()),
        ),
    ]
    if options.hub is not None:
        found.append(upgrade_rules.past_hub(name, target, options.hub["name"], options.hub["planned"]))
    unknown = arguments.problems(view.cluster, [view.probes[machine]["unknown_arguments"] for machine in servers])
    refused = [view.probes[machine]["refused_authentication"] for machine in servers]
    unknown += authentication.problems(view.cluster, refused)
    return [problem for problem in found if problem is not None] + unknown


def _hazards(view: _View, options: Options) -> tuple[list[Problem], list[str]]:
    name = view.cluster["name"]
    asked: dict[str, dict[str, t.Any]] = {}
    for machine in view.control_planes:
        for item in (view.probes[machine]["cluster"] or {}).get("deprecated") or ():
            known = asked.setdefault(item["resource"], {**item, "callers": []})
            known["callers"] = list(dict.fromkeys([*known["callers"], *item["callers"]]))
    problems, warnings = upgrade_rules.removed_apis(name, view.target, asked.values(), options.allow_removed_apis)
    more, told = upgrade_rules.webhooks(name, view.known["webhooks"], options.allow_webhooks)
    return problems + more, warnings + told


def _require_whole(view: _View, machines: t.Mapping[str, t.Mapping[str, t.Any]]) -> None:
    """Every control plane must be reached and healthy before one of them is restarted."""
    reasons = [f"{name} was not reached" for name in view.cluster["control_plane"] if name not in view.probes]
    for name in view.control_planes:
        probe = view.probes[name]
        if probe["cluster"] is None:
            reasons.append(f"the API server of {name} does not answer")
        elif probe["etcd_problem"]:
            reasons.append(f"{name}: {probe['etcd_problem']}")
        elif not view.node(name).get("ready") and machines[name]["phase"] != KUBELET:
            reasons.append(f"the Node {view.names[name]} is not ready")
    if reasons:
        raise Refused(
            f"the control plane of {view.cluster['name']} is not whole: {'; '.join(reasons)}. Nothing was changed."
            " Repair it with lodestar.platform.site and the version that it runs, then run again.",
            cluster=view.cluster["name"],
            reasons=reasons,
        )


def _left(view: _View) -> dict[str, dict[str, t.Any]]:
    entries = {name: _entry(view, name) for name in view.probes}
    behind = [name for name in view.control_planes if entries[name]["phase"] == NODE]
    outdated = view.known["declared"] != view.target
    if view.control_planes and (outdated or len(behind) == len(view.control_planes)):
        leader = _leader(view, behind or view.control_planes)
        entries[leader] |= {"phase": APPLY, "reason": f"it takes {view.cluster['name']} to {view.target} first"}
    return entries


def _leader(view: _View, candidates: t.Sequence[str]) -> str:
    """The control plane on which it was begun, else the first."""
    begun = (name for name in candidates if view.target in view.probes[name]["static_pods"].values())
    return next(begun, candidates[0])


def _entry(view: _View, name: str) -> dict[str, t.Any]:
    probe, node = view.probes[name], view.node(name)
    pods = set(probe["static_pods"].values())
    phase, reason = NONE, f"it runs {view.target}"
    if probe["kubelet"] != view.target or (pods and pods != {view.target}):
        phase, reason = NODE, f"its kubelet is of {probe['kubelet']}"
        if pods == {view.target}:
            reason += f", and its control plane of {view.target}"
    elif not probe["kubelet_current"] or (node and node["kubelet"] != view.target):
        phase, reason = KUBELET, "its kubelet was replaced and not restarted"
    elif node.get("cordoned_by_us"):
        phase, reason = UNCORDON, "an earlier run has left it cordoned"
    return {"phase": phase, "reason": reason, "node_name": view.names[name], "drain": False, "turn": 0}


def _waits(view: _View, options: Options) -> bool:
    if options.hub is None:
        return False
    running = options.hub["running"]
    return running is None or versions.minors_between(running, view.target) > 0


def _order(view: _View, machines: dict[str, dict[str, t.Any]], options: Options) -> None:
    """Control planes one by one, the leader first, then workers in batches; those that were begun come first."""
    acting = {name: entry for name, entry in machines.items() if entry["phase"] in (APPLY, NODE, KUBELET)}
    for entry in acting.values():
        entry["drain"] = _drains(view, entry, options.drain)
    first = [name for name in view.control_planes if name in acting]
    first.sort(key=lambda name: (acting[name]["phase"] != APPLY, acting[name]["phase"] != KUBELET))
    for turn, name in enumerate(first, 1):
        acting[name]["turn"] = turn
    workers = [name for name in view.cluster["workers"] if name in acting]
    workers.sort(key=lambda name: (acting[name]["phase"] != KUBELET, not view.node(name).get("cordoned_by_us")))
    size = batch_size(options.max_unavailable, len(view.cluster["workers"]), "upgrade_max_unavailable")
    for index, name in enumerate(workers):
        acting[name]["turn"] = len(first) + 1 + index // size


def _drains(view: _View, entry: t.Mapping[str, t.Any], choice: str) -> bool:
    if choice != "auto":
        return choice == "always"
    node = view.nodes.get(entry["node_name"])
    if node is None or not node["ready"] or versions.minors_between(node["kubelet"], view.target) == 0:
        # On a node that is not ready no pod ever ends.
        return False
    return any(_takes_pods(other) for name, other in view.nodes.items() if name != entry["node_name"])


def _takes_pods(node: t.Mapping[str, t.Any]) -> bool:
    return bool(node["ready"] and not node["dedicated"] and (not node["cordoned"] or node["cordoned_by_us"]))


def _unreached(view: _View, names: t.Mapping[str, str]) -> list[str]:
    lines = []
    known = {names[name] for name in view.probes}
    for node, item in view.nodes.items():
        if node not in known and item["kubelet"] != view.target:
            lines.append(f"{view.cluster['name']}: Node {node} is no part of this run and stays at {item['kubelet']}")
    return lines
