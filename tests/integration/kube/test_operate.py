# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module apply on a real API server: sources, guards, ignored fields, rehearsals, and what it tells of objects."""

from __future__ import annotations

import json
import shutil
import typing as t
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.kube.operate import OPERATION
from ansible_collections.lodestar.platform.plugins.module_utils.operation import Context

from ..harness.apiserver import ApiServer
from ..harness.objects import tenant_objects
from .test_apply import crd, edit, thing


class Module:
    """The module against one server, with one set."""

    def __init__(self, api: ApiServer, name: str, path: str) -> None:
        access = {"server": api.url, "ca_data": api.runner.ca_data, "token": api.runner.token}
        self._given = {"applyset": name, "access": access, "cluster": "east"}
        self._path = path

    def __call__(self, *objects: t.Any, check: bool = False, **options: t.Any) -> dict[str, t.Any]:
        params = {name: spec.get("default") for name, spec in OPERATION.arguments.items()}
        given = {"objects": list(objects)} if objects else {}
        return OPERATION.execute({**params, **self._given, **given, **options}, Context({"PATH": self._path}), check)


@pytest.fixture
def module(api: ApiServer, prefix: str, tools: dict[str, Path]) -> Module:
    return Module(api, prefix, str(tools["kubectl"].parent))


def done(answer: dict[str, t.Any]) -> dict[str, t.Any]:
    assert not answer.get("failed"), answer["msg"]
    return answer


def config(name: str, **data: str) -> dict[str, t.Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}, "data": data}


def config_id(name: str) -> str:
    return f"v1/ConfigMap/default/{name}"


def web(prefix: str, **spec: t.Any) -> dict[str, t.Any]:
    labels = {"app": prefix}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "app", "image": "example/app:1"}]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": prefix, "namespace": "default"},
        "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": pod, **spec},
    }


# -- sources


def test_a_directory_and_a_kustomization_are_one_set(
    module: Module, client: Client, prefix: str, tmp_path: Path
) -> None:
    manifests, overlay = tmp_path / "manifests", tmp_path / "overlay"
    manifests.mkdir()
    overlay.mkdir()
    (manifests / "a.yml").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": [config(f"{prefix}-a")]}))
    (overlay / "b.yml").write_text(json.dumps(config("b", key="1")))
    (overlay / "kustomization.yml").write_text(f"resources: [b.yml]\nnamePrefix: {prefix}-\n")
    answer = done(module(src=[str(manifests), str(overlay)]))
    assert answer["outcome"]["created"] == [config_id(f"{prefix}-a"), config_id(f"{prefix}-b")]
    assert client.get("v1", "ConfigMap", f"{prefix}-b", "default") is not None
    assert done(module(src=[str(manifests), str(overlay)]))["changed"] is False
    (manifests / "a.yml").write_text("# rendered by nobody\n")
    refused = module(src=[str(manifests), str(overlay)])
    assert "template that failed" in refused["msg"]
    shutil.rmtree(manifests)
    assert module(src=[str(manifests), str(overlay)])["failed"]
    assert client.get("v1", "ConfigMap", f"{prefix}-a", "default") is not None


def test_objects_without_a_namespace_get_the_default_one(module: Module, prefix: str) -> None:
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": prefix}}
    homeless = config(prefix)
    del homeless["metadata"]["namespace"]
    assert "metadata.namespace" in module(homeless, role)["msg"]
    assert config_id(prefix) in done(module(homeless, role, default_namespace="default"))["objects"]


# -- guards


def test_a_set_that_shrinks_too_much_is_refused_in_check_mode_too(module: Module, client: Client, prefix: str) -> None:
    objects = [config(f"{prefix}-{number}") for number in range(12)]
    done(module(*objects))
    for check in (True, False):
        refused = module(*objects[:5], check=check)
        assert "7 of the 12 objects" in refused["msg"]
        assert "prune_limit" in refused["msg"]
        assert len(refused["withheld"]) == 7
    assert client.get("v1", "ConfigMap", f"{prefix}-11", "default") is not None
    assert done(module(*objects[:6]))["outcome"]["pruned"] == sorted(config_id(f"{prefix}-{n}") for n in range(6, 12))
    assert len(done(module(objects[0], prune_limit=100))["outcome"]["pruned"]) == 5
    assert "0 to 100" in module(objects[0], prune_limit=101)["msg"]


def test_an_object_in_a_namespace_that_is_going_is_refused_by_name(module: Module, client: Client, prefix: str) -> None:
    client.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": prefix}})
    client.delete("v1", "Namespace", prefix)
    late = config(prefix)
    late["metadata"]["namespace"] = prefix
    refused = module(late, check=True)
    assert f"ConfigMap {prefix}/{prefix} cannot be made: Namespace {prefix} is being deleted" in refused["msg"]


# -- fields that others hold


def test_an_autoscalers_replicas_are_left_alone(module: Module, api: ApiServer, client: Client, prefix: str) -> None:
    rule = {"group": "apps", "kind": "Deployment", "paths": ["spec.replicas"]}
    done(module(web(prefix), ignore=[rule]))
    path = f"/apis/apps/v1/namespaces/default/deployments/{prefix}/scale"
    with Client(api.admin) as admin:
        scale = {"spec": {"replicas": 7}}
        admin.request(
            "PATCH", path, query={"fieldManager": "hpa"}, body=scale, content_type="application/merge-patch+json"
        )
    refused = module(web(prefix), check=True)
    assert refused["conflicts"][0]["fields"][0]["path"] == "spec.replicas"
    assert refused["conflicts"][0]["fields"][0]["managers"][0]["name"] == "hpa"
    assert done(module(web(prefix), ignore=[rule]))["changed"] is False
    changed = done(module(web(prefix, minReadySeconds=5), ignore=[rule]))["outcome"]["changed"]
    assert changed == [{"id": f"apps/v1/Deployment/default/{prefix}", "paths": ["spec.minReadySeconds"]}]
    there = client.get("apps/v1", "Deployment", prefix, "default")
    assert there is not None
    assert there["spec"]["replicas"] == 7
    assert done(module(web(prefix, minReadySeconds=5), ignore=[rule]))["changed"] is False
    assert (
        "matches none"
        in done(module(web(prefix, minReadySeconds=5), ignore=[rule, {**rule, "kind": "Pod"}]))["warnings"][0]
    )


def test_what_somebody_edited_is_told_with_the_manager_and_since_when(
    module: Module, api: ApiServer, prefix: str
) -> None:
    done(module(config(prefix, a="1", b="1")))
    edit(api, f"/api/v1/namespaces/default/configmaps/{prefix}", {"data": {"b": "2"}}, manager="kubectl-edit")
    answer = done(module(config(prefix, a="1", b="1"), check=True))
    assert answer["outcome"]["changed"] == [{"id": config_id(prefix), "paths": ["data.b"]}]
    cause = answer["plan"][0]["cause"]
    assert (cause["redeclared"], [field["path"] for field in cause["fields"]]) == (False, ["data.b"])
    assert cause["fields"][0]["managers"][0]["name"] == "kubectl-edit"
    assert cause["fields"][0]["managers"][0]["since"].endswith("Z")
    assert done(module(config(prefix, a="1", b="1")))["plan"] == answer["plan"]


# -- rehearsal


def test_check_mode_says_what_the_server_would_refuse(module: Module, api: ApiServer, prefix: str) -> None:
    mark = api.audit.mark()
    misspelt = web(prefix, replicsa=3)
    answer = module(config(prefix), misspelt, check=True)
    assert "1 step(s) would fail" in answer["msg"]
    assert answer["failed_steps"][0]["id"] == f"apps/v1/Deployment/default/{prefix}"
    assert "replicsa" in answer["msg"]
    assert (answer["changed"], len(answer["plan"])) == (False, 3)
    assert not [request for request in api.audit.since(mark) if request.writes]
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {"name": prefix, "namespace": "default"},
        "stringData": {"bad key": "canary"},
    }
    assert "canary" not in json.dumps(module(secret, check=True))


def test_what_the_same_run_makes_first_is_judged_as_far_as_possible(module: Module, prefix: str) -> None:
    objects = [*tenant_objects(prefix, 1), crd(prefix), thing(prefix)]
    answer = done(module(*objects, check=True))
    told = {item["id"]: item["reason"] for item in answer["not_rehearsed"]}
    fits = "its definition comes with the same run; its fields fit it"
    assert told[f"{prefix}.example.com/v1/Thing/default/one"] == fits
    assert (
        told[f"v1/ResourceQuota/{prefix}-0/quota"]
        == f"its namespace {prefix}-0 does not exist yet; its fields are valid"
    )
    assert set(answer["outcome"]["created"]) == {*answer["objects"]}
    quota = next(obj for obj in objects if obj["kind"] == "ResourceQuota")
    quota["spec"]["hrad"] = quota["spec"].pop("hard")
    refused = module(*objects, check=True)
    assert "hrad" in refused["msg"], "a misspelt field is found although the namespace is yet to come"
    misfit = {**thing(prefix), "spec": {"sise": 1}}
    assert "spec.sise: is an unknown field" in module(crd(prefix), misfit, check=True)["msg"]
    done(module(*tenant_objects(prefix, 1), crd(prefix), thing(prefix)))
    assert done(module(*tenant_objects(prefix, 1), crd(prefix), thing(prefix), check=True))["not_rehearsed"] == []


# -- what it tells


def test_what_failed_keeps_nothing_of_its_wave_from_being_done_and_both_are_told(
    module: Module, client: Client, prefix: str
) -> None:
    def service(number: int, port: int) -> dict[str, t.Any]:
        metadata = {"name": f"{prefix}-{number}", "namespace": "default"}
        return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [{"port": port}]}}

    late = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": prefix},
    }
    objects = [config(prefix), service(1, 80), service(2, 99999), service(3, 99998), service(4, 80), late]
    answer = module(*objects)
    outcome = answer["outcome"]
    assert [item["id"] for item in outcome["failed"]] == [f"v1/Service/default/{prefix}-{n}" for n in (2, 3)]
    assert all("spec.ports[0].port" in item["reason"] for item in outcome["failed"])
    assert outcome["created"] == [config_id(prefix), *(f"v1/Service/default/{prefix}-{n}" for n in (1, 4))]
    assert outcome["not_begun"] == [f"admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration/{prefix}"]
    assert "2 steps failed" in answer["msg"]
    assert answer["changed"] is True
    assert client.get("v1", "Service", f"{prefix}-4", "default") is not None
    objects[2:4] = [service(2, 80), service(3, 80)]
    outcome = done(module(*objects))["outcome"]
    assert (len(outcome["created"]), outcome["unchanged"]) == (3, 3)
