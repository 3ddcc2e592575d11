# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Roles of people and the review of access, as a user runs them on a fleet."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.detach import OPERATION as DETACH
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client

from ..harness.apiserver import ApiServer
from .conftest import LODESTAR, RBAC, run
from .plays import Fleet, changed

Object = dict[str, t.Any]
MEMBERS = [{"kind": "Group", "name": "auditors"}]


@pytest.fixture
def roleless(hub: ApiServer) -> t.Iterator[None]:
    """Other tests find a hub on which nobody has a role."""
    yield
    with Client(hub.admin) as admin:
        for name in ("lodestar:auditors", "lodestar:auditors-view"):
            admin.delete(RBAC, "ClusterRoleBinding", name)
        admin.delete("v1", "ConfigMap", "applyset-fleet-roles", "lodestar-system")


@pytest.mark.usefixtures("roleless")
def test_auditors_are_declared_and_seen(hosted: ApiServer, hub_access: Object, tmp_path: Path) -> None:
    clusters = {"legacy": {"kubeconfig": hosted.kubeconfig()}}
    roles = [{"name": "audit", "role": "auditor", "members": MEMBERS}]
    fleet = Fleet(tmp_path / "fleet", hub_access, clusters, fleet_roles=roles)
    done = fleet.play("attach")
    assert done.returncode == 0, done.stdout[-4000:]
    assert changed(fleet.play("attach").stdout) == 0

    report = tmp_path / "review.json"
    asked = ["-e", "access_review_name=auditors", "-e", "access_review_resources=nodes,secrets,"]
    told = fleet.play("access_review", *asked, "-e", f"access_review_report_path={report}")
    assert told.returncode == 0, told.stdout[-4000:]
    # Lines that are long are wrapped.
    assert "ClusterRoleBinding lodestar:auditors" in " ".join(told.stdout.split())
    rows = json.loads(report.read_text())["rows"]
    assert {row["cluster"] for row in rows} >= {"legacy"}
    assert {item for row in rows for rule in row["rules"] for item in rule["resources"]} == {"nodes"}

    mark = hosted.audit.mark()
    masters = [{"name": "audit", "role": "auditor", "members": [{"kind": "Group", "name": "system:masters"}]}]
    refused = Fleet(tmp_path / "hostile", hub_access, clusters, fleet_roles=masters).play("attach")
    assert refused.returncode != 0
    assert "fleet_roles[audit].members[0].name" in refused.stdout
    assert not [item for item in hosted.audit.since(mark, LODESTAR) if item.writes]
    assert run(DETACH, cluster="legacy", hub_access=hub_access, timeout=60)["state"] == "detached"
