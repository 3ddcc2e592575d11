# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A reset is of what was named, of what is ours, and back to what was there."""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.errors import InvalidInput, PlatformError, Refused
from ansible_collections.lodestar.platform.plugins.module_utils.machine import (
    before,
    containers,
    host,
    node,
    paths,
    reset,
    restore,
)
from ansible_collections.lodestar.platform.plugins.module_utils.plan import Plan, carry_out
from ansible_collections.lodestar.platform.tests.unit.machine.examples import cluster, machine


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of what we note on a machine."""
    made = tmp_path / "lodestar"
    monkeypatch.setattr(host, "STATE_DIRECTORY", str(made))
    monkeypatch.setattr(before, "RECORD", str(made / "before.json"))
    monkeypatch.setattr(before, "COPIES", str(made / "before"))
    monkeypatch.setattr(paths, "CLUSTER_RECORD", str(made / "cluster.json"))
    monkeypatch.setattr(paths, "KUBERNETES", str(tmp_path / "kubernetes"))
    monkeypatch.setattr(before.artifacts, "_DIGESTS", str(made / "digests.json"))
    return made


@pytest.mark.parametrize("confirm", [None, "", "west", "East"])
def test_nothing_is_reset_that_is_not_named(confirm: str | None, state: Path) -> None:
    with pytest.raises(InvalidInput, match="Pass -e reset_confirm=east"):
        reset.plan(cluster(), machine(), confirm)


def test_a_machine_of_another_cluster_is_refused(state: Path) -> None:
    state.mkdir()
    (state / "cluster.json").write_text('{"name": "west"}')
    with pytest.raises(Refused, match="e1 belongs to west by its own record"):
        reset.plan(cluster(), machine(), "east")


def test_a_machine_that_nothing_of_ours_has_come_to_is_left_alone(state: Path) -> None:
    made = reset.plan(cluster(), machine(), "east")
    assert (made.steps, made.warnings) == ([], [])
    (state.parent / "kubernetes").mkdir()
    made = reset.plan(cluster(), machine(), "east")
    assert made.steps == []
    assert "not of this collection" in made.warnings[0]


@pytest.fixture
def noted(state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of a few directories; returns where they are."""
    root = tmp_path / "root"
    (root / "kept").mkdir(parents=True, mode=0o755)
    (root / "config").write_text("theirs")
    monkeypatch.setattr(before, "DIRECTORIES", tuple(str(root / name) for name in ("kept", "made", "made/inner")))
    monkeypatch.setattr(before, "SYSCTLS", ())
    monkeypatch.setattr(before, "packet_filter", lambda: ["ip mine"])
    quiet = {name: host.Service(name, False, False, False, 0.0, "dead") for name in before.UNITS}
    monkeypatch.setattr(host, "services", lambda names: {name: quiet[name] for name in names})
    monkeypatch.setattr(restore, "_reload", lambda: None)
    monkeypatch.setattr(before, "SHARED_TREES", (str(root / "tree"),))
    monkeypatch.setattr(before, "TREES", (str(root / "kept"), str(root / "tree")))
    monkeypatch.setattr(restore, "_own_files", lambda _cluster: [str(root / "config"), str(root / "made/inner/file")])
    return root


def restored(root: Path) -> list[str]:
    steps = node.Steps("e1")
    restore.add(steps, cluster(), before.load())
    carry_out(Plan(steps=steps.items))
    return [step.id for step in steps.items]


def test_a_machine_goes_back_to_what_was_noted(noted: Path, state: Path) -> None:
    assert before.wanted()
    before.write(before.observe([str(noted / "config"), str(noted / "new")]))
    assert not before.wanted()
    seen = before.load()
    assert seen is not None
    assert (list(seen.replaced), seen.packet_filter) == ([str(noted / "config")], ["ip mine"])
    (noted / "config").write_text("ours")
    (noted / "kept").chmod(0o700)
    for directory in ("kept/a/b", "tree/c", "made/inner"):
        (noted / directory).mkdir(parents=True)
    (noted / "made/inner/file").write_text("ours")

    steps = restored(noted)
    assert steps == ["files", f"file:{noted / 'config'}", f"mode:{noted / 'kept'}", "systemd", "state"]
    assert sorted(os.listdir(noted)) == ["config", "kept"]
    assert (noted / "config").read_text() == "theirs"
    assert host.mode_of(str(noted / "kept")) == 0o755
    assert os.listdir(noted / "kept") == []
    assert not state.exists()


def test_a_directory_with_something_of_somebody_else_stays(noted: Path, state: Path) -> None:
    before.write(before.observe([]))
    (noted / "made/inner").mkdir(parents=True)
    (noted / "made/inner/file").write_text("ours")
    (noted / "made/inner/other").write_text("theirs")
    restored(noted)
    assert (noted / "made/inner/other").read_text() == "theirs"
    assert not (noted / "made/inner/file").exists()


def test_a_tree_with_something_of_somebody_else_is_left_and_told(noted: Path, state: Path) -> None:
    (noted / "tree").mkdir()
    (noted / "tree/theirs").write_text("precious")
    before.write(before.observe([]))
    (noted / "tree/ours").write_text("")
    steps = node.Steps("e1")
    assert "held something before" in restore.add(steps, cluster(), before.load())[0]
    carry_out(Plan(steps=steps.items))
    assert (noted / "tree/theirs").read_text() == "precious"


def test_directories_that_only_we_made_go_when_they_are_empty() -> None:
    own = ["/etc/containerd/certs.d/x.example/hosts.toml", "/opt/cni/bin/bridge", "/usr/local/bin/kubelet"]
    there = {"/etc/containerd": 0o755, "/opt": 0o755, "/opt/cni": None, "/usr/local/bin": 0o755, "/var/lib/cni": None}
    assert restore.emptied(own, there) == [
        "/etc/containerd/certs.d/x.example",
        "/etc/containerd/certs.d",
        "/opt/cni/bin",
        "/var/lib/cni",
        "/opt/cni",
    ]
    assert restore.emptied(own[2:], {}) == []


def test_nothing_is_removed_through_a_mount(noted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (noted / "tree/volume").mkdir(parents=True)
    (noted / "tree/volume/data").write_text("precious")
    monkeypatch.setattr(containers, "mounted_below", lambda directory: [f"{directory}/volume"])
    with pytest.raises(PlatformError, match="cannot be unmounted"):
        restore._empty(str(noted / "tree"))
    assert (noted / "tree/volume/data").read_text() == "precious"


def test_a_note_that_was_not_finished_is_made_again(state: Path) -> None:
    state.mkdir()
    assert before.wanted()
    (state / "digests.json").write_text(json.dumps({"/usr/local/bin/kubelet": {}}))
    assert not before.wanted()
    assert before.load() is None


def test_only_the_shims_of_pods_are_ended() -> None:
    shim = "/usr/local/bin/containerd-shim-runc-v2"
    assert containers.is_own_shim([shim, "-namespace", "k8s.io", "-id", "x"])
    assert not containers.is_own_shim([shim, "-namespace", "moby", "-id", "x"])
    assert not containers.is_own_shim(["/usr/bin/containerd-shim-runc-v2", "-namespace", "k8s.io"])
    assert not containers.is_own_shim([""])


def test_everything_below_a_shim_ends_with_it() -> None:
    parents = {1: 0, 10: 1, 11: 10, 12: 11, 20: 1, 21: 20}
    assert containers.descendants(parents, [10]) == {11, 12}


def test_what_serves_ends_in_order_and_etcd_goes_on() -> None:
    names = ("etcd", "kube-scheduler", "kube-apiserver", "coredns", "kube-vip", "kube-controller-manager")
    listed: dict[str, t.Any] = {"containers": [{"metadata": {"name": name}, "id": f"id-{name}"} for name in names]}
    assert [name for name, _id in containers.serving(json.dumps(listed))] == [
        "kube-vip",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
    ]
    assert containers.serving("") == []


def test_mounts_of_others_stay() -> None:
    points = (
        "/",
        "/var/lib/kubelet",
        "/var/lib/kubelet/pods/a\\040b",
        "/var/lib/kubelet/pods/x/volumes/y",
        "/run/netns/cni-1",
        "/run/netns/theirs",
        "/run/containerd/io/rootfs",
    )
    info = "\n".join(f"1 0 0:1 / {point} rw - tmpfs tmpfs rw" for point in points)
    assert containers.mounted(info, containers._MOUNTED) == [
        "/var/lib/kubelet/pods/x/volumes/y",
        "/var/lib/kubelet/pods/a b",
        "/run/containerd/io/rootfs",
        "/run/netns/cni-1",
    ]
