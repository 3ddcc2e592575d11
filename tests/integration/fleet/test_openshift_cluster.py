# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster with the kinds and objects that OpenShift serves: recognised, taken in, and left with all of its own."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.checks_probe import OPERATION as PREFLIGHT
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.kube.established import wait_established

from ..harness.apiserver import ApiServer
from ..harness.people import until
from .conftest import run
from .test_detach import everything, govern, leave, settled, take_in

Object = dict[str, t.Any]
DEFINITIONS = ("apiextensions.k8s.io/v1", "CustomResourceDefinition")
GROUP = "config.openshift.io"
#: Cluster-scoped kinds of that group, which an OpenShift cluster always has.
KINDS = {
    "ClusterVersion": "clusterversions",
    "Infrastructure": "infrastructures",
    "ClusterOperator": "clusteroperators",
}


def definition(kind: str, plural: str) -> Object:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "schema": {"openAPIV3Schema": schema},
    }
    names = {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"}
    return {
        "apiVersion": DEFINITIONS[0],
        "kind": DEFINITIONS[1],
        "metadata": {
            "name": f"{plural}.{GROUP}",
            "annotations": {"include.release.openshift.io/self-managed-high-availability": "true"},
        },
        "spec": {"group": GROUP, "names": names, "scope": "Cluster", "versions": [version]},
    }


def own(kind: str, name: str, **content: t.Any) -> Object:
    return {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": {"name": name}, **content}


OBJECTS = [
    own(
        "ClusterVersion",
        "version",
        spec={"channel": "stable-4.20", "clusterID": "5a1c9d52-9f0e-4c1b-8f5f-3f6f2a8f2c11"},
    ),
    own("Infrastructure", "cluster", spec={"platformSpec": {"type": "BareMetal"}}),
    own("ClusterOperator", "authentication", spec={}),
]


@pytest.fixture
def openshift(hosted: ApiServer) -> t.Iterator[ApiServer]:
    """The cluster, as long as the test takes."""
    before = everything(hosted)
    with Client(hosted.admin) as client:
        for kind, plural in KINDS.items():
            made = definition(kind, plural)
            client.create(made)
            wait_established(client, made)
        for obj in OBJECTS:
            client.create(obj)
    yield hosted
    with Client(hosted.admin) as client:
        for plural in KINDS.values():
            client.delete(DEFINITIONS[0], DEFINITIONS[1], f"{plural}.{GROUP}")
        until(lambda: not any(item["name"] == GROUP for item in client.request("GET", "/apis")["groups"]))
    assert settled(hosted, before) == []


def test_openshift_is_recognised_taken_in_and_left_as_it_was(
    openshift: ApiServer, hub: ApiServer, hub_access: Object, prefix: str
) -> None:
    config = openshift.kubeconfig()
    told = run(PREFLIGHT, cluster=prefix, kubeconfig=config, hub_access=hub_access)
    seen = {item["id"]: item["seen"] for item in told["checks"]}
    assert "openshift" in seen["distribution"]
    assert GROUP in seen["distribution"]
    before = everything(openshift)
    govern(prefix, take_in(openshift, hub_access, prefix))
    with Client(hub.admin) as client:
        record = client.get("cluster.open-cluster-management.io/v1", "ManagedCluster", prefix)
    claims = {item["name"]: item["value"] for item in record["status"]["clusterClaims"]}
    assert claims["product.open-cluster-management.io"] == "OpenShift"
    assert leave(prefix, hub_access, namespaces="delete")["state"] == "detached"
    assert settled(openshift, before) == []
