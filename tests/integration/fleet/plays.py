# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the playbooks of the collection as a user does, on a fleet of API servers.

No machine is there: the access to the hub, which its control planes keep, is given in a file of variables.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
import typing as t
from pathlib import Path

import yaml

from tests.e2e.driver import Run

from .test_play import PLAYBOOK, ROOT, declaration

Object = dict[str, t.Any]
COLLECTION = "lodestar.platform."


class Fleet:
    """An inventory of attached clusters.

    :param folder: what the user has: inventory and variables.
    :param clusters: by name, the variables of the host.
    :param lists: C(tenants), C(policies) and so on. Add-ons need nodes, so there are none unless they are given.
    """

    def __init__(self, folder: Path, hub_access: Object, clusters: t.Mapping[str, Object], **lists: t.Any) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self.folder = folder
        self.environ = os.environ | {"NO_COLOR": "1"}
        base = declaration()
        hub = base["clusters"]["hosts"]["hub"]
        attached = {name: {"cluster_mode": "attach", **variables} for name, variables in clusters.items()}
        machines = base["machines"]["children"]["hub_machines"]
        inventory = {
            "all": {"vars": {"platform_addons": [{"name": "metrics-server", "state": "absent"}], **lists}},
            "clusters": {"vars": {"ansible_connection": "local"}, "hosts": {"hub": hub, **attached}},
            "machines": {"children": {"hub_machines": machines}},
        }
        (folder / "hosts.yml").write_text(yaml.safe_dump(inventory, sort_keys=False))
        self.give(lodestar_hub_access=hub_access)

    def give(self, **variables: t.Any) -> None:
        """The extra variables of every run from now on."""
        (self.folder / "vars.json").write_text(json.dumps(variables))

    def play(self, playbook: str | Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One run of a playbook of the collection by its name, or of a file."""
        chosen = str(playbook) if isinstance(playbook, Path) else COLLECTION + playbook
        command = [str(PLAYBOOK), "-i", str(self.folder / "hosts.yml"), chosen, "-e", f"@{self.folder / 'vars.json'}"]
        return subprocess.run([*command, *arguments], cwd=ROOT, env=self.environ, text=True, capture_output=True)

    def run(self, playbook: str | Path, *arguments: str) -> Run:
        """The same, with the steps that were done or, in check mode, would be done."""
        plan = self.folder / "plan.json"
        plan.unlink(missing_ok=True)
        self.environ["LODESTAR_PLAN_FILE"] = str(plan)
        begin = time.monotonic()
        done = self.play(playbook, *arguments)
        tasks = json.loads(plan.read_text())["tasks"] if plan.exists() else []
        return Run(done.returncode, done.stdout + done.stderr, time.monotonic() - begin, tasks)


def recap(said: str) -> dict[str, dict[str, int]]:
    """The counts of Ansible's recap by host."""
    found = re.findall(r"^(\S+)\s+: (ok=.*)$", said, re.MULTILINE)
    return {host: {key: int(count) for key, count in re.findall(r"(\w+)=(\d+)", text)} for host, text in found}


def changed(said: str) -> int:
    """How many tasks changed something, on all hosts."""
    counts = recap(said)
    assert counts, said
    return sum(count["changed"] for count in counts.values())


def changed_on(said: str, host: str) -> int:
    """How many tasks changed something on a cluster. One that was left as it is has no task of its own, but a line in
    the report."""
    counts = recap(said)
    assert counts, said
    if host in counts:
        return counts[host]["changed"]
    assert re.search(rf"^{re.escape(host)} .* nothing$", said, re.MULTILINE), said
    return 0
