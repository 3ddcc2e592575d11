# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Wrong input is refused before any change, with the key, the value and the remedy."""

from __future__ import annotations

import typing as t
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tests.e2e.driver import Fleet, Run

pytestmark = pytest.mark.timeout(900)


def site_with(fleet: Fleet, directory: Path, overlay: dict[str, t.Any], *arguments: str) -> Run:
    """A site run with a second inventory laid over the quickstart's."""
    file = directory / "overlay.yml"
    file.write_text(yaml.safe_dump(overlay))
    return replace(fleet).site("-i", str(file), *arguments)


def cluster(name: str, **values: t.Any) -> dict[str, t.Any]:
    return {"all": {"children": {"clusters": {"hosts": {name: values}}}}}


def group(name: str, *hosts: str) -> dict[str, t.Any]:
    return {"all": {"children": {name: {"hosts": dict.fromkeys(hosts)}}}}


WRONG = {
    "version not in the bundle": (
        cluster("east", kubernetes_version="1.36.99"),
        ["kubernetes_version", "1.36.99", "1.36.3"],
    ),
    "unquoted version": (cluster("east", kubernetes_version=1.36), ["kubernetes_version", "1.36", "quote"]),
    "overlapping ranges": (
        cluster("east", cluster_network={"pod_cidr": "10.96.0.0/16", "service_cidr": "10.96.0.0/12"}),
        ["cluster_network", "10.96.0.0/16", "overlap"],
    ),
    "pods on a machine's network": (
        cluster("east", cluster_network={"pod_cidr": "10.0.0.0/8", "service_cidr": "172.20.0.0/16"}),
        ["10.0.0.0/8", "overlap"],
    ),
    "machine in two clusters": (group("global_workers", "e2"), ["e2", "east", "global"]),
    "tenant of an unknown cluster": (
        {"all": {"vars": {"tenants": [{"name": "lost", "clusters": {"names": ["nowhere"]}, "namespaces": ["lost"]}]}}},
        ["lost", "nowhere"],
    ),
    "tenant on the dedicated global cluster": (
        {
            "all": {
                "vars": {
                    "tenants": [{"name": "intruder", "clusters": {"names": ["global"]}, "namespaces": ["intruder"]}]
                }
            }
        },
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
    shown = fleet.playbook("lodestar.platform.site", "--list-hosts")
    assert shown.code == 0
    overlay = cluster("east", endpoint={"address": "{{ hostvars['global'].endpoint.address }}", "provider": "kube_vip"})
    run = site_with(fleet, tmp_path, overlay)
    assert run.code != 0
    assert run.steps() == []
    assert "endpoint" in run.output
    assert "global" in run.output


def test_even_number_of_control_planes_at_creation(fleet: Fleet, tmp_path: Path) -> None:
    """A cluster that does not exist yet, of two control planes; the machines' names are enough to refuse it."""
    overlay = {
        "all": {
            "children": {
                "clusters": {
                    "hosts": {
                        "even": {
                            "kubernetes_version": "1.36.3",
                            "endpoint": {"address": "192.0.2.10", "provider": "kube_vip"},
                        }
                    }
                },
                "machines": {
                    "children": {
                        "even_machines": {
                            "children": {
                                "even_control_plane": {
                                    "hosts": {
                                        "v1": {"ansible_host": "192.0.2.11"},
                                        "v2": {"ansible_host": "192.0.2.12"},
                                    }
                                }
                            }
                        }
                    }
                },
            }
        }
    }
    run = site_with(fleet, tmp_path, overlay, "--limit", "even:even_machines")
    assert run.code != 0
    assert run.steps() == []
    assert "even" in run.output
    assert "odd" in run.output


def test_the_same_cluster_under_two_names(fleet: Fleet, tmp_path: Path) -> None:
    overlay = cluster("twin", cluster_mode="attach", kubeconfig="{{ hostvars['legacy'].kubeconfig }}")
    run = site_with(fleet, tmp_path, overlay)
    assert run.code != 0
    assert run.steps() == []
    assert "twin" in run.output
    assert "legacy" in run.output
