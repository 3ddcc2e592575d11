# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Members come and go in a real etcd of up to five, as a control plane that helps with a join makes them."""

from __future__ import annotations

import subprocess
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.errors import PlatformError, Refused
from ansible_collections.lodestar.platform.plugins.module_utils.machine import membership, paths
from ansible_collections.lodestar.platform.plugins.module_utils.machine.etcd import Etcd, Member, peer_url

from ..harness import pki

#: Loopback addresses of this test alone, so that every member has etcd's own ports.
ADDRESSES = {f"m{number}": f"127.0.71.{number}" for number in range(1, 8)}


class Cluster:
    """etcd's processes, one a member."""

    def __init__(self, folder: Path, program: Path) -> None:
        self._folder, self._program = folder, program
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, *names: str, joining: t.Sequence[str] = ()) -> None:
        """Founds a cluster of these members, or with ``joining`` starts one more beside those."""
        everyone = ",".join(f"{name}={peer_url(ADDRESSES[name])}" for name in (*joining, *names))
        for name in names:
            address = ADDRESSES[name]
            command = [
                str(self._program),
                f"--name={name}",
                f"--data-dir={self._folder / name}",
                f"--listen-client-urls=https://{address}:2379",
                f"--advertise-client-urls=https://{address}:2379",
                f"--listen-peer-urls={peer_url(address)}",
                f"--initial-advertise-peer-urls={peer_url(address)}",
                f"--initial-cluster={everyone}",
                f"--initial-cluster-state={'existing' if joining else 'new'}",
                f"--cert-file={self._folder / 'server.crt'}",
                f"--key-file={self._folder / 'server.key'}",
                "--peer-auto-tls",
                "--unsafe-no-fsync",
            ]
            self._processes[name] = subprocess.Popen(
                command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self._folder
            )

    def kill(self, *names: str) -> None:
        """SIGKILL."""
        for name in names:
            self._processes[name].kill()
            self._processes.pop(name).wait()

    def stop(self) -> None:
        self.kill(*list(self._processes))


@pytest.fixture
def etcd(tmp_path: Path, tools: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> t.Iterator[Cluster]:
    """No member yet. The product finds its certificates where kubeadm puts them."""
    authority = pki.Authority("etcd-ca")
    folder = tmp_path / "pki" / "etcd"
    folder.mkdir(parents=True)
    authority.pair.write(folder, "ca")
    authority.client("health").write(folder, "healthcheck-client")
    authority.serving(*ADDRESSES.values()).write(tmp_path, "server")
    monkeypatch.setattr(paths, "PKI", str(tmp_path / "pki"))
    cluster = Cluster(tmp_path, tools["etcd"])
    yield cluster
    cluster.stop()


def members(seen_by: str, healthy: t.Collection[str], deadline: float = 60) -> list[Member]:
    """All members, once just these are healthy."""
    end = time.monotonic() + deadline
    while True:
        try:
            found = Etcd(ADDRESSES[seen_by]).members()
            if {item.name for item in found if item.healthy} == set(healthy):
                return found
        except PlatformError:
            found = []
        assert time.monotonic() < end, found
        time.sleep(0.3)


def add_learner(seen_by: str, name: str, deadline: float = 0) -> None:
    """As kubeadm adds a member; with a deadline (seconds) it is tried again while etcd refuses."""
    end = time.monotonic() + deadline
    while True:
        try:
            body = {"peerURLs": [peer_url(ADDRESSES[name])], "isLearner": True}
            Etcd(ADDRESSES[seen_by])._call("POST", ADDRESSES[seen_by], "/v3/cluster/member/add", body)
            return
        except PlatformError:
            if time.monotonic() > end:
                raise
        time.sleep(0.5)


def joiner(name: str, **more: t.Any) -> dict[str, t.Any]:
    return {"name": name, "node_name": name, "node_ip": ADDRESSES[name], "role": "control_plane", **more}


def prepared(seen: list[Member], new: dict[str, t.Any], *inventory: str, gone: t.Collection[str] = ()) -> Member | None:
    """Takes out who leaves before a join; returns who leaves after it."""
    helper = next(item.name for item in seen if item.healthy and item.name in inventory)
    known = {name: ADDRESSES[name] for name in inventory}
    planned = membership.change(seen, new, False, gone, known)
    assert membership.problem(seen, new, False, planned, known) is None
    for member in planned.before:
        Etcd(ADDRESSES[helper]).remove(member)
    return planned.after


def test_no_member_comes_while_a_voter_is_dead(etcd: Cluster) -> None:
    """What the whole order rests on. The dead one goes, and the next may come."""
    etcd.start("m1", "m2", "m3")
    members("m2", ["m1", "m2", "m3"])
    etcd.kill("m1")
    seen = members("m2", ["m2", "m3"])
    # What etcd calls connected holds for some seconds after the connection has ended.
    time.sleep(6)
    with pytest.raises(PlatformError, match="unhealthy cluster"):
        add_learner("m2", "m4")
    assert prepared(seen, joiner("m4", replaces="m1"), "m2", "m3", "m4") is None
    add_learner("m2", "m4", 20)
    etcd.start("m4", joining=["m2", "m3"])
    members("m2", ["m2", "m3", "m4"])


def test_two_dead_ones_of_five_leave_together(etcd: Cluster) -> None:
    names = ["m1", "m2", "m3", "m4", "m5"]
    etcd.start(*names)
    members("m3", names)
    etcd.kill("m1", "m2")
    seen = members("m3", names[2:])
    empty = [joiner("m1"), joiner("m2")]
    prepared(seen, empty[0], *names, gone=membership.gone(seen, empty))
    assert sorted(item.name for item in members("m3", names[2:])) == names[2:]
    add_learner("m3", "m1", 20)


def test_a_learner_of_nobody_goes_before_the_next(etcd: Cluster) -> None:
    etcd.start("m1")
    members("m1", ["m1"])
    add_learner("m1", "m7", 20)
    with pytest.raises(PlatformError, match="too many learner"):
        add_learner("m1", "m2")
    prepared(members("m1", ["m1"]), joiner("m2"), "m1", "m2")
    add_learner("m1", "m2", 20)


def test_the_last_but_one_may_leave_while_it_lives(etcd: Cluster) -> None:
    """The only control plane is replaced: two for a while, then one. A dead second one keeps etcd from everything."""
    etcd.start("m1", "m2")
    seen = members("m2", ["m1", "m2"])
    leaving = membership.named(seen, "m1")
    assert leaving is not None
    Etcd(ADDRESSES["m2"]).remove(leaving)
    (last,) = members("m2", ["m2"])
    with pytest.raises(Refused, match="last voter"):
        Etcd(ADDRESSES["m2"]).remove(last)
