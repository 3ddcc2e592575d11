# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook drift on an attached cluster: what it tells, what it repairs, and what it leaves to a choice."""

from __future__ import annotations

import json
import subprocess
import typing as t
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client

from ..harness.apiserver import ApiServer
from .conftest import LODESTAR
from .plays import Fleet
from .test_detach import policy, tenant

Object = dict[str, t.Any]
RBAC = "rbac.authorization.k8s.io/v1"


class Drift:
    """A governed cluster, and the playbook."""

    def __init__(self, fleet: Fleet, api: ApiServer, folder: Path) -> None:
        self.fleet, self.api, self.path = fleet, api, folder / "drift.json"
        self.said = ""

    def __call__(self, *arguments: str, sets: str = '["policy", "tenancy"]', **variables: str) -> list[Object]:
        """What the report says of the cluster, from one run."""
        done = self.run(*arguments, sets=sets, **variables)
        self.said = done.stdout + done.stderr
        report = json.loads(self.path.read_text())
        found = [item for item in report["drift"] if item["cluster"] == "east"]
        left = [item for item in found if item["state"] != "repaired"]
        assert (done.returncode == 0) == (not left), self.said
        return found

    def run(self, *arguments: str, sets: str, **variables: str) -> subprocess.CompletedProcess[str]:
        given = {"drift_report_path": str(self.path), **variables}
        more = [item for key, value in given.items() for item in ("-e", f"{key}={value}")]
        limited = ["--limit", "east", "-e", f'{{"drift_sets": {sets}}}']
        return self.fleet.play("drift", *more, *limited, *arguments)

    def patch(self, path: str, body: Object, manager: str, kind: str = "merge-patch+json", **query: str) -> None:
        with Client(self.api.admin) as admin:
            query = {"fieldManager": manager, **query}
            admin.request("PATCH", path, query=query, body=body, content_type=f"application/{kind}")


@pytest.fixture
def drift(hosted: ApiServer, hub_access: Object, tmp_path: Path, prefix: str) -> Drift:
    clusters = {"east": {"kubeconfig": hosted.kubeconfig()}}
    fleet = Fleet(tmp_path / "user", hub_access, clusters, tenants=[tenant(prefix)], policies=[policy(prefix)])
    done = fleet.play("attach")
    assert done.returncode == 0, done.stdout + done.stderr
    return Drift(fleet, hosted, tmp_path)


def namespace_of(drift: Drift) -> str:
    with Client(drift.api.admin) as admin:
        return str(admin.list("v1", "Namespace", label_selector="lodestar.platform/tenant")[0]["metadata"]["name"])


def test_what_differs_is_told_with_who_and_when_and_repaired_when_told(drift: Drift) -> None:
    mark = drift.api.audit.mark()
    assert drift() == []
    space = namespace_of(drift)
    with Client(drift.api.admin) as admin:
        binding = admin.list(RBAC, "RoleBinding", namespace=space, label_selector="lodestar.platform/tenant")[0]
        admin.delete(RBAC, "RoleBinding", binding["metadata"]["name"], space)
    drift.patch(f"/api/v1/namespaces/{space}", {"metadata": {"labels": {"lodestar.platform/tenant": "x"}}}, "somebody")
    found = {item["difference"]: item for item in drift()}
    assert set(found) == {"missing", "edited"}
    assert found["missing"]["object"] == f"{RBAC}/RoleBinding/{space}/{binding['metadata']['name']}"
    edited = found["edited"]
    assert (edited["set"], edited["object"], edited["managers"]) == ("tenancy", f"v1/Namespace/{space}", ["somebody"])
    assert edited["fields"] == ["metadata.labels.lodestar.platform/tenant"]
    assert edited["since"].endswith("Z")
    assert "somebody" in drift.said
    assert not [request for request in drift.api.audit.since(mark, LODESTAR) if request.writes]

    assert {item["state"] for item in drift("--check", drift_enforce="tenancy")} == {"found"}
    assert {item["state"] for item in drift(drift_enforce="policy")} == {"found"}
    assert {item["state"] for item in drift(drift_enforce="tenancy,policy")} == {"repaired"}
    assert drift() == []


def test_a_conflict_is_named_and_force_is_a_choice(drift: Drift) -> None:
    space = namespace_of(drift)
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"labels": {"lodestar.platform/tenant": "x"}}}
    drift.patch(f"/api/v1/namespaces/{space}", body, "argocd", "apply-patch+yaml", force="true")
    for options in ({}, {"drift_enforce": "tenancy"}):
        [item] = drift(**options)
        assert (item["difference"], item["state"], item["managers"]) == ("conflict", "left", ["argocd"])
        assert item["fields"] == ["metadata.labels.lodestar.platform/tenant"]
    [item] = drift(drift_enforce="tenancy", drift_force="tenancy")
    assert (item["difference"], item["state"]) == ("edited", "repaired")
    assert drift() == []


def test_other_sets_are_compared_too_and_unknown_ones_refused(drift: Drift, prefix: str) -> None:
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": prefix, "namespace": "default"}}
    shop = {"drift_apply": [{"applyset": "shop", "objects": [config]}]}
    [item] = drift("-e", json.dumps(shop), sets="[]")
    assert (item["set"], item["difference"]) == ("shop", "failed")
    assert "forbidden" in item["reason"], "the platform's own access may not hold it"
    runner = drift.api.runner
    access = {"server": runner.server, "ca_data": runner.ca_data, "token": runner.token}
    sets = json.dumps({**shop, "drift_apply_access": access})
    [item] = drift("-e", sets, sets="[]")
    assert (item["set"], item["object"], item["difference"]) == ("shop", f"v1/ConfigMap/default/{prefix}", "missing")
    assert runner.token not in drift.said
    done = drift.run("-e", sets, sets="[]", drift_enforce="shpo")
    assert done.returncode != 0
    assert "shpo, which is none of the sets" in " ".join((done.stdout + done.stderr).split())
