# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The compliance scan and the stages of policies on a real API server with objects that were there first."""

from __future__ import annotations

import contextlib
import json
import time
import typing as t
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.kube.errors import ApiError
from ansible_collections.lodestar.platform.plugins.module_utils.policy.compliance import OPERATION as SCAN
from ansible_collections.lodestar.platform.plugins.module_utils.policy.operate import OPERATION as POLICY
from ansible_collections.lodestar.platform.plugins.module_utils.policy.scan_report import API_VERSION, NAME

from ..harness.apiserver import ApiServer
from ..harness.people import Person, execute, steps
from ..harness.programs import bundle
from .things import container, deployment, pod, service

Object = dict[str, t.Any]
ADMISSION = "admissionregistration.k8s.io/v1"
PRIVILEGED = {"name": "privileged", "rule": "no_privileged_containers", "mode": "audit"}
TYPES = {"name": "types", "rule": "allowed_service_types", "mode": "warn"}
UNKNOWN = {
    "name": "unknown",
    "rule": "cel",
    "mode": "deny",
    "parameters": {
        "resources": [{"resources": ["services"]}],
        "validations": [{"expression": "authorizer.group('').resource('pods').check('get').allowed()", "message": "m"}],
    },
}
#: Made by somebody else, with an exemption by an object selector.
FOREIGN: list[Object] = [
    {
        "apiVersion": ADMISSION,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": "theirs"},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {
                "resourceRules": [
                    {
                        "apiGroups": ["apps"],
                        "apiVersions": ["v1"],
                        "operations": ["CREATE"],
                        "resources": ["deployments"],
                    }
                ]
            },
            "validations": [{"expression": "object.spec.replicas < 3", "message": "too many"}],
        },
    },
    {
        "apiVersion": ADMISSION,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": "theirs"},
        "spec": {
            "policyName": "theirs",
            "validationActions": ["Deny"],
            "matchResources": {"objectSelector": {"matchExpressions": [{"key": "free", "operator": "DoesNotExist"}]}},
        },
    },
]
OBJECTS = [
    ("old", pod(container(securityContext={"privileged": True}))),
    ("new", pod()),
    ("big", deployment(replicas=3)),
    ("free", {**deployment(replicas=9), "metadata": {"name": "free", "labels": {"free": ""}}}),
    ("port", service(type="NodePort")),
    ("kube", pod(container(securityContext={"privileged": True}))),
]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, tools: dict[str, Path]) -> t.Iterator[ApiServer]:
    """A server that serves policy reports, with objects from before any policy, and a policy of somebody else's."""
    with ApiServer(tmp_path_factory.mktemp("filled"), tools) as server, Client(server.runner) as client:
        for text in (bundle() / "crds" / "crds-policyreport.yaml").read_text().split("\n---"):
            if yaml.safe_load(text):
                client.apply(yaml.safe_load(text), force=True)
        admin = Person(server, "system:masters")
        admin.post("/api/v1/namespaces", {"metadata": {"name": "shop"}}, dry_run=False)
        for name, body in OBJECTS:
            namespace = "kube-system" if name == "kube" else "shop"
            client.create({**body, "metadata": {**body["metadata"], "name": name, "namespace": namespace}})
        for obj in FOREIGN:
            client.create(obj)
        yield server


def scanned(server: ApiServer, check: bool = False, **given: t.Any) -> Object:
    result = execute(SCAN, server.runner, check, **given)
    assert not result.get("failed"), result.get("msg")
    return result


def broken(result: Object) -> set[tuple[str, str, str]]:
    found = result["scan"]["findings"]
    return {(item["policy"].split(".")[0], item["object"]["kind"], item["object"]["name"]) for item in found}


def test_what_runs_is_judged_by_what_is_declared_and_what_is_in_force(filled: ApiServer) -> None:
    result = scanned(filled, policies=[PRIVILEGED, TYPES, UNKNOWN], report=False)
    assert broken(result) == {
        ("privileged", "Pod", "old"),
        ("types", "Service", "port"),
        ("theirs", "Deployment", "big"),
    }
    assert result["scan"]["violations"] == {"audit": 1, "warn": 1, "deny": 1}
    assert result["compliant"] is False
    assert [item["policy"].split(".")[0] for item in result["scan"]["skipped"]] == ["unknown"]
    assert any("authorizer" in line for line in result["warnings"])
    assert scanned(filled, policies=[PRIVILEGED], in_force=False, report=False)["compliant"] is True
    assert scanned(filled, policies=[PRIVILEGED], in_force=False, report=False, fail_on="audit")["compliant"] is False
    assert broken(scanned(filled, policies=[], in_force=False, report=False)) == set()


def test_a_scan_lists_each_kind_once_and_writes_nothing_without_reports(filled: ApiServer) -> None:
    mark = filled.audit.mark()
    scanned(filled, policies=[PRIVILEGED, TYPES, {**PRIVILEGED, "name": "again"}], report=False)
    requests = filled.audit.since(mark)
    lists = [request.uri.split("?")[0] for request in requests if request.verb == "list"]
    assert len(lists) == len(set(lists))
    assert not [request for request in requests if request.writes]


def test_reports_on_the_cluster_and_in_files(filled: ApiServer, tmp_path: Path) -> None:
    given: Object = {"policies": [PRIVILEGED, TYPES], "report_dir": str(tmp_path)}
    predicted = scanned(filled, check=True, **given)
    assert list(tmp_path.iterdir()) == []
    done = scanned(filled, **given)
    assert steps(predicted) == steps(done)
    with Client(filled.runner) as client:
        report = client.get(API_VERSION, "PolicyReport", NAME, "shop") or {}
        assert client.get(API_VERSION, "ClusterPolicyReport", NAME)
    assert report["summary"] | {"pass": 0} == {"pass": 0, "fail": 1, "warn": 2, "error": 0, "skip": 0}
    results = {
        (item["policy"].split(".")[0], item["result"], item["resources"][0]["name"]) for item in report["results"]
    }
    assert results == {("theirs", "fail", "big"), ("types", "warn", "port"), ("privileged", "warn", "old")}
    assert json.loads((tmp_path / "east.json").read_text()) == done["scan"]
    suites = ElementTree.parse(tmp_path / "east.junit.xml").getroot()
    assert {key: suites.get(key) for key in ("failures", "errors", "skipped")} == {
        "failures": "1", "errors": "0", "skipped": "0",
    }  # fmt: skip
    assert int(suites.get("tests", "0")) == len(list(suites.iter("testcase")))
    assert set(predicted["scan"]) == set(done["scan"])
    mark = filled.audit.mark()
    assert steps(scanned(filled, **given)) == []
    assert not [request for request in filled.audit.since(mark) if request.writes]
    with Client(filled.runner) as client:
        client.delete("v1", "Service", "port", "shop")
    update = f"update {API_VERSION}/PolicyReport/shop/{NAME}"
    assert steps(scanned(filled, policies=[PRIVILEGED, TYPES])) == [update]


def test_the_hub_keeps_a_summary_in_the_namespace_of_the_cluster(filled: ApiServer) -> None:
    access = {"server": filled.url, "ca_data": filled.runner.ca_data, "token": filled.runner.token}
    given: Object = {"policies": [PRIVILEGED, UNKNOWN], "hub_access": access, "hub": "global"}
    told = scanned(filled, check=True, **given)["warnings"]
    assert any("global does not know it" in line for line in told)
    summary = f"{API_VERSION}/PolicyReport/east/{NAME}-summary"
    with Client(filled.runner) as client:
        client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "east"}})
        assert f"create {summary}" in steps(scanned(filled, **given))
        kept = client.get(API_VERSION, "PolicyReport", f"{NAME}-summary", "east") or {}
    assert kept["summary"] == {"pass": 0, "fail": 1, "warn": 1, "error": 0, "skip": 1}
    messages = {item["policy"].split(".")[0]: item["message"] for item in kept["results"]}
    assert messages["theirs"] == "1 of 1 object(s) break it"
    assert "authorizer" in messages["unknown"]
    assert steps(scanned(filled, **given)) == []


@pytest.mark.proves("policy:accept_violations")
def test_a_stricter_stage_is_refused_with_figures_while_objects_break_it(filled: ApiServer) -> None:
    assert not execute(POLICY, filled.runner, policies=[PRIVILEGED]).get("failed")
    denying = [{**PRIVILEGED, "mode": "deny"}]
    mark = filled.audit.mark()
    for check in (True, False):
        refused = execute(POLICY, filled.runner, check, policies=denying)
        assert "policy privileged would go from audit to deny: 1 of " in refused["msg"]
        assert "in 1 namespace(s) break it (Pod shop/old)" in refused["msg"]
        assert "accept_violations" in refused["msg"]
    assert not [request for request in filled.audit.since(mark) if request.writes]
    accepted = execute(POLICY, filled.runner, policies=denying, accept_violations=True)
    assert any("it is entered all the same" in line for line in accepted["warnings"])
    # Edited by hand, which is no stage: it is put back whatever breaks it.
    path = f"/apis/{ADMISSION}/validatingadmissionpolicybindings/privileged.policy.lodestar.platform"
    edited = Person(filled, "system:masters").patch(path, {"spec": {"validationActions": ["Audit"]}})
    assert edited.status == 200
    assert len(steps(execute(POLICY, filled.runner, policies=denying))) == 1
    milder = execute(POLICY, filled.runner, policies=[{**PRIVILEGED, "mode": "warn"}])
    assert len(steps(milder)) > 0
    with Client(filled.runner) as client:
        client.delete("v1", "Pod", "old", "shop")
    mended = execute(POLICY, filled.runner, policies=denying)
    assert len(steps(mended)) > 0
    assert "warnings" not in mended


def test_a_policy_that_cannot_be_judged_does_not_become_stricter_unnoticed(filled: ApiServer) -> None:
    kept = {**PRIVILEGED, "mode": "deny"}
    assert not execute(POLICY, filled.runner, policies=[kept, {**UNKNOWN, "mode": "audit"}]).get("failed")
    refused = execute(POLICY, filled.runner, policies=[kept, UNKNOWN])
    assert "policy unknown would go from audit to deny: it is not judged here: authorizer" in refused["msg"]
    assert not execute(POLICY, filled.runner, policies=[kept, UNKNOWN], accept_violations=True).get("failed")


def test_a_cluster_without_the_report_api_is_told(filled: ApiServer) -> None:
    with Client(filled.admin) as client:
        for plural in ("policyreports", "clusterpolicyreports"):
            client.delete("apiextensions.k8s.io/v1", "CustomResourceDefinition", f"{plural}.wgpolicyk8s.io")
        for _attempt in range(100):
            client.forget(API_VERSION)
            with contextlib.suppress(ApiError):
                if not client.served(API_VERSION):
                    break
            time.sleep(0.1)
    result = scanned(filled, policies=[PRIVILEGED])
    assert any("crds-policyreport.yaml" in line for line in result["warnings"])
    assert steps(result) == []
