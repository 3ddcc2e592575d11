# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The records of a cluster: sums, claims, and conditions that keep their time."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import records, records_plan
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.checks_distribution import recognise
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.records import Declared, Observed

DECLARED = Declared("east", "create", "workload", {"env": "prod"})


def node(**capacity: str) -> dict[str, t.Any]:
    return {"metadata": {"name": "n"}, "status": {"capacity": capacity, "allocatable": capacity}}


def observed(*nodes: dict[str, t.Any]) -> Observed:
    return Observed("u-1", "https://192.0.2.1:6443", "", "v1.36.3", nodes, recognise("v1.36.3", (), nodes))


def test_capacity_is_the_sum_in_one_spelling() -> None:
    nodes = [node(cpu="2", memory="8148660Ki", pods="110"), node(cpu="500m", memory="1Gi", pods="110")]
    assert records.total(nodes, "capacity") == {"cpu": "2500m", "memory": "9197236Ki", "pods": "220"}
    assert records.total([], "capacity") == {}


def test_a_condition_keeps_its_time_until_its_status_changes() -> None:
    wanted = [{"type": "A", "status": "True", "reason": "R", "message": "new"}]
    before = [{"type": "A", "status": "True", "reason": "Old", "lastTransitionTime": "t-0"}]
    assert records.transitions(wanted, before, "t-1")[0]["lastTransitionTime"] == "t-0"
    before[0]["status"] = "False"
    assert records.transitions(wanted, before, "t-1")[0]["lastTransitionTime"] == "t-1"
    assert records.transitions(wanted, (), "t-1")[0]["lastTransitionTime"] == "t-1"


def test_the_status_is_stable_from_run_to_run() -> None:
    seen = observed(node(cpu="2"))
    for make in (records.managed_cluster_status, records.cluster_profile_status):
        first = make(DECLARED, seen, None, "2026-11-22T12:00:00Z")
        assert make(DECLARED, seen, first, "2026-11-23T12:00:00Z") == first


def test_conditions_have_the_names_and_reasons_of_ocm() -> None:
    status = records.managed_cluster_status(DECLARED, observed(), None, "t")
    assert [(item["type"], item["reason"]) for item in status["conditions"]] == [
        ("HubAcceptedManagedCluster", "HubClusterAdminAccepted"),
        ("ManagedClusterJoined", "ManagedClusterJoined"),
        ("ManagedClusterConditionAvailable", "ManagedClusterAvailable"),
    ]


def test_the_end_of_the_access_is_a_condition_that_changes_with_the_access_alone() -> None:
    seen = replace(observed(), access_expires="2026-11-28T12:00:00Z")
    first = records.managed_cluster_status(DECLARED, seen, None, "t-0")
    assert {"name": "access-expires.lodestar.platform", "value": "2026-11-28T12:00:00Z"} in first["clusterClaims"]
    valid = next(item for item in first["conditions"] if item["type"] == "AccessValid")
    assert (valid["status"], valid["reason"]) == ("True", "AccessGranted")
    assert "2026-11-28T12:00:00Z" in valid["message"]
    # Another credential was used, such as an administrator's: of our access nothing is known that was not known before.
    assert records.managed_cluster_status(DECLARED, observed(), first, "t-1") == first

    lost = records.unreachable_status("ManagedCluster", first, "it ended at 2026-11-28T12:00:00Z", "t-2", "expired")
    ended = next(item for item in lost["conditions"] if item["type"] == "AccessValid")
    assert (ended["status"], ended["reason"], ended["lastTransitionTime"]) == ("False", "AccessExpired", "t-2")
    assert ended["message"] == "it ended at 2026-11-28T12:00:00Z"
    assert records.unreachable_status("ManagedCluster", lost, "in other words", "t-3", "expired") == lost
    silent = records.unreachable_status("ManagedCluster", first, "no answer", "t-2")
    assert valid in silent["conditions"]
    profile = records.cluster_profile_status(DECLARED, observed(), None, "t-0")
    left = records.unreachable_status("ClusterProfile", profile, "it ended", "t-1", "expired")
    assert [item["type"] for item in left["conditions"]] == ["Joined", "ControlPlaneHealthy"]


def test_our_own_labels_cannot_be_overridden() -> None:
    declared = Declared("east", "create", "workload", {"lodestar.platform/uid": "forged", "zone": "1"})
    labels = records.managed_cluster(declared, "u-1", "https://192.0.2.1:6443", "")["metadata"]["labels"]
    assert labels["lodestar.platform/uid"] == "u-1"
    assert labels["zone"] == "1"
    assert labels["cluster.open-cluster-management.io/clusterset"] == "default"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"maxPods": 110}, {"maxPods": 77}, True),
        ({}, {"kubeReserved": {"cpu": "100m"}}, True),
        ({"evictionHard.memory.available": "100Mi"}, {}, True),
        ({}, {"logging.verbosity": 3}, False),
    ],
)
def test_which_settings_of_kubelets_change_what_a_cluster_has(
    before: dict[str, t.Any], after: dict[str, t.Any], expected: bool
) -> None:
    assert records_plan.resizes([{"before": before, "after": after}]) is expected
    assert records_plan.resizes([]) is False
