# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When is something ready, and what is said when it is not."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.kube.wait import (
    NotReady,
    missing,
    pod_trouble,
    wait_for,
)


def obj(kind: str, spec: dict[str, t.Any] | None = None, generation: int = 1, **status: t.Any) -> dict[str, t.Any]:
    return {"kind": kind, "metadata": {"name": "x", "generation": generation}, "spec": spec or {}, "status": status}


def condition(kind: str, status: str, **more: str) -> dict[str, t.Any]:
    return {"conditions": [{"type": kind, "status": status, **more}]}


@pytest.mark.parametrize(
    "ready",
    [
        obj("Deployment", {"replicas": 2}, observedGeneration=1, replicas=2, updatedReplicas=2, availableReplicas=2),
        obj("Deployment", {"replicas": 0}, observedGeneration=1),
        obj("DaemonSet", observedGeneration=1, desiredNumberScheduled=1, updatedNumberScheduled=1, numberAvailable=1),
        obj("Node", **condition("Ready", "True")),
        obj("APIService", **condition("Available", "True")),
        obj("CustomResourceDefinition", **condition("Established", "True")),
        obj("Pod", phase="Succeeded"),
        obj("ConfigMap"),
    ],
)
def test_ready(ready: dict[str, t.Any]) -> None:
    assert missing(ready) == ""


@pytest.mark.parametrize(
    ("unready", "said"),
    [
        (None, "does not exist"),
        (
            obj("Deployment", {"replicas": 2}, observedGeneration=1, updatedReplicas=2, availableReplicas=1),
            "1 of 2 available",
        ),
        (obj("Deployment", generation=2, observedGeneration=1, updatedReplicas=1, availableReplicas=1), "not seen it"),
        (obj("Deployment", observedGeneration=1, replicas=2, updatedReplicas=1, availableReplicas=1), "1 old pod"),
        (
            obj("DaemonSet", observedGeneration=1, desiredNumberScheduled=3, updatedNumberScheduled=3),
            "0 of 3 available",
        ),
        (obj("DaemonSet"), "not seen it"),
        (obj("Node", **condition("Ready", "False", reason="KubeletNotReady", message="no CNI")), "no CNI"),
        (obj("APIService"), "not Available"),
        ({"kind": "ConfigMap", "metadata": {"name": "x", "deletionTimestamp": "now"}}, "being deleted"),
    ],
)
def test_not_ready(unready: dict[str, t.Any] | None, said: str) -> None:
    assert said in missing(unready)


def test_a_pod_says_what_ails_it() -> None:
    waiting = {"name": "app", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}}
    assert pod_trouble(obj("Pod", containerStatuses=[waiting])) == "app: ImagePullBackOff (no such image)"
    unscheduled = obj("Pod", phase="Pending", **condition("PodScheduled", "False", message="0/2 nodes"))
    assert pod_trouble(unscheduled) == "not scheduled (0/2 nodes)"


def test_waiting_ends_when_nothing_is_missing() -> None:
    states = iter([3, 2, 1, 0])
    assert wait_for(lambda left: f"{left} left" if left else "", lambda: next(states), 5, 0.001) == 0


def test_at_the_deadline_it_says_what_is_missing_and_why() -> None:
    with pytest.raises(NotReady) as failure:
        wait_for(lambda left: f"{left} left", lambda: 3, 0.01, 0.005, lambda: "because")
    assert "3 left" in str(failure.value)
    assert "because" in str(failure.value)
