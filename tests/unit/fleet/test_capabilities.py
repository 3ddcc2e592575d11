# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the platform can do with a cluster."""

from __future__ import annotations

from ansible_collections.lodestar.platform.plugins.module_utils.fleet import capabilities, hub_view, records
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.records import Declared
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.selectors import concerns

from .test_records import observed


def test_a_created_cluster_lacks_nothing() -> None:
    assert capabilities.lacking("create", "lifecycle") == {}
    assert capabilities.able("create", "lifecycle") == list(capabilities.ALL)


def test_an_attached_one_lacks_what_takes_machines() -> None:
    assert capabilities.able("attach", "lifecycle") == ["cluster-properties", "drains", "policies", "tenants"]
    assert capabilities.able("attach", "tenant") == ["cluster-properties", "policies", "tenants"]
    assert capabilities.able("attach", "observe") == []
    assert "not in the inventory" in capabilities.lacking("attach", "tenant")["upgrades"]


def test_an_observed_cluster_is_never_selected() -> None:
    cluster = {"name": "old", "mode": "attach", "labels": {}, "access": {"tier": "observe"}}
    assert not concerns({"name": "t"}, cluster)
    assert concerns({"name": "t"}, {**cluster, "access": {"tier": "tenant"}})


def test_the_records_say_so_and_the_hub_tells_why() -> None:
    declared = Declared("old", "attach", "workload", tier="tenant")
    record = records.managed_cluster(declared, "u-1", "https://192.0.2.1:6443", "")
    record["status"] = records.managed_cluster_status(declared, observed(), None, "t")
    profile = {
        **records.cluster_profile(declared),
        "status": records.cluster_profile_status(declared, observed(), None, "t"),
    }
    claims = {item["name"]: item["value"] for item in record["status"]["clusterClaims"]}
    assert claims["capabilities.lodestar.platform"] == "cluster-properties,policies,tenants"
    assert hub_view.view(record, profile)["lacking"] == capabilities.lacking("attach", "tenant")
