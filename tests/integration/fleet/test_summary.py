# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module cluster_summary against a real API server."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.report_summary import OPERATION
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.operation import Context

from ..harness.apiserver import ApiServer

CLUSTER = {
    "name": "east",
    "role": "workload",
    "mode": "create",
    "version": "1.30.0",
    "tenants": ["payments"],
    "policies": ["registries"],
}


@pytest.fixture
def nodes(api: ApiServer, prefix: str) -> t.Iterator[list[str]]:
    """Two nodes, of which the first is ready."""
    names = [f"{prefix}-1", f"{prefix}-2"]
    with Client(api.admin) as admin:
        for name, ready in zip(names, ("True", "Unknown"), strict=True):
            node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}
            admin.create(node)
            status = {"conditions": [{"type": "Ready", "status": ready, "reason": "x"}], "capacity": {"cpu": "1500m"}}
            admin.apply({**node, "status": status}, subresource="status")
        yield names
        for name in names:
            admin.delete("v1", "Node", name)


def summary(server: str, ca_data: str, token: str, names: list[str]) -> dict[str, t.Any]:
    access = {"server": server, "ca_data": ca_data, "token": token, "expires": "2030-01-01T00:00:00Z"}
    params = {
        "cluster": CLUSTER,
        "node_names": names,
        "certificate_expiries": ["2031-01-01T00:00:00Z", "2030-06-01T00:00:00Z"],
        "changed": [],
        "problem": None,
        "cluster_exists": True,
        "access_share": 25,
        "access_renewed": False,
        "access": access,
    }
    answer = OPERATION.execute(params, Context(environ={}), check_mode=False)
    assert answer["changed"] is False
    return answer["entry"]


def test_a_cluster_says_where_it_stands_without_a_write(api: ApiServer, nodes: list[str]) -> None:
    mark = api.audit.mark()
    entry = summary(api.url, api.runner.ca_data, api.runner.token, [*nodes, "lost"])
    with Client(api.runner) as client:
        assert entry["version"] == client.version()["gitVersion"]
    assert entry["nodes"] == {"ready": 1, "total": 3}
    assert entry["capacity"] == {"cpu": 3, "memory": 0, "pods": 0}
    assert (entry["joined"], entry["tenants"], entry["policies"]) == ("created", ["payments"], ["registries"])
    assert entry["certificate_expiry"] == "2030-06-01T00:00:00Z"
    assert entry["access_expiry"] == "2030-01-01T00:00:00Z"
    assert (entry["problem"], entry["access_warning"]) == (None, None)
    requests = api.audit.since(mark)
    assert requests
    assert not [request for request in requests if request.writes]


def test_a_cluster_that_refuses_us_has_a_problem_that_holds_no_secret(api: ApiServer) -> None:
    entry = summary(api.url, api.runner.ca_data, "n0t-a-token", [])
    assert entry["problem"]
    assert "n0t-a-token" not in repr(entry)
    assert entry["version"] == "1.30.0"
