# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster's records on a real hub, with the rights that a run has there."""

from __future__ import annotations

import typing as t

from ansible_collections.lodestar.platform.plugins.module_utils.fleet.identities import OPERATION as IDENTITIES
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.records_plan import OPERATION as RECORD
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client

from ..harness.apiserver import ApiServer
from ..harness.people import steps
from .conftest import LODESTAR, connection, run, uid_of

CLUSTER_API = "cluster.open-cluster-management.io/v1"
PROFILE_API = "multicluster.x-k8s.io/v1alpha1"


def node(name: str, cpu: str) -> dict[str, t.Any]:
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "status": {"capacity": {"cpu": cpu}}}


def test_records_tell_what_the_cluster_is_and_are_written_once(
    hub: ApiServer, member: ApiServer, east: dict[str, t.Any], hub_access: dict[str, t.Any], prefix: str
) -> None:
    wanted = {"cluster": prefix, "cluster_labels": {"region": "east"}, "hub_access": hub_access}
    planned = run(RECORD, check=True, cluster_exists=False, kubernetes_version="1.36.3", **wanted)
    done = run(RECORD, access=east, **wanted)
    assert planned["plan"] == done["plan"]
    assert f"create {CLUSTER_API}/ManagedCluster/{prefix}/status" in steps(done)
    with Client(connection(hub_access)) as client:
        record = client.get(CLUSTER_API, "ManagedCluster", prefix) or {}
        profile = client.get(PROFILE_API, "ClusterProfile", prefix, "lodestar-system") or {}
    assert record["metadata"]["labels"]["region"] == "east"
    assert record["spec"]["hubAcceptsClient"] is True
    claims = {item["name"]: item["value"] for item in record["status"]["clusterClaims"]}
    assert claims["id.k8s.io"] == uid_of(member)
    assert {item["type"]: item["status"] for item in record["status"]["conditions"]} == {
        "HubAcceptedManagedCluster": "True",
        "ManagedClusterJoined": "True",
        "ManagedClusterConditionAvailable": "True",
        "AccessValid": "True",
    }
    assert profile["metadata"]["labels"]["x-k8s.io/cluster-manager"] == "lodestar"
    assert profile["status"]["version"]["kubernetes"] == record["status"]["version"]["kubernetes"]
    assert profile["status"]["accessProviders"][0]["cluster"]["server"] == member.url

    mark = hub.audit.mark()
    assert steps(run(RECORD, access=east, **wanted)) == []
    assert not [item for item in hub.audit.since(mark, LODESTAR) if item.writes]


def test_a_new_node_changes_the_capacity_and_not_the_times_of_conditions(
    hub: ApiServer, member: ApiServer, east: dict[str, t.Any], hub_access: dict[str, t.Any], prefix: str
) -> None:
    wanted = {"cluster": prefix, "access": east, "hub_access": hub_access}
    run(RECORD, **wanted)
    with Client(connection(hub_access)) as client:
        before = (client.get(CLUSTER_API, "ManagedCluster", prefix) or {})["status"]
        coming = {**wanted, "joining": ["n1", "n2"]}
        planned = run(RECORD, check=True, **coming)
        with Client(member.admin) as admin:
            for name in ("n1", "n2"):
                admin.create(node(name, "1500m"))
        try:
            done = run(RECORD, **coming)
            assert steps(done) == [f"update {CLUSTER_API}/ManagedCluster/{prefix}/status"]
            assert planned["plan"] == done["plan"]
            assert steps(run(RECORD, **coming)) == []
            swapped = {**wanted, "joining": ["n3"], "replaced": ["n1"]}
            assert steps(run(RECORD, check=True, **swapped)) == []
        finally:
            with Client(member.admin) as admin:
                for name in ("n1", "n2"):
                    admin.delete("v1", "Node", name)
        after = (client.get(CLUSTER_API, "ManagedCluster", prefix) or {})["status"]
    assert after["capacity"] == {"cpu": "3"}
    assert after["conditions"] == before["conditions"]


def test_a_label_that_is_no_longer_declared_goes(
    member: ApiServer, east: dict[str, t.Any], hub_access: dict[str, t.Any], prefix: str
) -> None:
    wanted = {"cluster": prefix, "access": east, "hub_access": hub_access}
    run(RECORD, cluster_labels={"env": "prod", "region": "east"}, **wanted)
    changed = run(RECORD, cluster_labels={"env": "prod"}, **wanted)
    assert steps(changed) == [f"update {CLUSTER_API}/ManagedCluster/{prefix}"]
    with Client(connection(hub_access)) as client:
        assert "region" not in (client.get(CLUSTER_API, "ManagedCluster", prefix) or {})["metadata"]["labels"]


def test_one_cluster_under_two_names_is_refused_against_the_run_and_the_hub(
    hub: ApiServer, member: ApiServer, east: dict[str, t.Any], hub_access: dict[str, t.Any], prefix: str
) -> None:
    run(RECORD, cluster=prefix, access=east, hub_access=hub_access)
    mark = hub.audit.mark()
    second = run(RECORD, cluster=f"{prefix}-b", access=east, hub_access=hub_access)
    assert second["reason"] == "same_cluster"
    both_new = run(IDENTITIES, identities={"a": "u-1", "b": "u-1"}, hub_access=hub_access)
    assert both_new["duplicates"] == {"u-1": ["a", "b"]}
    recorded = run(IDENTITIES, identities={f"{prefix}-c": uid_of(member)}, hub_access=hub_access)
    assert sorted([prefix, f"{prefix}-c"]) in recorded["duplicates"].values()
    assert not run(IDENTITIES, identities={prefix: uid_of(member)}, hub_access=hub_access).get("failed")
    assert not [item for item in hub.audit.since(mark, LODESTAR) if item.writes]


def test_a_cluster_that_cannot_be_reached_is_unknown_and_keeps_what_was_seen(
    hub: ApiServer, east: dict[str, t.Any], hub_access: dict[str, t.Any], prefix: str
) -> None:
    wanted = {"cluster": prefix, "hub_access": hub_access}
    assert steps(run(RECORD, unreachable="no answer", **wanted)) == []
    run(RECORD, access=east, **wanted)
    with Client(connection(hub_access)) as client:
        seen = (client.get(CLUSTER_API, "ManagedCluster", prefix) or {})["status"]
    planned = run(RECORD, check=True, unreachable="no answer", **wanted)
    done = run(RECORD, unreachable="no answer", **wanted)
    assert (
        steps(done)
        == steps(planned)
        == [
            f"update {CLUSTER_API}/ManagedCluster/{prefix}/status",
            f"update {PROFILE_API}/ClusterProfile/lodestar-system/{prefix}/status",
        ]
    )
    with Client(connection(hub_access)) as client:
        lost = (client.get(CLUSTER_API, "ManagedCluster", prefix) or {})["status"]
        profile = (client.get(PROFILE_API, "ClusterProfile", prefix, "lodestar-system") or {})["status"]
    conditions = {item["type"]: item for item in lost["conditions"]}
    available = conditions["ManagedClusterConditionAvailable"]
    assert (available["status"], available["reason"]) == ("Unknown", "ManagedClusterLeaseUpdateStopped")
    assert available["message"].startswith("Not reached since ")
    assert available["message"].endswith(": no answer")
    assert conditions["ManagedClusterJoined"]["status"] == "True"
    assert {key: lost.get(key) for key in ("version", "clusterClaims")} == {
        key: seen.get(key) for key in ("version", "clusterClaims")
    }
    assert {item["type"]: item["status"] for item in profile["conditions"]} == {
        "Joined": "True",
        "ControlPlaneHealthy": "Unknown",
    }
    # While it stays so, nothing is written, whatever the reason of the day is.
    assert steps(run(RECORD, unreachable="connection refused", **wanted)) == []
    run(RECORD, access=east, **wanted)
    with Client(connection(hub_access)) as client:
        back = (client.get(CLUSTER_API, "ManagedCluster", prefix) or {})["status"]
    assert {item["type"]: item["status"] for item in back["conditions"]}["ManagedClusterConditionAvailable"] == "True"


def test_a_cluster_with_which_nothing_can_be_done_is_recorded(
    east: dict[str, t.Any], hub_access: dict[str, t.Any], prefix: str
) -> None:
    wanted = {"cluster": prefix, "mode": "attach", "tier": "observe", "access": east, "hub_access": hub_access}
    assert f"create {CLUSTER_API}/ManagedCluster/{prefix}" in steps(run(RECORD, **wanted))
    with Client(connection(hub_access)) as client:
        status = (client.get(CLUSTER_API, "ManagedCluster", prefix) or {})["status"]
    claims = {item["name"]: item["value"] for item in status["clusterClaims"]}
    assert claims["capabilities.lodestar.platform"] == "none"
