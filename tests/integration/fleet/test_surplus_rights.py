# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Our identity on a created cluster has the rights of its tier and no others, whatever it was before.

A control plane is what its files say: here they lead to an API server of the tests.
"""

from __future__ import annotations

import base64
import json
import typing as t
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import access as tiers
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.access_info import OPERATION as INFO
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.attach import OPERATION as ATTACH
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.identity import Mark
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.machine import access, host, lasting, paths
from ansible_collections.lodestar.platform.plugins.module_utils.plan import Plan, carry_out
from ansible_collections.lodestar.platform.tests.unit.machine.examples import cluster, machine

from ..harness.apiserver import ApiServer
from .conftest import RBAC, connection, run, uid_of

Object = dict[str, t.Any]
PART_OF = "applyset.kubernetes.io/part-of"


class ControlPlane:
    """What C(cluster_access) does on a control plane of a cluster."""

    def __init__(self, api: ApiServer, name: str) -> None:
        endpoint = {"address": "127.0.0.1", "port": api.port, "provider": "kube_vip", "interface": None}
        self.cluster = cluster(name=name, endpoint=endpoint)
        self.machine = machine(node_ip="127.0.0.1")

    def plan(self, tier: str, mark: Mark | None = None, kept_only: bool = False) -> Plan:
        """Of access of a tier."""
        wanted = tiers.access_objects(tier, mark=mark)
        return access.plan(self.cluster, self.machine, wanted, 3600, founded=True, kept_only=kept_only)

    def make(self, tier: str, mark: Mark | None = None) -> list[str]:
        """Carries it out, and returns what was done; the plan that is made just before says the same."""
        predicted, made = self.plan(tier, mark), self.plan(tier, mark)
        assert [step.as_dict() for step in predicted.steps] == [step.as_dict() for step in made.steps]
        carry_out(made)
        return [f"{step.action} {step.id}" for step in made.ordered()]


@pytest.fixture
def plane(member: ApiServer, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ControlPlane:
    """A control plane of the cluster that joins."""
    pair = member.authority.client("kubernetes-admin", "system:masters")
    data = {
        "certificate-authority-data": member.authority.pair.certificate,
        "client-certificate-data": pair.certificate,
        "client-key-data": pair.key,
    }
    lines = [f"{key}: {base64.b64encode(text.encode()).decode()}" for key, text in data.items()]
    for name, text in (("ADMIN_CONF", "\n".join(lines)), ("CA", data["certificate-authority-data"])):
        (tmp_path / name).write_text(text)
        monkeypatch.setattr(paths, name, str(tmp_path / name))
    monkeypatch.setattr(paths, "ACCESS_RECORD", str(tmp_path / "access.json"))
    monkeypatch.setattr(host, "STATE_DIRECTORY", str(tmp_path))
    monkeypatch.setattr(lasting, "_CONTROLLER", str(tmp_path / "none"))
    return ControlPlane(member, prefix)


def wide(api: ApiServer) -> list[str]:
    """Names of what gives us rights everywhere, ours by their names; what auditors may read comes with every tier."""
    with Client(api.admin) as client:
        found = [item for kind in ("ClusterRole", "ClusterRoleBinding") for item in client.list(RBAC, kind)]
    names = [str(item["metadata"]["name"]) for item in found]
    return [name for name in names if name.startswith("lodestar:") and name != tiers.AUDITOR_ROLE]


def in_sets(api: ApiServer) -> list[str]:
    """What is of the set that an attachment makes, its parent included."""
    kinds = (("v1", "Namespace"), ("v1", "ServiceAccount"), (RBAC, "Role"), (RBAC, "RoleBinding"))
    with Client(api.admin) as client:
        found = [item for kind in kinds for item in client.list(*kind, label_selector=PART_OF)]
        parent = client.get("v1", "ConfigMap", "applyset-access", "lodestar-system")
    return [item["metadata"]["name"] for item in [*found, *([parent] if parent else [])]]


def test_a_promotion_leaves_nothing_that_only_the_attachment_used(
    hub: ApiServer, member: ApiServer, hub_access: Object, plane: ControlPlane, prefix: str
) -> None:
    run(ATTACH, cluster=prefix, kubeconfig=member.kubeconfig(), hub_access=hub_access)
    kept = run(INFO, cluster=prefix, hub_access=hub_access)["access"]
    assert len(in_sets(member)) == 5
    done = plane.make("lifecycle", Mark(uid_of(hub), prefix))
    assert done[-3:] == [
        f"delete {RBAC}/ClusterRole/lodestar:tenant",
        f"delete {RBAC}/ClusterRoleBinding/lodestar:tenant",
        "delete v1/ConfigMap/lodestar-system/applyset-access",
    ]
    assert wide(member) == ["lodestar:lifecycle"] * 2
    assert in_sets(member) == []
    with Client(member.admin) as client:
        space = client.get("v1", "Namespace", "lodestar-system") or {}
    assert space["metadata"]["annotations"] == Mark(uid_of(hub), prefix).annotations()
    # The identity is the same, so that a token of the attachment goes on until the hub keeps the other one.
    with Client(connection(kept)) as client:
        assert client.can("patch", "", "nodes")
    mark = member.audit.mark()
    assert plane.make("lifecycle", Mark(uid_of(hub), prefix)) == []
    assert [item for item in member.audit.since(mark, "kubernetes-admin") if item.writes] == []


def test_a_created_cluster_of_a_lower_tier_has_no_right_of_the_higher_one(
    member: ApiServer, plane: ControlPlane, tmp_path: Path
) -> None:
    plane.make("lifecycle")
    others = {
        "lodestar:operators": [{"kind": "Group", "apiGroup": RBAC.partition("/")[0], "name": "lodestar:operators"}],
        "given-by-hand": [{"kind": "ServiceAccount", "name": "lodestar", "namespace": "lodestar-system"}],
    }
    with Client(member.admin) as client:
        for name, subjects in others.items():
            role = {"apiGroup": RBAC.partition("/")[0], "kind": "ClusterRole", "name": "view"}
            metadata = {"name": name}
            kind = {"apiVersion": RBAC, "kind": "ClusterRoleBinding"}
            client.create({**kind, "metadata": metadata, "roleRef": role, "subjects": subjects})
        try:
            # A hub's control plane is only asked for what it keeps, and says then that something is to be mended.
            assert plane.plan("tenant", kept_only=True).outputs == {"access": None, "lacking": True}
            done = plane.make("tenant")
            assert f"delete {RBAC}/ClusterRole/lodestar:lifecycle" in done
            assert "token" not in " ".join(done)
            assert sorted(wide(member)) == ["lodestar:operators", "lodestar:tenant", "lodestar:tenant"]
            assert client.get(RBAC, "ClusterRoleBinding", "given-by-hand") is not None
            assert plane.plan("tenant", kept_only=True).outputs["access"] is not None
            assert plane.make("tenant") == []
        finally:
            for name in others:
                client.delete(RBAC, "ClusterRoleBinding", name)
    kept = json.loads((tmp_path / "access.json").read_text())
    kept["ca_data"] = base64.b64decode(kept["ca_data"]).decode()
    with Client(connection(kept)) as ours:
        assert ours.can("create", "", "namespaces")
        assert not ours.can("patch", "", "nodes")


def test_rights_of_which_a_killed_run_removed_a_half_are_found_again(member: ApiServer, plane: ControlPlane) -> None:
    plane.make("lifecycle")
    half = plane.plan("tenant")
    for step in half.ordered()[:-1]:
        step.perform()
    assert wide(member).count("lodestar:lifecycle") == 1
    assert plane.make("tenant") == [f"delete {RBAC}/ClusterRoleBinding/lodestar:lifecycle"]
    assert wide(member) == ["lodestar:tenant"] * 2
