# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fleet read from a real hub: by modules, and as an inventory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import typing as t
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import access_secret
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.access_review import OPERATION as REVIEW
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.attach import OPERATION as ATTACH
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.cluster_info import OPERATION as CLUSTER_INFO
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.fleet_info import OPERATION as FLEET_INFO
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.records_plan import OPERATION as RECORD
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.upgrades.operations import GATE

from ..harness.apiserver import ApiServer
from ..harness.faults import black_hole
from .conftest import connection, run, uid_of

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def recorded(
    member: ApiServer, east: dict[str, t.Any], hub: ApiServer, hub_access: dict[str, t.Any], prefix: str
) -> t.Iterator[str]:
    """The name of a created cluster with a record and an access on the hub."""
    for operation, more in ((ATTACH, {"tier": "lifecycle"}), (RECORD, {"cluster_labels": {"region": "north"}})):
        done = run(operation, cluster=prefix, access=east, hub_access=hub_access, **more)
        assert not done.get("failed"), done["msg"]
    yield prefix
    with Client(hub.admin) as client:
        client.delete("v1", "Secret", access_secret.secret_name(prefix), prefix)


def given(made: dict[str, t.Any]) -> dict[str, t.Any]:
    return {key: made[key] for key in ("server", "ca_data", "token")}


def test_a_cluster_says_what_it_is_and_whose(member: ApiServer, east: dict[str, t.Any], recorded: str) -> None:
    mark = member.audit.mark()
    answer = run(CLUSTER_INFO, access=given(east))
    assert not answer.get("failed"), answer["msg"]
    info = answer["info"]
    assert (info["uid"], info["server"]) == (uid_of(member), member.url)
    assert info["version"].startswith("v1.")
    assert info["distribution"]["name"] == "unknown"
    assert "apps" in info["api_groups"]
    assert info["sets"] == ["properties"]
    assert info["credential_expires"].startswith(east["expires"].rstrip("Z"))
    assert not [item for item in member.audit.since(mark) if item.writes]


def test_the_hub_tells_its_fleet_and_whether_it_answers(
    hub: ApiServer, member: ApiServer, hub_access: dict[str, t.Any], recorded: str
) -> None:
    mark = hub.audit.mark()
    answer = run(FLEET_INFO, access=given(hub_access), live=True, names=[recorded, "nobody"])
    assert answer["warnings"] == ["the hub has no record of nobody"]
    (cluster,) = answer["clusters"]
    assert (cluster["name"], cluster["labels"], cluster["available"]) == (recorded, {"region": "north"}, "True")
    assert cluster["uid"] == uid_of(member)
    assert cluster["access_expires"] == cluster["live"]["expires"]
    assert cluster["conditions"]["AccessValid"]["status"] == "True"
    assert answer["detachments"] == []
    assert (cluster["live"]["state"], cluster["live"]["reason"]) == ("usable", "")
    with Client(member.admin) as admin:
        assert cluster["live"]["nodes"] == {"ready": 0, "total": len(admin.list("v1", "Node"))}
    assert not [item for item in hub.audit.since(mark) if item.writes]
    assert hub_access["token"] not in json.dumps(answer)
    assert run(FLEET_INFO, access=given(hub_access), label_selector="region=south")["clusters"] == []


def test_the_next_clusters_are_upgraded_when_those_before_are_well(
    member: ApiServer, hub_access: dict[str, t.Any], recorded: str
) -> None:
    wave = {"name": "group 0", "stage": 0, "failures": 0, "limit": "maxFailures: 0", "refused": []}
    waves = [{**wave, "clusters": [recorded]}, {**wave, "clusters": ["other"], "stage": 1}]
    asked = {"waves": waves, "begins": 1, "hub_access": given(hub_access)}
    with Client(member.admin) as admin:
        # Others have left theirs, and nobody needs them any more.
        for left in admin.list("v1", "Node"):
            admin.delete("v1", "Node", left["metadata"]["name"])
        admin.apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "e1"}})
        try:
            told = run(GATE, **asked)
            assert told["ill"] == {recorded: "0 of 1 nodes are ready"}
            assert told["stopped"].endswith(f"{recorded}: 0 of 1 nodes are ready. Not begun: other")
            node = admin.get("v1", "Node", "e1")
            assert node is not None
            node["status"] = {**(node.get("status") or {}), "conditions": [{"type": "Ready", "status": "True"}]}
            admin.apply({**node, "metadata": {"name": "e1"}}, force=True, subresource="status")
            told = run(GATE, **asked)
            assert (told["ill"], told["stopped"]) == ({}, "")
            undone = run(GATE, **asked, undone={recorded: ["e2"]})
            assert undone["ill"] == {recorded: "e2 not upgraded"}
        finally:
            admin.delete("v1", "Node", "e1")


def test_a_cluster_that_swallows_everything_costs_its_deadline(
    hub: ApiServer, hub_access: dict[str, t.Any], recorded: str
) -> None:
    with black_hole() as address, Client(hub.admin) as admin:
        name = access_secret.secret_name(recorded)
        stored = access_secret.from_secret(recorded, admin.get("v1", "Secret", name, recorded))
        assert stored is not None
        admin.apply(access_secret.to_secret(replace(stored, server=address)), force=True)
        begin = time.monotonic()
        answer = run(FLEET_INFO, access=given(hub_access), live=True, names=[recorded], deadline=2)
        assert time.monotonic() - begin < 2 * 5  # its own deadline, and not the client's
    (cluster,) = answer["clusters"]
    assert cluster["live"]["state"] == "unreachable"
    assert address in cluster["live"]["reason"]
    assert cluster["available"] == "True"  # what was recorded stays as it is


def test_the_hub_asks_its_clusters_who_may_do_what(
    hub: ApiServer, member: ApiServer, hub_access: dict[str, t.Any], recorded: str
) -> None:
    """With the access that the hub keeps; a cluster that does not answer is named, and the others are told."""
    account = {"kind": "ServiceAccount", "name": "lodestar", "namespace": "lodestar-system"}
    asked = {"access": given(hub_access), "subject": account, "resources": ["nodes"], "names": [recorded]}
    mark = member.audit.mark()
    answer = run(REVIEW, **asked)
    assert answer["unanswered"] == {}
    assert {row["binding"] for row in answer["rows"]} == {"ClusterRoleBinding lodestar:lifecycle"}
    assert not [item for item in member.audit.since(mark) if item.writes]
    assert hub_access["token"] not in json.dumps(answer)
    with black_hole() as address, Client(hub.admin) as admin:
        name = access_secret.secret_name(recorded)
        stored = access_secret.from_secret(recorded, admin.get("v1", "Secret", name, recorded))
        assert stored is not None
        admin.apply(access_secret.to_secret(replace(stored, server=address)), force=True)
        begin = time.monotonic()
        answer = run(REVIEW, **asked, deadline=1)
        assert time.monotonic() - begin < 1 * 5
    assert answer["rows"] == []
    assert address in answer["unanswered"][recorded]
    assert recorded in answer["table"][-1]


def test_wrong_numbers_are_refused(hub_access: dict[str, t.Any]) -> None:
    answer = run(FLEET_INFO, access=given(hub_access), deadline=0, at_once=0)
    assert answer["failed"]
    assert "deadline = 0" in answer["msg"]
    assert "at_once = 0" in answer["msg"]


def listed(source: Path, **environ: str) -> dict[str, t.Any]:
    """What ansible-inventory says."""
    command = [sys.executable, "-m", "ansible", "inventory", "-i", str(source), "--list"]
    there = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), **environ}
    done = subprocess.run(command, cwd=ROOT, env=there, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {"said": done.stdout + done.stderr, **json.loads(done.stdout, object_hook=_plain)}


def _plain(found: dict[str, t.Any]) -> t.Any:
    """ansible-inventory marks texts that are no templates."""
    return found["__ansible_unsafe"] if list(found) == ["__ansible_unsafe"] else found


def test_the_hub_is_an_inventory(tmp_path: Path, hub: ApiServer, hub_access: dict[str, t.Any], recorded: str) -> None:
    source = tmp_path / "north.fleet.yml"
    source.write_text(
        yaml.safe_dump(
            {
                "plugin": "lodestar.platform.fleet",
                "label_selector": "region=north",
                "keyed_groups": [
                    {"key": "fleet_labels.region", "prefix": "region"},
                    {"key": "fleet_available", "prefix": "available"},
                ],
                "groups": {"made_here": "fleet_mode == 'create'"},
                "compose": {"place": "fleet_labels.region | upper"},
                "strict": True,
                "cache": True,
                "cache_plugin": "ansible.builtin.jsonfile",
                "cache_connection": str(tmp_path / "cache"),
            }
        )
    )
    environ = {
        "K8S_AUTH_HOST": hub_access["server"],
        "K8S_AUTH_API_KEY": hub_access["token"],
        "K8S_AUTH_SSL_CA_CERT": connection(hub_access).ca_data,
    }
    found = listed(source, **environ)
    for group in ("clusters", "region_north", "available_True", "made_here"):
        assert found[group]["hosts"] == [recorded], group
    variables = found["_meta"]["hostvars"][recorded]
    assert variables["ansible_connection"] == "local"
    assert (variables["place"], variables["fleet_version"][:3]) == ("NORTH", "v1.")
    kept = "".join(path.read_text() for path in (tmp_path / "cache").iterdir())
    assert recorded in kept
    assert hub_access["token"] not in found["said"] + kept

    mark = hub.audit.mark()
    assert listed(source, **environ)["clusters"]["hosts"] == [recorded]
    assert hub.audit.since(mark, "system:serviceaccount:lodestar-system:lodestar") == []


def test_a_hub_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    source = tmp_path / "fleet.yml"
    source.write_text("plugin: lodestar.platform.fleet\n")
    command = [sys.executable, "-m", "ansible", "inventory", "-i", str(source), "--list"]
    environ = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1",
    }
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True)
    assert done.returncode != 0
    assert "no cluster is named" in done.stderr
