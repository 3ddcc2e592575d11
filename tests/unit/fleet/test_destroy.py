# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a created cluster may end, and what is lost with it."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.errors import Refused
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import destroy_look
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.destroy_judge import Case, judge, told
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.destroy_look import Seen

MACHINES = {"e1": "e1", "e2": "node-two"}
EAST = Case("east", declared="create", recorded="create", known=True, machines=MACHINES)
ALIVE = Seen(lives=True, nodes={"e1": True, "node-two": True})
GONE = Seen(reason="no answer before the deadline")
LOST = Case("east", recorded="create", known=True)


def changed(case: Case, **fields: t.Any) -> Case:
    return Case(**{**vars(case), **fields})


@pytest.mark.parametrize(
    ("case", "seen", "reason"),
    [
        (changed(EAST, is_hub=True), ALIVE, "is_hub"),
        (changed(EAST, is_hub=True, others=("west",)), ALIVE, "is_hub"),
        (changed(EAST, declared="attach"), ALIVE, "created"),
        (changed(EAST, declared="attach", recorded="attach"), ALIVE, "attached"),
        (changed(EAST, declared="attach", recorded="", known=False), ALIVE, "attached"),
        (changed(EAST, recorded="attach"), ALIVE, "attached"),
        (changed(LOST, recorded="attach"), GONE, "attached"),
        (LOST, GONE, "machines_unknown"),
        (changed(LOST, recorded=""), GONE, "machines_unknown"),
        (changed(LOST, forget=True), ALIVE, "lives"),
        (changed(LOST, forget=True), Seen(lives=True, reason="not accepted"), "lives"),
        (changed(EAST, machines={"e1": "e1"}), ALIVE, "machines_live"),
        (changed(EAST, unreachable=("e2",)), ALIVE, "machines_live"),
    ],
)
def test_what_must_not_end(case: Case, seen: Seen, reason: str) -> None:
    with pytest.raises(Refused) as caught:
        judge(case, seen)
    assert caught.value.details["reason"] == reason
    assert "othing was changed" in str(caught.value) or "nothing was changed" in str(caught.value)


@pytest.mark.parametrize(
    ("case", "seen", "warning"),
    [
        (EAST, ALIVE, ""),
        (EAST, GONE, "what runs on it is not known: no answer"),
        (changed(EAST, unreachable=("e2",)), Seen(lives=True, nodes={"e1": True, "node-two": False}), ""),
        (changed(EAST, unreachable=("e9",)), GONE, "what runs on it is not known"),
        (changed(EAST, known=False, recorded=""), GONE, "only its machines are reset"),
        (changed(LOST, forget=True), GONE, "what runs on it is not known"),
        (changed(LOST, recorded="", reset=True), GONE, ""),
        (changed(LOST, recorded="", known=False), GONE, "nothing is to do"),
    ],
)
def test_what_may_end(case: Case, seen: Seen, warning: str) -> None:
    found = judge(case, seen)
    assert warning in "\n".join(found)
    assert bool(found) == bool(warning)


def pod(namespace: str, phase: str = "Running", **metadata: t.Any) -> dict[str, t.Any]:
    return {"metadata": {"namespace": namespace, "name": "x", **metadata}, "status": {"phase": phase}}


def test_pods_that_the_platform_and_kubernetes_bring_are_nobodys_work() -> None:
    ours = [
        pod("kube-system", annotations={"kubernetes.io/config.mirror": "x"}),
        *(pod("kube-system", labels={"k8s-app": app}) for app in ("kube-dns", "kube-proxy", "metrics-server")),
        pod("kube-system", labels={"k8s-app": "kube-router"}),
        pod("lodestar-system"),
        pod("shop", phase="Succeeded"),
    ]
    theirs = [
        pod("kube-system", labels={"app": "ingress"}),
        pod("shop", labels={"k8s-app": "kube-dns"}),
        pod("shop", phase="Pending"),
    ]
    assert destroy_look.workloads([*ours, *theirs]) == {"kube-system": 1, "shop": 2}


def test_what_is_lost_is_told_and_long_lists_are_cut() -> None:
    seen = Seen(lives=True, nodes={"e1": True}, namespaces={f"n{number:02}": number for number in range(1, 31)})
    lines = told(changed(EAST, unreachable=("e2",)), seen, ["ManagedCluster east", "Namespace east"])
    assert lines[0] == "machines that are reset, etcd's data included: e1"
    assert lines[1] == "dead for good, so left as they are: e2"
    assert lines[2] == "lost with it: namespace n01: 1 pod that the platform has not brought"
    assert "lost with it: ... and 10 more like this" in lines
    assert lines[-1] == "the hub forgets: ManagedCluster east, Namespace east"
    assert told(EAST, ALIVE, [])[-1] == "lost with it: nothing but what the platform has brought"
    assert "is of an older release" in told(EAST, Seen(lives=True, volumes=None), [])[-1]
