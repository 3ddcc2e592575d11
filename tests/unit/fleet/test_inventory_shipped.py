# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every shipped inventory is a valid declaration, read by Ansible as in a run."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager
from ansible_collections.lodestar.platform.plugins.module_utils.errors import InvalidInput
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import inventory
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.model import Fleet
from ansible_collections.lodestar.platform.plugins.modules.fleet import JUDGES
from ansible_collections.lodestar.platform.plugins.plugin_utils.declaration import gather, slices

INVENTORIES = Path(__file__).resolve().parents[3] / "inventories"
SHIPPED = sorted(path.parent.name for path in INVENTORIES.glob("*/hosts.yml"))


@pytest.fixture
def testbed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the test bed leaves for the quickstart's inventory: addresses and keys."""
    names = ("g1", "g2", "g3", "e1", "e2")
    state = {
        "machines": {name: {"address": f"198.51.100.{place}"} for place, name in enumerate(names, start=11)},
        "addresses": {"global": "198.51.100.2", "east": "198.51.100.3"},
        "ssh": {"user": "root", "private_key": "key", "known_hosts": "known", "control_path_dir": "cp"},
    }
    (tmp_path / "fleet.json").write_text(json.dumps(state))
    monkeypatch.setenv("LODESTAR_TESTBED_STATE", str(tmp_path))


def task_vars(source: Path) -> dict[str, t.Any]:
    loader = DataLoader()
    manager = InventoryManager(loader=loader, sources=[str(source)])
    variables = VariableManager(loader=loader, inventory=manager)
    hostvars = HostVars(inventory=manager, variable_manager=variables, loader=loader)
    return {"hostvars": hostvars, "groups": manager.get_groups_dict()}


def read(source: Path) -> Fleet:
    declared = gather(task_vars(source))
    return inventory.read(declared["hosts"], declared["groups"], None, JUDGES)


def test_there_are_inventories() -> None:
    assert {"hybrid", "production", "quickstart", "single"} <= set(SHIPPED)


@pytest.mark.usefixtures("testbed")
@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_inventory_is_valid(name: str) -> None:
    fleet = read(INVENTORIES / name)
    assert fleet.warnings == []
    assert fleet.hub == "global"
    assert all(cluster.tenants for cluster in fleet.clusters.values() if cluster.labels.get("env") == "production")
    assert any(cluster.policies for cluster in fleet.clusters.values())


@pytest.mark.usefixtures("testbed")
@pytest.mark.parametrize("name", sorted(set(SHIPPED) - {"single"}))
def test_the_global_cluster_is_highly_available_beside_others(name: str) -> None:
    fleet = read(INVENTORIES / name)
    assert len(fleet.clusters["global"].control_plane) == 3
    assert len(fleet.clusters) > 2


def test_single_is_one_machine_that_runs_everything() -> None:
    fleet = read(INVENTORIES / "single")
    (cluster,) = fleet.clusters.values()
    assert (cluster.machines, cluster.colocated) == (["node-1"], True)
    assert (cluster.tenants, cluster.policies) == (["apps"], ["limits"])


def test_production_is_separated_and_highly_available() -> None:
    clusters = read(INVENTORIES / "production").clusters
    assert not clusters["global"].colocated
    assert clusters["global"].workers == clusters["global"].tenants == []
    assert all(len(clusters[name].control_plane) == 3 for name in ("prod-east", "prod-west"))
    assert all(cluster.recovery_file for cluster in clusters.values())


def test_hybrid_mixes_created_and_attached_clusters() -> None:
    clusters = read(INVENTORIES / "hybrid").clusters
    modes = {name: (cluster.mode, cluster.credential_given) for name, cluster in clusters.items()}
    assert modes == {
        "global": ("create", False),
        "edge": ("create", False),
        "eks-frankfurt": ("attach", True),
        "dc-vienna": ("attach", True),
    }


def write(path: Path, **hub: t.Any) -> Path:
    cluster = {"ansible_connection": "local", "kubernetes_version": "1.36.3", "endpoint": {"address": "192.0.2.10"}}
    machines = {"hub_machines": {"children": {"hub_control_plane": {"hosts": {"h1": {"ansible_host": "192.0.2.11"}}}}}}
    clusters = {"hosts": {"hub": {**cluster, "cluster_role": "global", **hub}}}
    source = path / "hosts.yml"
    source.write_text(yaml.safe_dump({"clusters": clusters, "machines": {"children": machines}}))
    return source


def test_every_template_that_fails_is_named(tmp_path: Path) -> None:
    source = write(tmp_path, cluster_labels="{{ nowhere }}", kubernetes_version="{{ nowhere }}")
    with pytest.raises(InvalidInput) as caught:
        gather(task_vars(source))
    assert sorted(problem.key for problem in caught.value.problems) == [
        "hub: cluster_labels",
        "hub: kubernetes_version",
    ]
    assert all("nowhere" in problem.reason for problem in caught.value.problems)


def test_a_kubeconfig_is_never_evaluated(tmp_path: Path) -> None:
    hosts = gather(task_vars(write(tmp_path, kubeconfig="{{ vault_that_is_locked }}")))["hosts"]
    assert hosts["hub"]["kubeconfig"] is True
    assert "kubeconfig" not in gather(task_vars(write(tmp_path, kubeconfig="")))["hosts"]["hub"]
    parts = {"host": "https://192.0.2.9", "api_key": "{{ vault_that_is_locked }}"}
    assert gather(task_vars(write(tmp_path, cluster_credential=parts)))["hosts"]["hub"]["cluster_credential"] == [
        "api_key",
        "host",
    ]


def test_what_is_gathered_is_plain_data(tmp_path: Path) -> None:
    hub = gather(task_vars(write(tmp_path, cluster_labels={"env": "prod"})))["hosts"]["hub"]
    assert type(hub["cluster_labels"]) is dict
    assert type(hub["cluster_labels"]["env"]) is str


@pytest.mark.parametrize(
    ("variables", "count"),
    [
        ({}, 1),
        ({"awx_job_slice_count": 1}, 1),
        ({"awx_job_slice_count": "4"}, 4),
        ({"tower_job_slice_count": 3}, 3),
        ({"awx_job_template_name": "site"}, 1),
        ({"awx_job_template_name": "site", "awx_workflow_job_name": "nightly"}, 1),
        ({"awx_job_template_name": "site", "awx_workflow_job_name": "site"}, 2),
    ],
)
def test_a_slice_of_awx_is_noticed(variables: dict[str, t.Any], count: int) -> None:
    assert slices(variables) == count
