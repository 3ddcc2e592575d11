# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an upgrade is going to do and what will be unavailable meanwhile, in words. Pure. Private to the collection."""

from __future__ import annotations

import typing as t
from itertools import groupby

from . import kubeadm
from .upgrade_decide import APPLY, KUBELET, NODE, NONE, UNCORDON, Decision

_WORDS = {
    APPLY: "control plane, first of all; then its kubelet",
    NODE: "control plane, then its kubelet",
    KUBELET: "restart of the kubelet that was replaced",
    UNCORDON: "uncordon only",
}

Machines = t.Mapping[str, t.Mapping[str, t.Any]]


def lines(cluster: t.Mapping[str, t.Any], decision: Decision) -> list[str]:
    """The plan of one cluster."""
    if not decision.machines:
        return [f"{cluster['name']}: holds nothing yet; lodestar.platform.site makes it"]
    left = {name: entry for name, entry in decision.machines.items() if entry["phase"] != NONE}
    if not left:
        return [f"{cluster['name']}: {cluster['version']} everywhere, nothing is left"]
    ordered = sorted(left.items(), key=lambda item: item[1]["turn"])
    answer = [f"{cluster['name']}: {decision.running} -> {cluster['version']}"]
    for turn, entries in groupby(ordered, key=lambda item: item[1]["turn"]):
        answer += [f"  {turn}. {_described(cluster, name, entry)}" for name, entry in entries]
    return answer + [f"  unavailable: {text}" for text in outages(cluster, left)]


def _described(cluster: t.Mapping[str, t.Any], name: str, entry: t.Mapping[str, t.Any]) -> str:
    phase = entry["phase"]
    words = "kubelet" if phase == NODE and name not in cluster["control_plane"] else _WORDS[phase]
    pods = {True: "; its pods are evicted before", False: "; its pods stay"}[entry["drain"]]
    return f"{name}: {words}{pods if phase != UNCORDON else ''} ({entry['reason']})"


def outages(cluster: t.Mapping[str, t.Any], left: Machines) -> list[str]:
    """What does not answer or takes no pods, and for about how long."""
    found = []
    restarted = [name for name in cluster["control_plane"] if left.get(name, {}).get("phase") in (APPLY, NODE)]
    where = kubeadm.endpoint(cluster)
    if restarted and len(cluster["control_plane"]) == 1:
        found.append(
            f"the API at {where}, for about a minute while {restarted[0]} is upgraded, since it is the only control"
            " plane; pods go on running"
        )
    elif restarted and cluster["endpoint"]["provider"] == "kube_vip":
        found.append(f"the API at {where}, for a few seconds whenever its address moves to another control plane")
    elif restarted:
        found.append(f"one of {len(cluster['control_plane'])} API servers behind {where} at a time")
    workers = [name for name in cluster["workers"] if left.get(name, {}).get("phase") in (NODE, KUBELET)]
    if workers:
        turns = [left[name]["turn"] for name in workers]
        most = max(turns.count(turn) for turn in turns)
        found.append(f"{most} of {len(cluster['workers'])} workers at a time")
    return found
