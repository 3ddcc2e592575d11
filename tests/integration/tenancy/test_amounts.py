# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Amounts: what a namespace may hold, what a container gets and may ask for, and each way to split a budget."""

from __future__ import annotations

import typing as t

import pytest
import yaml
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.records import CLUSTER_API
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.tenancy.divide import OPERATION as DIVIDE

from ..harness.apiserver import ApiServer
from ..harness.people import Person, execute, steps, until
from ..harness.programs import bundle
from .conftest import run

Object = dict[str, t.Any]
BOUNDS: Object = {
    "default": {"cpu": "400m", "memory": "64Mi"},
    "default_request": {"cpu": "200m"},
    "max": {"cpu": "1", "memory": "128Mi"},
    "min": {"cpu": "100m"},
}
WIDER: Object = {"default": {"cpu": "3"}, "default_request": {"cpu": "2"}, "max": {"cpu": "4"}, "min": {"cpu": "1"}}


def admitted(dev: Person, namespace: str, tries: int) -> tuple[int, str]:
    """How many ConfigMaps a namespace takes, and why not one more."""
    for at in range(tries):
        body = {"metadata": {"name": f"c{at}"}}
        answer = dev.post(f"/api/v1/namespaces/{namespace}/configmaps", body, dry_run=False)
        if answer.status != 201:
            return at, answer.message
    return tries, ""


def await_counted(dev: Person, *namespaces: str) -> None:
    """Waits until the controller counts what quotas limit."""

    def counted(namespace: str) -> bool:
        answer = dev.call("GET", f"/api/v1/namespaces/{namespace}/resourcequotas/lodestar")
        return bool((answer.body.get("status") or {}).get("used"))

    until(lambda: all(counted(namespace) for namespace in namespaces))


@pytest.mark.proves("tenants.quota", "tenants.namespaces.quota")
def test_a_quota_holds_in_each_namespace_and_a_namespace_may_have_its_own(own: ApiServer, prefix: str) -> None:
    spaces = [prefix, f"{prefix}-same", {"name": f"{prefix}-own", "quota": {"configmaps": 1}}]
    tenant = {"name": prefix, "namespaces": spaces, "quota": {"configmaps": 3, "services": 0, "requests.cpu": "1"}}
    assert steps(run(own, tenant, prune_namespaces=True))
    dev = Person(own, "system:masters")
    await_counted(dev, prefix, f"{prefix}-same", f"{prefix}-own")
    found = {name: admitted(dev, name, 5) for name in (prefix, f"{prefix}-same", f"{prefix}-own")}
    assert [number for number, _why in found.values()] == [3, 3, 1]
    assert all("exceeded quota: lodestar" in why for _number, why in found.values())
    service = {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}}
    assert "exceeded quota" in dev.post(f"/api/v1/namespaces/{prefix}/services", service).message
    assert dev.post(f"/api/v1/namespaces/{prefix}-own/services", service).message == ""
    assert "exceeded quota" in start(dev, prefix, requests={"cpu": "1001m"})[0]
    assert start(dev, prefix, requests={"cpu": "1"})[0] == ""
    assert "must specify requests.cpu" in start(dev, prefix)[0]


def start(dev: Person, namespace: str, **resources: t.Any) -> tuple[str, Object]:
    """Why a pod whose container has these resources is refused, and what the container gets."""
    container = {"name": "c", "image": "a", "resources": resources}
    body = {"metadata": {"name": "p"}, "spec": {"containers": [container]}}
    answer = dev.post(f"/api/v1/namespaces/{namespace}/pods", body)
    return answer.message, answer.body["spec"]["containers"][0]["resources"] if answer.status == 201 else {}


@pytest.mark.proves(
    "tenants.limits.default",
    "tenants.limits.default_request",
    "tenants.limits.max",
    "tenants.limits.min",
    "tenants.namespaces.limits.default",
    "tenants.namespaces.limits.default_request",
    "tenants.namespaces.limits.max",
    "tenants.namespaces.limits.min",
)
def test_containers_get_what_they_do_not_say_and_stay_within_the_limits(own: ApiServer, prefix: str) -> None:
    spaces = [prefix, {"name": f"{prefix}-wide", "limits": WIDER}, {"name": f"{prefix}-free", "limits": {}}]
    assert steps(run(own, {"name": prefix, "namespaces": spaces, "limits": BOUNDS}, prune_namespaces=True))
    dev = Person(own, "system:masters")
    until(lambda: start(dev, prefix)[1] != {} and start(dev, f"{prefix}-wide")[1] != {})
    assert start(dev, prefix)[1] == {
        "limits": {"cpu": "400m", "memory": "64Mi"},
        "requests": {"cpu": "200m", "memory": "64Mi"},
    }
    assert start(dev, f"{prefix}-wide")[1] == {"limits": {"cpu": "3"}, "requests": {"cpu": "2"}}
    assert start(dev, f"{prefix}-free")[1] == {}
    for namespace, low, high in ((prefix, "100m", "1"), (f"{prefix}-wide", "1", "4")):
        assert start(dev, namespace, limits={"cpu": high}, requests={"cpu": low})[0] == ""
        more = start(dev, namespace, limits={"cpu": "5"}, requests={"cpu": low})[0]
        assert f"maximum cpu usage per Container is {high}" in more
        less = start(dev, namespace, limits={"cpu": high}, requests={"cpu": "50m"})[0]
        assert f"minimum cpu usage per Container is {low}" in less
    assert "maximum memory usage" in start(dev, prefix, limits={"memory": "129Mi"})[0]
    assert start(dev, f"{prefix}-free", limits={"cpu": "5"}, requests={"cpu": "1m"})[0] == ""


SPLITS: dict[str, Object] = {
    "even": {"total": {"configmaps": 5}},
    "weighted": {"total": {"configmaps": 4}, "split": "weighted", "weights": {"east": 1, "west": 3}},
    "explicit": {
        "total": {"configmaps": 9},
        "split": "explicit",
        "shares": {"east": {"configmaps": 2}, "west": {"configmaps": 4}},
    },
    "capacity": {"total": {"configmaps": 8}, "split": "capacity"},
}
#: What each comes to in C(east), of which the nodes have one CPU, and in C(west), of which they have three.
SHARES = {"even": (3, 2), "weighted": (1, 3), "explicit": (2, 4), "capacity": (2, 6)}


@pytest.mark.proves(
    "tenants.budget.total",
    "tenants.budget.shares",
    "tenants.budget.weights",
    "tenants.budget.split=capacity",
    "tenants.budget.split=even",
    "tenants.budget.split=explicit",
    "tenants.budget.split=weighted",
    "tenant_budgets:clusters",
    "tenant_budgets:hub",
    "tenant_budgets:tenants",
    "tenancy:shares",
)
def test_each_split_lets_a_cluster_have_its_share_and_not_one_object_more(own: ApiServer, prefix: str) -> None:
    tenants = [
        {"name": f"{prefix}-{split}", "namespaces": [f"{prefix}-{split}"], "budget": one}
        for split, one in SPLITS.items()
    ]
    recorded(own, east="1", west="3")
    clusters = {name: {"name": name, "role": "workload"} for name in ("east", "west")}
    access = {"server": own.url, "ca_data": own.runner.ca_data, "token": own.runner.token}
    divided = execute(DIVIDE, own.runner, tenants=tenants, clusters=clusters, hub="global", hub_access=access)
    found = {
        split: tuple(int(divided["shares"][name][f"{prefix}-{split}"]["configmaps"]) for name in clusters)
        for split in SPLITS
    }
    assert found == SHARES
    assert steps(run(own, *tenants, prune_namespaces=True, shares=divided["shares"]["east"]))
    dev = Person(own, "system:masters")
    await_counted(dev, *(f"{prefix}-{split}" for split in SPLITS))
    for split, (share, _elsewhere) in SHARES.items():
        number, why = admitted(dev, f"{prefix}-{split}", 9)
        assert (number, "exceeded quota: lodestar" in why) == (share, True), split
    gone = execute(
        DIVIDE, own.runner, tenants=tenants, clusters=clusters, hub="global", hub_access={**access, "token": "x"}
    )
    assert [line for line in gone["warnings"] if "the hub global cannot be asked" in line]


def recorded(hub: ApiServer, **cpus: str) -> None:
    """Makes the hub know what the nodes of clusters have."""
    with Client(hub.admin) as admin:
        for obj in yaml.safe_load_all((bundle() / "crds" / "crds-ocm-cluster.yaml").read_text()):
            if obj and obj["metadata"]["name"].startswith("managedclusters."):
                admin.apply(obj, force=True)
        until(
            lambda: (
                admin.request("GET", f"/apis/{CLUSTER_API}") and "ManagedCluster" in (admin.served(CLUSTER_API) or {})
            )
        )
        for name, cpu in cpus.items():
            record: Object = {"apiVersion": CLUSTER_API, "kind": "ManagedCluster", "metadata": {"name": name}}
            admin.apply({**record, "spec": {"hubAcceptsClient": True}}, force=True)
            status = {"allocatable": {"cpu": cpu}, "conditions": [], "version": {}}
            admin.apply({**record, "status": status}, force=True, subresource="status")
