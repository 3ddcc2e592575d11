# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Wrong input is refused before any change, with the key, the value and the remedy."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml

from tests.e2e.driver import Fleet, Run

pytestmark = pytest.mark.timeout(900)


Overlay = dict[str, t.Any]


def site_with(fleet: Fleet, directory: Path, overlay: Overlay, *arguments: str) -> Run:
    """A site run with a second inventory laid over the fleet's: hosts, and variables by ``host:NAME`` or ``all``."""
    for key, content in overlay.items():
        kind, _, name = key.rpartition(":")
        file = directory / (
            f"host_vars/{name}.yml" if kind == "host" else "group_vars/all.yml" if key == "all" else key
        )
        file.parent.mkdir(exist_ok=True)
        file.write_text(yaml.safe_dump(content))
    return fleet.site("-i", str(directory), *arguments)


def cluster(name: str, **values: t.Any) -> Overlay:
    return {"hosts.yml": {"clusters": {"hosts": {name: None}}}, f"host:{name}": values}


def group(name: str, *hosts: str) -> Overlay:
    return {"hosts.yml": {name: {"hosts": dict.fromkeys(hosts)}}}


def tenant(name: str, cluster_name: str) -> Overlay:
    item = {"name": name, "clusters": {"names": [cluster_name]}, "namespaces": [name]}
    return {"hosts.yml": {"clusters": {"hosts": {"east": None}}}, "all": {"tenants": [item]}}


WRONG = {
    "version not in the bundle": (
        cluster("east", kubernetes_version="1.36.99"),
        ["kubernetes_version", "1.36.99", "1.36.3"],
    ),
    "unquoted version": (cluster("east", kubernetes_version=1.36), ["kubernetes_version", "1.36", "uote"]),
    "overlapping ranges": (
        cluster("east", cluster_network={"pod_cidr": "10.96.0.0/16", "service_cidr": "10.96.0.0/12"}),
        ["cluster_network", "10.96.0.0/16", "overlap"],
    ),
    "pods on a machine's network": (
        cluster("east", cluster_network={"pod_cidr": "10.0.0.0/8", "service_cidr": "172.20.0.0/16"}),
        ["10.0.0.0/8", "the address of e1"],
    ),
    "machine in two clusters": (group("global_workers", "e2"), ["e2", "east", "global"]),
    "tenant of an unknown cluster": (tenant("lost", "nowhere"), ["lost", "nowhere"]),
    "tenant on the dedicated global cluster": (
        tenant("intruder", "global"),
        ["intruder", "global", "cluster_colocated"],
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_refused_before_any_change(fleet: Fleet, tmp_path: Path, case: str) -> None:
    overlay, expected = WRONG[case]
    run = site_with(fleet, tmp_path, overlay)
    assert run.code != 0
    assert run.changed == 0
    assert run.steps() == []
    message = run.output.replace("\n", " ")
    assert [word for word in expected if word not in message] == [], run.output[-3000:]


def test_two_clusters_with_one_endpoint(fleet: Fleet, tmp_path: Path) -> None:
    overlay = cluster("east", endpoint={"address": "{{ testbed.addresses.global }}", "provider": "kube_vip"})
    run = site_with(fleet, tmp_path, overlay)
    assert run.code != 0
    assert run.steps() == []
    assert "endpoint" in run.output
    assert "global" in run.output


def test_the_same_cluster_under_two_names(fleet: Fleet, tmp_path: Path) -> None:
    overlay = cluster("twin", cluster_mode="attach", kubeconfig="{{ testbed_state }}/legacy.kubeconfig")
    run = site_with(fleet, tmp_path, overlay)
    assert run.code != 0
    assert run.steps() == []
    assert "twin" in run.output
    assert "legacy" in run.output
