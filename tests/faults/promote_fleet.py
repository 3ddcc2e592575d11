# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fleet of a hub and of a cluster that plain kubeadm has made, which is attached and then promoted."""

from __future__ import annotations

import tempfile
import typing as t
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.driver import ROOT, Fleet
from tests.faults.solo_fleet import overlay

INVENTORY = ROOT / "tests" / "faults" / "promote"
LEGACY = ("l1", "l2")
VERSIONS = '{"bundle_kubernetes_versions": ["1.36.3", "1.37.2"]}'
_RANGES = {"pod_cidr": "10.250.0.0/16", "service_cidr": "10.251.0.0/16"}
_CONTAINERS = "crictl ps --quiet --no-trunc | sort"


@dataclass(frozen=True)
class Promoted(Fleet):
    """The hub's machine, and the two of the legacy cluster."""

    def operator(self, *clusters: str) -> None:
        """Gives the tests an identity in clusters."""
        self.testbed("operator", "--definition", str(self.definition), *clusters)

    def running(self) -> dict[str, t.Any]:
        """What must not restart: processes with the time of their beginning, containers, and pods by their UID."""
        pods = self.get("legacy", "pods", "-A")["items"]
        return {
            "processes": {machine: self.processes(machine) for machine in LEGACY},
            "containers": {machine: self.on(machine, _CONTAINERS).split() for machine in LEGACY},
            "pods": sorted((item["metadata"]["name"], item["metadata"]["uid"]) for item in pods),
        }

    def record(self) -> dict[str, t.Any]:
        """The hub's record of the cluster: its labels, and the tier of the access."""
        cluster = self.get("hub", "managedcluster", "legacy")
        secret = self.get("hub", "secret", "legacy-kubeconfig", "-n", "legacy")
        return {
            "labels": cluster["metadata"]["labels"],
            "tier": secret["metadata"]["annotations"]["lodestar.platform/tier"],
        }


def promoted_fleet() -> Promoted:
    """The suite's own."""
    return Promoted("promote", ROOT / ".cache" / "testbed" / "promote", INVENTORY, INVENTORY.with_suffix(".yml"))


def _overlay(directory: Path, files: t.Mapping[str, t.Any]) -> tuple[str, str]:
    return overlay(Path(tempfile.mkdtemp(dir=directory)), files)


def attached(directory: Path, **declared: t.Any) -> tuple[str, str]:
    """An inventory in which the legacy cluster is attached, as arguments of ansible-playbook.

    :param declared: for the whole fleet, tenants for example.
    """
    variables = {"cluster_mode": "attach", "kubeconfig": "{{ testbed_state }}/legacy.kubeconfig"}
    return _overlay(
        directory,
        {
            "hosts.yml": {"clusters": {"hosts": {"legacy": {}}}},
            "host_vars/legacy.yml": variables,
            "group_vars/all.yml": declared,
        },
    )


def created(directory: Path, workers: t.Sequence[str] = ("l2",), **variables: t.Any) -> tuple[str, str]:
    """An inventory in which it is a created one, with its machines.

    :param variables: of the cluster, over those that describe it as it is.
    """
    groups = {"legacy_control_plane": ["l1"], "legacy_workers": list(workers)}
    children = {
        group: {"hosts": {name: {"ansible_host": f"{{{{ testbed.machines.{name}.address }}}}"} for name in names}}
        for group, names in groups.items()
        if names
    }
    cluster = {
        "kubernetes_version": "1.36.3",
        "endpoint": {"address": "{{ testbed.machines.l1.address }}", "provider": "external"},
        "cluster_network": _RANGES,
        # Its control plane has no taint, and its network is its own.
        "cluster_colocated": True,
        "addons_names": ["metrics-server"],
        **variables,
    }
    hosts = {
        "clusters": {"hosts": {"legacy": {}}},
        "machines": {"children": {"legacy_machines": {"children": children}}},
        "in_containers": {"hosts": {"legacy": {}}},
    }
    return _overlay(directory, {"hosts.yml": hosts, "host_vars/legacy.yml": cluster})
