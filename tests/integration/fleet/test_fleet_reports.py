# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""compliance_scan and drift over several clusters, one of which does not answer: the rest is judged, and who failed
is told with the reason, by the exit status, the recap and the files.
"""

from __future__ import annotations

import json
import typing as t
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import access_secret
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client

from tests.e2e.driver import Run

from ..harness.apiserver import ApiServer
from .conftest import LODESTAR
from .plays import Fleet
from .test_detach import tenant

Object = dict[str, t.Any]
NAMES = ("first", "second", "dead")
POLICIES = [
    {"name": "privileged", "rule": "no_privileged_containers", "mode": "deny"},
    {"name": "types", "rule": "allowed_service_types", "mode": "warn"},
]
#: What was there before any policy: one that is refused on the first cluster, one that is warned about on the second.
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "old", "namespace": "default"},
    "spec": {"containers": [{"name": "c", "image": "i", "securityContext": {"privileged": True}}]},
}
SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "open", "namespace": "default"},
    "spec": {"type": "NodePort", "ports": [{"port": 80}]},
}


class Reported:
    """Three clusters of a fleet, the last of which has gone; and the playbooks."""

    def __init__(self, fleet: Fleet, apis: list[ApiServer], folder: Path) -> None:
        self.fleet, self.folder = fleet, folder
        self.apis = dict(zip(NAMES, apis, strict=True))

    def scan(self, *arguments: str) -> Run:
        return self.fleet.run("compliance_scan", "-e", f"compliance_scan_report_dir={self.folder}", *arguments)

    def drift(self, *arguments: str) -> tuple[Run, dict[tuple[str, str], Object]]:
        """A run, and what it reports by cluster and set."""
        given = ["-e", '{"drift_sets": ["policy", "tenancy"]}', "-e", f"drift_report_path={self.folder / 'drift.json'}"]
        run = self.fleet.run("drift", *given, *arguments)
        found = json.loads((self.folder / "drift.json").read_text())["drift"]
        return run, {(item["cluster"], item["set"]): item for item in found}

    def report(self, name: str) -> tuple[Object, dict[str, int]]:
        """A cluster's JSON, and the counts of its JUnit."""
        suites = ElementTree.parse(self.folder / f"{name}.junit.xml").getroot()
        assert int(suites.get("tests", "")) == len(list(suites.iter("testcase")))
        counts = {key: int(suites.get(key, "")) for key in ("failures", "errors", "skipped")}
        return json.loads((self.folder / f"{name}.json").read_text()), counts

    def patch(self, cluster: str, space: str, label: str, manager: str, kind: str, **query: str) -> None:
        """Somebody says whose a namespace is."""
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"labels": {"lodestar.platform/tenant": label}}}
        with Client(self.apis[cluster].admin) as admin:
            query = {"fieldManager": manager, **query}
            path = f"/api/v1/namespaces/{space}"
            admin.request("PATCH", path, query=query, body=body, content_type=f"application/{kind}")


@pytest.fixture
def reported(
    three: list[ApiServer], hub: ApiServer, hub_access: Object, tmp_path: Path, prefix: str
) -> t.Iterator[Reported]:
    there = ((three[0], POD), (three[1], SERVICE))
    for api, obj in there:
        with Client(api.admin) as admin:
            admin.create(obj)
    clusters = {name: {"kubeconfig": api.kubeconfig()} for name, api in zip(NAMES, three, strict=True)}
    fleet = Fleet(tmp_path / "user", hub_access, clusters, tenants=[tenant(prefix)], policies=POLICIES)
    fleet.run("attach").checked()
    # Nothing listens there.
    with Client(hub.admin) as client:
        stored = access_secret.from_secret(
            "dead", client.get("v1", "Secret", access_secret.secret_name("dead"), "dead")
        )
        assert stored is not None
        client.apply(access_secret.to_secret(replace(stored, server="https://127.0.0.1:9")), force=True)
    yield Reported(fleet, three, tmp_path)
    for api, obj in there:
        with Client(api.admin) as admin:
            admin.delete(obj["apiVersion"], obj["kind"], obj["metadata"]["name"], "default")


def failed(run: Run) -> set[str]:
    return {host for host, counts in run.recap.items() if counts["failed"] or counts["unreachable"]}


def test_a_scan_of_the_fleet_tells_who_is_not_compliant_and_who_was_not_scanned(reported: Reported) -> None:
    run = reported.scan()
    said = " ".join(run.output.split())
    assert run.code != 0
    assert failed(run) == {"first", "dead"}
    assert "dead was not scanned: " in said
    assert "first is not compliant (compliance_scan_fail_on is deny): 1 violation(s) of policies that deny" in said
    first, counts = reported.report("first")
    assert (first["compliant"], counts) == (False, {"failures": 1, "errors": 0, "skipped": 0})
    assert [(item["mode"], item["object"]["name"]) for item in first["findings"]] == [("deny", "old")]
    second, counts = reported.report("second")
    assert (second["compliant"], second["violations"]["warn"], counts["failures"]) == (True, 1, 0)
    dead, counts = reported.report("dead")
    assert (dead["compliant"], counts["errors"], dead["policies"]) == (False, 1, [])
    assert "127.0.0.1:9" in dead["unreachable"]


@pytest.mark.full
def test_the_threshold_of_a_scan_decides_and_one_that_changes_nothing_writes_nothing(reported: Reported) -> None:
    alive = ("--limit", "hub,first,second")
    reported.scan(*alive, "-e", "compliance_scan_fail_on=none").checked()
    run = reported.scan(*alive, "-e", "compliance_scan_fail_on=warn")
    assert failed(run) == {"first", "second"}
    assert reported.report("second")[1]["failures"] == 1
    marks = {name: reported.apis[name].audit.mark() for name in NAMES}
    (reported.folder / "second.json").unlink()
    assert failed(reported.scan("--limit", "hub,second", "--check")) == set()
    assert not (reported.folder / "second.json").exists()
    for name, mark in marks.items():
        assert [request for request in reported.apis[name].audit.since(mark, LODESTAR) if request.writes] == []


@pytest.mark.full
def test_drift_of_a_fleet_is_told_repaired_by_set_and_a_conflict_is_named(reported: Reported, prefix: str) -> None:
    space = f"{prefix}-app"
    reported.patch("first", space, "mine", "kubectl-edit", "merge-patch+json")
    reported.patch("second", space, "mine", "argocd", "apply-patch+yaml", force="true")
    run, found = reported.drift("-e", "drift_enforce=policy")
    assert run.code != 0
    assert set(found) == {("first", "tenancy"), ("second", "tenancy"), ("dead", "access")}
    assert [(item["difference"], item["state"]) for item in found.values()].count(("failed", "left")) == 1
    assert (
        found["first", "tenancy"] | {"difference": "edited", "state": "found", "managers": ["kubectl-edit"]}
        == (found["first", "tenancy"])
    )
    assert "127.0.0.1:9" in found["dead", "access"]["reason"]
    said = " ".join(run.output.split())
    assert all(name in said for name in ("first", "second", "dead", "argocd", "kubectl-edit"))

    run, found = reported.drift("-e", "drift_enforce=tenancy,policy")
    assert run.code != 0
    assert found["first", "tenancy"]["state"] == "repaired"
    conflict = found["second", "tenancy"]
    assert (conflict["difference"], conflict["state"], conflict["managers"]) == ("conflict", "left", ["argocd"])
    run, found = reported.drift(
        "-e", "drift_enforce=tenancy", "-e", "drift_force=tenancy", "--limit", "hub,first,second"
    )
    assert run.checked().code == 0
    assert {key: item["state"] for key, item in found.items()} == {("second", "tenancy"): "repaired"}
    run, found = reported.drift("-e", "drift_fail=false")
    assert run.code == 0
    assert set(found) == {("dead", "access")}
