# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many tenants and policies on three clusters: held, left alone, and repaired whatever somebody does by hand."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.declaration import TENANT_LABEL
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.tenancy.states import LABEL as STATE

from tests.conftest import Bar
from tests.e2e.driver import Run

from ..harness import forty, listing
from ..harness.apiserver import ApiServer
from ..harness.edits import Edits, Expected
from ..harness.governed import held, listed_once, repaired
from .conftest import LODESTAR, RBAC
from .plays import Fleet

Object = dict[str, t.Any]
FEW, EDITS, SEED, ROUNDS = 8, 30, 20261127, 4
SIZES = {"cpu": "16", "memory": "64Gi", "ephemeral-storage": "100Gi", "pods": "110"}


@pytest.fixture
def clusters(three: list[ApiServer]) -> t.Iterator[dict[str, ApiServer]]:
    """Two clusters with a Node, one without, and a ClusterRole of the clusters' own on each."""
    named = dict(zip(forty.CLUSTERS, three, strict=True))
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node"}}
    for name, api in named.items():
        with Client(api.admin) as admin:
            admin.apply(forty.reader())
            if name != forty.HOSTED:
                admin.create(node)
                ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "as told"}
                status = {"conditions": [ready], "capacity": SIZES, "allocatable": SIZES}
                admin.apply({**node, "status": status}, subresource="status")
    yield named
    for api in three:
        with Client(api.admin) as admin:
            admin.delete("v1", "Node", "node")
            admin.delete(RBAC, "ClusterRole", forty.READER)


class Governed:
    """A fleet of these clusters with these tenants, and all policies."""

    def __init__(
        self, folder: Path, hub_access: Object, clusters: dict[str, ApiServer], tenants: t.Sequence[Object]
    ) -> None:
        self.folder, self.hub_access, self.clusters = folder, hub_access, clusters
        self.declare(tenants)

    def declare(self, tenants: t.Sequence[Object]) -> None:
        """Writes the inventory anew, with these tenants. Without any there is nothing that policies could be about."""
        self.tenants, policies = list(tenants), forty.policies() if tenants else []
        hosts = {name: {"kubeconfig": api.kubeconfig(), **forty.variables(name)} for name, api in self.clusters.items()}
        self.fleet = Fleet(self.folder, self.hub_access, hosts, tenants=self.tenants, policies=policies)

    def play(self, *arguments: str) -> Run:
        return self.fleet.run("attach", *arguments)

    def founded(self) -> dict[str, int]:
        """The first run; how many objects of tenants and policies it made on each cluster."""
        self.play().checked()
        return {name: held(api.admin) for name, api in self.clusters.items()}

    def unchanged(self) -> tuple[float, int]:
        """A run that has nothing to do: its seconds, and how many lists the cluster that is asked most was asked."""
        marks = {name: api.audit.mark() for name, api in self.clusters.items()}
        run = self.play().checked()
        assert (run.changed, run.steps()) == (0, [])
        lists = []
        for name, api in self.clusters.items():
            requests = api.audit.since(marks[name], LODESTAR)
            assert [request for request in requests if request.writes] == []
            lists.append(listed_once((request.verb, request.uri) for request in requests))
        return run.seconds, max(lists)

    def namespaces(self) -> dict[str, dict[str, str]]:
        """The state of each namespace of a tenant, by cluster and name; what ends already is left out."""
        found: dict[str, dict[str, str]] = {}
        for name, api in self.clusters.items():
            with Client(api.admin) as admin:
                spaces = [item["metadata"] for item in admin.list("v1", "Namespace", label_selector=TENANT_LABEL)]
            living = [one for one in spaces if "deletionTimestamp" not in one]
            found[name] = {one["name"]: one["labels"].get(STATE, "active") for one in living}
        return found

    def refused(self, *arguments: str) -> None:
        """A run that names what it would delete on each cluster, and does nothing."""
        before = self.namespaces()
        marks = {name: api.audit.mark() for name, api in self.clusters.items()}
        done = self.play(*arguments)
        assert done.code != 0
        for name, spaces in before.items():
            assert f"{len(spaces)} namespace(s) of {name} " in " ".join(done.output.split()), done.output
            assert not [one for one in self.clusters[name].audit.since(marks[name], LODESTAR) if one.writes]
        assert self.namespaces() == before

    def done(self, *arguments: str) -> list[Expected]:
        """The steps of a run, which check mode has predicted."""
        predicted = self.play("--check", *arguments).checked().steps()
        assert self.play(*arguments).checked().steps() == predicted
        return predicted

    def emptied(self) -> int:
        """Retires all tenants, then deletes them, each when it is said and not before; of how many namespaces."""
        tenants, there = self.tenants, self.namespaces()
        prune = ("-e", "tenancy_prune_namespaces=true")
        self.declare([])
        self.refused()
        self.refused(*prune)
        self.declare(forty.retired(tenants))
        self.done()
        assert self.namespaces() == {name: dict.fromkeys(spaces, "retired") for name, spaces in there.items()}
        self.declare([])
        self.refused()
        gone = {
            (name, id_) for name, id_, action in self.done(*prune, "-e", "policy_prune_all=true") if action == "delete"
        }
        assert gone >= {(name, f"v1/Namespace/{one}") for name, spaces in there.items() for one in spaces}
        assert self.namespaces() == {name: {} for name in there}
        return sum(map(len, there.values()))

    def left(self, before: t.Mapping[str, dict[str, Object]]) -> None:
        """Takes the clusters out of the fleet; nothing of ours is left on any of them."""
        self.fleet.run("detach", "-e", f"detach_clusters={','.join(self.clusters)}").checked()
        for name, api in self.clusters.items():
            assert listing.settled(api.admin, before[name], 120) == [], name

    def repaired(self, seed: int, count: int) -> Edits:
        return repaired(self.play, {name: api.admin for name, api in self.clusters.items()}, seed, count)


def test_what_is_done_by_hand_is_predicted_and_repaired(
    clusters: dict[str, ApiServer], hub_access: Object, tmp_path: Path
) -> None:
    governed = Governed(tmp_path / "user", hub_access, clusters, forty.tenants(FEW))
    governed.founded()
    governed.unchanged()
    edits = governed.repaired(SEED, EDITS)
    assert {cluster for cluster, _id, _action in edits.expected} == set(forty.CLUSTERS)
    assert {action for _cluster, _id, action in edits.expected} == {"update", "create", "delete"}


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_forty_tenants(clusters: dict[str, ApiServer], hub_access: Object, tmp_path: Path, bar: Bar) -> None:
    before = {name: listing.everything(api.admin) for name, api in clusters.items()}
    governed = Governed(tmp_path / "user", hub_access, clusters, forty.tenants())
    made = governed.founded()
    objects = ", ".join(f"{count} on {name}" for name, count in made.items())
    seconds, lists = governed.unchanged()
    what = "three API servers, 40 tenants, 12 policies"
    bar(f"{what}: objects; an unchanged run: changed, writes", f"{objects}; 0, 0 in {seconds:.1f} s")
    bar(f"{what}: LISTs a kind and cluster for tenants and for policies", f"1, of {lists} kinds")
    for seed in range(SEED, SEED + ROUNDS):
        governed.repaired(seed, EDITS)
    bar(
        f"{what}: {EDITS} edits, deletions and additions by hand, {ROUNDS} times: predicted, repaired, next run",
        f"{ROUNDS * EDITS}, {ROUNDS * EDITS} of {ROUNDS * EDITS}, changed=0",
    )
    number = governed.emptied()
    bar(f"{what}: retired, then deleted, each when it is said and not before: namespaces", f"{number} of {number}")
    governed.left(before)
    bar(f"{what}: detached afterwards: objects that are not as before the platform came", 0)
