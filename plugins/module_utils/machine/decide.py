# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a cluster may be founded, who joins, and when to stop. Pure. Private to the collection.

A founding that should have been a join splits a site into two clusters and costs data, so it needs proof that nothing
is there: every control plane was looked at in this run and is empty, no worker belongs to a cluster, nothing answers at
the endpoint, and the hub knows no cluster of that name.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from ..errors import InvalidInput, Problem, Refused
from . import arguments, authentication, lasting, paths
from .etcd import majority

Probe = t.Mapping[str, t.Any]

FOUND, JOIN, PRESENT, REPAIR = "found", "join", "present", "repair"
#: What a control plane lacks that keeps its API from answering: it is mended, and was not founded to be so.
_FATAL = {"static-pod:etcd", "static-pod:kube-apiserver", f"file:{paths.AUTHENTICATION}"}


@dataclass(frozen=True)
class Decision:
    """What a machine does now.

    :param action: C(found), C(join), C(repair) (it belongs to the cluster, and is not as declared) or C(present).
    :param reason: why, for people.
    :param leaders: control planes that may give join material, best first.
    :param shares: it holds what all machines of the cluster share to the declaration, for all of them.
    :param gone: ids of etcd members that machines which are gone have left behind; they leave before this one joins.
    :param removed: ids of those that an earlier join of the run takes out.
    :param breaks: the cluster's API is down, and what this control plane lacks may be why.
    """

    action: str
    reason: str
    leaders: tuple[str, ...] = ()
    shares: bool = False
    gone: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    breaks: bool = False

    def as_dict(self) -> dict[str, t.Any]:
        """Plain data."""
        named = {"action": self.action, "reason": self.reason, "leaders": list(self.leaders), "shares": self.shares}
        return {**named, "gone": list(self.gone), "removed": list(self.removed)}


def half_founded(probe: Probe) -> bool:
    """C(kubeadm init) was killed after it had declared etcd: the kubelet has the identity that only init gives."""
    return bool(probe["founding"] and (probe["etcd_data"] or "etcd" in probe["static_pods"]))


def holds_nothing(probe: Probe) -> bool:
    """No cluster and no part of one; files of an init or join that was killed at its beginning count for nothing."""
    return not (probe["etcd_data"] or probe["kubelet_final"] or "etcd" in probe["static_pods"])


def complete(probe: Probe) -> bool:
    """The machine belongs to a cluster."""
    if not _is_control_plane(probe):
        return bool(probe["kubelet_final"])
    manifests = {"etcd", "kube-apiserver"} <= set(probe["static_pods"])
    return bool(probe["kubelet_final"] and probe["etcd_data"] and manifests and not probe["half_joined"])


def _is_control_plane(probe: Probe) -> bool:
    return bool(probe.get("role") == "control_plane")


def seen_table(names: t.Sequence[str], probes: t.Mapping[str, Probe | None]) -> str:
    """What was seen on each machine, one line each."""
    lines = []
    for name in names:
        probe = probes.get(name)
        if probe is None:
            lines.append(f"  {name}: not reached in this run")
            continue
        held = [
            text
            for text, there in (
                ("etcd data", probe["etcd_data"]),
                ("kubelet identity", probe["kubelet_identity"]),
                ("static pods " + ", ".join(probe["static_pods"]), bool(probe["static_pods"])),
            )
            if there
        ]
        state = "; ".join(held) or "holds no cluster state"
        if probe.get("role") == "control_plane":
            state += "; API " + ("answers" if probe["api_healthy"] else "does not answer")
        answers = "something answers" if probe["endpoint"]["answers"] else "nothing answers"
        lines.append(f"  {name}: {state}; at the endpoint {answers}")
    return "\n".join(lines)


def decide(
    cluster: t.Mapping[str, t.Any],
    probes: t.Mapping[str, Probe | None],
    recorded_uid: str | None = None,
    recreate: str | None = None,
    hub_asked: bool = True,
) -> dict[str, Decision]:
    """What every probed machine of a cluster does.

    :param cluster: its entry in the fleet.
    :param probes: by machine name; a machine that was not looked at in this run is missing or C(None).
    :param recorded_uid: identity that the hub has recorded under this name.
    :param recreate: the operator names this cluster to be founded although it was there before.
    :param hub_asked: false when the hub may have a record of this cluster, but could not be asked.
    :raises Refused: nothing may be done. Names what was seen and the way out.
    """
    control_planes: list[str] = list(cluster["control_plane"])
    workers: list[str] = list(cluster["workers"])
    known = _with_roles(control_planes, workers, probes)
    table = seen_table([*control_planes, *workers], known)
    again = recreate == cluster["name"]
    record = None if again else _record(cluster, recorded_uid, hub_asked)
    if again:
        known = _without_leavers(known, control_planes)
    _check_identity(cluster, known, None if again else recorded_uid, table)
    _check_lasting(cluster, known)
    _check_arguments(cluster, known)
    members = [name for name in control_planes if (probe := known.get(name)) and complete(probe)]
    running = [name for name in members if known[name]["api_healthy"]]
    broken = [name for name in members if _FATAL & set(known[name]["pending"])]
    answers = _answers(known, control_planes)
    if running or answers or broken:
        leaders = running or (_unseen_first(control_planes, known) if answers else broken)
        decided = _with_cluster(cluster, known, tuple(leaders), table)
        if not (running or answers):
            decided.update({name: replace(decided[name], breaks=True) for name in broken})
    else:
        decided = _without_cluster(cluster, known, record, again, table)
    _check_name(cluster, known, decided)
    return decided


def _check_name(
    cluster: t.Mapping[str, t.Any], known: t.Mapping[str, Probe], decided: t.Mapping[str, Decision]
) -> None:
    """A machine must know the endpoint's name before kubeadm needs it."""
    lost = [
        name
        for name, decision in decided.items()
        if decision.action in (FOUND, JOIN) and not known[name]["endpoint"].get("resolves", True)
    ]
    if lost:
        reason = f"is a name that these machines cannot resolve: {', '.join(lost)}"
        remedy = "Make it known to every machine and to the controller, by DNS or in /etc/hosts, before they join"
        raise InvalidInput(
            [Problem(f"{cluster['name']}: endpoint.address", cluster["endpoint"]["address"], reason, remedy)]
        )


def _record(cluster: t.Mapping[str, t.Any], recorded_uid: str | None, hub_asked: bool) -> str | None:
    """Why the hub's record speaks against founding, if it does. The hub itself has no other to ask."""
    if recorded_uid:
        return f"the hub has a record of it ({recorded_uid})"
    if not hub_asked and cluster["role"] != "global":
        return "the hub, which may have a record of it, could not be asked in this run"
    return None


def _with_roles(
    control_planes: list[str], workers: list[str], probes: t.Mapping[str, Probe | None]
) -> dict[str, Probe]:
    roles = {**dict.fromkeys(control_planes, "control_plane"), **dict.fromkeys(workers, "worker")}
    return {name: {**probe, "role": roles[name]} for name, probe in probes.items() if probe and name in roles}


def _without_leavers(known: dict[str, Probe], control_planes: t.Sequence[str]) -> dict[str, Probe]:
    """Workers that still belong to the cluster that is gone count as empty once the new one has control planes."""
    new = {known[name]["ca_sha256"] for name in control_planes if name in known and complete(known[name])}
    leaving = {
        name
        for name, probe in known.items()
        if new and not _is_control_plane(probe) and complete(probe) and probe["ca_sha256"] not in new
    } | set(_of_before(known))
    return {
        name: {**probe, "kubelet_final": probe["kubelet_final"] and name not in leaving}
        for name, probe in known.items()
    }


def _unseen_first(control_planes: list[str], known: t.Mapping[str, Probe]) -> list[str]:
    return [name for name in control_planes if name not in known] or control_planes


def _answers(known: t.Mapping[str, Probe], control_planes: t.Sequence[str]) -> bool:
    """Whether the cluster answers at its endpoint: the CA shown there is one that a machine holds.

    Where no machine of it that was looked at holds a CA, an answer counts if some control plane was not looked at:
    the join itself then compares the CA with the one that control plane gives.
    """
    shown = {probe["endpoint"]["ca_sha256"] for probe in known.values() if probe["endpoint"]["answers"]}
    held = {probe["ca_sha256"] for probe in known.values() if complete(probe) and probe["ca_sha256"]}
    if held:
        return bool(shown & held)
    return bool(shown) and any(name not in known for name in control_planes)


def _of_before(known: t.Mapping[str, Probe]) -> list[str]:
    """Workers of an earlier cluster that had the same CA, since this one was founded with its recovery file."""
    living = {probe["uid"] for probe in known.values() if probe["uid"]}
    return sorted(
        name
        for name, probe in known.items()
        if living
        and not _is_control_plane(probe)
        and complete(probe)
        and probe["recorded"]["uid"] not in (None, *living)
    )


def _check_identity(
    cluster: t.Mapping[str, t.Any], known: t.Mapping[str, Probe], recorded_uid: str | None, table: str
) -> None:
    name = cluster["name"]
    authorities = {probe["ca_sha256"] for probe in known.values() if complete(probe) and probe["ca_sha256"]}
    if len(authorities) > 1:
        raise Refused(
            f"the machines of {name} belong to {len(authorities)} different clusters (their CAs differ);"
            f" nothing was changed.\n{table}\nReset the machines that do not belong, or correct the inventory.",
            cluster=name,
        )
    strangers = sorted(
        f"{machine} belongs to {probe['recorded']['name']}"
        for machine, probe in known.items()
        if complete(probe) and probe["recorded"]["name"] not in (None, name)
    )
    if strangers:
        raise Refused(
            f"machines of another cluster stand under {name}: {', '.join(strangers)}; nothing was changed."
            " Correct the inventory, or reset these machines.",
            cluster=name,
        )
    if before := _of_before(known):
        raise Refused(
            f"{', '.join(before)} belong to an earlier cluster {name}, which had the same CA; nothing was changed."
            f" To let them join this one, say recreate: {name}.",
            cluster=name,
        )
    _check_made_here(name, known, table)
    identities = {probe["uid"] for probe in known.values() if probe["uid"]}
    if recorded_uid and identities and recorded_uid not in identities:
        raise Refused(
            f"the hub knows {name} as {recorded_uid}, its machines hold {', '.join(sorted(identities))};"
            f" nothing was changed. If the old cluster is gone for good, say recreate: {name}.",
            cluster=name,
        )


def _check_made_here(name: str, known: t.Mapping[str, Probe], table: str) -> None:
    """Nobody takes over a cluster that others have made without seeing what that changes."""
    foreign = sorted(machine for machine, probe in known.items() if complete(probe) and not probe.get("prepared", True))
    if foreign:
        raise Refused(
            f"{', '.join(foreign)} belong to a cluster that this platform has not made; nothing was changed.\n{table}\n"
            f"To take it over, attach it as {name} (cluster_mode: attach, without its machines), and then run the"
            f" playbook lodestar.platform.promote with -e promote={name}. Otherwise reset these machines, or correct"
            " the inventory.",
            cluster=name,
        )


def _check_lasting(cluster: t.Mapping[str, t.Any], known: t.Mapping[str, Probe]) -> None:
    founded = {name: probe for name, probe in known.items() if _is_control_plane(probe) and not holds_nothing(probe)}
    for name, probe in founded.items():
        problems = lasting.problems(cluster, name, probe["lasting"])
        if problems:
            raise InvalidInput(problems)


def _check_arguments(cluster: t.Mapping[str, t.Any], known: t.Mapping[str, Probe]) -> None:
    problems = arguments.problems(cluster, [probe["unknown_arguments"] for probe in known.values()])
    problems += authentication.problems(cluster, [probe["refused_authentication"] for probe in known.values()])
    if problems:
        raise InvalidInput(problems)


def _with_cluster(
    cluster: t.Mapping[str, t.Any], known: t.Mapping[str, Probe], leaders: tuple[str, ...], table: str
) -> dict[str, Decision]:
    answer: dict[str, Decision] = {}
    sharing = next((name for name in leaders if name in known and known[name]["shared"]), None)
    for name, probe in known.items():
        if complete(probe):
            shared = probe["shared"] if name == sharing else []
            differs = [*probe["lacks"], *probe["pending"], *shared]
            reason = "not as declared: " + ", ".join(differs) if differs else "belongs to the cluster"
            answer[name] = Decision(REPAIR if differs else PRESENT, reason, leaders, bool(shared))
        elif half_founded(probe):
            raise Refused(
                f"{name} holds etcd data of a founding that never ended, while {cluster['name']} answers elsewhere;"
                f" nothing was changed.\n{table}\nReset {name}, then run again.",
                cluster=cluster["name"],
            )
        else:
            reason = "its join was interrupted" if probe["kubelet_identity"] else "it is not part of the cluster yet"
            answer[name] = Decision(JOIN, reason, tuple(leader for leader in leaders if leader != name))
    return answer


def _without_cluster(
    cluster: t.Mapping[str, t.Any],
    known: t.Mapping[str, Probe],
    record: str | None,
    again: bool,
    table: str,
) -> dict[str, Decision]:
    name, control_planes = cluster["name"], list(cluster["control_plane"])
    halves = [item for item in control_planes if item in known and half_founded(known[item])]
    reasons = _reasons_against(cluster, known, halves, record, again)
    if reasons:
        remedy = (
            "Bring back the machines that hold the cluster and run again. If it is gone for good: reset the machines"
            f" that still hold state, and say recreate: {name}."
        )
        raise Refused(
            f"{name} does not answer at {cluster['endpoint']['address']}:{cluster['endpoint']['port']}"
            " and must not be founded: " + "; ".join(reasons) + f". Nothing was changed. Seen:\n{table}\n{remedy}",
            cluster=name,
            reasons=reasons,
        )
    if cluster.get("creation_problems") and not halves:
        raise InvalidInput([Problem(**problem) for problem in cluster["creation_problems"]])
    founder = halves[0] if halves else control_planes[0]
    answer = {
        founder: Decision(FOUND, "its founding was interrupted" if halves else "nothing is there yet", (founder,))
    }
    for machine in known:
        if machine != founder:
            answer[machine] = Decision(JOIN, f"{founder} founds the cluster", (founder,))
    return answer


def _reasons_against(
    cluster: t.Mapping[str, t.Any],
    known: t.Mapping[str, Probe],
    halves: t.Sequence[str],
    record: str | None,
    again: bool,
) -> list[str]:
    reasons = []
    control_planes, workers = cluster["control_plane"], cluster["workers"]
    unseen = [item for item in control_planes if item not in known]
    if unseen:
        reasons.append(f"control planes were not reached in this run: {', '.join(unseen)}")
    if len(halves) > 1:
        reasons.append(f"more than one machine holds etcd data of an unfinished founding: {', '.join(halves)}")
    holders = [
        item for item in control_planes if item in known and item not in halves and not holds_nothing(known[item])
    ]
    if holders:
        count, wanted = len(control_planes), majority(len(control_planes))
        few = f" (etcd data on {len(holders)} of {count}, which must be {wanted} to answer)"
        said = ", ".join(holders) + (few if len(holders) < wanted else "")
        reasons.append(f"control planes hold cluster state: {said}")
    members = [item for item in workers if item in known and known[item]["kubelet_identity"]]
    if members and not again:
        reasons.append(f"workers belong to a cluster: {', '.join(members)}")
    if record:
        reasons.append(record)
    if not halves and any(probe["endpoint"]["answers"] for probe in known.values()):
        reasons.append("something that none of its machines knows answers at its endpoint")
    return reasons
