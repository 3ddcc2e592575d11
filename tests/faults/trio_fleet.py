# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fleet of five machines that come and go."""

from __future__ import annotations

import tempfile
import typing as t
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.driver import ROOT, Fleet
from tests.faults.solo_fleet import members, overlay

INVENTORY = ROOT / "tests" / "faults" / "trio"
MACHINES = ("t1", "t2", "t3", "t4", "t5")

Variables = t.Mapping[str, t.Any]


@dataclass(frozen=True)
class Trio(Fleet):
    """Five machines for one cluster, the global one."""

    def operator(self) -> None:
        """Gives the tests an identity in the cluster."""
        self.testbed("operator", "--definition", str(self.definition))

    def empty(self, *machines: str) -> None:
        """New disks for machines."""
        self.testbed("reimage", *machines)

    def start_over(self) -> None:
        """Empty machines, and no key and no identity of a cluster of before."""
        self.empty(*MACHINES)
        for name in ("recovery-trio.json", "kubeconfig"):
            (self.state / name).unlink(missing_ok=True)

    def voters(self, machine: str) -> list[str]:
        """Names of etcd's members, each of which votes."""
        rows = [line.split() for line in members(self, machine)]
        assert all(row[1:] == ["started", "learner=false"] for row in rows), rows
        return [row[0] for row in rows]


def trio_fleet() -> Trio:
    """The suite's own."""
    return Trio("trio", ROOT / ".cache" / "testbed" / "trio", INVENTORY, INVENTORY / "testbed.yml")


def declared(
    directory: Path,
    control_plane: t.Sequence[str] | t.Mapping[str, Variables],
    workers: t.Sequence[str] = (),
    **cluster: t.Any,
) -> tuple[str, str]:
    """An inventory that gives machines a role, as arguments of ansible-playbook.

    :param directory: a new one below it is used.
    :param control_plane: names, or variables by name.
    :param cluster: variables of the cluster.
    """
    seats = control_plane if isinstance(control_plane, t.Mapping) else {name: {} for name in control_plane}
    groups = {
        group: {
            "hosts": {
                name: {"ansible_host": f"{{{{ testbed.machines.{name}.address }}}}", **variables}
                for name, variables in hosts.items()
            }
        }
        for group, hosts in (("trio_control_plane", seats), ("trio_workers", {name: {} for name in workers}))
        if hosts
    }
    files: dict[str, t.Any] = {"hosts.yml": {"machines": {"children": {"trio_machines": {"children": groups}}}}}
    if cluster:
        files["host_vars/trio.yml"] = cluster
    return overlay(Path(tempfile.mkdtemp(dir=directory)), files)
