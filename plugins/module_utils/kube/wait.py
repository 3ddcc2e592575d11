# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When is an object ready, and waiting until it is. The predicates are pure. Private to the collection."""

from __future__ import annotations

import time
import typing as t

from ..errors import PlatformError
from .resources import describe

Object = t.Mapping[str, t.Any]


class NotReady(PlatformError):
    """Something did not become ready before its deadline."""


def wait_for(
    missing: t.Callable[[t.Any], str],
    read: t.Callable[[], t.Any],
    deadline: float,
    interval: float = 1.0,
    explain: t.Callable[[], str] | None = None,
    pause: t.Callable[[float], object] = time.sleep,
) -> t.Any:
    """Reads until nothing is missing, and returns what was read last.

    :param missing: says what is still missing in what was read, ``""`` when it is ready.
    :param read: reads the state.
    :param deadline: seconds to wait.
    :param interval: seconds between reads.
    :param explain: asked once, at the deadline, for why: for example which pods and what ails them.
    :param pause: waits so many seconds; may raise to end it all.
    :raises NotReady: at the deadline, with what is missing.
    """
    until = time.monotonic() + deadline
    while True:
        state = read()
        text = missing(state)
        if not text:
            return state
        if time.monotonic() + interval > until:
            why = explain() if explain is not None else ""
            raise NotReady(f"not ready after {deadline:g} s: {text}" + (f"\n{why}" if why else ""), missing=text)
        pause(interval)


def missing(obj: Object | None) -> str:
    """What an object still lacks to be ready, ``""`` when it is; kinds without a notion of ready always are.

    ``None`` stands for an object that does not exist.
    """
    if obj is None:
        return "it does not exist"
    if (obj.get("metadata") or {}).get("deletionTimestamp"):
        return f"{describe(obj)} is being deleted"
    rule = _RULES.get(str(obj.get("kind")))
    text = rule(obj) if rule is not None else ""
    return f"{describe(obj)}: {text}" if text else ""


def missing_of(objects: t.Iterable[Object | None]) -> str:
    """What several objects lack, in one line."""
    return "; ".join(text for text in map(missing, objects) if text)


def condition(obj: Object, kind: str) -> Object:
    """A condition of an object's status by type; empty when it is not set."""
    conditions = (obj.get("status") or {}).get("conditions") or ()
    return next((item for item in conditions if item.get("type") == kind), {})


def is_ready(obj: t.Mapping[str, t.Any]) -> bool:
    """Whether a Node or a Pod says that it is ready."""
    return condition(obj, "Ready").get("status") == "True"


def _stale(obj: Object) -> str:
    generation = (obj.get("metadata") or {}).get("generation")
    seen = (obj.get("status") or {}).get("observedGeneration")
    return "" if generation is None or (seen or 0) >= generation else "its controller has not seen it yet"


def _conditioned(kind: str) -> t.Callable[[Object], str]:
    def rule(obj: Object) -> str:
        found = condition(obj, kind)
        if found.get("status") == "True":
            return ""
        why = ": ".join(str(found[key]) for key in ("reason", "message") if found.get(key))
        return f"not {kind}" + (f" ({why})" if why else "")

    return rule


def _count(obj: Object, wanted: int, fields: t.Mapping[str, str]) -> str:
    status = obj.get("status") or {}
    short = [f"{status.get(key, 0)} of {wanted} {word}" for key, word in fields.items() if status.get(key, 0) < wanted]
    return ", ".join(short)


def _replicas(obj: Object) -> int:
    value = (obj.get("spec") or {}).get("replicas")
    return 1 if value is None else int(value)


def _deployment(obj: Object) -> str:
    progress = condition(obj, "Progressing")
    if progress.get("reason") == "ProgressDeadlineExceeded":
        return str(progress.get("message"))
    fields = {"updatedReplicas": "updated", "availableReplicas": "available"}
    text = _stale(obj) or _count(obj, _replicas(obj), fields)
    extra = (obj.get("status") or {}).get("replicas", 0) - _replicas(obj)
    return text or (f"{extra} old pod(s) still there" if extra > 0 else "")


def _daemon_set(obj: Object) -> str:
    wanted = (obj.get("status") or {}).get("desiredNumberScheduled", 0)
    return _stale(obj) or _count(obj, wanted, {"updatedNumberScheduled": "updated", "numberAvailable": "available"})


def _stateful_set(obj: Object) -> str:
    return _stale(obj) or _count(obj, _replicas(obj), {"updatedReplicas": "updated", "readyReplicas": "ready"})


def _pod(obj: Object) -> str:
    phase = (obj.get("status") or {}).get("phase")
    return "" if phase == "Succeeded" or is_ready(obj) else pod_trouble(obj)


def _job(obj: Object) -> str:
    failed = condition(obj, "Failed")
    if failed.get("status") == "True":
        return f"it failed: {failed.get('message')}"
    return _conditioned("Complete")(obj)


def pod_trouble(pod: Object) -> str:
    """Why a pod is not ready, as the kubelet or the scheduler says: ``app: ImagePullBackOff (...)``."""
    status = pod.get("status") or {}
    found = []
    for group in ("initContainerStatuses", "containerStatuses"):
        for item in status.get(group) or ():
            state = (item.get("state") or {}).get("waiting") or (item.get("state") or {}).get("terminated") or {}
            last = (item.get("lastState") or {}).get("terminated") or {}
            if state.get("reason") and state["reason"] != "Completed":
                message = str(state.get("message") or last.get("reason") or "")[:200]
                found.append(f"{item.get('name')}: {state['reason']}" + (f" ({message})" if message else ""))
    unscheduled = condition(pod, "PodScheduled")
    if not found and unscheduled.get("status") == "False":
        found.append(f"not scheduled ({str(unscheduled.get('message'))[:200]})")
    return "; ".join(found) or f"{status.get('phase', 'Pending')}, not Ready"


_RULES: dict[str, t.Callable[[Object], str]] = {
    "Deployment": _deployment,
    "DaemonSet": _daemon_set,
    "StatefulSet": _stateful_set,
    "Pod": _pod,
    "Job": _job,
    "Node": _conditioned("Ready"),
    "APIService": _conditioned("Available"),
    "CustomResourceDefinition": _conditioned("Established"),
    "Namespace": lambda obj: "" if (obj.get("status") or {}).get("phase", "Active") == "Active" else "Terminating",
}
#: Kinds that are there before they are ready; a Namespace is ready when it was made.
WAITED_FOR = frozenset(_RULES) - {"Namespace"}
