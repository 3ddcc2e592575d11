# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each policy refuses, warns about, notes, and leaves alone, on a real API server."""

from __future__ import annotations

import copy
import json
import typing as t

import pytest

from ..harness.apiserver import ApiServer
from ..harness.people import Answer, Person

DIGEST = "sha256:" + "0" * 64
GOOD: dict[str, t.Any] = {"name": "c", "image": "reg.local/a:1", "resources": {"limits": {"cpu": "1", "memory": "1Gi"}}}


def pod(
    image: str = "reg.local/a:1", name: str = "p", labels: dict[str, str] | None = None, **spec: t.Any
) -> dict[str, t.Any]:
    """A pod that keeps every rule, and with the changes."""
    held = {"team": "a", "tier": "front"} if labels is None else labels
    return {
        "metadata": {"name": name, "labels": held},
        "spec": {"containers": [{**GOOD, "image": image}], **copy.deepcopy(spec)},
    }


def ask(person: Person, body: dict[str, t.Any], namespace: str = "plain") -> Answer:
    return person.post(f"/api/v1/namespaces/{namespace}/pods", body)


def make(person: Person, body: dict[str, t.Any], name: str) -> str:
    """Creates a pod in C(plain), and returns its path."""
    body["metadata"]["name"] = name
    answer = person.post("/api/v1/namespaces/plain/pods", body, dry_run=False)
    assert answer.status == 201, answer.message
    return f"/api/v1/namespaces/plain/pods/{name}"


@pytest.mark.parametrize(
    "image",
    [
        "reg.local/a", "reg.local/a/b:1", f"reg.local/a@{DIGEST}",
        "reg.local:5000/team", "reg.local:5000/team:1", f"reg.local:5000/team@{DIGEST}", "reg.local:5000/team/a/b:1",
        "busybox", "busybox:1", f"busybox@{DIGEST}", "library/busybox", "docker.io/busybox",
        "docker.io/library/busybox", "index.docker.io/busybox", "index.docker.io/library/busybox:1",
    ],
)  # fmt: skip
def test_allowed_images(dev: Person, image: str) -> None:
    assert ask(dev, pod(image)).message == ""


@pytest.mark.parametrize(
    "image",
    [
        "reg.local.evil/a", "reg.local-evil/a", "xreg.local/a", "reg.localhost/a", "REG.LOCAL/a",
        "evil.example/reg.local/a", "reg.local:5000/a", "reg.local:5000/teams/a", "reg.local:5000/team-b",
        "reg.local:5000x/team/a", "reg.local:443/a",
        "reg.local@evil.example/a", "team/busybox", "docker.io/team/busybox", "index.docker.io/team/a", "localhost/a",
        "evil.example/library/busybox", "docker.io.evil.example/library/busybox", "docker.iox/library/a",
    ],
)  # fmt: skip
@pytest.mark.proves("policies.mode=deny")
def test_foreign_images(dev: Person, image: str) -> None:
    answer = ask(dev, pod(image))
    assert "policy registries: not from an allowed registry: " in answer.message
    assert "use an image from reg.local, reg.local:5000/team, docker.io/library" in answer.message


@pytest.mark.parametrize(
    "spec",
    [
        {"containers": [GOOD, {**GOOD, "name": "d", "image": "evil.example/a"}]},
        {"initContainers": [{**GOOD, "name": "i", "image": "evil.example/a"}]},
        {"volumes": [{"name": "v", "image": {"reference": "evil.example/a"}}]},
    ],
    ids=["second container", "init container", "image volume"],
)
def test_every_place_of_an_image_counts(dev: Person, spec: dict[str, t.Any]) -> None:
    assert "not from an allowed registry: evil.example/a;" in ask(dev, pod(**spec)).message


def test_ephemeral_containers(dev: Person) -> None:
    path = make(dev, pod(), "debugged")

    def attach(image: str) -> Answer:
        body = {"spec": {"ephemeralContainers": [{"name": "e", "image": image, "targetContainerName": "c"}]}}
        return dev.patch(f"{path}/ephemeralcontainers", body, "application/strategic-merge-patch+json")

    assert "not from an allowed registry: evil.example/debug;" in attach("evil.example/debug").message
    assert attach("reg.local/debug").message == "", "they have no resources, and need none"


def test_a_changed_image_is_judged(dev: Person) -> None:
    path = make(dev, pod(), "changed")
    kind = "application/strategic-merge-patch+json"
    answer = dev.patch(path, {"spec": {"containers": [{"name": "c", "image": "evil.example/b"}]}}, kind)
    assert "not from an allowed registry: evil.example/b;" in answer.message
    assert dev.patch(path, {"spec": {"containers": [{"name": "c", "image": "reg.local/b"}]}}, kind).message == ""


def test_what_was_there_before_a_policy_can_still_change_and_go(dev: Person, rescuer: Person) -> None:
    old = pod("evil.example/a")
    old["spec"]["containers"][0].pop("resources")
    old["metadata"]["finalizers"] = ["example.org/hold"]
    path = make(rescuer, old, "old")
    kind = "application/strategic-merge-patch+json"
    assert dev.patch(path, {"metadata": {"annotations": {"a": "b"}}}).message == ""
    assert dev.patch(path, {"spec": {"activeDeadlineSeconds": 60}}).message == ""
    other = dev.patch(path, {"spec": {"containers": [{"name": "c", "image": "evil.example/b"}]}}, kind)
    assert "policy registries" in other.message
    assert "policy limits" not in other.message
    assert dev.call("DELETE", path).status == 200
    assert dev.patch(path, {"metadata": {"finalizers": []}}).message == ""
    assert dev.call("GET", path).status == 404


@pytest.mark.parametrize("namespace", ["kube-system", "kube-public", "lodestar-system"])
def test_system_namespaces_are_never_affected(dev: Person, namespace: str) -> None:
    answer = ask(
        dev, {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "evil.example/a"}]}}, namespace
    )
    assert (answer.message, answer.warnings) == ("", [])


def test_exempt_namespaces_users_and_the_break_glass_group(ruled: ApiServer, dev: Person, rescuer: Person) -> None:
    bad = pod("evil.example/a")
    assert ask(dev, bad, "exempt").message == ""
    assert ask(Person(ruled, "system:masters", user="robot"), bad).message == ""
    assert "policy registries" in ask(Person(ruled, "system:masters", "lodestar:break-glasses"), bad).message
    bad["spec"]["containers"][0].pop("resources")
    assert ask(rescuer, bad).message == ""


@pytest.mark.parametrize(
    ("resources", "lacking"),
    [
        ({"limits": {"cpu": "1"}}, "c (limits.memory)"),
        ({"requests": {"cpu": "1", "memory": "1Gi"}}, "c (limits.cpu), c (limits.memory)"),
        ({}, "c (limits.cpu), c (limits.memory)"),
    ],
)
def test_resources_that_are_missing_are_named(dev: Person, resources: dict[str, t.Any], lacking: str) -> None:
    body = pod(initContainers=[{**GOOD, "name": "i"}])
    body["spec"]["containers"][0]["resources"] = resources
    message = ask(dev, body).message
    assert f"policy limits: without required resources: {lacking}; set resources.limits.cpu" in message


def test_init_containers_need_resources_too_unless_the_pod_has_them(dev: Person) -> None:
    bare = {"name": "i", "image": "reg.local/i"}
    assert "i (limits.cpu), i (limits.memory);" in ask(dev, pod(initContainers=[bare])).message
    whole = {"limits": {"cpu": "2", "memory": "2Gi"}}
    assert ask(dev, pod(initContainers=[bare], resources=whole)).message == ""


@pytest.mark.proves("policies.mode=warn")
def test_warn_lets_through_and_tells(dev: Person) -> None:
    answer = ask(dev, pod(labels={"tier": "front"}))
    assert answer.status == 201
    assert "policy team: required labels that are missing or wrong: team; set team" in " ".join(answer.warnings)
    assert ask(dev, pod()).warnings == []


@pytest.mark.parametrize("labels", [{"team": "a"}, {"team": "a", "tier": "middle"}])
@pytest.mark.proves(
    "policies.mode=audit",
    "rules.required_labels.labels.values",
)
def test_audit_lets_through_in_silence_and_notes(ruled: ApiServer, dev: Person, labels: dict[str, str]) -> None:
    before = (ruled.folder / "audit.log").stat().st_size
    answer = ask(dev, pod(labels=labels))
    assert (answer.status, answer.warnings) == (201, [])
    with (ruled.folder / "audit.log").open() as log:
        log.seek(before)
        events = [json.loads(line) for line in log]
    noted = [event["annotations"].get("validation.policy.admission.k8s.io/validation_failure", "") for event in events]
    assert any("policy tier: required labels that are missing or wrong: tier" in text for text in noted)


TEMPLATE = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "evil.example/a"}]}}
JOB = {"template": {**TEMPLATE, "spec": {**TEMPLATE["spec"], "restartPolicy": "Never"}}}


@pytest.mark.parametrize(
    ("group", "resource", "spec"),
    [
        ("apps", "deployments", {"selector": {"matchLabels": {"a": "b"}}, "template": TEMPLATE}),
        ("apps", "daemonsets", {"selector": {"matchLabels": {"a": "b"}}, "template": TEMPLATE}),
        ("apps", "statefulsets", {"serviceName": "s", "selector": {"matchLabels": {"a": "b"}}, "template": TEMPLATE}),
        ("batch", "jobs", JOB),
        ("batch", "cronjobs", {"schedule": "@daily", "jobTemplate": {"spec": JOB}}),
    ],
)
def test_whoever_makes_a_workload_is_warned_about_its_pods(dev: Person, group: str, resource: str, spec: t.Any) -> None:
    answer = dev.post(f"/apis/{group}/v1/namespaces/plain/{resource}", {"metadata": {"name": "w"}, "spec": spec})
    assert answer.status == 201, answer.message
    told = " ".join(answer.warnings)
    assert "policy registries: not from an allowed registry: evil.example/a" in told
    assert "policy limits: without required resources: c (limits.cpu)" in told
    assert "policy team: required labels that are missing or wrong: team" in told
    assert "policy tier" not in told, "a policy that only audits stays silent"


@pytest.mark.proves(
    "rules.required_labels.kinds=Namespace",
    "rules.required_labels.labels.key",
)
def test_labels_of_namespaces(dev: Person, rescuer: Person) -> None:
    assert "policy owner: required labels" in dev.post("/api/v1/namespaces", {"metadata": {"name": "n"}}).message
    assert "policy owner" in dev.post("/api/v1/namespaces", {"metadata": {"generateName": "n-"}}).message
    assert (
        dev.post("/api/v1/namespaces", {"metadata": {"name": "n", "labels": {"owner": "a"}}}, dry_run=False).message
        == ""
    )
    assert "policy owner" in dev.patch("/api/v1/namespaces/n", {"metadata": {"labels": {"owner": None}}}).message
    assert rescuer.patch("/api/v1/namespaces/n", {"metadata": {"labels": {"owner": None}}}).message == ""
    assert dev.patch("/api/v1/namespaces/n", {"metadata": {"labels": {"other": "x"}}}).message == ""
    assert dev.patch("/api/v1/namespaces/kube-system", {"metadata": {"labels": {"other": "x"}}}).message == ""
    assert dev.call("DELETE", "/api/v1/namespaces/n").status == 200


def test_custom_rules_and_their_own_message(dev: Person) -> None:
    def service(kind: str, namespace: str = "plain") -> str:
        body = {"metadata": {"name": "s"}, "spec": {"type": kind, "ports": [{"port": 80}]}}
        return dev.post(f"/api/v1/namespaces/{namespace}/services", body).message

    assert "policy ports: use an Ingress" in service("NodePort")
    assert service("ClusterIP") == ""
    assert service("NodePort", "kube-system") == ""


def test_custom_rules_for_tenants_only_and_never_for_objects_without_a_namespace(dev: Person) -> None:
    for path in ("/api/v1/namespaces/plain/configmaps", "/api/v1/persistentvolumes"):
        spec = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"}}
        body = {"metadata": {"name": "kept"}, **({"spec": spec} if path.endswith("volumes") else {})}
        assert dev.post(path, body, dry_run=False).message == ""
        assert dev.call("DELETE", f"{path}/kept").status == 200
    assert "policy keep: it is kept" in dev.call("DELETE", "/api/v1/namespaces/tenant/configmaps/kept").message
