# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An apply of 60 objects that is cut off at a request, meets faults, or meets another run: the next run ends it."""

from __future__ import annotations

import contextlib
import json
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.errors import PlatformError
from ansible_collections.lodestar.platform.plugins.module_utils.kube.applyset import DIGEST, ApplySet
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import MANAGER, Client
from ansible_collections.lodestar.platform.plugins.module_utils.kube.ownership import fields_of
from ansible_collections.lodestar.platform.plugins.module_utils.plan import StepFailed

from ..harness.apiserver import ApiServer
from ..harness.faults import FaultProxy, black_hole
from ..harness.objects import tenant_objects
from .test_apply import plan, run

Objects = list[dict[str, t.Any]]
#: Writes of the set: its objects and its parent.
WRITES = 61
#: Every so many boundaries the quick variant looks at one.
STRIDE = 20


def sixty(prefix: str) -> Objects:
    """Seven namespaces of tenants, and four objects of other kinds."""
    metadata = {"name": prefix, "namespace": "default"}
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
    rbac = "rbac.authorization.k8s.io/v1"
    return [
        *tenant_objects(prefix, 7),
        {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"password": "canary"}},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "1"}},
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [{"port": 80}]}},
        {"apiVersion": rbac, "kind": "ClusterRole", "metadata": {"name": prefix}, "rules": rules},
    ]


def state(client: Client, prefix: str) -> dict[str, t.Any]:
    """The members of a set and its parent as they stand, with what we own of them, by kind and name."""
    found = {}
    kinds = sorted({(obj["apiVersion"], obj["kind"]) for obj in sixty(prefix)})
    for kind in kinds:
        for obj in client.list(*kind, label_selector=ApplySet(prefix).selector):
            metadata = obj["metadata"]
            content = {key: value for key, value in obj.items() if key not in ("metadata", "status")}
            content.get("spec", {}).pop("clusterIP", None)
            content.get("spec", {}).pop("clusterIPs", None)
            annotations = {key: value for key, value in metadata.get("annotations", {}).items() if key != DIGEST}
            kept = [content, metadata.get("labels"), annotations, fields_of(obj, MANAGER)]
            found[f"{kind[1]}/{metadata.get('namespace')}/{metadata['name']}"] = kept
    parent = client.get("v1", "ConfigMap", f"applyset-{prefix}", "lodestar-system") or {}
    found["parent"] = parent.get("metadata", {}).get("annotations")
    text = json.dumps(found, sort_keys=True).replace(ApplySet(prefix).id, "SET").replace(prefix, "PREFIX")
    return t.cast(dict[str, t.Any], json.loads(text))


@pytest.fixture(scope="module")
def clean(api: ApiServer) -> dict[str, t.Any]:
    """What a run leaves that nothing happened to."""
    with Client(api.runner) as client:
        client.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "lodestar-system"}})
        run(client, sixty("tclean"), "tclean")
        return state(client, "tclean")


@pytest.fixture
def proxy(api: ApiServer) -> t.Iterator[FaultProxy]:
    with FaultProxy(api) as made:
        yield made


def settled(api: ApiServer, client: Client, prefix: str, clean: dict[str, t.Any]) -> None:
    """One more run makes of it what a clean run makes, and another one finds nothing to do."""
    run(client, sixty(prefix), prefix)
    assert state(client, prefix) == clean
    mark = api.audit.mark()
    assert run(client, sixty(prefix), prefix) == []
    assert not [request for request in api.audit.since(mark) if request.writes]


def cut(api: ApiServer, proxy: FaultProxy, prefix: str, number: int, done: bool) -> None:
    """A run that is killed at its write of this number, before or after the server has acted on it."""
    proxy.cut = False
    proxy.at_write(number, lambda: setattr(proxy, "cut", True), done)
    with Client(proxy.connection) as client, pytest.raises(StepFailed):
        run(client, sixty(prefix), prefix)


def boundaries(stride: int) -> t.Iterator[tuple[int, bool]]:
    yield from ((number, done) for number in range(1, WRITES + 1, stride) for done in (False, True))


def test_a_run_that_is_killed_is_ended_by_the_next(
    api: ApiServer, proxy: FaultProxy, client: Client, clean: dict[str, t.Any], prefix: str
) -> None:
    for number, done in boundaries(STRIDE):
        name = f"{prefix}-{number}{'d' if done else 'b'}"
        cut(api, proxy, name, number, done)
        settled(api, client, name, clean)


@pytest.mark.full
def test_a_run_that_is_killed_at_every_boundary_is_ended_by_the_next(
    api: ApiServer, proxy: FaultProxy, client: Client, clean: dict[str, t.Any], prefix: str, bar: t.Any
) -> None:
    places = list(boundaries(1))
    for number, done in places:
        name = f"{prefix}-{number}{'d' if done else 'b'}"
        cut(api, proxy, name, number, done)
        settled(api, client, name, clean)
    bar("an apply of 60 objects killed at every request boundary, then run again", f"{len(places)} of {len(places)}")


@pytest.mark.parametrize(
    ("act", "options"),
    [
        ("answer", {"status": 429, "headers": {"Retry-After": "1"}, "times": 4}),
        ("answer", {"status": 500, "times": 3}),
        ("answer", {"status": 503, "times": 5}),
        ("reset", {"times": 5}),
        ("lose", {"times": 5}),
        ("truncate", {"times": 5}),
    ],
    ids=["429", "500", "503", "reset before commit", "reset after commit", "truncated"],
)
def test_passing_faults_of_writes_and_reads_are_not_seen(
    api: ApiServer, proxy: FaultProxy, client: Client, clean: dict[str, t.Any], prefix: str, act: str, options: t.Any
) -> None:
    proxy.add(act, method="PATCH", path="networkpolicies", **options)
    proxy.add(act, method="GET", **{**options, "times": 1})
    with Client(proxy.connection) as shaky:
        run(shaky, sixty(prefix), prefix)
    assert state(client, prefix) == clean
    assert plan(client, sixty(prefix), prefix) == []


@pytest.mark.parametrize(
    ("act", "options", "said"),
    [
        ("drip", {}, "no answer before the deadline"),
        ("stall", {}, "no answer before the deadline"),
        ("answer", {"status": 409}, "as told"),
        ("answer", {"status": 429, "headers": {"Retry-After": "3600"}}, "as told"),
        ("answer", {"status": 500, "times": 100}, "as told"),
    ],
    ids=["slow body", "no answer", "409", "429 beyond the deadline", "500 for good"],
)
def test_a_fault_that_stays_is_named_within_the_deadline_and_the_next_run_ends_it(
    api: ApiServer, proxy: FaultProxy, client: Client, clean: dict[str, t.Any], prefix: str, act: str, options: t.Any,
    said: str,
) -> None:  # fmt: skip
    proxy.add(act, method="PATCH", path="resourcequotas", **options)
    begin = time.monotonic()
    with Client(proxy.connection, deadline=2.0) as shaky, pytest.raises(StepFailed) as failure:
        run(shaky, sixty(prefix), prefix)
    assert time.monotonic() - begin < 8
    assert said in str(failure.value)
    assert "ResourceQuota" in str(failure.value)
    settled(api, client, prefix, clean)


def test_a_server_that_is_gone_in_the_middle_costs_one_deadline(proxy: FaultProxy, client: Client, prefix: str) -> None:
    """And not one for each object that is left."""
    proxy.at_write(20, lambda: setattr(proxy, "dead", True))
    begin = time.monotonic()
    with Client(proxy.connection, deadline=1.5) as shaky, pytest.raises(StepFailed):
        run(shaky, sixty(prefix), prefix)
    assert time.monotonic() - begin < 6


def test_a_webhook_that_never_answers_is_named_although_the_deadline_ends_the_last_try(
    api: ApiServer, client: Client, prefix: str
) -> None:
    metadata = {"name": prefix, "namespace": "default"}
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {}}
    with black_hole() as url:
        hook = {
            "name": f"{prefix}.example.com",
            "clientConfig": {"url": url},
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["configmaps"]}],
            "objectSelector": {"matchLabels": {"hooked": prefix}},
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "timeoutSeconds": 1,
        }
        kind = "ValidatingWebhookConfiguration"
        webhook = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": {"name": prefix}}
        client.apply({**webhook, "webhooks": [hook]})
        try:
            time.sleep(1.5)  # until the server has heard of it
            hooked = {**config, "metadata": {**metadata, "labels": {"hooked": prefix}}}
            begin = time.monotonic()
            with Client(api.runner, deadline=2.5) as hasty, pytest.raises(StepFailed) as failure:
                run(hasty, [hooked], prefix)
            assert time.monotonic() - begin < 8
            assert f"{prefix}.example.com" in str(failure.value)
        finally:
            client.delete("admissionregistration.k8s.io/v1", kind, prefix)


def test_a_list_whose_token_expires_in_the_middle_begins_again(
    proxy: FaultProxy, client: Client, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(client, sixty(prefix), prefix)
    monkeypatch.setattr(Client._pages, "__defaults__", (5,))
    body = b'{"kind":"Status","reason":"Expired","message":"too old"}'
    proxy.add("answer", status=410, path="continue=", body=body, times=2)
    with Client(proxy.connection) as shaky:
        assert plan(shaky, sixty(prefix), prefix) == []
    assert proxy.faults[0].times == 0


# -- two runs at once


def test_two_runs_of_the_same_set_at_once_end_right(
    api: ApiServer, client: Client, clean: dict[str, t.Any], prefix: str
) -> None:
    def one(_number: int) -> None:
        with Client(api.runner) as own:
            run(own, sixty(prefix), prefix)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, range(2)))
    assert state(client, prefix) == clean
    assert plan(client, sixty(prefix), prefix) == []


def test_two_runs_that_declare_an_object_differently_lose_nothing_and_stop(
    api: ApiServer, client: Client, prefix: str
) -> None:
    """One of them may be refused. What stands is one of both, whole; a run of either then ends it, and it stays."""

    def declared(value: str) -> Objects:
        metadata = {"namespace": "default"}
        return [
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {**metadata, "name": f"{prefix}-{number}"},
                "data": {"a": value, f"only-{value}": "1"},
            }
            for number in range(20)
        ]

    def one(value: str) -> None:
        with Client(api.runner) as own, contextlib.suppress(StepFailed, PlatformError):
            run(own, declared(value), prefix)

    for _round in range(3):
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(one, ("x", "y")))
        for obj in client.list("v1", "ConfigMap", namespace="default", label_selector=ApplySet(prefix).selector):
            value = obj["data"]["a"]
            assert obj["data"] == {"a": value, f"only-{value}": "1"}
    run(client, declared("x"), prefix)
    assert plan(client, declared("x"), prefix) == []
    assert len(client.list("v1", "ConfigMap", label_selector=ApplySet(prefix).selector)) == 20
