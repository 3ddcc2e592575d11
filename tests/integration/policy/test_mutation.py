# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Policies that change objects: what they do on a real API server, and clusters that do not know them."""

from __future__ import annotations

import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.policy.operate import OPERATION

from ..harness.apiserver import ApiServer
from ..harness.people import Person, execute, steps

Object = dict[str, t.Any]
SCOPE = {"selector": {"matchLabels": {"about": "changes"}}}


def changing(name: str, rule: str, parameters: Object | None = None, **more: t.Any) -> Object:
    return {"name": name, "rule": rule, "mode": "mutate", "parameters": parameters, "scope": SCOPE, **more}


POLICIES = [
    changing("labels", "default_labels", {"labels": {"team": "nobody", "x.y/z": "1"}, "kinds": ["Pod", "Service"]}),
    changing("tokens", "default_token_automount", exemptions={"namespaces": ["exempt"]}),
    changing("pull", "image_pull_policy", {"policy": "Always"}),
    changing(
        "seconds",
        "mutate",
        {
            "resources": [{"resources": ["pods"]}],
            "operations": ["CREATE"],
            "variables": {"wanted": "30"},
            "mutations": [
                {"expression": "Object{spec: Object.spec{terminationGracePeriodSeconds: variables.wanted}}"},
                {"patch": "json", "expression": '[JSONPatch{op: "add", path: "/spec/hostname", value: "h"}]'},
            ],
        },
    ),
]


#: Policies for other namespaces, each with what the ones above do not have.
ELSEWHERE = [
    {**changing("never", "image_pull_policy", {"policy": "Never"}), "scope": {"namespaces": ["never"]}},
    {**changing("present", "image_pull_policy", {"policy": "IfNotPresent"}), "scope": {"namespaces": ["present"]}},
    {
        **changing(
            "kinds", "default_labels", {"labels": {"of": "kinds"}, "kinds": ["Namespace", "PersistentVolumeClaim"]}
        ),
        "scope": {"selector": {"matchLabels": {"about": "kinds"}}},
    },
    {
        **changing(
            "kept",
            "mutate",
            {
                "resources": [{"group": "apps", "versions": ["v1"], "resources": ["deployments"]}],
                "operations": ["UPDATE"],
                "mutations": [{"expression": 'Object{metadata: Object.metadata{labels: {"updated": "yes"}}}'}],
            },
        ),
        "scope": {"namespaces": ["never"]},
    },
]
DECLARED = [*POLICIES, *ELSEWHERE]


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory, tools: dict[str, Path]) -> t.Iterator[ApiServer]:
    """A server on which all of :data:`POLICIES` are in force."""
    with ApiServer(tmp_path_factory.mktemp("changed"), tools) as server:
        rescuer = Person(server, "system:masters", "lodestar:break-glass")
        for name, labels in (
            ("plain", {}),
            ("mine", SCOPE["selector"]["matchLabels"]),
            ("exempt", {"about": "changes"}),
            ("never", {}),
            ("present", {}),
            ("kinds", {"about": "kinds"}),
        ):
            rescuer.post("/api/v1/namespaces", {"metadata": {"name": name, "labels": labels}}, dry_run=False)
        predicted = execute(OPERATION, server.runner, check=True, policies=DECLARED)
        assert steps(predicted) == steps(execute(OPERATION, server.runner, policies=DECLARED))
        dev, until = Person(server, "system:masters"), time.monotonic() + 15
        while not in_force(dev):
            assert time.monotonic() < until, made(dev, POD)
            time.sleep(0.2)
        yield server


POD: Object = {
    "kind": "Pod",
    "metadata": {"name": "p"},
    "spec": {
        "containers": [{"name": "c", "image": "a:1"}, {"name": "d", "image": "b:1", "imagePullPolicy": "Never"}],
        "initContainers": [{"name": "i", "image": "c:1"}],
    },
}
CLAIM: Object = {
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "c"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}
ACCOUNT: Object = {"kind": "ServiceAccount", "metadata": {"name": "a"}}


def made(person: Person, body: Object, namespace: str = "mine") -> Object:
    """The object as it would be stored."""
    plural = f"{body['kind'].lower()}s"
    answer = person.post(f"/api/v1/namespaces/{namespace}/{plural}", {"apiVersion": "v1", **body})
    assert answer.status == 201, answer.message
    return answer.body


def in_force(dev: Person) -> bool:
    pod, account = made(dev, POD), made(dev, ACCOUNT)
    parts = [pod["metadata"].get("labels"), pod["spec"].get("hostname"), "automountServiceAccountToken" in account]
    parts.append("labels" in made(dev, CLAIM, "kinds")["metadata"])
    pulls = [made(dev, POD, name)["spec"]["containers"][0]["imagePullPolicy"] for name in ("mine", "never")]
    return all(parts) and pulls == ["Always", "Never"]


@pytest.mark.proves(
    "policies.mode=mutate",
    "policies.rule=default_labels",
    "policies.rule=default_token_automount",
    "policies.rule=image_pull_policy",
    "policies.rule=mutate",
    "rules.default_labels.kinds=Pod",
    "rules.default_labels.kinds=Service",
    "rules.default_labels.labels",
    "rules.image_pull_policy.policy=Always",
    "rules.mutate.mutations.expression",
    "rules.mutate.mutations.patch=apply",
    "rules.mutate.mutations.patch=json",
    "rules.mutate.operations=CREATE",
    "rules.mutate.resources.resources",
    "rules.mutate.variables",
)
def test_objects_get_what_they_do_not_say(changed: ApiServer) -> None:
    dev = Person(changed, "system:masters")
    pod = made(dev, POD)
    assert pod["metadata"]["labels"] == {"team": "nobody", "x.y/z": "1"}
    assert [item["imagePullPolicy"] for item in pod["spec"]["containers"]] == ["Always", "Always"]
    assert [item["image"] for item in pod["spec"]["containers"]] == ["a:1", "b:1"]
    assert pod["spec"]["initContainers"][0]["imagePullPolicy"] == "Always"
    assert (pod["spec"]["terminationGracePeriodSeconds"], pod["spec"]["hostname"]) == (30, "h")
    service = {"kind": "Service", "metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}}
    assert made(dev, service)["metadata"]["labels"]["team"] == "nobody"
    assert made(dev, ACCOUNT)["automountServiceAccountToken"] is False


def test_what_they_say_stays(changed: ApiServer) -> None:
    dev = Person(changed, "system:masters")
    labelled = {**POD, "metadata": {"name": "p", "labels": {"team": "shop"}}}
    assert made(dev, labelled)["metadata"]["labels"] == {"team": "shop", "x.y/z": "1"}
    assert made(dev, {**ACCOUNT, "automountServiceAccountToken": True})["automountServiceAccountToken"] is True


def test_others_are_left_alone(changed: ApiServer) -> None:
    dev = Person(changed, "system:masters")
    rescuer = Person(changed, "system:masters", "lodestar:break-glass")
    for pod in (made(dev, POD, "plain"), made(dev, POD, "kube-system"), made(rescuer, POD)):
        assert "labels" not in pod["metadata"]
        assert pod["spec"]["containers"][0]["imagePullPolicy"] == "IfNotPresent"
    assert "automountServiceAccountToken" not in made(dev, ACCOUNT, "exempt")


@pytest.mark.proves(
    "rules.image_pull_policy.policy=IfNotPresent",
    "rules.image_pull_policy.policy=Never",
    "rules.default_labels.kinds=Namespace",
    "rules.default_labels.kinds=PersistentVolumeClaim",
)
def test_each_choice_changes_what_it_says_and_nothing_else(changed: ApiServer) -> None:
    dev = Person(changed, "system:masters")
    for namespace, wanted in (("never", "Never"), ("present", "IfNotPresent")):
        pod = made(dev, {**POD, "spec": {"containers": [{"name": "c", "image": "a:latest"}]}}, namespace)
        assert pod["spec"]["containers"][0]["imagePullPolicy"] == wanted
        assert "labels" not in pod["metadata"]
    assert made(dev, CLAIM, "kinds")["metadata"]["labels"] == {"of": "kinds"}
    assert "labels" not in made(dev, CLAIM)["metadata"]
    assert "labels" not in made(dev, POD, "kinds")["metadata"]
    for about, wanted in (("kinds", "kinds"), ("other", None)):
        space = {"metadata": {"name": "new", "labels": {"about": about}}}
        assert dev.post("/api/v1/namespaces", space).body["metadata"]["labels"].get("of") == wanted


@pytest.mark.proves("rules.mutate.operations=UPDATE", "rules.mutate.resources.group", "rules.mutate.resources.versions")
def test_a_change_of_your_own_happens_at_its_operations_only(changed: ApiServer) -> None:
    dev = Person(changed, "system:masters")
    spec = {"containers": [{"name": "c", "image": "a"}]}
    template = {"metadata": {"labels": {"a": "b"}}, "spec": spec}
    body = {"metadata": {"name": "w"}, "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template}}
    for plural, wanted in (("deployments", "yes"), ("daemonsets", None)):
        path = f"/apis/apps/v1/namespaces/never/{plural}"
        there = dev.post(path, body, dry_run=False)
        assert "labels" not in there.body["metadata"]
        patched = dev.patch(f"{path}/w", {"metadata": {"labels": {"mine": "x"}}})
        assert patched.body["metadata"]["labels"].get("updated") == wanted


def test_a_second_run_writes_nothing(changed: ApiServer) -> None:
    mark = changed.audit.mark()
    assert steps(execute(OPERATION, changed.runner, policies=DECLARED)) == []
    assert not [request for request in changed.audit.since(mark) if request.writes]


def test_a_change_that_does_not_compile_is_refused_before_the_first_write(changed: ApiServer) -> None:
    wrong = changing("wrong", "mutate", {"resources": [{"resources": ["pods"]}], "mutations": [{"expression": "'a'"}]})
    mark = changed.audit.mark()
    answer = execute(OPERATION, changed.runner, policies=[*DECLARED, wrong])
    assert "policies[wrong]" in answer["msg"]
    assert not [request for request in changed.audit.since(mark) if request.writes]


@pytest.mark.proves(
    "policies.if_unsupported=fail",
    "policies.if_unsupported=skip",
)
def test_a_cluster_without_them_is_left_out_or_refused_by_choice(
    tmp_path_factory: pytest.TempPathFactory, tools: dict[str, Path]
) -> None:
    judging = {"name": "limits", "rule": "required_resources", "mode": "audit"}
    skipping = {**POLICIES[0], "if_unsupported": "skip"}
    with ApiServer(tmp_path_factory.mktemp("oldest"), tools, "--emulated-version=kube=1.35") as server:
        mark = server.audit.mark()
        refused = execute(OPERATION, server.runner, policies=[judging, skipping, POLICIES[1]])
        assert "which these policies need: tokens." in refused["msg"]
        assert not [request for request in server.audit.since(mark) if request.writes]
        done = execute(OPERATION, server.runner, policies=[judging, skipping])
        assert done["warnings"] == [
            "policy labels is left out: east does not serve MutatingAdmissionPolicy (v1 came with Kubernetes 1.36)"
        ]
        assert not [step for step in steps(done) if "Mutating" in step]
        assert [step for step in steps(done) if "Validating" in step]
