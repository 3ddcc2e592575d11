# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Attached clusters that have nothing to do leave a run after one look; whatever there is to do keeps them in it."""

from __future__ import annotations

import typing as t
from collections import Counter
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.declaration import TENANT_LABEL
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import inventory
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.settled.operation import OPERATION as SETTLED

from ..harness.apiserver import ApiServer
from .conftest import LODESTAR, run
from .plays import Fleet, changed, changed_on, recap
from .test_detach import policy
from .test_detach import tenant as plain

Object = dict[str, t.Any]
NAMES = ("first", "second")
CLUSTER = "cluster.open-cluster-management.io/v1"


def tenant(prefix: str) -> Object:
    """One that admission policies hold to its limits, as they hold everybody to policies."""
    return {**plain(prefix), "allow": {"storage_classes": ["standard"]}}


@pytest.fixture
def fleet(three: list[ApiServer], hub_access: Object, tmp_path: Path, prefix: str) -> Fleet:
    """Two clusters that are attached and hold a tenant and a policy."""
    given = {name: {"kubeconfig": server.kubeconfig()} for name, server in zip(NAMES, three, strict=False)}
    made = Fleet(tmp_path / "user", hub_access, given, tenants=[tenant(prefix)], policies=[policy(prefix)])
    done = made.play("attach")
    assert done.returncode == 0, done.stdout[-6000:]
    return made


class Look:
    """Looks at the clusters as a run would, with a declaration of which parts are replaced."""

    def __init__(self, hub_access: Object, prefix: str) -> None:
        self.hub_access, self.prefix = hub_access, prefix

    def __call__(self, options: Object | None = None, lists: Object | None = None, **first: t.Any) -> Object:
        local = {"ansible_connection": "local", "tenants": [tenant(self.prefix)], "policies": [policy(self.prefix)]}
        local |= lists or {}
        hosts = {
            "hub": {"cluster_role": "global", "kubernetes_version": "1.36.3", "endpoint": {"address": "192.0.2.10"}},
            "first": {"cluster_mode": "attach", **first},
            "second": {"cluster_mode": "attach"},
        }
        declared = {name: {**host, **local} for name, host in hosts.items()} | {"h1": {"ansible_host": "192.0.2.11"}}
        machines = {group: ["h1"] for group in ("machines", "hub_machines", "hub_control_plane")}
        found = inventory.read(declared, {"clusters": list(hosts), **machines}).as_dict()
        answer = run(
            SETTLED, fleet=found, names=list(hosts), options={"first": options or {}}, hub="hub",
            hub_access=self.hub_access,
        )  # fmt: skip
        assert not answer.get("failed"), answer
        return answer

    def settled(self, *given: t.Any, **first: t.Any) -> set[str]:
        return set(self(*given, **first)["settled"])


@pytest.fixture
def look(fleet: Fleet, hub_access: Object, prefix: str) -> Look:
    return Look(hub_access, prefix)


#: What a declaration says otherwise, and which clusters that keeps.
OTHERWISE: dict[str, tuple[Object, set[str]]] = {
    "label": ({"cluster_labels": {"tier": "gold"}}, {"first"}),
    "tier": ({"cluster_access": {"tier": "lifecycle"}}, {"first"}),
    "policies": ({"lists": {"policies": []}}, set(NAMES)),
    "fleet roles": (
        {"lists": {"fleet_roles": [{"name": "ops", "role": "auditor", "members": [{"kind": "Group", "name": "ops"}]}]}},
        set(NAMES),
    ),
    "cluster set": ({"options": {"attach_cluster_set": "other"}}, {"first"}),
    "another declaration of a role": ({"options": {"tenancy_tenants": None}}, {"first"}),
}


def test_what_is_unchanged_costs_one_look_and_is_in_the_report(
    fleet: Fleet, three: list[ApiServer], hub: ApiServer
) -> None:
    marks, hub_mark = [server.audit.mark() for server in three], hub.audit.mark()
    done = fleet.play("attach")
    assert done.returncode == 0, done.stdout[-4000:]
    assert changed(done.stdout) == 0
    assert set(recap(done.stdout)) == {"hub"}
    for name, server, mark in zip(NAMES, three, marks, strict=False):
        assert changed_on(done.stdout, name) == 0
        asked = server.audit.since(mark, LODESTAR)
        assert asked
        assert not [one for one in asked if one.writes]
        assert {uri: count for uri, count in Counter(one.uri for one in asked).items() if count > 1} == {}
        # Tenants and policies are both held by admission policies: of each kind there is one list for all sets.
        listed = Counter(one.uri.partition("?")[0] for one in asked if one.verb == "list")
        assert {path: count for path, count in listed.items() if count > 1} == {}
        assert "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies" in listed
    assert not [one for one in hub.audit.since(hub_mark, LODESTAR) if one.writes]

    limited = fleet.play("attach", "--limit", "first")
    assert limited.returncode == 0, limited.stdout[-4000:]
    assert changed_on(limited.stdout, "first") == 0


def test_one_that_has_something_to_do_keeps_no_other(fleet: Fleet, three: list[ApiServer], prefix: str) -> None:
    with Client(three[0].admin) as client:
        assert client.delete("networking.k8s.io/v1", "NetworkPolicy", "lodestar-default-deny", f"{prefix}-app")
    predicted = fleet.play("attach", "--check")
    done = fleet.play("attach")
    for one in (predicted, done):
        assert one.returncode == 0, one.stdout[-4000:]
        assert set(recap(one.stdout)) == {"hub", "first"}
        assert changed_on(one.stdout, "first") == 1
        assert changed_on(one.stdout, "second") == 0


def test_what_is_not_as_declared_keeps_a_cluster(look: Look, hub: ApiServer, three: list[ApiServer]) -> None:
    assert look.settled() == set(NAMES)
    for what, (declared, kept) in OTHERWISE.items():
        answer = look(**declared)
        assert set(answer["settled"]) == set(NAMES) - kept, what
        assert {name: answer["looked"][name]["state"] for name in kept} == dict.fromkeys(kept, "usable")

    with three[0].frozen():
        answer = look()
    assert set(answer["settled"]) == {"second"}
    found = answer["looked"]["first"]
    assert (found["state"], found["access"]) == ("unreachable", None)
    assert three[0].admin.server in found["reason"]

    with Client(hub.admin) as client:
        client.merge(CLUSTER, "ManagedCluster", "first", {"metadata": {"labels": {"lodestar.platform/mode": "x"}}})
    assert look.settled() == {"second"}
    with Client(three[1].admin) as client:
        client.merge("v1", "Namespace", f"{look.prefix}-app", {"metadata": {"labels": {TENANT_LABEL: None}}})
    assert look.settled() == set()
