# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Budgets of tenants that are split by what the hub records of the clusters' nodes."""

from __future__ import annotations

import typing as t

from ansible_collections.lodestar.platform.plugins.module_utils.fleet.records import CLUSTER_API
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.tenancy.divide import OPERATION

from ..harness.apiserver import ApiServer
from .conftest import LODESTAR, run

Object = dict[str, t.Any]


def test_shares_follow_what_the_hub_records_and_nothing_is_divided_without_it(
    hub: ApiServer, hub_access: Object, prefix: str
) -> None:
    names = [f"{prefix}-{part}" for part in ("big", "small", "new")]
    with Client(hub.admin) as admin:
        for name, cpu in zip(names, ("6", "1500m", None), strict=True):
            record: Object = {"apiVersion": CLUSTER_API, "kind": "ManagedCluster", "metadata": {"name": name}}
            admin.apply({**record, "spec": {"hubAcceptsClient": True}}, force=True)
            if cpu is not None:
                status = {"allocatable": {"cpu": cpu, "memory": "8Gi"}, "conditions": [], "version": {}}
                admin.apply({**record, "status": status}, force=True, subresource="status")
    clusters = {name: {"name": name, "role": "workload"} for name in names}
    budget = {"total": {"requests.cpu": 10, "requests.memory": "3Gi"}, "split": "capacity"}
    given: Object = {"tenants": [{"name": "shop", "namespaces": ["shop"], "budget": budget}], "clusters": clusters}
    mark = hub.audit.mark()
    done = run(OPERATION, hub_access=hub_access, **given)
    assert [request.verb for request in hub.audit.since(mark, LODESTAR)].count("list") == 1
    assert [done["shares"][name]["shop"] for name in names] == [
        {"requests.cpu": "8", "requests.memory": "1536Mi"},
        {"requests.cpu": "2", "requests.memory": "1536Mi"},
        {"requests.cpu": "0", "requests.memory": "0"},
    ]
    assert done["allocatable"][names[1]] == {"cpu": "1500m", "memory": "8Gi"}
    assert f"no record of that of {names[2]}, so they get nothing of it yet" in done["warnings"][0]
    ended = {**hub_access, "token": "ended"}
    for access in (ended, None):
        done = run(OPERATION, hub_access=access, **given)
        assert done["shares"] == {name: {} for name in names}
        assert bool(done.get("warnings")) is (access is not None)
    with Client(hub.admin) as admin:
        for name in names:
            admin.delete(CLUSTER_API, "ManagedCluster", name)
