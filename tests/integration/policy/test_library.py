# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every rule of the library on a real API server, and the scan's verdict on the same objects: both must agree."""

from __future__ import annotations

import copy
import datetime
import itertools
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.kube.applyset import ApplySet
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.kube.resources import STATIC
from ansible_collections.lodestar.platform.plugins.module_utils.policy.judge import Judge
from ansible_collections.lodestar.platform.plugins.module_utils.policy.model import read_all
from ansible_collections.lodestar.platform.plugins.module_utils.policy.operate import OPERATION
from ansible_collections.lodestar.platform.plugins.module_utils.policy.render import objects
from ansible_collections.lodestar.platform.plugins.module_utils.policy.rules.registry import LIBRARY as RULES

from ..harness.apiserver import ApiServer
from ..harness.people import Answer, Person, execute, steps
from .library import LIBRARY, Cases
from .things import SAFE, Object, container, deployment, pod, service
from .variants import VARIED

NOW = datetime.datetime.now(datetime.UTC)
_numbers = itertools.count(1)
STRATEGIC = "application/strategic-merge-patch+json"


EVERY = [*LIBRARY, *VARIED]


def declared(cases: Cases) -> Object:
    what = {"rule": cases.rule, "parameters": cases.parameters, "workloads": not cases.variant}
    return {"name": cases.place, "mode": "deny", "scope": {"namespaces": [cases.place]}, **what}


TENANT = {"lodestar.platform/tenant": "shop"}
GRANTED = {"owner": "ops@example.org", "reason": "TICKET-1"}
#: A policy with exceptions, for namespaces of its own.
EXCEPTED: Object = {
    "name": "excepted",
    "rule": "no_privileged_containers",
    "mode": "deny",
    "scope": {"selector": {"matchLabels": {"about": "exceptions"}}},
    "exceptions": [
        {**GRANTED, "until": "2999-12-31", "namespaces": ["excepted"], "names": ["old-*", "whole"]},
        {**GRANTED, "until": "2999-12-31", "tenants": ["shop"]},
        {**GRANTED, "until": "2026-01-01T00:00:00Z", "namespaces": ["excepted"], "names": ["ended"]},
    ],
}
POLICIES = [*(declared(cases) for cases in EVERY), EXCEPTED]
BY_PLACE = {cases.place: cases for cases in EVERY}


def test_every_rule_is_judged() -> None:
    assert {cases.rule for cases in LIBRARY} == set(RULES)
    assert len(BY_PLACE) == len(EVERY)
    assert all(cases.good and cases.bad for cases in EVERY)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory, tools: dict[str, Path]) -> t.Iterator[ApiServer]:
    """A server on which every rule is in force, each in a namespace of its own."""
    with ApiServer(tmp_path_factory.mktemp("library"), tools) as server:
        admin = Person(server, "system:masters", "lodestar:break-glass")
        for cases in EVERY:
            admin.post("/api/v1/namespaces", {"metadata": {"name": cases.place}}, dry_run=False)
        for name, labels in (("excepted", {}), ("shop", TENANT), ("other", {"lodestar.platform/tenant": "shop-2"})):
            metadata = {"name": name, "labels": {"about": "exceptions", **labels}}
            admin.post("/api/v1/namespaces", {"metadata": metadata}, dry_run=False)
        for name in ("normal", "urgent"):
            body = {"metadata": {"name": name}, "value": 1}
            admin.post("/apis/scheduling.k8s.io/v1/priorityclasses", body, dry_run=False)
        result = execute(OPERATION, server.runner, policies=POLICIES)
        assert not result.get("failed"), result.get("msg")
        assert [item["state"] for item in result["exceptions"]] == ["active", "active", "ended"]
        assert [line for line in result["warnings"] if "names ended" in line and "counts no longer" in line]
        with Client(server.runner) as client:
            # As it was before the last exception ended.
            (policy,) = read_all([EXCEPTED])
            made = objects(policy, datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC))[0]
            client.apply(ApplySet("policy").member(made), force=True)
        await_all(Person(server, "system:masters"))
        yield server


def await_all(dev: Person) -> None:
    """Waits for every policy; the server takes a second or two to notice new ones."""
    waiting, until = list(EVERY), time.monotonic() + 30
    while waiting:
        assert time.monotonic() < until, [cases.place for cases in waiting]
        waiting = [cases for cases in waiting if not ask(dev, cases.place, cases.bad[0][0]).message]
        waiting += [] if allowed(dev, "excepted", "old-1") else LIBRARY[:1]
        time.sleep(0.1 if waiting else 0)


def allowed(person: Person, namespace: str, name: str) -> bool:
    """Whether a privileged pod of this name may be made."""
    body = pod(container(securityContext={"privileged": True}), metadata={"name": name})
    answer = person.post(f"/api/v1/namespaces/{namespace}/pods", body)
    assert answer.status == 201 or "policy excepted: privileged containers: c;" in answer.message, answer.message
    return answer.status == 201


@pytest.fixture
def dev(library: ApiServer) -> Person:
    """Somebody who may do everything that policies allow."""
    return Person(library, "system:masters")


@pytest.fixture
def rescuer(library: ApiServer) -> Person:
    """A member of the break-glass group."""
    return Person(library, "system:masters", "lodestar:break-glass")


def path_of(place: str, body: Object) -> str:
    return STATIC[body["apiVersion"], body["kind"]].path(place)


def ask(person: Person, place: str, body: Object) -> Answer:
    """Asks whether an object may be made in the namespace of a rule."""
    return person.post(path_of(place, body), body)


def make(person: Person, place: str, body: Object) -> str:
    """Creates an object under a name of its own, and returns its path."""
    body = copy.deepcopy(body)
    body["metadata"]["name"] = f"n{next(_numbers)}"
    answer = person.post(path_of(place, body), body, dry_run=False)
    assert answer.status == 201, answer.message
    return f"{path_of(place, body)}/{body['metadata']['name']}"


def judged(place: str, stored: Object) -> str:
    """What the scan says of an object as the server shows it; empty when it passes."""
    (policy,) = read_all([declared(BY_PLACE[place])])
    made, *bindings = objects(policy, NOW)
    namespace = {"kind": "Namespace", "metadata": {"name": place, "labels": {"kubernetes.io/metadata.name": place}}}
    resource = STATIC[stored["apiVersion"], stored["kind"]]
    verdict = Judge(made, bindings, NOW).verdict(stored, resource, namespace)
    assert verdict is None or verdict.result in ("pass", "fail"), verdict
    return verdict.message if verdict is not None else ""


GOOD = [(cases.place, body) for cases in EVERY for body in cases.good]
BAD = [(cases.place, body, told) for cases in EVERY for body, told in cases.bad]
DEBUG = [(cases.place, cases.good[0], added, told) for cases in EVERY for added, told in cases.debug]


def test_what_keeps_a_rule_passes_and_the_scan_agrees(dev: Person) -> None:
    wrong = {}
    for place, body in GOOD:
        answer = ask(dev, place, body)
        # The server has warnings of its own.
        warned = [line for line in answer.warnings if "policy" in line]
        said = (answer.message, warned, judged(place, {**answer.body, **kind_of(body)}))
        if said != ("", [], ""):
            wrong[place, str(body)] = said
    assert wrong == {}


def kind_of(body: Object) -> Object:
    return {"apiVersion": body["apiVersion"], "kind": body["kind"]}


@pytest.mark.proves("policies.parameters")
def test_what_breaks_a_rule_is_refused_and_the_scan_says_the_same(dev: Person, rescuer: Person) -> None:
    wrong = {}
    for place, body, told in BAD:
        refusal = ask(dev, place, body).message
        stored = ask(rescuer, place, body)
        assert stored.status == 201, (place, stored.message)
        scanned = judged(place, {**stored.body, **kind_of(body)})
        if told not in refusal or not scanned or scanned not in refusal:
            wrong[place, str(body)] = (told, refusal, scanned)
    assert wrong == {}


def test_ephemeral_containers_are_judged_like_others(dev: Person, rescuer: Person) -> None:
    wrong = {}
    for place, body, added, told in DEBUG:
        path = make(dev, place, body)
        change = {"spec": {"ephemeralContainers": [added]}}
        refusal = dev.patch(f"{path}/ephemeralcontainers", change, STRATEGIC).message
        stored = rescuer.patch(f"{path}/ephemeralcontainers", change, STRATEGIC)
        scanned = judged(place, {**stored.body, **kind_of(body)})
        if told not in refusal or scanned not in refusal or not scanned:
            wrong[place] = (told, refusal, scanned)
    assert len(DEBUG) >= 7
    assert wrong == {}


def test_an_update_is_judged_by_what_it_brings(dev: Person, rescuer: Person) -> None:
    for place, bad in (
        ("no-privileged-containers", pod(container(securityContext={"privileged": True}))),
        ("replica-bounds", deployment(replicas=1)),
        ("allowed-service-types", service(type="NodePort")),
        ("no-privilege-escalation", pod()),
    ):
        path = make(rescuer, place, bad)
        assert dev.patch(path, {"metadata": {"labels": {"new": "label"}}}).message == "", place
    path = make(dev, "allowed-service-types", service())
    assert "not allowed: NodePort;" in dev.patch(path, {"spec": {"type": "NodePort"}}).message
    path = make(dev, "no-latest-tag", pod())
    change = {"spec": {"containers": [{"name": "c", "image": "a:latest"}]}}
    assert "a:latest" in dev.patch(path, change, STRATEGIC).message


def test_replicas_of_a_scale_count_and_zero_is_a_number(dev: Person, rescuer: Person) -> None:
    path = make(dev, "replica-bounds", deployment(replicas=3))
    for count in (0, 1, 5):
        assert f"not allowed: {count};" in dev.patch(f"{path}/scale", {"spec": {"replicas": count}}).message
        assert f"not allowed: {count};" in dev.patch(path, {"spec": {"replicas": count}}).message
    assert dev.patch(f"{path}/scale", {"spec": {"replicas": 4}}).message == ""
    low = make(rescuer, "replica-bounds", deployment(replicas=1))
    assert "not allowed: 0;" in dev.patch(f"{low}/scale", {"spec": {"replicas": 0}}).message


def test_a_resize_is_judged(dev: Person) -> None:
    path = make(dev, "max-resources", pod(container(resources={"limits": {"cpu": "1"}, "requests": {"cpu": "1"}})))
    more = {"limits": {"cpu": "3"}, "requests": {"cpu": "1"}}
    change = {"spec": {"containers": [{"name": "c", "resources": more}]}}
    assert "c (limits.cpu is 3)" in dev.patch(f"{path}/resize", change, STRATEGIC).message


def test_whoever_makes_a_workload_is_told_about_its_pods(dev: Person) -> None:
    for place, body, told in (
        ("no-privilege-escalation", deployment(), "escalate privileges: c"),
        ("required-probes", deployment("StatefulSet"), "without probes: c (readinessProbe)"),
        ("forbidden-namespaces", deployment(), "not for use: forbidden-namespaces"),
        (
            "allowed-storage-classes",
            deployment("StatefulSet", volumeClaimTemplates=[template("slow")]),
            "allowed: slow",
        ),
        ("no-privilege-escalation", cron_job(), "escalate privileges: c"),
    ):
        answer = ask(dev, place, body)
        assert answer.status == 201, answer.message
        assert told in " ".join(answer.warnings), place
        assert judged(place, {**answer.body, **kind_of(body)}) in answer.warnings[0]
    silent = deployment(template=pod(container(securityContext=SAFE)))
    assert ask(dev, "no-privilege-escalation", silent).warnings == []
    # In a template, no class means the cluster's default; of Jobs no probes are asked.
    unsaid = deployment("StatefulSet", volumeClaimTemplates=[template(None)])
    assert ask(dev, "allowed-storage-classes", unsaid).warnings == []
    assert ask(dev, "required-probes", cron_job()).warnings == []


def template(name: str | None) -> Object:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    return {"metadata": {"name": "data"}, "spec": {**spec, **({"storageClassName": name} if name else {})}}


def cron_job() -> Object:
    job = {"template": {"spec": {**pod()["spec"], "restartPolicy": "Never"}}}
    spec = {"schedule": "@daily", "jobTemplate": {"spec": job}}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "x"}, "spec": spec}


@pytest.mark.proves(
    "policies.exceptions.names",
    "policies.exceptions.namespaces",
    "policies.exceptions.tenants",
)
def test_an_exception_is_for_what_it_names_and_nothing_else(dev: Person) -> None:
    pairs = [("excepted", "old-1"), ("excepted", "whole"), ("shop", "any")]
    assert [pair for pair in pairs if not allowed(dev, *pair)] == []
    pairs = [("excepted", "older"), ("excepted", "whole-2"), ("excepted", "an-old-1"), ("other", "old-1")]
    assert [pair for pair in pairs if allowed(dev, *pair)] == []


@pytest.mark.proves("policies.exceptions.until")
def test_an_exception_that_has_ended_lets_nothing_new_through_even_before_the_next_run(dev: Person) -> None:
    assert not allowed(dev, "excepted", "ended")


def test_the_next_run_takes_an_ended_exception_out(library: ApiServer, dev: Person) -> None:
    predicted = steps(execute(OPERATION, library.runner, check=True, policies=POLICIES))
    done = steps(execute(OPERATION, library.runner, policies=POLICIES))
    name = "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy/excepted.policy.lodestar.platform"
    assert predicted == done == [f"update {name}"]
    with Client(library.runner) as client:
        held = client.get("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy", name.rpartition("/")[2])
    assert '"ended"' not in str(held)
    assert '"whole"' in str(held)
