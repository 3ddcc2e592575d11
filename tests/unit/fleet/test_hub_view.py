# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the hub's records say of a cluster, and a Node in short."""

from __future__ import annotations

from ansible_collections.lodestar.platform.plugins.module_utils.fleet import (
    checks_distribution,
    hub_view,
    look,
    records,
)

NOW = "2026-11-27T12:00:00Z"
DECLARED = records.Declared("east", "attach", "workload", {"region": "north"}, "production")
OBSERVED = records.Observed(
    uid="u-1",
    server="https://192.0.2.7:6443",
    ca_data="",
    version="v1.36.3",
    nodes=[{"metadata": {"name": "n"}, "status": {"capacity": {"cpu": "2"}, "allocatable": {"cpu": "1500m"}}}],
    distribution=checks_distribution.recognise("v1.36.3+k3s1", (), ()),
)


def test_a_view_says_what_was_recorded() -> None:
    record = records.managed_cluster(DECLARED, OBSERVED.uid, OBSERVED.server, OBSERVED.ca_data)
    record["status"] = records.managed_cluster_status(DECLARED, OBSERVED, None, NOW)
    profile = records.cluster_profile(DECLARED)
    profile["status"] = records.cluster_profile_status(DECLARED, OBSERVED, None, NOW)
    seen = hub_view.view(record, profile)
    assert {key: seen[key] for key in ("name", "uid", "mode", "role", "cluster_set", "labels", "server", "taints")} == {
        "name": "east",
        "uid": "u-1",
        "mode": "attach",
        "role": "workload",
        "cluster_set": "production",
        "labels": {"region": "north"},
        "server": "https://192.0.2.7:6443",
        "taints": [],
    }
    assert (seen["version"], seen["distribution"], seen["available"]) == ("v1.36.3", "k3s", "True")
    assert (seen["capacity"], seen["allocatable"]) == ({"cpu": "2"}, {"cpu": "1500m"})
    assert seen["conditions"]["ManagedClusterJoined"] == {
        "status": "True",
        "reason": "ManagedClusterJoined",
        "message": "Joined by attach",
        "since": NOW,
    }


def test_a_record_without_a_status_is_unknown() -> None:
    """Somebody else's agent has made it, or a run was cut short."""
    seen = hub_view.view({"metadata": {"name": "new"}}, None)
    assert (seen["available"], seen["version"], seen["uid"], seen["mode"]) == ("Unknown", None, None, None)
    assert (seen["labels"], seen["conditions"], seen["capacity"]) == ({}, {}, {})


def test_a_node_in_short() -> None:
    found = {
        "metadata": {"name": "n1", "labels": {"node-role.kubernetes.io/control-plane": "", "zone": "a"}},
        "spec": {"unschedulable": True, "taints": [{"key": "k", "effect": "NoSchedule"}]},
        "status": {
            "conditions": [{"type": "MemoryPressure", "status": "False"}, {"type": "Ready", "status": "True"}],
            "nodeInfo": {"kubeletVersion": "v1.36.3", "architecture": "amd64"},
            "addresses": [{"type": "InternalIP", "address": "192.0.2.1"}],
        },
    }
    assert look.node(found) == {
        "name": "n1",
        "ready": True,
        "schedulable": False,
        "version": "v1.36.3",
        "architecture": "amd64",
        "roles": ["control-plane"],
        "addresses": ["192.0.2.1"],
        "taints": [{"key": "k", "effect": "NoSchedule"}],
    }
    assert look.node({"metadata": {"name": "n2"}})["ready"] is False
