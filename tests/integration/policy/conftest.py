# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server of their own for tests of policies, since policies are about every namespace."""

from __future__ import annotations

import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.policy.operate import OPERATION

from ..harness.apiserver import ApiServer
from ..harness.people import Person, execute

#: Every rule, each with a mode of its own.
POLICIES: list[dict[str, t.Any]] = [
    {
        "name": "registries",
        "rule": "allowed_registries",
        "mode": "deny",
        "parameters": {"registries": ["reg.local", "reg.local:5000/team", "docker.io/library"]},
        "exemptions": {"namespaces": ["exempt"], "users": ["robot"]},
    },
    {"name": "limits", "rule": "required_resources", "mode": "deny", "parameters": {"limits": ["cpu", "memory"]}},
    {"name": "team", "rule": "required_labels", "mode": "warn", "parameters": {"labels": ["team"]}},
    {
        "name": "tier",
        "rule": "required_labels",
        "mode": "audit",
        "parameters": {"labels": [{"key": "tier", "values": ["front", "back"]}]},
    },
    {
        "name": "owner",
        "rule": "required_labels",
        "mode": "deny",
        "parameters": {"labels": ["owner"], "kinds": ["Namespace"]},
    },
    {
        "name": "ports",
        "rule": "cel",
        "mode": "deny",
        "parameters": {
            "resources": [{"resources": ["services"]}],
            "variables": {"type": "has(object.spec.type) ? object.spec.type : 'ClusterIP'"},
            "validations": [{"expression": "variables.type != 'NodePort'", "message": "use an Ingress"}],
        },
    },
    {
        "name": "keep",
        "rule": "cel",
        "mode": "deny",
        "scope": "tenants",
        "parameters": {
            "operations": ["DELETE"],
            "resources": [{"resources": ["configmaps", "persistentvolumes"]}],
            "validations": [{"expression": "oldObject.metadata.name != 'kept'", "message": "it is kept"}],
        },
    },
]
#: Namespaces of the tests; ``tenant`` belongs to a tenant.
NAMESPACES = {"plain": {}, "exempt": {}, "tenant": {"lodestar.platform/tenant": "shop"}, "lodestar-system": {}}


def in_force(dev: Person) -> bool:
    """True when the last policy works; the server takes up to a second or two to notice new ones."""
    services = {"metadata": {"name": "probe"}, "spec": {"type": "NodePort", "ports": [{"port": 1}]}}
    namespace = dev.post("/api/v1/namespaces", {"metadata": {"name": "probe"}})
    container = {"name": "c", "image": "reg.local/x", "resources": {"limits": {"cpu": "1", "memory": "1Gi"}}}

    def pod(**changes: t.Any) -> str:
        body = {"metadata": {"name": "probe"}, "spec": {"containers": [{**container, **changes}]}}
        answer = dev.post("/api/v1/namespaces/plain/pods", body)
        return answer.message + " ".join(answer.warnings)

    kept = dev.call("DELETE", "/api/v1/namespaces/tenant/configmaps/kept?dryRun=All")
    return (
        "policy ports" in dev.post("/api/v1/namespaces/plain/services", services).message
        and "policy owner" in namespace.message
        and "policy registries" in pod(image="elsewhere.example/x")
        and "policy limits" in pod(resources={})
        and "policy team" in pod()
        and "policy keep" in kept.message
    )


@pytest.fixture(scope="module")
def ruled(tmp_path_factory: pytest.TempPathFactory, tools: dict[str, Path]) -> t.Iterator[ApiServer]:
    """A server on which all of :data:`POLICIES` are in force."""
    with ApiServer(tmp_path_factory.mktemp("ruled"), tools) as server:
        admin = Person(server, "system:masters", "lodestar:break-glass")
        for name, labels in NAMESPACES.items():
            admin.post("/api/v1/namespaces", {"metadata": {"name": name, "labels": labels}}, dry_run=False)
        admin.post("/api/v1/namespaces/tenant/configmaps", {"metadata": {"name": "kept"}}, dry_run=False)
        result = execute(OPERATION, server.runner, policies=POLICIES)
        assert not result.get("failed"), result.get("msg")
        dev = Person(server, "system:masters")
        until = time.monotonic() + 15
        while not in_force(dev):
            assert time.monotonic() < until, "the policies did not come into force"
            time.sleep(0.2)
        yield server


@pytest.fixture
def dev(ruled: ApiServer) -> Person:
    """Somebody who may do everything that policies allow."""
    return Person(ruled, "system:masters")


@pytest.fixture
def rescuer(ruled: ApiServer) -> Person:
    """A member of the break-glass group."""
    return Person(ruled, "system:masters", "lodestar:break-glass", user="rescuer")
