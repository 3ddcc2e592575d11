# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Forty tenants and twelve policies on a created cluster, one that plain kubeadm made, and a hosted control plane.

The hosted one is a kube-apiserver with its controller manager and etcd on the controller, without a node.
"""

from __future__ import annotations

import tempfile
import typing as t
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.kube.connection import Connection, from_kubeconfig

from tests.conftest import Bar
from tests.e2e.driver import QUICKSTART, Fleet, Run
from tests.faults.solo_fleet import overlay
from tests.integration.fleet.conftest import CONTROLLERS, LODESTAR
from tests.integration.harness import forty
from tests.integration.harness.apiserver import ApiServer
from tests.integration.harness.governed import held, listed_once, repaired
from tests.integration.harness.programs import programs

pytestmark = [pytest.mark.full, pytest.mark.timeout(3600)]
#: Whose audit log tells of which cluster on machines. That of the legacy one has no reads.
MACHINES = {forty.EAST: "e1", forty.LEGACY: "l1"}
EDITS, SEED = 30, 20261127
DETACH = "lodestar.platform.detach"
Object = dict[str, t.Any]


def shipped(name: str) -> list[Object]:
    """What the quickstart itself declares."""
    file = QUICKSTART / "group_vars" / "all" / f"{name}.yml"
    return list(yaml.safe_load(file.read_text())[name])


@dataclass(frozen=True)
class Governed:
    """The fleet with the hosted control plane, and the inventory that declares all of it."""

    fleet: Fleet
    hosted: ApiServer
    inventory: tuple[str, str]

    @classmethod
    def declare(cls, fleet: Fleet, hosted: ApiServer, directory: Path, tenants: list[Object]) -> Governed:
        """With the tenants and policies of the quickstart, these tenants, and the twelve policies if there are any."""
        settings = {f"host_vars/{name}.yml": {"tenant_settings": forty.SETTINGS} for name in MACHINES}
        attached = {"cluster_mode": "attach", "kubeconfig": hosted.kubeconfig(), **forty.variables(forty.HOSTED)}
        policies = shipped("policies") + (forty.policies() if tenants else [])
        files = {
            "hosts.yml": {"clusters": {"hosts": {forty.HOSTED: {}}}},
            f"host_vars/{forty.HOSTED}.yml": attached,
            "group_vars/all.yml": {"tenants": shipped("tenants") + tenants, "policies": policies},
            **settings,
        }
        return cls(fleet, hosted, overlay(Path(tempfile.mkdtemp(dir=directory)), files))

    def site(self, *arguments: str) -> Run:
        return self.fleet.site(*self.inventory, *arguments)

    @property
    def admins(self) -> dict[str, Connection]:
        """Access of an administrator to each cluster."""
        document = yaml.safe_load((self.fleet.state / "kubeconfig").read_text())
        return {**{name: from_kubeconfig(document, name) for name in MACHINES}, forty.HOSTED: self.hosted.admin}

    def unchanged(self) -> tuple[float, dict[str, int]]:
        """A run that has nothing to do: its seconds, and how many lists each cluster was asked that logs reads."""
        since = {name: self.fleet.now(machine) for name, machine in MACHINES.items()}
        mark = self.hosted.audit.mark()
        run = self.site().checked()
        assert (run.changed, run.steps()) == (0, [])
        assert {name: self.fleet.our_writes(machine, since[name]) for name, machine in MACHINES.items()} == {
            name: [] for name in MACHINES
        }
        requests = self.hosted.audit.since(mark, LODESTAR)
        assert [request for request in requests if request.writes] == []
        events = self.fleet.audited(MACHINES[forty.EAST], since[forty.EAST])
        ours = [(event["verb"], event["requestURI"]) for event in events if event["user"].get("username") == LODESTAR]
        hosted = [(request.verb, request.uri) for request in requests]
        return run.seconds, {forty.EAST: listed_once(ours), forty.HOSTED: listed_once(hosted)}


@pytest.fixture
def hosted(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[ApiServer]:
    """A hosted control plane with the ClusterRole that a tenant's members get."""
    tools = programs(tmp_path_factory.mktemp("programs"))
    with ApiServer(tmp_path_factory.mktemp("hosted"), tools, controllers=CONTROLLERS) as server:
        with Client(server.admin) as admin:
            admin.apply(forty.reader())
        yield server


@pytest.fixture
def governed(fleet: Fleet, hosted: ApiServer, tmp_path: Path) -> t.Iterator[Governed]:
    """Declared, and taken away again in the two steps that namespaces take; the fleet is as it was then."""
    tenants = forty.tenants(granted=[forty.HOSTED])
    declared = Governed.declare(fleet, hosted, tmp_path, tenants)
    yield declared
    Governed.declare(fleet, hosted, tmp_path, forty.retired(tenants)).site().checked()
    without = Governed.declare(fleet, hosted, tmp_path, [])
    without.site("-e", "tenancy_prune_namespaces=true").checked()
    fleet.playbook(DETACH, *without.inventory, "-e", f"detach_clusters={forty.HOSTED}").checked()
    settled = fleet.site().checked()
    assert (settled.changed, settled.steps()) == (0, [])


def test_forty_tenants_on_three_kinds_of_clusters(governed: Governed, bar: Bar) -> None:
    first = governed.site().checked()
    made = {name: held(access) for name, access in governed.admins.items()}
    seconds, lists = governed.unchanged()
    what = "created, legacy and hosted, 40 tenants, 12 policies beside the quickstart's"
    objects = ", ".join(f"{count} on {name}" for name, count in made.items())
    bar(f"{what}: objects; the first run", f"{objects}; {first.seconds:.1f} s")
    bar(f"{what}: an unchanged run: changed, writes, LISTs a kind", f"0, 0, 1 of {lists} kinds in {seconds:.1f} s")
    edits = repaired(governed.site, governed.admins, SEED, EDITS)
    assert {cluster for cluster, _id, _action in edits.expected} == set(forty.CLUSTERS)
    bar(
        f"{what}: {EDITS} edits, deletions and additions by hand: predicted, repaired, next run",
        f"{EDITS}, {EDITS} of {EDITS}, changed=0",
    )
