# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clusters without nodes to which people sign on by an issuer, as a declaration means it.

ClusterRoles are aggregated there, so that C(view) and C(edit) mean what they mean.
"""

from __future__ import annotations

import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import inventory_authentication
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.inventory_fields import Fields
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.machine import authentication
from ansible_collections.lodestar.platform.plugins.module_utils.tenancy.operate import OPERATION as TENANCY

from ..harness.apiserver import ApiServer
from ..harness.issuer import Issuer
from ..harness.people import execute, steps

CONTROLLERS = ("clusterrole-aggregation-controller", "namespace-controller", "garbage-collector-controller")
Object = dict[str, t.Any]


_TENANTS: dict[str, list[Object]] = {}


def give(api: ApiServer, tenant: Object) -> list[str]:
    """Holds a cluster to one tenant more, and to those of earlier tests; what was done."""
    tenants = _TENANTS.setdefault(api.url, [])
    tenants.append(tenant)
    return steps(execute(TENANCY, api.runner, tenants=tenants))


def document(declared: Object) -> str:
    """The file that the variable C(cluster_authentication) means."""
    fields = Fields("east: ", {"cluster_authentication": declared}, [])
    read = inventory_authentication.read(fields, True, ())
    assert fields.problems == []
    text = authentication.document({"name": "east", "version": "1.36.3", "authentication": read})
    assert text is not None
    return text


@pytest.fixture(scope="package")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Issuer]:
    """Who signs people on."""
    with Issuer(tmp_path_factory.mktemp("issuer")) as made:
        yield made


@pytest.fixture(scope="package")
def second_issuer(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Issuer]:
    """Another one, which a declaration may add."""
    with Issuer(tmp_path_factory.mktemp("second-issuer"), "second") as made:
        yield made


def _await_aggregated(server: ApiServer) -> None:
    until = time.monotonic() + 30
    with Client(server.admin) as client:
        while not (client.get("rbac.authorization.k8s.io/v1", "ClusterRole", "edit") or {}).get("rules"):
            assert time.monotonic() < until
            time.sleep(0.1)


def _cluster(
    factory: pytest.TempPathFactory, tools: dict[str, Path], name: str, declared: Object
) -> t.Iterator[ApiServer]:
    folder = factory.mktemp(name)
    (folder / "settings").mkdir()
    path = folder / "settings" / "authentication.yaml"
    path.write_text(document(declared))
    argument = f"--{authentication.ARGUMENT}={path}"
    with ApiServer(folder, tools, argument, controllers=CONTROLLERS) as server:
        _await_aggregated(server)
        yield server


@pytest.fixture(scope="package")
def cluster(tmp_path_factory: pytest.TempPathFactory, tools: dict[str, Path], issuer: Issuer) -> t.Iterator[ApiServer]:
    """The cluster."""
    hosted = {"expression": "has(claims.hd) ? claims.hd == 'example.org' : true", "message": "not of example.org"}
    yield from _cluster(tmp_path_factory, tools, "signon", {"jwt": [issuer.declared(claimValidationRules=[hosted])]})


@pytest.fixture(scope="package")
def twin(tmp_path_factory: pytest.TempPathFactory, tools: dict[str, Path], issuer: Issuer) -> t.Iterator[ApiServer]:
    """A second cluster with the same issuer, on which nobody asks without a name but for what machines need."""
    declared = {"jwt": [issuer.declared()], "anonymous": {"enabled": True, "conditions": []}}
    yield from _cluster(tmp_path_factory, tools, "twin", declared)
