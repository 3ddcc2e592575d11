# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands on a fleet's machines over SSH with shared connections, as Ansible runs its own."""

from __future__ import annotations

import subprocess
import typing as t

from ansible_collections.lodestar.platform.plugins.module_utils.machine import paths

#: On a control plane, as its administrator.
KUBECTL = f"kubectl --kubeconfig={paths.ADMIN_CONF}"


class Shell:
    """Runs commands on machines.

    :param description: the fleet's fleet.json.
    """

    def __init__(self, description: dict[str, t.Any]) -> None:
        self._ssh = description["ssh"]
        self._addresses = {name: item["address"] for name, item in description["machines"].items()}

    def on(self, machine: str, script: str, given: bytes = b"") -> str:
        """Runs a script for a shell and returns what it wrote.

        :param given: its standard input.
        :raises AssertionError: it failed; with the end of what it said.
        """
        options = {
            "IdentitiesOnly": "yes",
            "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": self._ssh["known_hosts"],
            "GlobalKnownHostsFile": "/dev/null",
            "ControlMaster": "auto",
            "ControlPersist": "10m",
            "ControlPath": f"{self._ssh['control_path_dir']}/%h-%r",
        }
        flags = [flag for key, value in options.items() for flag in ("-o", f"{key}={value}")]
        where = f"{self._ssh['user']}@{self._addresses[machine]}"
        command = ["ssh", "-F", "none", "-i", self._ssh["private_key"], *flags, where, script]
        done = subprocess.run(command, input=given, capture_output=True, check=False)
        if done.returncode != 0:
            said = (done.stdout + done.stderr).decode(errors="replace")
            raise AssertionError(f"{machine}: {script} ended with {done.returncode}:\n{said[-4000:]}")
        return done.stdout.decode()
