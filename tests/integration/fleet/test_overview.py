# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fleet report of a real hub and a real member: what is read and written, and that silence is told."""

from __future__ import annotations

import json
import time
import typing as t
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import access_secret
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.attach import OPERATION as ATTACH
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.overview import document
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.overview.operation import OPERATION as OVERVIEW
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.records_plan import OPERATION as RECORD
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.placement.info import OPERATION as PLACEMENT_INFO
from ansible_collections.lodestar.platform.plugins.module_utils.policy.compliance import OPERATION as SCAN

from ..harness.apiserver import ApiServer
from ..harness.faults import black_hole
from .conftest import LODESTAR, run
from .plays import Fleet

AT = "2026-06-01T12:00:00Z"
SCHEMA = json.loads((Path(document.__file__).parent / "schema.json").read_text())
RULE = {"name": "digests", "rule": "digest_only", "mode": "deny"}


@pytest.fixture
def recorded(
    member: ApiServer, east: dict[str, t.Any], hub: ApiServer, hub_access: dict[str, t.Any], prefix: str
) -> t.Iterator[str]:
    """A created cluster with a record, an access, a tenant's quota, a Node and a scan."""
    space = f"{prefix}-pay"
    quota = {"name": "pay", "namespace": space, "labels": {"lodestar.platform/tenant": "pay"}}
    hard = {"requests.cpu": "2", "pods": "10"}
    with Client(member.admin) as admin:
        admin.apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": f"{prefix}-node"}})
        admin.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}})
        admin.apply({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": quota, "spec": {"hard": hard}})
    for operation, more in (
        (ATTACH, {"tier": "lifecycle"}),
        (RECORD, {"cluster_labels": {"region": "north"}}),
        (SCAN, {"policies": [RULE], "in_force": False}),
    ):
        given = {"cluster": prefix, "access": east, "hub_access": hub_access, **more}
        done = run(operation, **{key: value for key, value in given.items() if key in operation.arguments})
        assert not done.get("failed"), done["msg"]
    yield prefix
    with Client(hub.admin) as client:
        client.delete("v1", "Secret", access_secret.secret_name(prefix), prefix)
        client.delete("wgpolicyk8s.io/v1alpha2", "PolicyReport", "lodestar-compliance-summary", prefix)
    with Client(member.admin) as client:
        client.delete("v1", "Node", f"{prefix}-node")
        client.delete("v1", "ResourceQuota", "pay", space)
        client.delete("v1", "Namespace", space)


def given(made: dict[str, t.Any]) -> dict[str, t.Any]:
    return {key: made[key] for key in ("server", "ca_data", "token")}


def test_the_fleet_is_read_once_and_written_down(
    hub: ApiServer, member: ApiServer, hub_access: dict[str, t.Any], recorded: str, tmp_path: Path
) -> None:
    paths = {"html": str(tmp_path / "out" / "fleet.html"), "json": str(tmp_path / "out" / "fleet.json")}
    asked: dict[str, t.Any] = {"access": given(hub_access), "names": [recorded], "at": AT, **paths}
    marks = hub.audit.mark(), member.audit.mark()
    planned = run(OVERVIEW, check=True, **asked)
    assert [step["action"] for step in planned["plan"]] == ["create"] * 3
    assert list(tmp_path.iterdir()) == []
    done = run(OVERVIEW, **asked)
    assert not done.get("failed"), done["msg"]
    assert [step["id"] for step in done["plan"]] == [step["id"] for step in planned["plan"]]
    for api, mark in zip((hub, member), marks, strict=True):
        assert not [item for item in api.audit.since(mark, LODESTAR) if item.writes or item.code in (401, 403)]

    report = json.loads(Path(paths["json"]).read_text())
    jsonschema.Draft202012Validator(SCHEMA).validate(report)
    (cluster,) = report["clusters"]
    assert (cluster["name"], cluster["labels"], cluster["unreadable"]) == (recorded, {"region": "north"}, {})
    assert cluster["live"]["state"] == "usable"
    # Other tests have left Nodes of their own on the server that they share.
    with Client(member.admin) as admin:
        there = sorted(str(node["metadata"]["name"]) for node in admin.list("v1", "Node"))
    assert f"{recorded}-node" in there
    assert sorted(node["name"] for node in cluster["nodes"]) == there
    assert cluster["tenants"] == [
        {
            "name": "pay",
            "declared": None,
            "seen": True,
            "namespaces": [f"{recorded}-pay"],
            "resources": {"pods": {"used": "0", "hard": "10"}, "requests.cpu": {"used": "0", "hard": "2"}},
        }
    ]
    assert [item["policy"] for item in cluster["policies"]] == ["digests.policy.lodestar.platform"]
    assert cluster["policies_since"]
    assert cluster["certificates"][0]["what"] == "serving certificate of the API server"
    assert report["placements"] == []
    page = Path(paths["html"]).read_text()
    for secret in (hub_access["token"], "BEGIN CERTIFICATE"):
        assert secret not in page + json.dumps(report) + json.dumps(done)
    assert Path(paths["html"]).stat().st_mode & 0o777 == 0o600


def test_placements_are_shown_when_there_are_any(
    hub: ApiServer, hub_access: dict[str, t.Any], recorded: str, tmp_path: Path
) -> None:
    api = "cluster.open-cluster-management.io/v1beta1"
    with Client(hub.admin) as admin:
        where = {"namespace": recorded}
        admin.apply({"apiVersion": api, "kind": "Placement", "metadata": {"name": "front", **where}, "spec": {}})
        label = {"cluster.open-cluster-management.io/placement": "front"}
        decision = {"apiVersion": api, "kind": "PlacementDecision", "metadata": {"name": "d", "labels": label, **where}}
        admin.apply(decision)
        status = {"decisions": [{"clusterName": recorded, "reason": ""}]}
        admin.apply({**decision, "status": status}, subresource="status")
        try:
            path, access = tmp_path / "fleet.json", given(hub_access)
            why = run(PLACEMENT_INFO, access=access, namespace=recorded)["placements"]
            done = run(OVERVIEW, access=access, names=[recorded], live=False, json=str(path), placements=why)
            assert not done.get("failed"), done["msg"]
        finally:
            admin.delete(api, "Placement", "front", recorded)
            admin.delete(api, "PlacementDecision", "d", recorded)
    report = json.loads(path.read_text())
    assert [(item["name"], item["clusters"]) for item in report["placements"]] == [("front", [recorded])]
    assert report["clusters"][0]["placements"] == [f"{recorded}/front"]
    assert report["clusters"][0]["nodes"] is None
    jsonschema.Draft202012Validator(SCHEMA).validate(report)
    # No set is bound to the namespace, so OCM would take the decision back.
    (told,) = report["clusters"][0]["explained"]
    assert (told["placement"], told["decided"], told["foretold"]) == (f"{recorded}/front", True, False)
    assert told["stage"] == "ClusterSet"
    assert "placements" in {item["area"] for item in report["findings"]}


def test_a_silent_cluster_costs_its_deadline_and_is_told(
    hub: ApiServer, hub_access: dict[str, t.Any], recorded: str, tmp_path: Path
) -> None:
    with black_hole() as address, Client(hub.admin) as admin:
        name = access_secret.secret_name(recorded)
        stored = access_secret.from_secret(recorded, admin.get("v1", "Secret", name, recorded))
        assert stored is not None
        admin.apply(access_secret.to_secret(replace(stored, server=address)), force=True)
        begin = time.monotonic()
        page = tmp_path / "fleet.html"
        answer = run(OVERVIEW, access=given(hub_access), names=[recorded], deadline=2, html=str(page))
        assert time.monotonic() - begin < 2 * 5
    (found, *_others) = answer["findings"]
    assert (found["severity"], found["area"]) == ("critical", "availability")
    assert address in found["text"]
    assert address in page.read_text()


def test_the_playbook_writes_the_report_and_fails_by_its_threshold(
    hub: ApiServer, hub_access: dict[str, t.Any], recorded: str, tmp_path: Path
) -> None:
    """With inputs as a survey of AWX gives them, which are texts."""
    fleet = Fleet(tmp_path / "fleet", hub_access, {recorded: {}}, placements=[{"name": "shop"}])
    page, text = tmp_path / "out" / "fleet.html", tmp_path / "out" / "fleet.md"
    chosen = {"fleet_report_clusters": f" {recorded},", "fleet_report_deadline": "5", "fleet_report_at": AT}
    survey = ["-e", json.dumps({"fleet_report_html": str(page), "fleet_report_markdown": str(text), **chosen})]
    mark = hub.audit.mark()
    planned = fleet.play("fleet_report", *survey, "--check", "--diff")
    assert planned.returncode == 0, planned.stdout[-4000:]
    assert not page.exists()
    assert '"sha256"' in planned.stdout
    done = fleet.play("fleet_report", *survey)
    assert done.returncode == 0, done.stdout[-4000:]
    assert recorded in page.read_text()
    assert recorded in text.read_text()
    assert "1 cluster: 1 critical" in done.stdout
    failed = fleet.play("fleet_report", *survey, "-e", "fleet_report_fail_on=critical")
    assert failed.returncode != 0
    assert "finding(s) that need attention" in " ".join(failed.stdout.split())
    assert not [item for item in hub.audit.since(mark, LODESTAR) if item.writes]
