# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks between the machines of a run: whether they were reached, their clocks, and the ports between them. Pure.

Private to the collection.
"""

from __future__ import annotations

import typing as t

from .model import ERROR, WARNING, Check, Run, Subject, Verdict

#: Answers of a probe that say that the port works: our listener with its token, or whatever listens there.
OURS, OPEN = "ours", "open"


def _reached(subject: Subject, run: Run) -> Verdict | None:
    if subject.trouble == "not run":
        return None
    remedy = "See its failed task; the run goes on without it"
    return Verdict(not subject.trouble, subject.message or "it answers", "a machine that can be looked at", remedy)


def _runs(subject: Subject, run: Run) -> Verdict | None:
    if subject.trouble in ("unreachable", "refused"):
        return None
    remedy = "Allow the connection's user to become root without a password, and install Python"
    return Verdict(subject.trouble != "not run", subject.message or "it runs", "a module that runs as root", remedy)


def skew(one: tuple[float, float], other: tuple[float, float]) -> float:
    """The seconds by which two clocks differ for certain, from the bounds of their offsets."""
    return max(0.0, one[0] - other[1], other[0] - one[1])


def _disagreeing(subject: Subject, run: Run) -> dict[str, float]:
    if subject.offset is None:
        return {}
    answer = {}
    for other in run.others(subject):
        if other.offset is not None and (seconds := skew(subject.offset, other.offset)) > run.limits.time_skew:
            answer[other.name] = seconds
    return answer


def _outvoted(subject: Subject, run: Run) -> bool:
    """Most others have another time, so that this clock rather than theirs is wrong."""
    timed = [other for other in run.others(subject) if other.offset is not None]
    return len(_disagreeing(subject, run)) * 2 > len(timed)


def _time(subject: Subject, run: Run) -> Verdict | None:
    if subject.offset is None:
        return None
    found = _disagreeing(subject, run)
    if not _outvoted(subject, run):
        # The other one is at fault, unless nobody can tell which one is.
        found = {name: seconds for name, seconds in found.items() if not _outvoted(run.subjects[name], run)}
    seen = ", ".join(f"{seconds:.1f} s from {name}" for name, seconds in sorted(found.items()))
    remedy = "Synchronise the clocks (chrony, systemd-timesyncd)"
    needed = f"at most {run.limits.time_skew:g} s between two machines"
    return Verdict(not found, f"at least {seen}" if seen else "the same time, as far as can be told", needed, remedy)


def _good(subject: Subject, run: Run, probe: t.Mapping[str, t.Any]) -> bool:
    """Where our listener listens, it must be what answers."""
    peer = run.subjects.get(probe["peer"])
    listening = peer.listening if peer is not None else None
    return bool(probe["answer"] == OURS or (probe["answer"] == OPEN and probe["port"] not in (listening or ())))


def _unreached(subject: Subject, run: Run, in_run: bool) -> Verdict | None:
    """What of the probes failed.

    :param in_run: of the peers that were looked at in this run; otherwise of the others.
    """
    if subject.probes is None:
        return None
    seen_peers = {name for name, other in run.subjects.items() if other.facts is not None}
    asked = [probe for probe in subject.probes if (probe["peer"] in seen_peers) is in_run]
    if not asked:
        return None
    bad: dict[str, list[str]] = {}
    for probe in asked:
        if not _good(subject, run, probe):
            bad.setdefault(probe["peer"], []).append(f"{probe['port']} {probe['purpose']}: {probe['answer']}")
    seen = "; ".join(f"to {peer} {', '.join(ports)}" for peer, ports in bad.items())
    peers = len({probe["peer"] for probe in asked})
    remedy = "Let these ports through in firewalls, security groups and routes between the machines"
    return Verdict(not bad, seen or f"{peers} peers reached", "TCP to the ports that its cluster needs", remedy)


def _reach(subject: Subject, run: Run) -> Verdict | None:
    return _unreached(subject, run, in_run=True)


def _reach_others(subject: Subject, run: Run) -> Verdict | None:
    return _unreached(subject, run, in_run=False)


def latencies(subject: Subject) -> dict[str, float]:
    """Milliseconds that a connection took, by peer: the least of all its ports, which is nearest to the network's."""
    answer: dict[str, float] = {}
    for probe in subject.probes or ():
        if probe["ms"] is not None:
            answer[probe["peer"]] = min(probe["ms"], answer.get(probe["peer"], probe["ms"]))
    return answer


def _latency(subject: Subject, run: Run) -> Verdict | None:
    measured = latencies(subject)
    if not measured:
        return None
    control_planes = subject.cluster["control_plane"] if subject.is_control_plane else ()
    limit = {peer: run.limits.etcd_latency_ms if peer in control_planes else run.limits.latency_ms for peer in measured}
    slow = [peer for peer, ms in measured.items() if ms > limit[peer]]
    seen = ", ".join(f"{measured[peer]:.1f} ms to {peer}" for peer in slow or measured)
    needed = ", ".join(f"{ms:g} ms" for ms in sorted(set(limit.values())))
    return Verdict(not slow, seen, f"at most {needed}", "Put the control planes of one cluster nearer to each other")


CHECKS = (
    Check(
        "reached",
        WARNING,
        "The machine can be looked at",
        "Otherwise the run goes on without it",
        _reached,
        always=True,
    ),
    Check("sudo", ERROR, "A module can be run as root", "become, and a Python interpreter", _runs, always=True),
    Check(
        "time-skew", ERROR, "The clocks of all machines agree", "etcd, tokens, certificates, leases", _time, always=True
    ),
    Check(
        "reach",
        ERROR,
        "The machine reaches its cluster's machines",
        "Kubernetes documentation, ports and protocols",
        _reach,
        always=True,
    ),
    Check(
        "reach-others",
        WARNING,
        "It reaches those that are not part of the run",
        "They may be down",
        _reach_others,
        always=True,
    ),
    Check(
        "latency",
        WARNING,
        "The machines of a cluster are near to each other",
        "etcd documentation, tuning",
        _latency,
        always=True,
    ),
)
