# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role in a run of ansible-playbook: what it makes of the fleet for one of its clusters."""

from __future__ import annotations

import os
import subprocess
import sys
import typing as t
from pathlib import Path

import yaml
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client

from ..harness.apiserver import ApiServer
from .conftest import retire

ROOT = Path(__file__).resolve().parents[3]
PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")
PLAYS = [
    {"hosts": "all", "gather_facts": False, "roles": ["lodestar.platform.fleet"]},
    {"hosts": "clusters", "gather_facts": False, "roles": ["lodestar.platform.tenancy"]},
]


def inventory(own: ApiServer, tenants: list[t.Any]) -> dict[str, t.Any]:
    """A hub and two clusters; C(east) is the server."""
    access = {"server": own.url, "ca_data": own.runner.ca_data, "token": own.runner.token}
    hosts: dict[str, t.Any] = {}
    groups: dict[str, t.Any] = {}
    for number, name in enumerate(("hub", "east", "west"), start=1):
        endpoint = {"address": f"192.0.2.{number}0", "port": 7443}
        hosts[name] = {"kubernetes_version": "1.36.3", "endpoint": endpoint, "lodestar_access": None}
        machine = {f"{name}1": {"ansible_host": f"192.0.2.{number}1"}}
        groups[f"{name}_machines"] = {"children": {f"{name}_control_plane": {"hosts": machine}}}
    hosts["hub"]["cluster_role"] = "global"
    hosts["east"] |= {"lodestar_access": access, "tenant_settings": {"ingress_namespaces": ["edge"]}}
    variables = {"ansible_connection": "local", "tenants": tenants}
    return {"clusters": {"vars": variables, "hosts": hosts}, "machines": {"children": groups}}


def test_a_cluster_gets_its_share_and_its_own_settings(own: ApiServer, prefix: str, tmp_path: Path) -> None:
    network = {"allow_ingress": True, "allow_api_server": True}
    shared = {"name": prefix, "namespaces": [prefix], "budget": {"total": {"pods": 11}}}
    local = {"name": f"{prefix}-l", "namespaces": [f"{prefix}-l"], "clusters": {"names": ["east"]}, "network": network}
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump(inventory(own, [shared, local])))
    (tmp_path / "play.yml").write_text(yaml.safe_dump(PLAYS))
    command = [str(PLAYBOOK), "-i", str(tmp_path / "hosts.yml"), str(tmp_path / "play.yml"), "--limit", "east"]
    command += ["-e", "tenancy_prune_namespaces=true"]
    retire(own)
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"NO_COLOR": "1"}, text=True, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr
    with Client(own.admin) as admin:
        quota = admin.get("v1", "ResourceQuota", "lodestar", prefix) or {}
        assert quota["spec"]["hard"] == {"pods": "6"}
        policies = {
            item["metadata"]["name"]: item["spec"]
            for item in admin.list("networking.k8s.io/v1", "NetworkPolicy", namespace=f"{prefix}-l")
        }
    (peer,) = policies["lodestar-allow-api-server"]["egress"]
    assert peer == {
        "to": [{"ipBlock": {"cidr": "192.0.2.21/32"}}],
        "ports": [{"protocol": "TCP", "port": 7443}],
    }
    (origin,) = policies["lodestar-allow-ingress"]["ingress"][0]["from"]
    assert origin["namespaceSelector"]["matchExpressions"][0]["values"] == ["edge"]
    again = subprocess.run(command, cwd=ROOT, env=os.environ | {"NO_COLOR": "1"}, text=True, capture_output=True)
    assert "changed=0" in again.stdout, again.stdout
