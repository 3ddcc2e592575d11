# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Roles of people on a real API server: what they may do, and what our identity may give them."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import access, fleet_bindings, fleet_roles
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.kube.connection import Connection
from ansible_collections.lodestar.platform.plugins.module_utils.kube.errors import Forbidden
from ansible_collections.lodestar.platform.plugins.module_utils.plan import Plan, carry_out

from ..harness.apiserver import ApiServer
from ..harness.people import Person, until

Object = dict[str, t.Any]
BINDINGS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "default"}}
CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "default"}}


def item(role: str, group: str) -> Object:
    clusters = {"clusters": {"names": ["east"]}} if role == "cluster-admin" else {}
    return {"name": group, "role": role, "members": [{"kind": "Group", "name": group}], **clusters}


@pytest.fixture
def ours(cluster: ApiServer) -> t.Iterator[t.Callable[[str], Client]]:
    """Our identity with the rights of a tier; what was given is taken away again."""
    made: list[Client] = []

    def of(tier: str) -> Client:
        with Client(cluster.admin) as admin:
            for obj in access.access_objects(tier):
                admin.apply(obj, force=True)
            token = admin.create_token("lodestar-system", "lodestar", 3600)["token"]
        made.append(Client(Connection(cluster.url, ca_data=cluster.runner.ca_data, token=token)))
        return made[-1]

    yield of
    with Client(cluster.admin) as admin:
        for name in ("auditors", "auditors-view", "cluster-admins", "tenant", "lifecycle"):
            admin.delete("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", f"lodestar:{name}")
        admin.delete("v1", "ConfigMap", "applyset-fleet-roles", "lodestar-system")
    for client in made:
        client.close()


def hold(client: Client, tier: str, *items: Object) -> list[str]:
    """Holds the cluster to these roles; what was done."""
    roles = fleet_bindings.check(list(items), "east", tier)
    steps, why = fleet_bindings.plan(client, roles, "east", tier=tier)
    assert why == ""
    carry_out(Plan(steps=steps))
    return [f"{step.action} {step.id.rpartition('/')[2]}" for step in steps]


def test_an_auditor_reads_everything_but_secrets_and_changes_nothing(
    cluster: ApiServer, ours: t.Callable[[str], Client], prefix: str
) -> None:
    client, auditor = ours("tenant"), Person(cluster, f"{prefix}-audit", user="anna")
    pods, bindings = "/api/v1/pods", "/apis/rbac.authorization.k8s.io/v1/rolebindings"
    assert auditor.call("GET", pods).status == 403
    given = item("auditor", f"{prefix}-audit")
    assert hold(client, "tenant", given)[-2:] == ["create lodestar:auditors", "create lodestar:auditors-view"]
    until(lambda: auditor.call("GET", pods).status == 200)
    cluster_scoped = ["/api/v1/nodes", "/apis/storage.k8s.io/v1/storageclasses", BINDINGS]
    read = [auditor.call("GET", path).status for path in (pods, bindings, *cluster_scoped)]
    assert read == [200] * 5
    refused = [
        auditor.call("GET", "/api/v1/secrets"),
        auditor.post("/api/v1/namespaces/default/configmaps", CONFIG),
        auditor.call("POST", "/api/v1/namespaces/default/serviceaccounts/default/token", {}),
        auditor.call("DELETE", f"{BINDINGS}/lodestar:auditors"),
    ]
    assert [answer.status for answer in refused] == [403] * 4
    mark = cluster.audit.mark()
    assert hold(client, "tenant", given) == []
    mine = cluster.audit.since(mark, "system:serviceaccount:lodestar-system:lodestar")
    assert [request.verb for request in mine] == ["get", "list"]


def test_what_somebody_added_is_taken_back_and_what_is_undeclared_goes(
    cluster: ApiServer, ours: t.Callable[[str], Client], prefix: str
) -> None:
    client = ours("lifecycle")
    admins, audit = item("cluster-admin", f"{prefix}-admins"), item("auditor", f"{prefix}-audit")
    hold(client, "lifecycle", admins, audit)
    person = Person(cluster, f"{prefix}-admins", user="bert")
    until(lambda: person.call("GET", "/api/v1/secrets").status == 200)
    mallory = [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:authenticated"}]
    patch = {"subjects": mallory, "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding"}
    path = f"{BINDINGS}/lodestar:cluster-admins"
    root = Person(cluster, "system:masters", user="mallory")
    added = root.patch(f"{path}?fieldManager=mallory&force=true", patch, "application/apply-patch+yaml")
    assert added.status == 200, added.message
    until(lambda: Person(cluster, user="anybody").call("GET", "/api/v1/secrets").status == 200)
    assert hold(client, "lifecycle", admins, audit) == ["update lodestar:cluster-admins"]
    until(lambda: Person(cluster, user="anybody").call("GET", "/api/v1/secrets").status == 403)
    until(lambda: person.call("GET", "/api/v1/secrets").status == 200)
    assert "delete lodestar:cluster-admins" in hold(client, "lifecycle", audit)
    until(lambda: person.call("GET", "/api/v1/secrets").status == 403)
    # Nothing declared takes everything, at once: a right that is taken away does not wait for another switch.
    assert {"delete lodestar:auditors", "delete lodestar:auditors-view"} <= set(hold(client, "lifecycle"))


def test_a_lower_tier_takes_away_what_it_cannot_hold(
    cluster: ApiServer, ours: t.Callable[[str], Client], prefix: str
) -> None:
    hold(ours("lifecycle"), "lifecycle", item("cluster-admin", f"{prefix}-admins"), item("auditor", f"{prefix}-audit"))
    roles = fleet_bindings.check([item("auditor", f"{prefix}-audit")], "east", "tenant")
    with Client(cluster.admin) as admin:
        admin.delete("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "lodestar:lifecycle")
        steps, why = fleet_bindings.plan(ours("tenant"), roles, "east", tier="tenant")
        assert (steps, "delete it as an administrator" in why) == ([], True)
        for tier, gone in (
            ("lifecycle", []),
            ("tenant", ["cluster-admins"]),
            ("observe", ["auditors", "auditors-view"]),
        ):
            steps = fleet_bindings.removal_steps(admin, "east", tier)
            carry_out(Plan(steps=steps))
            named = [step.id.rpartition("/")[2].removeprefix("lodestar:") for step in steps]
            assert [name for name in named if not name.startswith("applyset-")] == gone
        assert fleet_bindings.removal_steps(admin, "east", "observe") == []


def test_with_the_tier_of_tenants_our_identity_can_make_auditors_and_nothing_more(
    cluster: ApiServer, ours: t.Callable[[str], Client], prefix: str
) -> None:
    """The server itself refuses it, whatever a run would try."""
    client = ours("tenant")
    admins, problems = fleet_roles.read([item("cluster-admin", f"{prefix}-admins")])
    assert problems == []
    (binding,) = fleet_bindings.objects(admins)
    with pytest.raises(Forbidden):
        client.apply(binding)
    disguised = {**binding, "metadata": {"name": "lodestar:auditors"}}
    with pytest.raises(Forbidden):
        client.apply(disguised)
    elsewhere = {**binding, "metadata": {"name": f"{prefix}-more"}, "roleRef": {**binding["roleRef"], "name": "view"}}
    with pytest.raises(Forbidden):
        client.apply(elsewhere)
    assert ours("lifecycle").apply(binding)["metadata"]["name"] == "lodestar:cluster-admins"
