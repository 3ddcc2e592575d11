# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The first run: one inventory, one command, a whole platform."""

from __future__ import annotations

import base64
import json
from collections import Counter

import pytest

from tests.conftest import Bar
from tests.e2e.driver import Fleet
from tests.e2e.fixtures import Platform
from tests.e2e.nodes import unready

pytestmark = pytest.mark.timeout(3000)
CLUSTERS = ("global", "east", "legacy")
TENANTS = ("payments", "analytics")


def test_check_mode_on_empty_machines_tells_the_run_that_follows(platform: Platform, bar: Bar) -> None:
    platform.predicted.checked()
    platform.first.checked()
    predicted, done = Counter(platform.predicted.steps()), Counter(platform.first.steps())
    assert (predicted - done, done - predicted) == (Counter(), Counter())
    assert len(platform.first.steps()) > 50
    bar("check on empty machines predicts every step of the first run", f"{len(platform.first.steps())} steps")


@pytest.mark.parametrize(("cluster", "nodes"), [("global", 3), ("east", 2), ("legacy", 2)])
def test_all_nodes_ready_and_all_pods_running(fleet: Fleet, cluster: str, nodes: int) -> None:
    items = fleet.nodes(cluster)
    assert (len(items), unready(items)) == (nodes, [])
    pods = fleet.get(cluster, "pods", "-A")["items"]
    phases = {p["metadata"]["name"]: p["status"]["phase"] for p in pods}
    assert phases
    assert set(phases.values()) <= {"Running", "Succeeded"}, phases


def test_the_global_cluster_is_dedicated(fleet: Fleet) -> None:
    for node in fleet.nodes("global"):
        taints = [(taint["key"], taint["effect"]) for taint in node["spec"].get("taints", [])]
        assert ("node-role.kubernetes.io/control-plane", "NoSchedule") in taints
    namespaces = {p["metadata"]["namespace"] for p in fleet.get("global", "pods", "-A")["items"]}
    assert namespaces <= {"kube-system", "lodestar-system"}


def test_metrics_are_served(fleet: Fleet) -> None:
    for cluster in ("global", "east"):
        fleet.kubectl(
            cluster, "wait", "--for=condition=Available", "apiservice/v1beta1.metrics.k8s.io", "--timeout=120s"
        )


def test_images_are_pinned(fleet: Fleet) -> None:
    for machine in ("g1", "e2"):
        images = json.loads(fleet.on(machine, "crictl images -o json"))["images"]
        assert images
        assert [image["repoTags"] for image in images if not image.get("pinned")] == []


def test_the_hub_records_the_fleet(fleet: Fleet) -> None:
    records = {item["metadata"]["name"]: item for item in fleet.get("global", "managedclusters")["items"]}
    assert set(records) == set(CLUSTERS)
    for cluster, record in records.items():
        uid = fleet.get(cluster, "namespace", "kube-system")["metadata"]["uid"]
        claims = {claim["name"]: claim["value"] for claim in record["status"]["clusterClaims"]}
        conditions = {c["type"]: c["status"] for c in record["status"]["conditions"]}
        assert claims["id.k8s.io"] == uid
        assert (
            record["status"]["version"]["kubernetes"]
            == json.loads(fleet.kubectl(cluster, "version", "-o", "json"))["serverVersion"]["gitVersion"]
        )
        assert conditions["ManagedClusterConditionAvailable"] == "True"
        assert "cpu" in record["status"]["capacity"]
    profiles = {
        item["metadata"]["name"] for item in fleet.get("global", "clusterprofiles", "-n", "lodestar-system")["items"]
    }
    assert profiles == set(CLUSTERS)


def test_access_is_scoped_and_expires(fleet: Fleet) -> None:
    secret = fleet.get("global", "secret", "legacy-kubeconfig", "-n", "legacy")
    assert secret["metadata"]["annotations"]["lodestar.platform/expires"]
    kubeconfig = base64.b64decode(secret["data"]["value"]).decode()
    assert "client-certificate" not in kubeconfig
    allowed = fleet.kubectl(
        "legacy",
        "auth",
        "can-i",
        "escalate",
        "clusterroles",
        "--as",
        "system:serviceaccount:lodestar-system:lodestar",
        check=False,
    )
    assert "no" in allowed.splitlines()


@pytest.mark.parametrize("cluster", ["east", "legacy"])
@pytest.mark.parametrize("tenant", TENANTS)
def test_tenants_are_complete(fleet: Fleet, cluster: str, tenant: str) -> None:
    namespaces = fleet.get(cluster, "namespaces", "-l", f"lodestar.platform/tenant={tenant}")["items"]
    assert namespaces
    for namespace in namespaces:
        name = namespace["metadata"]["name"]
        assert "pod-security.kubernetes.io/enforce" in namespace["metadata"]["labels"]
        for kind in ("rolebindings", "resourcequotas", "limitranges", "networkpolicies"):
            assert fleet.get(cluster, kind, "-n", name)["items"], f"{kind} of {name} in {cluster}"


def test_report_is_readable_and_data(platform: Platform, fleet: Fleet) -> None:
    lines = platform.first.output.splitlines()
    for cluster in CLUSTERS:
        assert any(line.startswith(cluster) and "1.36.3" in line for line in lines), cluster
