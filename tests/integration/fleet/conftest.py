# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A hub and a member: two real API servers, and access to the hub with the rights that a run has there."""

from __future__ import annotations

import contextlib
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import access
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.identity import CLUSTER_LABEL
from ansible_collections.lodestar.platform.plugins.module_utils.kube.applyset import PART_OF
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.kube.connection import Connection
from ansible_collections.lodestar.platform.plugins.module_utils.operation import Context, Operation
from ansible_collections.lodestar.platform.plugins.modules import apply

from ..harness.apiserver import ApiServer
from ..harness.programs import bundle

RBAC = "rbac.authorization.k8s.io/v1"
CONTROLLERS = (
    "namespace-controller",
    "garbage-collector-controller",
    "serviceaccount-controller",
    "clusterrole-aggregation-controller",
)
#: Our identity on every cluster, as audit logs name it.
LODESTAR = "system:serviceaccount:lodestar-system:lodestar"


def run(operation: Operation, check: bool = False, **given: t.Any) -> dict[str, t.Any]:
    """The operation's result with these arguments and the defaults of the others."""
    params = {name: spec.get("default") for name, spec in operation.arguments.items()}
    return operation.execute({**params, **given}, Context(environ={}), check)


def uid_of(api: ApiServer) -> str:
    """The identity of a server's cluster."""
    with Client(api.admin) as client:
        return str((client.get("v1", "Namespace", "kube-system") or {})["metadata"]["uid"])


def minted(api: ApiServer, objects: t.Iterable[dict[str, t.Any]], seconds: int = 3600) -> dict[str, t.Any]:
    """An access to a server, as cluster_access makes it on a control plane."""
    with Client(api.admin) as client:
        for obj in objects:
            client.apply(obj, force=True)
        answer = client.create_token("lodestar-system", "lodestar", seconds)
    return {
        "server": api.url,
        "ca_data": api.runner.ca_data,
        "token": answer["token"],
        "expires": answer["expirationTimestamp"],
        "uid": uid_of(api),
    }


def connection(made: dict[str, t.Any]) -> Connection:
    """The connection that an access means."""
    return Connection(server=made["server"], ca_data=made["ca_data"], token=made["token"])


@pytest.fixture(scope="package")
def hub(tmp_path_factory: pytest.TempPathFactory, tools: dict[str, Path]) -> t.Iterator[ApiServer]:
    """The hub's API server, on which namespaces end."""
    with ApiServer(tmp_path_factory.mktemp("hub"), tools, controllers=["namespace-controller"]) as server:
        yield server


@pytest.fixture(scope="package")
def joining(tmp_path_factory: pytest.TempPathFactory, tools: dict[str, Path]) -> t.Iterator[ApiServer]:
    """The API server of the cluster that joins."""
    with ApiServer(tmp_path_factory.mktemp("member"), tools) as server:
        yield server


@pytest.fixture(scope="package")
def nodeless(tmp_path_factory: pytest.TempPathFactory, tools: dict[str, Path]) -> t.Iterator[ApiServer]:
    """A cluster without nodes: namespaces end, and garbage is collected."""
    with _without_nodes(tmp_path_factory, tools) as server:
        yield server


@pytest.fixture(scope="package")
def more(tmp_path_factory: pytest.TempPathFactory, tools: dict[str, Path]) -> t.Iterator[list[ApiServer]]:
    """Two more of these."""
    with _without_nodes(tmp_path_factory, tools) as second, _without_nodes(tmp_path_factory, tools) as third:
        yield [second, third]


@contextlib.contextmanager
def _without_nodes(factory: pytest.TempPathFactory, tools: dict[str, Path]) -> t.Iterator[ApiServer]:
    with ApiServer(factory.mktemp("hosted"), tools, controllers=CONTROLLERS) as server:
        for namespace in ("default", "kube-system", "kube-public", "kube-node-lease", "lodestar-test"):
            await_account(server, namespace)
        yield server


@pytest.fixture
def hosted(nodeless: ApiServer, hub: ApiServer) -> t.Iterator[ApiServer]:
    """The cluster without nodes; what a test that failed left of us is taken away."""
    yield nodeless
    take_us_away([nodeless], hub)


@pytest.fixture
def three(nodeless: ApiServer, more: list[ApiServer], hub: ApiServer) -> t.Iterator[list[ApiServer]]:
    """Three clusters without nodes, from which we are taken away likewise."""
    yield [nodeless, *more]
    take_us_away([nodeless, *more], hub)


def take_us_away(members: t.Sequence[ApiServer], hub: ApiServer) -> None:
    """Whatever carries our marks, all at once, since a namespace takes seconds to end."""
    for member in members:
        with Client(member.admin) as client:
            _begin_to_leave(client)
    until = time.monotonic() + 60
    for member in members:
        with Client(member.admin) as client:
            while _our_namespaces(client) and time.monotonic() < until:
                time.sleep(0.5)
    with Client(hub.admin) as client:
        for record in client.list("cluster.open-cluster-management.io/v1", "ManagedCluster"):
            client.delete(record["apiVersion"], record["kind"], record["metadata"]["name"])
        # With the access that the hub keeps of them, maybe by a way that is gone.
        for item in client.list("v1", "Namespace", label_selector=CLUSTER_LABEL):
            client.delete("v1", "Namespace", item["metadata"]["name"])
        while client.list("v1", "Namespace", label_selector=CLUSTER_LABEL) and time.monotonic() < until:
            time.sleep(0.5)


def _begin_to_leave(client: Client) -> None:
    """Deletes what is ours on a cluster; its namespaces end later."""
    for kind in [f"{way}AdmissionPolicy{end}" for way in ("Mutating", "Validating") for end in ("", "Binding")]:
        for obj in client.list("admissionregistration.k8s.io/v1", kind, label_selector=PART_OF):
            client.delete(obj["apiVersion"], kind, obj["metadata"]["name"])
    _forget_definition(client)
    # Those that attaching makes go with their namespace; a test may have made them by itself.
    for kind in ("ClusterRole", "ClusterRoleBinding"):
        for obj in client.list(RBAC, kind):
            if obj["metadata"]["name"].startswith("lodestar:"):
                client.delete(RBAC, kind, obj["metadata"]["name"])
    for name in _our_namespaces(client):
        client.delete("v1", "Namespace", name)


def _our_namespaces(client: Client) -> list[str]:
    there = [item["metadata"] for item in client.list("v1", "Namespace")]
    return [
        item["name"] for item in there if item["name"] == "lodestar-system" or PART_OF in (item.get("labels") or {})
    ]


def await_account(api: ApiServer, namespace: str) -> None:
    """Waits: every namespace gets its default ServiceAccount a little later."""
    until = time.monotonic() + 60
    with Client(api.admin) as client:
        while client.get("v1", "ServiceAccount", "default", namespace) is None and time.monotonic() < until:
            time.sleep(0.2)


@pytest.fixture
def member(joining: ApiServer, hub: ApiServer) -> t.Iterator[ApiServer]:
    """A cluster that no hub has touched: what a test left of us is taken away."""
    yield joining
    with Client(joining.admin) as client:
        _forget_us(client)
    with Client(hub.admin) as client:
        for record in client.list("cluster.open-cluster-management.io/v1", "ManagedCluster"):
            client.delete(record["apiVersion"], record["kind"], record["metadata"]["name"])


@pytest.fixture
def east(member: ApiServer) -> dict[str, t.Any]:
    """Access to a created cluster."""
    return minted(member, access.access_objects("lifecycle"))


def _forget_definition(client: Client) -> None:
    """What a test left of ClusterProperties goes with their definition, as soon as that is gone."""
    crd = ("apiextensions.k8s.io/v1", "CustomResourceDefinition", "clusterproperties.about.k8s.io")
    client.delete(*crd)
    until = time.monotonic() + 60
    while client.get(*crd) is not None and time.monotonic() < until:
        time.sleep(0.2)


def _forget_us(client: Client) -> None:
    _forget_definition(client)
    space = client.get("v1", "Namespace", "lodestar-system")
    if space is None:
        return
    for api_version, kind, namespace in (
        ("v1", "ServiceAccount", "lodestar-system"),
        ("v1", "ConfigMap", "lodestar-system"),
        (RBAC, "Role", "lodestar-system"),
        (RBAC, "RoleBinding", "lodestar-system"),
        (RBAC, "ClusterRole", None),
        (RBAC, "ClusterRoleBinding", None),
    ):
        for obj in client.list(api_version, kind, namespace=namespace):
            if namespace or obj["metadata"]["name"].startswith("lodestar:"):
                client.delete(api_version, kind, obj["metadata"]["name"], namespace)
    client.delete("v1", "Namespace", "lodestar-system")
    # No controller manager runs that would end it.
    ending = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "lodestar-system"},
        "spec": {"finalizers": []},
    }
    client.request("PUT", "/api/v1/namespaces/lodestar-system/finalize", body=ending, content_type="application/json")


def opened(hub: ApiServer) -> dict[str, t.Any]:
    """Makes a server a hub, with the fleet's APIs, and returns what a run has of it: the rights of its tier."""
    made = minted(hub, access.access_objects("lifecycle", hub=True))
    texts = [path.read_text() for path in sorted((bundle() / "crds").glob("*.yaml"))]
    given = {key: made[key] for key in ("server", "ca_data", "token")}
    result = run(apply.OPERATION, applyset="hub", objects="\n---\n".join(texts), access=given, wait=True)
    assert not result.get("failed"), result["msg"]
    return made


@pytest.fixture(scope="package")
def hub_access(hub: ApiServer) -> dict[str, t.Any]:
    """What a run has of the hub: the rights of its tier, and the fleet's APIs."""
    return opened(hub)
