# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A drain: which pods go, what holds it up, and what becomes of the node when it fails."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import drain, drain_pods
from ansible_collections.lodestar.platform.plugins.module_utils.kube import errors
from ansible_collections.lodestar.platform.plugins.module_utils.operation import Context

Object = dict[str, t.Any]
WEB = {"app": "web"}


def pod(name: str, owner: str = "ReplicaSet", **changes: t.Any) -> Object:
    metadata: Object = {"name": name, "namespace": "shop", "uid": f"uid-{name}", "labels": dict(WEB)}
    if owner:
        metadata["ownerReferences"] = [{"kind": owner, "name": "web", "controller": True}]
    metadata.update(changes.pop("metadata", {}))
    status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}], **changes.pop("status", {})}
    return {"kind": "Pod", "metadata": metadata, "spec": {"nodeName": "e2", **changes}, "status": status}


def budget(allowed: int = 0, selector: Object | None = None, **status: int) -> Object:
    figures = {"disruptionsAllowed": allowed, "currentHealthy": 2, "desiredHealthy": 2, "expectedPods": 2, **status}
    chosen = {"matchLabels": WEB} if selector is None else selector
    return {"metadata": {"name": "web", "namespace": "shop"}, "spec": {"selector": chosen}, "status": figures}


class Cluster:
    """A node with pods; an evicted pod is gone at once, unless a budget denies it or it is one that lingers."""

    def __init__(self, *pods: Object, node: Object | None = None, budgets: t.Sequence[Object] = ()) -> None:
        self.pods = list(pods)
        self.budgets = list(budgets)
        self.node: Object = node or {"kind": "Node", "metadata": {"name": "e2", "annotations": {}}, "spec": {}}
        self.node["status"] = {"conditions": [{"type": "Ready", "status": "True"}]}
        self.linger: set[str] = set()
        self.late: list[Object] = []
        self.fail: Exception | None = None
        self.evicted: list[str] = []
        self.changes: list[Object] = []

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_exc: object) -> None:
        pass

    def get(self, _version: str, kind: str, name: str, namespace: str | None = None) -> Object | None:
        if kind == "Node":
            return self.node if name == "e2" else None
        return next((item for item in self.pods if item["metadata"]["name"] == name), None)

    def list(self, _version: str, kind: str, field_selector: str | None = None) -> list[Object]:
        if kind == "Node":
            return [self.node]
        if kind == "PodDisruptionBudget":
            return self.budgets
        assert field_selector == "spec.nodeName=e2"
        return list(self.pods)

    def merge(self, _version: str, kind: str, name: str, changes: Object) -> None:
        assert (kind, name) == ("Node", "e2")
        self.changes.append(changes)
        self.pods += self.late
        self.late = []

    def evict(self, asked: Object, *, grace_period: int | None, deadline: float) -> None:
        name = asked["metadata"]["name"]
        if self.fail is not None:
            raise self.fail
        if drain_pods.blocking(self.budgets, [asked]):
            raise errors.Throttled("denied", status=429)
        self.evicted.append(name)
        if name not in self.linger:
            self.pods = [item for item in self.pods if item["metadata"]["name"] != name]

    @property
    def unschedulable(self) -> list[bool | None]:
        return [item["spec"]["unschedulable"] for item in self.changes]


@pytest.fixture
def operate(monkeypatch: pytest.MonkeyPatch) -> t.Callable[..., Object]:
    """Runs the operation on a cluster, with a clock that only sleeping moves."""
    clock = [0.0]
    monkeypatch.setattr(drain.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(drain.time, "sleep", lambda seconds: clock.__setitem__(0, clock[0] + max(seconds, 0.01)))

    def call(cluster: Cluster, check: bool = False, **given: t.Any) -> Object:
        monkeypatch.setattr(drain, "Client", lambda _connection: cluster)
        monkeypatch.setattr(drain.connection, "resolve", lambda _params, _environ: None)
        params = {name: spec.get("default") for name, spec in drain.OPERATION.arguments.items()}
        wanted = {**params, "cluster": "east", "node": "e2", "timeout": 20, **given}
        return drain.OPERATION.execute(wanted, Context(environ={}), check)

    return call


def cordoned(mark: bool) -> Object:
    annotations = {drain.MARK: "2026-01-01T00:00:00Z"} if mark else {}
    return {"kind": "Node", "metadata": {"name": "e2", "annotations": annotations}, "spec": {"unschedulable": True}}


def steps(result: Object) -> list[str]:
    return [f"{item['action']} {item['id']}" for item in result["plan"]]


def test_what_stays_and_what_goes() -> None:
    daemon, mirror = (
        pod("daemon", "DaemonSet"),
        pod("mirror", "Node", metadata={"annotations": {drain_pods.MIRROR: "x"}}),
    )
    ending = pod("ending", metadata={"deletionTimestamp": "now"})
    over = pod("over", "DaemonSet", status={"phase": "Succeeded"})
    found = drain_pods.sort([pod("web"), over, mirror, ending, daemon])
    assert [item["metadata"]["name"] for item in found.evict] == ["over", "web"]
    assert (found.ending, found.stay) == ([ending], [daemon, mirror])


def test_what_needs_the_operators_word() -> None:
    empty = {"volumes": [{"name": "x", "emptyDir": {}}]}
    pods = [pod("alone", ""), pod("keeps", **empty), pod("over", "", status={"phase": "Failed"}, **empty)]
    lines = drain_pods.objections(pods, delete_emptydir_data=False, force=False)
    assert [line.partition(":")[0] for line in lines] == [
        "no controller makes shop/alone again",
        "shop/keeps keep data in emptyDir",
    ]
    assert drain_pods.objections(pods, delete_emptydir_data=True, force=True) == []


@pytest.mark.parametrize(
    ("held", "one", "denied"),
    [
        (budget(), pod("a"), True),
        (budget(1), pod("a"), False),
        (budget(selector={}), pod("a"), True),
        (budget(selector={"matchLabels": {"app": "db"}}), pod("a"), False),
        (budget(), pod("a", metadata={"namespace": "other"}), False),
        (budget(), pod("a", status={"phase": "Succeeded"}), False),
        (budget(), pod("a", status={"conditions": []}), False),
        (budget(currentHealthy=1), pod("a", status={"conditions": []}), True),
    ],
)
def test_what_a_budget_denies(held: Object, one: Object, denied: bool) -> None:
    assert bool(drain_pods.blocking([held], [one])) is denied


def test_an_unready_pod_may_always_go_where_the_budget_says_so() -> None:
    held = budget(currentHealthy=0)
    held["spec"]["unhealthyPodEvictionPolicy"] = "AlwaysAllow"
    assert drain_pods.blocking([held], [pod("a", status={"conditions": []})]) == []


def test_a_budget_without_selector_protects_nothing() -> None:
    held = budget()
    del held["spec"]["selector"]
    assert drain_pods.blocking([held], [pod("a")]) == []


def test_a_drain_does_what_check_mode_says(operate: t.Callable[..., Object]) -> None:
    cluster = Cluster(pod("web-1"), pod("web-2"), pod("daemon", "DaemonSet"))
    predicted = operate(cluster, check=True)
    assert (cluster.changes, cluster.evicted) == ([], [])
    done = operate(cluster)
    assert done["plan"] == predicted["plan"]
    assert steps(done) == ["update v1/Node/e2", "delete v1/Pod/shop/web-1", "delete v1/Pod/shop/web-2"]
    assert sorted(cluster.evicted) == ["web-1", "web-2"]
    assert (done["evicted"], done["left"], done["own_cordon"]) == (["shop/web-1", "shop/web-2"], ["shop/daemon"], True)
    assert cluster.unschedulable == [True]


def test_a_drained_node_is_nothing_to_do(operate: t.Callable[..., Object]) -> None:
    cluster = Cluster(pod("daemon", "DaemonSet"), node=cordoned(mark=True))
    done = operate(cluster)
    assert (done["changed"], done["own_cordon"], cluster.changes) == (False, True, [])


def test_at_the_deadline_the_budget_is_named_and_the_node_given_back(operate: t.Callable[..., Object]) -> None:
    cluster = Cluster(pod("web-1"), pod("db", metadata={"labels": {}}), budgets=[budget()])
    done = operate(cluster)
    assert done["failed"]
    assert "PodDisruptionBudget shop/web allows 0 disruptions (2 pods healthy, 2 needed, 2 expected)" in done["msg"]
    assert "protects shop/web-1" in done["msg"]
    assert "Node e2 was uncordoned." in done["msg"]
    assert done["blocked_by"][0]["pods"] == ["shop/web-1"]
    assert (done["remaining"], cluster.evicted) == (["shop/web-1"], ["db"])
    assert sorted(done["done"]) == ["v1/Node/e2", "v1/Pod/shop/db"]
    assert cluster.unschedulable == [True, None]
    assert cluster.changes[1]["metadata"]["annotations"] == {drain.MARK: None}


def test_what_would_hold_a_drain_up_is_a_warning(operate: t.Callable[..., Object]) -> None:
    done = operate(Cluster(pod("web-1"), budgets=[budget()]), check=True)
    assert "shop/web allows 0 disruptions" in done["warnings"][0]
    assert "warnings" not in operate(Cluster(pod("web-1"), budgets=[budget(1)]), check=True)


@pytest.mark.parametrize(("mark", "given"), [(False, {}), (True, {"uncordon_on_failure": False})])
def test_a_cordon_that_is_not_ours_to_take_back_stays(
    operate: t.Callable[..., Object], mark: bool, given: Object
) -> None:
    cluster = Cluster(pod("web-1"), node=cordoned(mark), budgets=[budget()])
    done = operate(cluster, **given)
    assert "deadline" in done["msg"]
    assert "uncordoned" not in done["msg"]
    assert cluster.changes == []


def test_a_cordon_of_a_killed_run_is_ours(operate: t.Callable[..., Object]) -> None:
    cluster = Cluster(pod("web-1"), node=cordoned(mark=True), budgets=[budget()])
    assert "Node e2 was uncordoned." in operate(cluster)["msg"]
    assert cluster.unschedulable == [None]


def test_a_failure_that_is_no_deadline_gives_the_node_back_too(operate: t.Callable[..., Object]) -> None:
    cluster = Cluster(pod("web-1"))
    cluster.fail = errors.ServerError("two budgets", status=500)
    done = operate(cluster)
    assert "two budgets" in done["msg"]
    assert cluster.unschedulable == [True, None]


def test_pods_that_end_slowly_are_waited_for_and_named(operate: t.Callable[..., Object]) -> None:
    cluster = Cluster(pod("web-1"), pod("old", metadata={"deletionTimestamp": "now"}))
    cluster.linger = {"web-1"}
    done = operate(cluster)
    assert "still ending: shop/old" in done["msg"]
    assert done["remaining"] == ["shop/web-1", "shop/old"]


def test_what_was_scheduled_before_the_cordon_goes_too(operate: t.Callable[..., Object]) -> None:
    cluster = Cluster(pod("web-1"))
    stubborn = pod("anywhere", tolerations=[{"operator": "Exists"}])
    cluster.late = [pod("web-2"), stubborn]
    done = operate(cluster)
    assert done["evicted"] == ["shop/web-1", "shop/web-2"]
    assert cluster.pods == [stubborn]


def test_pods_that_would_be_lost_are_refused_before_anything_changes(operate: t.Callable[..., Object]) -> None:
    cluster = Cluster(pod("alone", ""))
    assert "shop/alone" in operate(cluster)["msg"]
    assert cluster.changes == []
    assert operate(cluster, force=True)["evicted"] == ["shop/alone"]


def test_only_our_cordon_is_taken_back(operate: t.Callable[..., Object]) -> None:
    ours = Cluster(node=cordoned(mark=True))
    assert steps(operate(ours, state="uncordoned")) == ["update v1/Node/e2"]
    assert ours.unschedulable == [None]
    theirs = Cluster(node=cordoned(mark=False))
    done = operate(theirs, state="uncordoned")
    assert (done["changed"], done["cordoned"], theirs.changes) == (False, True, [])
    assert "cordoned by somebody else" in done["warnings"][0]
    assert operate(Cluster(), state="uncordoned")["changed"] is False


def test_a_cordon_alone(operate: t.Callable[..., Object]) -> None:
    cluster = Cluster(pod("web-1"))
    assert steps(operate(cluster, state="cordoned")) == ["update v1/Node/e2"]
    assert (cluster.unschedulable, cluster.evicted) == ([True], [])
    assert operate(Cluster(node=cordoned(mark=False)), state="cordoned")["changed"] is False


def test_an_unknown_node_is_named_with_those_that_are_known(operate: t.Callable[..., Object]) -> None:
    assert "has no Node e9. Its nodes: e2." in operate(Cluster(), node="e9")["msg"]
