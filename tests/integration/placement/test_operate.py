# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Declared placements on a real hub, with our identity's rights, and what is told of them while OCM does not run."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.access import MANAGE
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.kube.connection import Connection
from ansible_collections.lodestar.platform.plugins.module_utils.placement.info import OPERATION as INFO
from ansible_collections.lodestar.platform.plugins.module_utils.placement.operate import OPERATION

from ..fleet.plays import Fleet, changed
from ..harness.apiserver import ApiServer
from ..harness.people import execute, steps, until
from .conftest import CLUSTER_API, PLACEMENT_API, record

Object = dict[str, t.Any]
LODESTAR = "system:serviceaccount:lodestar-system:lodestar"
NAMESPACE = "lodestar-placements"
GROUP = "cluster.open-cluster-management.io"
PROD = {"requiredClusterSelector": {"labelSelector": {"matchLabels": {"env": "prod"}}}}
SHOP = {"name": "shop", "description": "two places", "numberOfClusters": 2, "predicates": [PROD]}
BILLING = {"name": "billing", "tolerations": [{"key": "gone", "operator": "Exists", "tolerationSeconds": 300}]}
ID = f"{PLACEMENT_API}/Placement/{NAMESPACE}"


@pytest.fixture
def clusters(hub: ApiServer, ours: Connection) -> t.Iterator[None]:
    taint = {"key": "gone", "effect": "NoSelect", "timeAdded": "2020-01-01T00:00:00Z"}
    with Client(hub.admin) as admin:
        record(admin, "east", {"env": "prod"})
        record(admin, "north", {"env": "prod"}, [taint])
        record(admin, "west", {"env": "test"})
        yield
        for name in ("east", "north", "west"):
            admin.delete(CLUSTER_API, "ManagedCluster", name)


def declare(ours: Connection, *placements: Object, check: bool = False, **more: t.Any) -> list[str]:
    return steps(execute(OPERATION, ours, check, placements=list(placements), **more))


def test_the_hub_is_held_to_what_is_declared_with_no_right_too_many(hub: ApiServer, ours: Connection) -> None:
    mark = hub.audit.mark()
    planned = declare(ours, SHOP, check=True)
    assert not [item for item in hub.audit.since(mark, LODESTAR) if item.writes]
    assert declare(ours, SHOP) == planned
    assert f"create {ID}/shop" in planned
    mark_again = hub.audit.mark()
    assert declare(ours, SHOP) == []
    assert not [item for item in hub.audit.since(mark_again, LODESTAR) if item.writes]
    with Client(hub.admin) as admin:
        made = admin.get(PLACEMENT_API, "Placement", "shop", NAMESPACE) or {}
        assert made["spec"]["numberOfClusters"] == 2
        assert made["metadata"]["annotations"]["lodestar.platform/description"] == "two places"
        # Somebody's change is drift.
        admin.merge(PLACEMENT_API, "Placement", "shop", {"spec": {"numberOfClusters": 5}}, NAMESPACE)
    assert declare(ours, SHOP) == [f"update {ID}/shop"]
    assert f"create {ID}/billing" in declare(ours, SHOP, BILLING)
    assert f"delete {ID}/shop" in declare(ours, BILLING)
    refused = execute(OPERATION, ours, placements=[])
    assert "prune_all" in refused["msg"]
    assert f"delete v1/Namespace/{NAMESPACE}" in declare(ours, prune_all=True)
    used = {
        (right[0], right[2])
        for item in hub.audit.since(mark, LODESTAR)
        if item.code < 400
        for right in item.rights
        if right[1] == GROUP
    }
    assert used <= {(verb, name) for verb in MANAGE for name in ("placements", "managedclustersetbindings")}
    assert {("create", "placements"), ("patch", "placements"), ("delete", "placements")} <= used


def test_a_wrong_placement_changes_nothing(hub: ApiServer, ours: Connection) -> None:
    mark = hub.audit.mark()
    answer = execute(OPERATION, ours, placements=[SHOP, {"name": "x", "numberOfClusters": -1}])
    assert "placements[x].numberOfClusters" in answer["msg"]
    assert not [item for item in hub.audit.since(mark, LODESTAR) if item.writes]


def test_what_will_be_decided_is_told_before_anything_is_written(ours: Connection, clusters: None) -> None:
    answer = execute(INFO, ours, placements=[SHOP, BILLING], wait_timeout=30)
    assert not answer.get("failed"), answer["msg"]
    assert answer["settled"] is False
    assert {item["name"]: item["foretold"] for item in answer["placements"]} == {
        "shop": ["east"],
        "billing": ["east", "west"],
    }


def test_what_ocm_has_not_decided_is_told_with_what_it_would(hub: ApiServer, ours: Connection, clusters: None) -> None:
    with Client(hub.admin) as admin:
        until(lambda: admin.get("v1", "Namespace", NAMESPACE) is None)
    mark = hub.audit.mark()
    declare(ours, SHOP, BILLING)
    answer = execute(INFO, ours, names=["shop", "nobody"])
    assert answer["warnings"] == [f"the hub has no placement nobody in the namespace {NAMESPACE}"]
    (shop,) = answer["placements"]
    assert (shop["settled"], shop["decisions"], shop["foretold"]) == (False, [], ["east"])
    assert "does its placement controller run" in shop["difference"]
    told = {item["name"]: (item["stage"], item["reasons"]) for item in shop["clusters"]}
    assert told["north"] == ("TaintToleration", ["taint gone:NoSelect: no toleration fits it"])
    assert told["west"] == ("Predicate", ["predicates[0]: label env is 'test', not one of: prod"])
    assert any(line.split()[:2] == ["east", "yes"] for line in answer["table"])
    assert answer["problems"][0] == "shop: is not satisfied: NotAllDecisionsScheduled, 1 clusters are missing"
    (billing,) = execute(INFO, ours, placements=[BILLING])["placements"]
    (north,) = [item for item in billing["clusters"] if item["name"] == "north"]
    assert north["reasons"] == ["taint gone:NoSelect: it was tolerated for 300 s, until 2020-01-01T00:05:00Z"]
    refused = [item for item in hub.audit.since(mark, LODESTAR) if item.code == 403]
    assert refused == []
    declare(ours, prune_all=True)


def test_a_run_declares_and_says_why_nothing_is_decided(
    hub: ApiServer, ours: Connection, hub_access: Object, clusters: None, tmp_path: Path
) -> None:
    with Client(hub.admin) as admin:
        until(lambda: admin.get("v1", "Namespace", NAMESPACE) is None)
    fleet = Fleet(tmp_path / "fleet", hub_access, {}, placements=[SHOP])
    first = fleet.play("placement", "-e", "placement_wait_timeout=0")
    said = " ".join(first.stdout.split())
    assert first.returncode != 0
    assert changed(first.stdout) == 1
    assert "shop: is not settled: OCM has decided nothing yet" in said
    assert "taint gone:NoSelect: no toleration fits it" in said
    again = fleet.play("placement", "-e", "placement_wait_timeout=0", "-e", "placement_fail=false")
    assert again.returncode == 0, again.stdout[-3000:]
    assert changed(again.stdout) == 0
    declare(ours, prune_all=True, cluster="hub")
