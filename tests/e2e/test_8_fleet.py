# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An attached cluster is looked at, given a new access, taken out of the fleet, and taken in again."""

from __future__ import annotations

import pytest

from tests.conftest import Bar
from tests.e2e.driver import Fleet, eventually

pytestmark = pytest.mark.timeout(900)

STATUS, DETACH = "lodestar.platform.fleet_status", "lodestar.platform.detach"
REKEY, ATTACH = "lodestar.platform.rekey", "lodestar.platform.attach"


def ours(fleet: Fleet) -> list[str]:
    """What of the platform is on the attached cluster; the test bed's own operators are not."""
    kinds = "namespaces,clusterroles,clusterrolebindings,validatingadmissionpolicies,validatingadmissionpolicybindings"
    found = fleet.kubectl("legacy", "get", kinds, "-o", "name").split()
    return [name for name in found if "lodestar" in name and not name.endswith("/lodestar:operators")]


def test_the_status_of_the_fleet_is_told_and_nothing_is_changed(fleet: Fleet) -> None:
    run = fleet.playbook(STATUS).checked()
    assert (run.changed, run.steps()) == (0, [])
    for name in ("global", "east", "legacy"):
        assert f"{name} " in run.output
        told = {
            item["metadata"]["name"]: item["spec"]["value"] for item in fleet.get(name, "clusterproperties")["items"]
        }
        assert told == {"cluster.clusterset.k8s.io": name, "clusterset.k8s.io": "default"}
    unknown = fleet.playbook(STATUS, "-e", "status_clusters=legacy,nowhere")
    assert "the hub has no record of nowhere" in unknown.output


def test_an_access_is_made_anew(fleet: Fleet) -> None:
    refused = fleet.playbook(REKEY, "-e", "rekey=east")
    assert refused.code != 0
    assert "Pass -e rekey=<one of legacy>" in refused.output
    assert refused.steps() == []
    before = fleet.get("global", "secret", "legacy-kubeconfig", "-n", "legacy")["data"]
    run = fleet.playbook(REKEY, "-e", "rekey=legacy").checked()
    assert [step[1] for step in run.steps()] == [
        "v1/Secret/legacy/legacy-kubeconfig",
        "cluster.open-cluster-management.io/v1/ManagedCluster/legacy/status",  # which says when it ends
    ]
    assert fleet.get("global", "secret", "legacy-kubeconfig", "-n", "legacy")["data"] != before


def test_a_cluster_leaves_the_fleet_and_comes_back(fleet: Fleet, bar: Bar) -> None:
    refused = fleet.playbook(DETACH, "-e", "detach_clusters=east")
    assert refused.code != 0
    assert "lodestar.platform.destroy" in refused.output
    nothing = fleet.playbook(DETACH)
    assert "detach_clusters=<cluster>" in nothing.output
    tenants = fleet.kubectl("legacy", "get", "namespaces", "-l", "lodestar.platform/tenant", "-o", "name").split()
    assert tenants

    planned = fleet.playbook(DETACH, "-e", "detach_clusters=legacy", "--check").checked()
    run = fleet.playbook(DETACH, "-e", "detach_clusters=legacy").checked()
    assert run.steps() == planned.steps() != []
    assert "take the cluster out of the inventory now" in run.output
    # What our namespace owned is collected a moment later.
    eventually(lambda: ours(fleet) == [], 60, 1)
    assert fleet.kubectl("legacy", "get", "crd", "clusterproperties.about.k8s.io", "--ignore-not-found") == ""
    kept = fleet.get("legacy", tenants[0])
    assert set(kept["metadata"]["labels"]) == {"kubernetes.io/metadata.name"}
    assert fleet.kubectl("global", "get", "managedclusters", "legacy", "--ignore-not-found") == ""
    assert fleet.kubectl("global", "get", "namespace", "legacy", "--ignore-not-found") == ""
    assert fleet.playbook(DETACH, "-e", "detach_clusters=legacy").checked().steps() == []

    # What its tenants kept was made by somebody else now.
    stopped = fleet.playbook(ATTACH, "--limit", "global:legacy")
    assert stopped.code != 0
    assert "or take it over with adopt: [Namespace]" in stopped.output
    again = fleet.playbook(ATTACH, "--limit", "global:legacy", "-e", "tenancy_adopt=Namespace").checked()
    assert any(step[1].startswith("rbac.authorization.k8s.io") for step in again.steps())
    settled = fleet.site().checked()
    assert (settled.changed, settled.steps()) == (0, [])
    bar("an attached cluster detached, attached again: left of us, a site run afterwards", "nothing; changed=0")
