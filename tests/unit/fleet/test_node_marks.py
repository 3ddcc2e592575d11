# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Labels and taints of Nodes: ours come and go with the declaration, and everybody else's stay."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.errors import PlatformError
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import node_marks
from ansible_collections.lodestar.platform.plugins.module_utils.kube import errors
from ansible_collections.lodestar.platform.plugins.module_utils.kube.resources import Resource

DEDICATED = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}
GPU = {"key": "gpu", "value": "a", "effect": "NoSchedule"}
CORDONED = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}


def mark(
    labels: dict[str, str] | None = None, taints: t.Sequence[dict[str, str]] = (), dedicated: bool = False
) -> t.Any:
    return {"labels": labels or {}, "taints": [{"value": "", **item} for item in taints], "dedicated": dedicated}


def node(
    labels: dict[str, str] | None = None,
    taints: t.Sequence[dict[str, str]] = (),
    record: dict[str, list[str]] | None = None,
) -> dict[str, t.Any]:
    annotations = {node_marks.RECORD: json.dumps(record)} if record else {}
    metadata = {"name": "e1", "resourceVersion": "1", "labels": labels or {}, "annotations": annotations}
    return {"metadata": metadata, "spec": {"taints": list(taints)} if taints else {}}


def recorded(*labels: str, taints: t.Sequence[str] = ()) -> dict[str, list[str]]:
    return {"labels": list(labels), "taints": list(taints)}


@pytest.mark.parametrize(
    ("declared", "seen"),
    [
        (mark(), node({"kubernetes.io/os": "linux", "theirs": "x"}, [CORDONED])),
        (mark(dedicated=True), node(taints=[DEDICATED])),
        (mark({"a": "1"}, [GPU]), node({"a": "1", "b": "2"}, [GPU], recorded("a", taints=["gpu:NoSchedule"]))),
    ],
)
def test_what_is_as_declared_is_left_alone(declared: t.Any, seen: t.Any) -> None:
    assert node_marks.changed(declared, seen) == {}


def test_what_is_declared_comes() -> None:
    patch = node_marks.changed(mark({"a": "1"}, [GPU]), node({"a": "0"}, [CORDONED]))
    assert patch["metadata"]["labels"] == {"a": "1"}
    assert patch["spec"]["taints"] == [CORDONED, GPU]
    assert json.loads(patch["metadata"]["annotations"][node_marks.RECORD]) == recorded("a", taints=["gpu:NoSchedule"])


def test_what_is_declared_no_more_goes_and_what_others_set_stays() -> None:
    seen = node({"a": "1", "theirs": "x"}, [GPU, CORDONED], recorded("a", taints=["gpu:NoSchedule"]))
    assert node_marks.changed(mark(), seen) == {
        "metadata": {"labels": {"a": None}, "annotations": {node_marks.RECORD: None}},
        "spec": {"taints": [CORDONED]},
    }


@pytest.mark.parametrize(
    ("dedicated", "there", "then"),
    [(True, [], [DEDICATED]), (False, [DEDICATED], []), (True, [CORDONED], [CORDONED, DEDICATED])],
)
def test_a_dedicated_control_plane_has_the_taint_of_kubeadm(
    dedicated: bool, there: list[dict[str, str]], then: list[dict[str, str]]
) -> None:
    assert node_marks.changed(mark(dedicated=dedicated), node(taints=there)) == {"spec": {"taints": then}}


def test_a_record_that_somebody_broke_is_written_anew() -> None:
    seen = node({"a": "1"})
    seen["metadata"]["annotations"][node_marks.RECORD] = "["
    assert json.loads(node_marks.changed(mark({"a": "1"}), seen)["metadata"]["annotations"][node_marks.RECORD]) == (
        recorded("a")
    )


class Server:
    """A cluster with Nodes, where somebody else writes first a number of times."""

    def __init__(self, *nodes: dict[str, t.Any], conflicts: int = 0) -> None:
        self.nodes = {item["metadata"]["name"]: item for item in nodes}
        self.conflicts = conflicts
        self.sent: list[t.Any] = []

    def list(self, _api_version: str, _kind: str) -> list[dict[str, t.Any]]:
        return list(self.nodes.values())

    def get(self, _api_version: str, _kind: str, name: str) -> dict[str, t.Any] | None:
        return self.nodes.get(name)

    def resource(self, api_version: str, kind: str) -> Resource:
        return Resource(api_version, kind, "nodes", namespaced=False)

    def request(self, _method: str, _path: str, **call: t.Any) -> None:
        if self.conflicts:
            self.conflicts -= 1
            raise errors.Conflict("somebody was first", status=409)
        self.sent.append(call["body"])


def steps(server: Server, marks: dict[str, t.Any], joining: t.Sequence[str] = ()) -> list[t.Any]:
    return node_marks.plan(t.cast("t.Any", server), "east", marks, joining)


def test_what_is_predicted_for_a_machine_that_joins_is_what_is_done() -> None:
    """Before it joins there is no Node; afterwards the kubelet has set the labels, and nothing is written down."""
    marks = {"e1": mark({"a": "1"}, [GPU]), "e2": mark(dedicated=True)}
    predicted = steps(Server(), marks, ["e1", "e2"])
    joined = {**node({"a": "1"}, [GPU])}
    done = steps(Server(joined, {**node(taints=[DEDICATED]), "metadata": {"name": "e2"}}), marks, ["e1", "e2"])
    assert [step.as_dict() for step in predicted] == [step.as_dict() for step in done]
    assert [step.id for step in done] == ["v1/Node/e1"]


def test_a_machine_that_is_not_there_and_does_not_join_is_left_alone() -> None:
    assert steps(Server(), {"e1": mark({"a": "1"})}) == []


def test_a_write_of_somebody_else_is_not_overwritten() -> None:
    server = Server(node({"a": "0"}), conflicts=2)
    (step,) = steps(server, {"e1": mark({"a": "1"})})
    assert (step.before, step.after) == (
        {"labels": {"a": "0"}, "taints": []},
        {"labels": {"a": "1"}, "taints": []},
    )
    step.perform()
    (sent,) = server.sent
    assert sent["metadata"]["resourceVersion"] == "1"
    busy = Server(node({"a": "0"}), conflicts=99)
    (step,) = steps(busy, {"e1": mark({"a": "1"})})
    with pytest.raises(PlatformError, match="e1"):
        step.perform()
