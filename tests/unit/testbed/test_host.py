# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The host's settings: the first fleet in changes them, the last one out restores them, whatever happened between."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from testbed.host import Host

VALUES = {
    "net/bridge/bridge-nf-call-iptables": 1,
    "fs/inotify/max_user_instances": 128,
    "fs/inotify/max_user_watches": 1000000,
    "vm/overcommit_memory": 0,
    "kernel/panic": 0,
}


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A host with settings of its own; some that others have are missing."""
    for name, value in VALUES.items():
        file = tmp_path / "proc/sys" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{value}\n")
    boot(tmp_path, "first")
    return Host(run=tmp_path / "run", proc=tmp_path / "proc")


def boot(tmp_path: Path, name: str) -> None:
    file = tmp_path / "proc/sys/kernel/random/boot_id"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(name)


def settings(host: Host) -> dict[str, int]:
    return {name: int((host.proc / "sys" / name).read_text()) for name in VALUES}


def quiet(line: str) -> None:
    """Says nothing."""


def join(host: Host, *fleets: str, say: t.Callable[[str], None] = quiet) -> None:
    for name in fleets:
        host.join(name, "10.89.0.0/24", say)


def test_joining_sets_what_is_needed_and_lowers_nothing(host: Host) -> None:
    said: list[str] = []
    join(host, "a", say=said.append)
    assert settings(host) == {
        **VALUES,
        "net/bridge/bridge-nf-call-iptables": 0,
        "fs/inotify/max_user_instances": 1024,
    }
    assert said == [
        "host: net.bridge.bridge-nf-call-iptables 1 -> 0",
        "host: fs.inotify.max_user_instances 128 -> 1024",
    ]
    join(host, "a", say=said.append)
    assert len(said) == 2


def test_the_last_one_out_restores(host: Host) -> None:
    join(host, "a", "b")
    changed = settings(host)
    host.leave("a", ["b"], quiet)
    assert settings(host) == changed
    assert list(host.fleets()) == ["b"]
    host.leave("b", [], quiet)
    assert settings(host) == VALUES
    assert host.fleets() == {}


def test_what_the_machines_set_is_restored_too(host: Host) -> None:
    join(host, "a")
    (host.proc / "sys/vm/overcommit_memory").write_text("1\n")
    (host.proc / "sys/kernel/panic").write_text("10\n")
    host.leave("a", [], quiet)
    assert settings(host) == VALUES


def test_a_fleet_that_was_removed_by_other_means_does_not_hold_the_settings(host: Host) -> None:
    join(host, "gone", "b")
    host.leave("b", [], quiet)
    assert settings(host) == VALUES


def test_leaving_without_having_joined_changes_nothing(host: Host) -> None:
    host.leave("a", [], quiet)
    assert settings(host) == VALUES
    join(host, "b")
    host.leave("a", ["b"], quiet)
    assert list(host.fleets()) == ["b"]


def test_a_reboot_makes_what_was_noted_void(host: Host, tmp_path: Path) -> None:
    join(host, "a")
    boot(tmp_path, "second")
    (host.proc / "sys/fs/inotify/max_user_instances").write_text("256\n")
    join(host, "a")
    host.leave("a", [], quiet)
    assert settings(host)["fs/inotify/max_user_instances"] == 256


def test_a_setting_that_comes_later_is_noted_when_it_is_seen(host: Host) -> None:
    join(host, "a")
    late = host.proc / "sys/net/bridge/bridge-nf-call-ip6tables"
    late.write_text("1\n")
    join(host, "b")
    assert late.read_text() == "0\n"
    host.leave("a", ["b"], quiet)
    host.leave("b", [], quiet)
    assert late.read_text() == "1\n"
