# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which pods of a node a drain evicts, leaves or must not touch, and which budgets protect them. Pure. Private to the
collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..kube import wait
from ..labels import matches

Object = t.Mapping[str, t.Any]

MIRROR = "kubernetes.io/config.mirror"
_UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
_FINISHED = ("Succeeded", "Failed")


@dataclass(frozen=True)
class Sorted:
    """The pods of a node.

    :param evict: those that a drain evicts.
    :param ending: those that end already, whoever asked for it.
    :param stay: those that belong to the node: of DaemonSets, and of the kubelet's static manifests.
    """

    evict: list[Object]
    ending: list[Object]
    stay: list[Object]


def name_of(pod: Object) -> str:
    """C(namespace/name)."""
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"


def controller_of(pod: Object) -> str:
    """The controller of a pod as C(Kind/name), C("") when it has none."""
    for owner in pod["metadata"].get("ownerReferences") or ():
        if owner.get("controller"):
            return f"{owner.get('kind')}/{owner.get('name')}"
    return ""


def sort(pods: t.Iterable[Object]) -> Sorted:
    """What a drain does with each pod of a node, in the order of their names."""
    found = Sorted([], [], [])
    for pod in sorted(pods, key=name_of):
        if finished(pod):
            chosen = found.evict
        elif MIRROR in (pod["metadata"].get("annotations") or {}) or controller_of(pod).startswith("DaemonSet/"):
            chosen = found.stay
        else:
            chosen = found.evict
        (found.ending if chosen is found.evict and pod["metadata"].get("deletionTimestamp") else chosen).append(pod)
    return found


def finished(pod: Object) -> bool:
    return (pod.get("status") or {}).get("phase") in _FINISHED


def objections(pods: t.Iterable[Object], *, delete_emptydir_data: bool, force: bool) -> list[str]:
    """Why pods must not be evicted without the operator's word, one line a reason.

    :param delete_emptydir_data: the data of their C(emptyDir) volumes may be lost.
    :param force: pods that no controller makes again may be lost.
    """
    running = [pod for pod in pods if not finished(pod)]
    alone = [name_of(pod) for pod in running if not controller_of(pod)]
    keeping = [name_of(pod) for pod in running if _has_empty_dir(pod)]
    lines = []
    if alone and not force:
        lines.append(f"no controller makes {', '.join(alone)} again: allow their loss with force")
    if keeping and not delete_emptydir_data:
        lines.append(f"{', '.join(keeping)} keep data in emptyDir: allow its loss with delete_emptydir_data")
    return lines


def _has_empty_dir(pod: Object) -> bool:
    return any("emptyDir" in volume for volume in (pod.get("spec") or {}).get("volumes") or ())


def stays_away(pod: Object) -> bool:
    """Whether a cordon keeps pods like this one from a node; one that tolerates cordons may come back for ever."""
    for item in (pod.get("spec") or {}).get("tolerations") or ():
        if item.get("effect") in (None, "", "NoSchedule") and item.get("key") in (None, "", _UNSCHEDULABLE):
            return False
    return True


@dataclass(frozen=True)
class Blocking:
    """A PodDisruptionBudget that denies evictions, and the pods among those asked for that it denies."""

    budget: Object
    pods: list[str]

    @property
    def name(self) -> str:
        """C(namespace/name) of the budget."""
        return name_of(self.budget)

    def __str__(self) -> str:
        status = self.budget.get("status") or {}
        return (
            f"PodDisruptionBudget {self.name} allows {status.get('disruptionsAllowed', 0)} disruptions"
            f" ({status.get('currentHealthy', 0)} pods healthy, {status.get('desiredHealthy', 0)} needed,"
            f" {status.get('expectedPods', 0)} expected) and protects {', '.join(self.pods)}"
        )

    def as_dict(self) -> dict[str, t.Any]:
        """For programs: C(budget), C(pods), and the figures of the budget's status."""
        status = self.budget.get("status") or {}
        figures = ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods")
        return {"budget": self.name, "pods": self.pods, **{key: int(status.get(key) or 0) for key in figures}}


def blocking(budgets: t.Iterable[Object], pods: t.Sequence[Object]) -> list[Blocking]:
    """The budgets that would deny the eviction of any of these pods now."""
    found = []
    for budget in sorted(budgets, key=name_of):
        denied = [name_of(pod) for pod in pods if _protects(budget, pod) and not _allows(budget, pod)]
        if denied:
            found.append(Blocking(budget, denied))
    return found


def _protects(budget: Object, pod: Object) -> bool:
    metadata = pod["metadata"]
    selector = (budget.get("spec") or {}).get("selector")
    if selector is None or metadata["namespace"] != budget["metadata"]["namespace"] or finished(pod):
        return False
    return matches(selector, metadata.get("labels") or {})


def _allows(budget: Object, pod: Object) -> bool:
    status = budget.get("status") or {}
    if status.get("disruptionsAllowed", 0) > 0:
        return True
    if wait.is_ready(pod):
        return False
    if (budget.get("spec") or {}).get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return True
    return bool(status.get("currentHealthy", 0) >= status.get("desiredHealthy", 0) > 0)
