# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A static pod or a kubelet that does not get well has its files back, and the failure tells why."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.errors import PlatformError
from ansible_collections.lodestar.platform.plugins.module_utils.machine import (
    arguments,
    health,
    host,
    kubelet,
    node,
    paths,
    restarts,
    running,
    static_pods,
)
from ansible_collections.lodestar.platform.tests.unit.machine.examples import IMAGES, cluster, machine
from ansible_collections.lodestar.platform.tests.unit.machine.test_arguments import manifest, wanted

SCHEDULER = "kube-scheduler"


class Place:
    """A control plane made of files, on which kubeadm makes what is wanted and the scheduler runs or does not."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.exits, self.made = 0, manifest(wanted(SCHEDULER), SCHEDULER)
        self.running: list[str] | None = [SCHEDULER, *(f"--{k}={v[0]}" for k, v in wanted(SCHEDULER).items())]
        monkeypatch.setattr(paths, "MANIFESTS", str(folder))
        monkeypatch.setattr(host, "RUN_DIRECTORY", str(folder / "run"))
        monkeypatch.setattr(node.Member, "run_phase", self._kubeadm)
        monkeypatch.setattr(running, "exits_since", lambda _name, _moment: self.exits)
        monkeypatch.setattr(running, "command_of", lambda _name: self.running)
        monkeypatch.setattr(running, "last_words", lambda _name: "it said why")
        monkeypatch.setattr(static_pods, "_ailment", lambda _component, _member: None)
        monkeypatch.setattr(static_pods, "_SECONDS", 0.05)
        self.path = folder / f"{SCHEDULER}.yaml"
        for component in paths.STATIC_PODS:
            (folder / f"{component}.yaml").write_text(self._manifest(component))
        self.member = node.Member(cluster(), machine(), IMAGES)

    @staticmethod
    def _manifest(component: str) -> str:
        image = IMAGES["etcd"] if component == "etcd" else f"lodestar.platform/bundle/{component}:v1.36.3"
        return manifest(wanted(component), component).replace("lodestar.platform/bundle/kube-apiserver:v1.36.3", image)

    def _kubeadm(self, phase: t.Sequence[str], environ: t.Mapping[str, str]) -> None:
        assert list(phase) == ["control-plane", "scheduler", "--dry-run"]
        directory = Path(environ["KUBEADM_INIT_DRYRUN_DIR"])
        assert directory.stat().st_mode & 0o777 == 0o700
        (directory / f"{SCHEDULER}.yaml").write_text(self.made)

    def steps(self) -> list[t.Any]:
        steps = node.Steps("e1")
        static_pods.add(steps, self.member)
        return steps.items

    def spoil(self) -> str:
        text = self.path.read_text().replace("--leader-elect=true", "--leader-elect=false")
        self.path.write_text(text)
        return text


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return Place(tmp_path, monkeypatch)


def test_nothing_is_planned_where_nothing_differs(place: Place) -> None:
    assert place.steps() == []


def test_a_manifest_is_replaced_at_once(place: Place) -> None:
    place.spoil()
    (step,) = place.steps()
    assert (step.id, step.before, step.after) == (
        "static-pod:kube-scheduler",
        {"leader-elect": ["false"]},
        {"leader-elect": ["true"]},
    )
    step.perform()
    assert place.path.read_text() == place.made
    assert host.mode_of(str(place.path)) == 0o600
    assert not (place.path.parent / "run" / "manifests").exists()


@pytest.mark.parametrize(("exits", "running"), [(2, True), (0, False)])
def test_a_pod_that_does_not_come_up_has_its_manifest_back(place: Place, exits: int, running: bool) -> None:
    old = place.spoil()
    place.exits = exits
    place.running = place.running if running else None
    (step,) = place.steps()
    with pytest.raises(PlatformError, match="The manifest that was there before is back") as caught:
        step.perform()
    assert "it said why" in str(caught.value)
    assert place.path.read_text() == old


def test_a_manifest_that_says_something_else_than_was_planned_is_not_placed(place: Place) -> None:
    old = place.spoil()
    place.made = place.made.replace("--leader-elect=true", "--leader-elect=maybe")
    (step,) = place.steps()
    with pytest.raises(PlatformError, match="nothing was changed"):
        step.perform()
    assert place.path.read_text() == old


def test_a_manifest_that_is_missing_is_made(place: Place) -> None:
    place.path.unlink()
    (step,) = place.steps()
    assert (step.action, step.before) == ("create", None)
    step.perform()
    assert place.path.read_text() == place.made


def test_a_manifest_of_another_version_is_left_to_the_upgrade(place: Place) -> None:
    place.path.write_text(place.spoil().replace("v1.36.3", "v1.37.2"))
    assert place.steps() == []


def test_the_store_is_not_touched_without_a_majority(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_machine: t.Any) -> t.NoReturn:
        raise PlatformError("no majority")

    monkeypatch.setattr(health, "require_quorum_without", refuse)
    server = Path(paths.MANIFESTS) / "kube-apiserver.yaml"
    old = server.read_text().replace("--audit-log-maxage=30", "--audit-log-maxage=3")
    server.write_text(old)
    (step,) = place.steps()
    with pytest.raises(PlatformError, match="no majority"):
        step.perform()
    assert server.read_text() == old


def test_arguments_of_a_process_are_those_of_its_manifest() -> None:
    right = wanted("kube-apiserver", **{"runtime-config": ["a=true", "b=true"]})
    line = ["kube-apiserver", *(f"--{name}={value}" for name, values in right.items() for value in values)]
    assert arguments.of_command(line) == right


def test_a_kubelet_that_does_not_get_well_has_its_files_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changed, new = tmp_path / "config.yaml", tmp_path / "drop-in.conf"
    changed.write_text("new")
    changed.chmod(0o600)
    new.write_text("new")
    calls: list[tuple[str, ...]] = []
    monkeypatch.setattr(host, "systemctl", lambda *words: calls.append(words))
    monkeypatch.setattr(kubelet, "_ailment", lambda: "it does not run")
    monkeypatch.setattr(restarts, "_last_words", lambda _service, _began: "it said why")
    monkeypatch.setattr(kubelet, "_SECONDS", 0.01)
    with pytest.raises(PlatformError, match="it said why"):
        kubelet.restart({str(changed): "old", str(new): None})
    assert changed.read_text() == "old"
    assert host.mode_of(str(changed)) == 0o600
    assert not new.exists()
    assert calls == [("restart", "kubelet"), ("daemon-reload",), ("restart", "kubelet")]


def test_a_kubelet_that_gets_well_keeps_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = tmp_path / "config.yaml"
    changed.write_text("new")
    monkeypatch.setattr(host, "systemctl", lambda *_words: None)
    monkeypatch.setattr(kubelet, "_ailment", lambda: None)
    kubelet.restart({str(changed): "old"})
    assert changed.read_text() == "new"
