# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the API server refuses in the namespaces of tenants: each list with what passes and what does not."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client

from ..harness.apiserver import ApiServer
from ..harness.people import Answer, Person, steps, until
from .conftest import may, run

Object = dict[str, t.Any]
ALLOW = {
    "registries": ["reg.local", "reg.local:5000/team", "docker.io/library"],
    "storage_classes": ["fast"],
    "priority_classes": ["low"],
    "ingress_classes": ["public"],
    "host_suffixes": ["apps.example.org"],
}
#: A tenant with every list, one with an empty one and no other, and one with none.
TENANTS: list[Object] = [
    {
        "name": "limited",
        "namespaces": ["limited"],
        "allow": ALLOW,
        "members": [{"kind": "Group", "name": "heads", "role": "owner"}],
    },
    {"name": "bare", "namespaces": ["bare"], "allow": {"storage_classes": []}},
    {"name": "free", "namespaces": ["free"]},
]


@pytest.fixture(scope="module")
def guarded(own: ApiServer) -> ApiServer:
    """The server with the three tenants, once their limits are in force."""
    with Client(own.admin) as admin:
        for name in ("low", "high"):
            admin.apply(
                {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}, "value": 1}
            )
    done = run(own, *TENANTS, prune_namespaces=True)
    assert len(done["guards"]) == 4 * 2 + 1, done
    dev = Person(own, "system:masters")
    until(lambda: all((pod(dev, image="x.example/a").message, claim(dev, "slow").message, ingress(dev).message)), 20)
    return own


@pytest.fixture
def dev(guarded: ApiServer) -> Person:
    """Somebody who may do everything that the limits allow."""
    return Person(guarded, "system:masters")


def pod(who: Person, namespace: str = "limited", image: str = "reg.local/a", **spec: t.Any) -> Answer:
    body = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": image}], **spec}}
    return who.post(f"/api/v1/namespaces/{namespace}/pods", body)


def claim(who: Person, name: str | None, namespace: str = "limited") -> Answer:
    spec: Object = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    body = {"metadata": {"name": "v"}, "spec": {**spec, **({} if name is None else {"storageClassName": name})}}
    return who.post(f"/api/v1/namespaces/{namespace}/persistentvolumeclaims", body)


BACKEND = {"service": {"name": "s", "port": {"number": 80}}}
INGRESSES = "/apis/networking.k8s.io/v1/namespaces/{}/ingresses"


def site(*hosts: str | None, **changes: t.Any) -> Object:
    paths = {"paths": [{"path": "/", "pathType": "Prefix", "backend": BACKEND}]}
    rules = [{"http": paths, **({} if host is None else {"host": host})} for host in hosts]
    return {"ingressClassName": "public", "rules": rules, **changes}


def ingress(
    who: Person, *hosts: str | None, note: str | None = None, namespace: str = "limited", **changes: t.Any
) -> Answer:
    notes = {"annotations": {"kubernetes.io/ingress.class": note}} if note else {}
    body = {"metadata": {"name": "i", **notes}, "spec": site(*(hosts or ("elsewhere.example",)), **changes)}
    return who.post(INGRESSES.format(namespace), body)


@pytest.mark.parametrize(
    "image",
    ["reg.local/a", "reg.local/a/b:1", "reg.local:5000/team/a", "reg.local:5000/team:1", "nginx", "library/nginx:1",
     "docker.io/nginx@sha256:" + "a" * 64, "index.docker.io/library/nginx"],
)  # fmt: skip
@pytest.mark.proves("tenants.allow.registries")
def test_images_of_allowed_registries_pass(dev: Person, image: str) -> None:
    assert pod(dev, image=image).message == ""


@pytest.mark.parametrize(
    "image",
    ["reg.local.evil/a", "reg.localx/a", "reg.local:5001/a", "reg.local:5000/teams/a", "docker.io/evil/nginx",
     "evil/nginx", "reg.local@evil/a", "REG.local/a", "index.docker.io/evil/a"],
)  # fmt: skip
@pytest.mark.parametrize("place", ["containers", "initContainers"])
@pytest.mark.proves(
    "tenants.allow.registries",
    "tenants.name",
)
def test_other_images_are_refused(dev: Person, image: str, place: str) -> None:
    answer = pod(dev, **{place: [{"name": "x", "image": image}]})
    assert "tenant limited may not use images from other registries" in answer.message
    assert "allowed: docker.io/library,reg.local,reg.local:5000/team" in answer.message


def test_updates_and_ephemeral_containers_are_judged_by_what_they_bring(dev: Person) -> None:
    path = "/api/v1/namespaces/limited/pods"
    body = {"metadata": {"name": "kept"}, "spec": {"containers": [{"name": "c", "image": "reg.local/a"}]}}
    assert dev.post(path, body, dry_run=False).status == 201
    brought = {"spec": {"containers": [{"name": "c", "image": "evil.example/a"}]}}
    strategic = "application/strategic-merge-patch+json"
    assert "may not use images" in dev.patch(f"{path}/kept", brought, strategic).message
    debugger = {"spec": {"ephemeralContainers": [{"name": "d", "image": "evil.example/a"}]}}
    assert "may not use images" in dev.patch(f"{path}/kept/ephemeralcontainers", debugger, strategic).message
    assert dev.patch(f"{path}/kept", {"metadata": {"labels": {"a": "b"}}}).status == 200
    workload = {
        "metadata": {"name": "d"},
        "spec": {
            "selector": {"matchLabels": {"a": "b"}},
            "template": {
                "metadata": {"labels": {"a": "b"}},
                "spec": {"containers": [{"name": "c", "image": "evil.example/a"}]},
            },
        },
    }
    answer = dev.post("/apis/apps/v1/namespaces/limited/deployments", workload)
    assert answer.status == 201
    assert "may not use images from other registries: evil.example/a" in " ".join(answer.warnings)


@pytest.mark.proves(
    "tenants.allow.storage_classes",
    "tenants.allow.priority_classes",
)
def test_classes_of_volumes_and_priorities(dev: Person) -> None:
    assert claim(dev, "fast").message == ""
    for name, told in (("slow", "slow"), ("", "none"), (None, "none")):
        assert f"may not use another StorageClass: {told}; allowed: fast" in claim(dev, name).message
    assert "may not use another StorageClass: fast; allowed: none" in claim(dev, "fast", "bare").message
    assert pod(dev).message == pod(dev, priorityClassName="low").message == ""
    for name in ("high", "system-cluster-critical"):
        assert f"may not use another PriorityClass: {name}; allowed: low" in pod(dev, priorityClassName=name).message


@pytest.mark.parametrize(
    "hosts", [("apps.example.org",), ("a.apps.example.org", "b.c.apps.example.org"), ("*.apps.example.org",)]
)
@pytest.mark.proves(
    "tenants.allow.ingress_classes",
    "tenants.allow.host_suffixes",
)
def test_ingresses_with_allowed_hosts_and_class_pass(dev: Person, hosts: tuple[str, ...]) -> None:
    assert ingress(dev, *hosts, tls=[{"hosts": list(hosts)}]).message == ""


@pytest.mark.parametrize(
    ("hosts", "changes", "told"),
    [
        (("evilapps.example.org",), {}, "other host names: evilapps.example.org; allowed: apps.example.org"),
        (("apps.example.org", "example.org"), {}, "other host names: example.org"),
        (("*.example.org",), {}, "other host names: *.example.org"),
        ((None,), {}, "other host names: every host"),
        (("a.apps.example.org",), {"defaultBackend": BACKEND}, "other host names: every host"),
        (("a.apps.example.org",), {"tls": [{"hosts": ["a.apps.example.org", "bank.example"]}]}, "names: bank.example"),
        (("a.apps.example.org",), {"ingressClassName": "internal"}, "another IngressClass: internal; allowed: public"),
        (("a.apps.example.org",), {"ingressClassName": None}, "another IngressClass: none"),
        (("a.apps.example.org",), {"ingressClassName": None, "note": "internal"}, "another IngressClass: internal"),
    ],
)  # fmt: skip
@pytest.mark.proves(
    "tenants.allow.ingress_classes",
    "tenants.allow.host_suffixes",
)
def test_other_ingresses_are_refused(dev: Person, hosts: tuple[str], changes: Object, told: str) -> None:
    assert told in ingress(dev, *hosts, **changes).message


def test_an_ingress_changes_only_into_what_is_allowed(dev: Person) -> None:
    path = INGRESSES.format("limited")
    body = {"metadata": {"name": "kept"}, "spec": site("a.apps.example.org")}
    assert dev.post(path, body, dry_run=False).status == 201
    assert dev.patch(f"{path}/kept", {"metadata": {"labels": {"a": "b"}}}).status == 200
    assert "other host names: bank.example" in dev.patch(f"{path}/kept", {"spec": site("bank.example")}).message
    note = {"metadata": {"annotations": {"kubernetes.io/ingress.class": "internal"}}}
    assert "another IngressClass: internal" in dev.patch(f"{path}/kept", note).message


def test_who_and_what_is_not_limited(guarded: ApiServer, dev: Person) -> None:
    assert pod(dev, "free", image="evil.example/a", priorityClassName="high").message == ""
    assert claim(dev, "slow", "free").message == ""
    assert ingress(dev, "bank.example", namespace="free").message == ""
    assert pod(dev, "bare", image="evil.example/a").message == ""
    assert pod(dev, "kube-system", image="evil.example/a").message == ""
    rescuer = Person(guarded, "system:masters", "lodestar:break-glass", user="rescuer")
    assert pod(rescuer, image="evil.example/a").message == ""


def test_members_cannot_lift_their_limits(guarded: ApiServer) -> None:
    until(lambda: may(guarded, "create", "pods", "limited", "heads"))
    for verb in ("update", "patch", "delete"):
        assert not may(guarded, verb, "namespaces", "limited", "heads", name="limited")
    owner = Person(guarded, "heads", user="owner")
    lifted = {"metadata": {"annotations": {"allow.lodestar.platform/registries": "evil.example"}}}
    assert owner.patch("/api/v1/namespaces/limited", lifted).status == 403


def test_limits_that_no_tenant_has_any_more_are_taken_away(guarded: ApiServer) -> None:
    assert steps(run(guarded, *TENANTS)) == []
    done = run(guarded, TENANTS[2], prune_namespaces=True)
    assert len([step for step in steps(done) if step.startswith("delete admissionregistration")]) == 9
    assert done["guards"] == []
