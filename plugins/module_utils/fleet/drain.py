# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes the pods off a node by evictions, before a deadline, and gives the node back if that fails. Private to the
collection.

A cordon of ours carries a mark on the Node, so that a later run knows it for ours, even if this one is killed: only
such a cordon is ever taken back.
"""

from __future__ import annotations

import functools
import threading
import time
import types
import typing as t

from ..errors import InvalidInput, PlatformError, Problem, Refused
from ..kube import connection, errors, wait
from ..kube.client import Client
from ..kube.token import stamp
from ..operation import Context, Operation
from ..plan import Plan, Step
from . import drain_pods

Object = t.Mapping[str, t.Any]

#: Annotation of a Node that a drain has cordoned.
MARK = "lodestar.platform/cordoned"
STATES = ("cordoned", "drained", "uncordoned")
#: Seconds for which one eviction is repeated before the deadline of the whole drain is looked at again.
_ATTEMPT = 10.0
_INTERVAL = 1.0
#: Most pods end within a second or two.
_FIRST_PAUSE = 0.1


def plan(params: t.Mapping[str, t.Any], context: Context) -> Plan:
    """The steps that cordon, drain or uncordon a node. What would hold a drain up now are warnings.

    :raises Refused: pods would be lost for good, and the operator has not allowed it.
    """
    if params["timeout"] <= 0:
        raise InvalidInput([Problem("timeout", params["timeout"], "must be more than 0 seconds", "Give seconds")])
    client = context.enter(Client(connection.resolve(params, context.environ)))
    node = client.get("v1", "Node", params["node"])
    if node is None:
        known = ", ".join(sorted(item["metadata"]["name"] for item in client.list("v1", "Node"))) or "none"
        raise PlatformError(f"{params['cluster']} has no Node {params['node']}. Its nodes: {known}.")
    drain = Drain(client, params, node, context.progress)
    if params["state"] == "uncordoned":
        return drain.plan_uncordon()
    return drain.plan_cordon() if params["state"] == "cordoned" else drain.plan(context)


class Drain:
    """One node's drain.

    :ivar own: the cordon of the node is ours, so that we may take it back.
    """

    def __init__(
        self, client: Client, params: t.Mapping[str, t.Any], node: Object, progress: t.Callable[[str], None]
    ) -> None:
        self.client = client
        self.cluster, self.node = str(params["cluster"]), str(params["node"])
        self.params = params
        self.progress = progress
        self.cordoned = bool((node.get("spec") or {}).get("unschedulable"))
        self.marked = MARK in (node["metadata"].get("annotations") or {})
        if params["assume_cordon"] and not self.cordoned:
            self.cordoned = self.marked = True
        self.own = self.cordoned and self.marked
        self.asked: dict[str, Object] = {}
        self.until = 0.0
        self._stop: PlatformError | None = None
        self._told: set[str] = set()
        self._lock = threading.Lock()

    # -- planning

    def plan_cordon(self) -> Plan:
        """A step, if the node is not cordoned, whoever did it."""
        outputs = {"node": self.node, "cordoned": True, "own_cordon": self.own or not self.cordoned}
        return Plan(steps=[] if self.cordoned else [self._cordon_step()], outputs=outputs)

    def plan_uncordon(self) -> Plan:
        """A step, if a cordon or a mark of ours is there; another's cordon is left, with a warning."""
        outputs = {"node": self.node, "cordoned": self.cordoned and not self.marked, "own_cordon": False}
        if not self.marked:
            others = f"{self.cluster}: Node {self.node} was cordoned by somebody else, and stays so"
            return Plan(outputs=outputs, warnings=[others] if self.cordoned else [])
        before, after = {"unschedulable": self.cordoned}, {"unschedulable": False}
        step = Step(
            f"v1/Node/{self.node}", "update", self.cluster, f"uncordon {self.node}", before, after, self.uncordon
        )
        return Plan(steps=[step], outputs=outputs)

    def plan(self, context: Context) -> Plan:
        """The cordon, then every eviction; what is held up by a budget now is a warning."""
        found = drain_pods.sort(self._pods())
        self._refuse(found.evict)
        plan = self.plan_cordon()
        plan.steps += [self._evict_step(pod) for pod in found.evict]
        plan.outputs["left"] = [drain_pods.name_of(pod) for pod in found.stay]
        plan.outputs["evicted"] = [drain_pods.name_of(pod) for pod in found.evict]
        plan.warnings = [f"{self.cluster}: {self.node}: {item}" for item in self._blocking(found.evict)]
        # A pod that waits for its budget must not keep others from going.
        plan.parallel = max(len(found.evict), 1)
        plan.finish = self.finish
        self.asked = {pod["metadata"]["uid"]: pod for pod in [*found.evict, *found.ending]}
        self.until = time.monotonic() + self.params["timeout"]
        context.resources.push(self._ended)
        return plan

    def _refuse(self, pods: t.Sequence[Object]) -> None:
        lines = drain_pods.objections(
            pods, delete_emptydir_data=self.params["delete_emptydir_data"], force=self.params["force"]
        )
        if lines:
            listed = "\n".join(f"- {line}" for line in lines)
            raise Refused(f"{self.cluster}: Node {self.node} must not be drained:\n{listed}", refusals=lines)

    def _cordon_step(self) -> Step:
        before, after = {"unschedulable": False}, {"unschedulable": True}
        return Step(f"v1/Node/{self.node}", "update", self.cluster, f"cordon {self.node}", before, after, self.cordon)

    def _evict_step(self, pod: Object) -> Step:
        name = drain_pods.name_of(pod)
        before = {"node": self.node, "controller": drain_pods.controller_of(pod)}
        perform = functools.partial(self.evict, pod)
        return Step(f"v1/Pod/{name}", "delete", self.cluster, f"evict pod {name}", before, perform=perform, wave=1)

    def _pods(self) -> list[dict[str, t.Any]]:
        return self.client.list("v1", "Pod", field_selector=f"spec.nodeName={self.node}")

    def _blocking(self, pods: t.Sequence[Object]) -> list[drain_pods.Blocking]:
        if not pods:
            return []
        return drain_pods.blocking(self.client.list("policy/v1", "PodDisruptionBudget"), pods)

    # -- acting

    def cordon(self) -> None:
        """Keeps new pods away, and marks that it was us."""
        self._change({"metadata": {"annotations": {MARK: stamp()}}, "spec": {"unschedulable": True}})
        self.own = True

    def uncordon(self) -> None:
        """Takes back what :meth:`cordon` did."""
        self._change({"metadata": {"annotations": {MARK: None}}, "spec": {"unschedulable": None}})
        self.own = False

    def _change(self, changes: dict[str, t.Any]) -> None:
        self.client.merge("v1", "Node", self.node, changes)

    def evict(self, pod: Object) -> None:
        """Asks until the pod may go, or is gone.

        :raises PlatformError: the drain's deadline has passed; names everything that is left.
        """
        while (left := self.until - time.monotonic()) > 0:
            try:
                return self.client.evict(pod, grace_period=self.params["grace_period"], deadline=min(left, _ATTEMPT))
            except errors.NotFound:
                return None
            except errors.Throttled:
                self._tell(pod)
            except (errors.Conflict, errors.Forbidden) as exc:
                if self._is_gone(pod):
                    return None
                if isinstance(exc, errors.Forbidden) and not self._is_ending(pod["metadata"]["namespace"]):
                    raise
            except (errors.Unreachable, errors.ServerError) as exc:
                # 500 is for good: more than one budget has the pod, or a webhook fails.
                if exc.status == 500:
                    raise
            time.sleep(min(_INTERVAL, max(self.until - time.monotonic(), 0)))
        raise self._stopped()

    def _is_gone(self, pod: Object) -> bool:
        metadata = pod["metadata"]
        there = self.client.get("v1", "Pod", metadata["name"], metadata["namespace"])
        return there is None or there["metadata"]["uid"] != metadata["uid"]

    def _is_ending(self, namespace: str) -> bool:
        # Nothing is created in a namespace that ends, evictions included; its pods go by themselves.
        there = self.client.get("v1", "Namespace", namespace)
        return there is None or bool(there["metadata"].get("deletionTimestamp"))

    def _tell(self, pod: Object) -> None:
        for item in self._blocking([pod]):
            if item.name not in self._told:
                self._told.add(item.name)
                self.progress(f"{self.cluster}: {self.node}: waiting, {item}")

    def finish(self) -> dict[str, t.Any]:
        """Evicts what was scheduled before the cordon was seen, and waits until all that was asked to go is gone.

        :raises PlatformError: the drain's deadline has passed.
        """
        self._evict_late()
        pause = _FIRST_PAUSE
        while any(pod["metadata"]["uid"] in self.asked for pod in self._pods()):
            if time.monotonic() + pause > self.until:
                raise self._stopped()
            time.sleep(pause)
            pause = min(2 * pause, _INTERVAL)
        evicted = sorted(drain_pods.name_of(pod) for pod in self.asked.values())
        return {"evicted": evicted}

    def _evict_late(self) -> None:
        late = [pod for pod in drain_pods.sort(self._pods()).evict if pod["metadata"]["uid"] not in self.asked]
        late = [pod for pod in late if drain_pods.stays_away(pod)]
        self._refuse(late)
        for pod in late:
            self.asked[pod["metadata"]["uid"]] = pod
            self.evict(pod)

    # -- failing

    def _stopped(self) -> PlatformError:
        """Why the drain has not ended in time, found out once for all pods that wait."""
        with self._lock:
            if self._stop is None:
                self._stop = self._explain()
            return self._stop

    def _explain(self) -> PlatformError:
        there = [pod for pod in self._pods() if pod["metadata"]["uid"] in self.asked]
        found = drain_pods.sort(there)
        held = self._blocking(found.evict)
        named = {name for item in held for name in item.pods}
        others = [name for name in map(drain_pods.name_of, found.evict) if name not in named]
        lines = [str(item) for item in held]
        lines += [f"not evicted: {', '.join(others)}"] if others else []
        lines += [f"still ending: {', '.join(map(drain_pods.name_of, found.ending))}"] if found.ending else []
        node = self.client.get("v1", "Node", self.node)
        lines += [f"{text}: nothing ends there" for text in [wait.missing(node)] if text]
        listed = "".join(f"\n- {line}" for line in lines)
        return PlatformError(
            f"the drain of Node {self.node} stopped at its deadline of {self.params['timeout']} s:{listed}",
            blocked_by=[item.as_dict() for item in held],
            remaining=[drain_pods.name_of(pod) for pod in there],
        )

    def _ended(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: types.TracebackType | None
    ) -> None:
        """Takes our cordon back after a failure, and says in its message what became of the node."""
        if error is None or not self.own or not self.params["uncordon_on_failure"]:
            return
        try:
            self.uncordon()
            said = f"Node {self.node} was uncordoned."
        except PlatformError as exc:
            said = f"Node {self.node} stays cordoned: {exc}"
        error.args = (f"{error}\n{said}", *error.args[1:])


OPERATION = Operation(
    arguments={
        "cluster": {"type": "str", "required": True},
        "node": {"type": "str", "required": True},
        "state": {"type": "str", "choices": list(STATES), "default": "drained"},
        "timeout": {"type": "int", "default": 600},
        "grace_period": {"type": "int"},
        "delete_emptydir_data": {"type": "bool", "default": False},
        "force": {"type": "bool", "default": False},
        "uncordon_on_failure": {"type": "bool", "default": True},
        "assume_cordon": {"type": "bool", "default": False},
        **connection.ARGUMENTS,
    },
    plan=plan,
    constraints=connection.CONSTRAINTS,
)
