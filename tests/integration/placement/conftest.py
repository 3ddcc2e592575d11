# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A hub: a real API server with the fleet's APIs, and clusters that are no more than records on it."""

from __future__ import annotations

import datetime
import typing as t
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import access
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.kube.connection import Connection
from ansible_collections.lodestar.platform.plugins.modules import apply

from ..harness.apiserver import ApiServer
from ..harness.people import execute
from ..harness.programs import bundle

Object = dict[str, t.Any]
CLUSTER_API = "cluster.open-cluster-management.io/v1"
PLACEMENT_API = "cluster.open-cluster-management.io/v1beta1"
SET_API = "cluster.open-cluster-management.io/v1beta2"
SET_LABEL = "cluster.open-cluster-management.io/clusterset"
SET = {"apiVersion": SET_API, "kind": "ManagedClusterSet", "metadata": {"name": "default"}, "spec": {}}


@pytest.fixture(scope="package")
def hub(tmp_path_factory: pytest.TempPathFactory, tools: dict[str, Path]) -> t.Iterator[ApiServer]:
    """The API server, on which namespaces end."""
    with ApiServer(tmp_path_factory.mktemp("hub"), tools, controllers=["namespace-controller"]) as server:
        yield server


@pytest.fixture(scope="package")
def ours(hub: ApiServer) -> Connection:
    """Our identity on the hub, with the rights of a run, and the fleet's APIs."""
    with Client(hub.admin) as admin:
        for obj in access.access_objects("lifecycle", hub=True):
            admin.apply(obj, force=True)
        token = admin.create_token("lodestar-system", "lodestar", 7200)["token"]
    made = Connection(server=hub.url, ca_data=hub.runner.ca_data, token=token)
    texts = [path.read_text() for path in sorted((bundle() / "crds").glob("*.yaml"))]
    done = execute(apply.OPERATION, made, applyset="hub", objects="\n---\n".join(texts), wait=True)
    assert not done.get("failed"), done["msg"]
    with Client(hub.admin) as admin:
        admin.apply(SET, force=True)
    return made


@pytest.fixture
def hub_access(hub: ApiServer, ours: Connection) -> Object:
    """The same access, as a run keeps it."""
    with Client(hub.admin) as admin:
        uid = (admin.get("v1", "Namespace", "kube-system") or {})["metadata"]["uid"]
    ends = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=2)
    expires = ends.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"server": hub.url, "ca_data": ours.ca_data, "token": ours.token, "expires": expires, "uid": uid}


def record(admin: Client, name: str, labels: Object | None = None, taints: list[Object] | None = None) -> None:
    """Notes a cluster on the hub."""
    metadata = {"name": name, "labels": {SET_LABEL: "default", **(labels or {})}}
    spec: Object = {"hubAcceptsClient": True, "taints": taints or []}
    admin.apply({"apiVersion": CLUSTER_API, "kind": "ManagedCluster", "metadata": metadata, "spec": spec}, force=True)
