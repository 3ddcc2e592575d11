# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of the host that all fleets share: the first fleet in changes them, the last one out restores them.

Who is in, and what the settings were, stands in a file of root's under a lock. It lives in /run, since a reboot takes
back the settings as well.
"""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from .locks import RUN, write_if_changed

#: Set to this value: Docker's isolation rules must not see frames between machines, or they drop pod traffic.
EXACT = {"net.bridge.bridge-nf-call-iptables": 0, "net.bridge.bridge-nf-call-ip6tables": 0}
#: Raised to at least this: every machine has a systemd, a kubelet and a runtime that watch files, all as one user.
AT_LEAST = {"fs.inotify.max_user_instances": 1024, "fs.inotify.max_user_watches": 524288}
#: Left alone, but restored: kubelets and operators on the machines set them, and they have no namespace.
SET_BY_MACHINES = (
    "vm.overcommit_memory",
    "vm.panic_on_oom",
    "vm.max_map_count",
    "kernel.pid_max",
    "kernel.threads-max",
    "kernel.panic",
    "kernel.panic_on_oops",
    "kernel.keys.root_maxkeys",
    "kernel.keys.root_maxbytes",
    "fs.file-max",
    "fs.nr_open",
    "fs.protected_fifos",
    "fs.protected_hardlinks",
    "fs.protected_regular",
    "fs.protected_symlinks",
    "fs.inotify.max_queued_events",
)


@dataclass
class Shared:
    """What stands in the file.

    :param boot: the boot that the rest belongs to.
    :param fleets: fleet id -> its subnet.
    :param originals: setting -> its value before the first fleet came.
    """

    boot: str
    fleets: dict[str, str] = field(default_factory=dict)
    originals: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Host:
    """Reads and writes the host's settings. The paths are arguments so that a test can use a directory of its own."""

    run: Path = RUN
    proc: Path = Path("/proc")

    def join(self, fleet: str, subnet: str, say: t.Callable[[str], None]) -> None:
        """Counts the fleet in, and sees to the settings. The caller holds the host lock."""
        shared = self._load()
        if fleet not in shared.fleets:
            shared.fleets[fleet] = subnet
        for name in (*EXACT, *AT_LEAST, *SET_BY_MACHINES):
            value = self._read(name)
            if name not in shared.originals and value is not None:
                shared.originals[name] = value
        self._save(shared)
        for name, wanted in EXACT.items():
            self._set(name, wanted, lambda seen, wanted=wanted: seen != wanted, say)  # type: ignore[misc]
        for name, wanted in AT_LEAST.items():
            self._set(name, wanted, lambda seen, wanted=wanted: seen < wanted, say)  # type: ignore[misc]

    def leave(self, fleet: str, present: t.Collection[str], say: t.Callable[[str], None]) -> None:
        """Counts the fleet out, and those that are gone without having said so; the last one restores the settings.

        :param present: ids of the fleets that have a network on this host.
        """
        shared = self._load()
        shared.fleets = {name: subnet for name, subnet in shared.fleets.items() if name != fleet and name in present}
        if shared.fleets:
            self._save(shared)
            return
        for name, value in shared.originals.items():
            self._set(name, value, lambda seen, value=value: seen != value, say)  # type: ignore[misc]
        self._file.unlink(missing_ok=True)

    def fleets(self) -> dict[str, str]:
        """The fleets that are counted in, each with its subnet."""
        return self._load().fleets

    @property
    def _file(self) -> Path:
        return self.run / "host.json"

    def _load(self) -> Shared:
        boot = (self.proc / "sys/kernel/random/boot_id").read_text().strip()
        try:
            content = json.loads(self._file.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return Shared(boot)
        return Shared(**content) if content.get("boot") == boot else Shared(boot)

    def _save(self, shared: Shared) -> None:
        self.run.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_if_changed(self._file, json.dumps(vars(shared), indent=2) + "\n", 0o600)

    def _path(self, name: str) -> Path:
        # A dot separates the parts of a setting's name; none of those named here has a dot within a part.
        return self.proc / "sys" / name.replace(".", "/")

    def _read(self, name: str) -> int | None:
        try:
            return int(self._path(name).read_text())
        except FileNotFoundError:
            return None

    def _set(self, name: str, value: int, needed: t.Callable[[int], bool], say: t.Callable[[str], None]) -> None:
        seen = self._read(name)
        if seen is None or not needed(seen):
            return
        self._path(name).write_text(f"{value}\n")
        say(f"host: {name} {seen} -> {value}")
