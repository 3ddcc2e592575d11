# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SSH to the machines: the fleet's own key, the machines' real host keys, and shared connections that end in time."""

from __future__ import annotations

import subprocess
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from .errors import TestbedError
from .locks import RUN, write_if_changed

USER = "root"
_DEADLINE_SECONDS = 90


@dataclass(frozen=True)
class Ssh:
    """The SSH side of one fleet.

    :param state: the fleet's state directory.
    :param control: where Ansible keeps the sockets of its shared connections. Its path is short, as sockets need.
    """

    state: Path
    control: Path

    @property
    def private_key(self) -> Path:
        """The key that every machine of the fleet accepts."""
        return self.state / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        """The host keys of the fleet's machines."""
        return self.state / "known_hosts"

    def ensure_key(self, comment: str) -> str:
        """Makes the fleet's key unless it is there. Returns the public key."""
        public = self.private_key.with_suffix(".pub")
        if not (self.private_key.exists() and public.exists()):
            self.private_key.unlink(missing_ok=True)
            public.unlink(missing_ok=True)
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(self.private_key)]
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        return public.read_text(encoding="utf-8")

    def ensure_control_directory(self) -> None:
        """Makes the directory of the shared connections; nobody else may enter it."""
        self.control.mkdir(mode=0o700, parents=True, exist_ok=True)

    def record_host_keys(self, keys: t.Mapping[str, str]) -> bool:
        """Writes the machines' host keys. ``keys`` maps an address to one or more lines of type and key."""
        lines = [f"{address} {' '.join(line.split()[:2])}" for address in keys for line in keys[address].splitlines()]
        return write_if_changed(self.known_hosts, "\n".join(sorted(lines)) + "\n")

    def recorded(self) -> dict[str, str]:
        """The host keys that are recorded, by address."""
        found: dict[str, str] = {}
        if self.known_hosts.exists():
            for line in self.known_hosts.read_text(encoding="utf-8").splitlines():
                address, _, key = line.partition(" ")
                found[address] = f"{found[address]}\n{key}" if address in found else key
        return found

    def command(self, address: str, *words: str) -> list[str]:
        """An ssh command line that shares no connection and trusts the recorded keys alone."""
        options = {
            "BatchMode": "yes",
            "ConnectTimeout": "5",
            "ControlMaster": "no",
            "ControlPath": "none",
            "GlobalKnownHostsFile": "/dev/null",
            "IdentitiesOnly": "yes",
            "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": str(self.known_hosts),
        }
        flags = [flag for key, value in options.items() for flag in ("-o", f"{key}={value}")]
        return ["ssh", "-F", "none", "-i", str(self.private_key), *flags, f"{USER}@{address}", *words]

    def wait(self, addresses: t.Mapping[str, str]) -> None:
        """Waits until all machines answer. ``addresses`` maps names to addresses. Raises naming those that do not."""
        deadline = time.monotonic() + _DEADLINE_SECONDS
        with ThreadPoolExecutor(max_workers=max(1, len(addresses))) as pool:
            answers = list(pool.map(lambda address: self._wait_one(address, deadline), addresses.values()))
        silent = [f"{name} ({reason})" for name, reason in zip(addresses, answers, strict=True) if reason]
        if silent:
            raise TestbedError(f"no SSH within {_DEADLINE_SECONDS} s on {'; '.join(silent)}")

    def _wait_one(self, address: str, deadline: float) -> str:
        while True:
            # Connecting before the host keys are known would be refused; the caller records them first.
            done = subprocess.run(
                self.command(address, "true"), capture_output=True, text=True, stdin=subprocess.DEVNULL
            )
            if done.returncode == 0:
                return ""
            if time.monotonic() > deadline:
                return done.stderr.strip() or f"exit status {done.returncode}"
            time.sleep(0.3)

    def forget_connections(self, address: str | None = None) -> None:
        """Ends Ansible's shared connections to an address, or all: one to a machine that is gone would only hang."""
        for socket in self.control.glob(f"{address}-*" if address else "*"):
            subprocess.run(
                ["ssh", "-F", "none", "-o", f"ControlPath={socket}", "-O", "exit", "unused"],
                capture_output=True,
                stdin=subprocess.DEVNULL,
                timeout=10,
            )
            socket.unlink(missing_ok=True)


def control_directory(fleet_id: str) -> Path:
    """Where the shared connections of a fleet live."""
    return RUN / fleet_id
