# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server of their own for tests of tenants, since a cluster has one set of them."""

from __future__ import annotations

import copy
import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.access import access_objects
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.kube.connection import Connection
from ansible_collections.lodestar.platform.plugins.module_utils.tenancy import states
from ansible_collections.lodestar.platform.plugins.module_utils.tenancy.operate import OPERATION

from ..harness.apiserver import ApiServer
from ..harness.people import Person, execute

RBAC = "rbac.authorization.k8s.io/v1"


@pytest.fixture(scope="package")
def own(tmp_path_factory: pytest.TempPathFactory, tools: dict[str, t.Any]) -> t.Iterator[ApiServer]:
    """A server of our own, since a cluster has one set of tenants."""
    with ApiServer(tmp_path_factory.mktemp("own"), tools, controllers=["resourcequota-controller"]) as server:
        with Client(server.admin) as admin:
            aggregate(admin)
        yield server


def aggregate(admin: Client) -> None:
    """Fills admin, edit and view from the roles that say so, as a controller manager would; none runs here."""
    roles = {role["metadata"]["name"]: role for role in admin.list(RBAC, "ClusterRole")}

    def rules(name: str) -> list[t.Any]:
        found = []
        for role in roles.values():
            if role["metadata"].get("labels", {}).get(f"rbac.authorization.k8s.io/aggregate-to-{name}") == "true":
                found += rules(role["metadata"]["name"]) if role.get("aggregationRule") else role.get("rules") or []
        return found

    for name in ("admin", "edit", "view"):
        admin.replace({**roles[name], "rules": rules(name)})


def shop(prefix: str, **changes: t.Any) -> dict[str, t.Any]:
    """A tenant with everything, in two namespaces that begin with the prefix."""
    return {
        "name": prefix,
        "namespaces": [prefix, {"name": f"{prefix}-b", "pod_security": "restricted"}],
        "members": [
            {"kind": "Group", "name": f"{prefix}-devs", "role": "developer"},
            {"kind": "User", "name": f"{prefix}-boss", "role": "owner"},
            {"kind": "Group", "name": f"{prefix}-guests", "role": "viewer"},
        ],
        "quota": {"pods": 20, "requests.cpu": "4000m", "limits.memory": "8192Mi"},
        "limits": {"default": {"cpu": 0.5, "memory": "512Mi"}, "default_request": {"cpu": "100m"}},
        "network": {"egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}], "ports": [{"port": 443}]}]},
        **copy.deepcopy(changes),
    }


@pytest.fixture
def held(own: ApiServer, prefix: str) -> dict[str, t.Any]:
    """The only tenant of the server. Those of earlier tests go, with namespaces that nobody finalizes here."""
    tenant = shop(prefix)
    assert not (answer := run(own, tenant, prune_namespaces=True)).get("failed"), answer
    return tenant


def retire(own: ApiServer) -> None:
    """Marks every tenant's namespace as retired, as a run with C(state: retired) would."""
    with Client(own.admin) as admin:
        for space in admin.list("v1", "Namespace", label_selector="lodestar.platform/tenant"):
            admin.merge(
                "v1", "Namespace", space["metadata"]["name"], {"metadata": {"labels": {states.LABEL: "retired"}}}
            )


def run(own: ApiServer, *tenants: dict[str, t.Any], **options: t.Any) -> dict[str, t.Any]:
    """The module on the server; what is to be pruned is retired before."""
    if options.get("prune_namespaces") and not options.get("check"):
        retire(own)
    return execute(OPERATION, own.runner, tenants=list(tenants), **options)


def may(
    own: ApiServer,
    verb: str,
    resource: str,
    namespace: str,
    *groups: str,
    user: str = "somebody",
    group: str = "",
    name: str = "",
) -> bool:
    """Whether somebody may do this, as the server's authorizer sees it."""
    resource, _slash, sub = resource.partition("/")
    attributes = {
        "verb": verb,
        "resource": resource,
        "subresource": sub,
        "group": group,
        "namespace": namespace,
        "name": name,
    }
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": user, "groups": list(groups), "resourceAttributes": attributes},
    }
    path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    return bool(Person(own, "system:masters").post(path, body, dry_run=False).body["status"]["allowed"])


def ours(own: ApiServer, tier: str = "tenant", **grants: list[str]) -> Connection:
    """The identity that runs get on a cluster, with the rights of a tier and what is granted beyond it."""
    with Client(own.admin) as admin:
        for obj in access_objects(tier, grants=grants):
            admin.apply(obj, force=True)
        token = admin.create_token("lodestar-system", "lodestar", 3600)["token"]
    return Connection(own.url, ca_data=own.runner.ca_data, token=token)
