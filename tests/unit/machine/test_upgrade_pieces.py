# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Snapshots, staged binaries, old images and the steps of one machine's upgrade."""

from __future__ import annotations

import hashlib
import typing as t
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.machine import (
    artifacts,
    snapshots,
    upgrade,
    upgrade_probe,
    upgrade_stage,
)
from ansible_collections.lodestar.platform.tests.unit.machine.examples import IMAGES, cluster, machine

KUBEADM, KUBECTL, KUBELET = (f"/usr/local/bin/{name}" for name in ("kubeadm", "kubectl", "kubelet"))


def test_a_snapshot_is_sealed_by_the_digest_at_its_end(tmp_path: Path) -> None:
    content = b"x" * 3_000_000
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    whole.write_bytes(content + hashlib.sha256(content).digest())
    assert snapshots.sealed(str(whole))
    for damaged in (whole.read_bytes()[:-1], b"y" + whole.read_bytes()[1:], b"", b"short"):
        cut.write_bytes(damaged)
        assert not snapshots.sealed(str(cut))


def test_the_newest_snapshots_stay() -> None:
    assert snapshots.surplus(["c", "b", "a"], 1) == ["b", "a"]
    assert snapshots.surplus(["c", "b", "a"], 3) == []
    assert snapshots.surplus(["c"], 0) == ["c"]


def test_only_images_of_our_names_and_other_versions_are_old() -> None:
    wanted = {"r/kube-apiserver:v1.37.2", "r/pause:3.10.1", "r/pause:3.10.2"}
    present = ["r/kube-apiserver:v1.36.3", "r/kube-apiserver:v1.37.2", "r/pause:3.10.1", "elsewhere/app:1", "r/own:1"]
    assert upgrade_stage.other_images(present, wanted) == ["r/kube-apiserver:v1.36.3"]


def artifact(path: str, digest: str = "new") -> dict[str, t.Any]:
    name = path.rsplit("/", 1)[1]
    return {"name": name, "kind": "binary", "version": "v1.37.2", "sha256": digest, "destination": path}


def test_an_upgrade_installs_the_binaries_of_kubernetes_only() -> None:
    items = [artifact(path) for path in (KUBEADM, KUBELET, "/usr/local/bin/containerd")]
    assert set(upgrade_stage.programs(items)) == {KUBEADM, KUBELET}


@pytest.fixture
def on_disk(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Digest by path of what is installed; the kubelet that runs is the one on the disk."""
    found = dict.fromkeys((KUBEADM, KUBECTL, KUBELET), "old")
    monkeypatch.setattr(artifacts, "installed", lambda paths: {path: found.get(path) for path in paths})
    monkeypatch.setattr(upgrade_probe, "static_pods", lambda: {"kube-apiserver": "1.36.3"})
    monkeypatch.setattr(upgrade_probe, "kubelet_current", lambda: True)
    return found


def task(role: str = "control_plane", first: bool = False, **changes: t.Any) -> upgrade.Task:
    held = {
        "binaries": {path: {"sha256": "new", "version": "v1.37.2"} for path in (KUBEADM, KUBECTL, KUBELET)},
        "images": IMAGES,
        "kubelet": "1.36.3",
        "static_pods": {},
        "references": [],
    }
    return upgrade.Task(cluster(version="1.37.2", **changes), machine(role=role), first, held)


def ids(asked: upgrade.Task, part: str) -> list[str]:
    return [step.id for step in upgrade.plan(asked, part).ordered()]


RETURNS = "file:/etc/kubernetes/kube-vip.conf"


@pytest.mark.usefixtures("on_disk")
def test_kubeadm_comes_before_the_kubelet() -> None:
    binary = f"binary:{KUBEADM}"
    configured = ["kubeadm:configuration", "kubeadm:upgrade:apply"]
    assert ids(task(first=True), "control") == [binary, "address:left", *configured, RETURNS, "healthy"]
    assert ids(task(), "control") == [binary, "address:left", "kubeadm:upgrade:node", RETURNS, "healthy"]
    assert ids(task("worker"), "control") == [binary, "kubeadm:upgrade:node"]
    assert ids(task("worker"), "kubelet") == [f"binary:{KUBELET}", "service:kubelet", "node:ready"]


@pytest.mark.usefixtures("on_disk")
def test_an_address_that_nobody_else_could_carry_stays() -> None:
    assert "address:left" not in ids(task(control_plane=["e1"]), "control")
    external = {"address": "192.0.2.10", "port": 6443, "provider": "external", "interface": None}
    assert not {"address:left", RETURNS} & set(ids(task(endpoint=external), "control"))


def test_what_an_earlier_run_did_is_not_done_again(on_disk: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    on_disk.update({KUBEADM: "new", KUBECTL: "new"})
    assert ids(task("worker"), "control") == ["kubeadm:upgrade:node"]
    on_disk[KUBELET] = "new"
    assert ids(task("worker"), "kubelet") == ["node:ready"]
    monkeypatch.setattr(upgrade_probe, "kubelet_current", lambda: False)
    assert ids(task("worker"), "kubelet") == ["service:kubelet", "node:ready"]
