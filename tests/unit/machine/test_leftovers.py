# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a killed run leaves lying is found, and nothing else."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.machine import host, leftovers, lock
from ansible_collections.lodestar.platform.plugins.plugin_utils import on_machine

DEAD, ALIVE = 4190001, 4190002


def test_halves_of_files_of_processes_that_ended(tmp_path: Path) -> None:
    for name in (
        f".config.toml.lodestar-{DEAD}",
        f"kubelet.lodestar-{DEAD}",
        f".x.lodestar-{ALIVE}",
        "kubelet",
        "lodestar-1",
    ):
        (tmp_path / name).touch()
    (tmp_path / f"dir.lodestar-{DEAD}").mkdir()
    seen = leftovers.abandoned([str(tmp_path), str(tmp_path / "missing")], lambda pid: pid == ALIVE)
    assert [os.path.basename(path) for path in seen] == [f".config.toml.lodestar-{DEAD}", f"kubelet.lodestar-{DEAD}"]


def test_found_beside_every_file_that_is_written_and_among_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, etc = tmp_path / "run", tmp_path / "etc"
    run.mkdir(), etc.mkdir()
    (run / "kubeadm-join.yaml").touch()
    (run / "pki").mkdir()
    (run / "pki" / "ca.key").touch()
    (etc / f".a.conf.lodestar-{DEAD}").touch()
    monkeypatch.setattr(host, "RUN_DIRECTORY", str(run))
    monkeypatch.setattr(lock, "busy", lambda: None)
    monkeypatch.setattr(leftovers, "_ALWAYS", ())
    expected = [str(etc / f".a.conf.lodestar-{DEAD}"), str(run / "kubeadm-join.yaml"), str(run / "pki")]
    found = leftovers.found([str(etc / "a.conf")])
    assert found == expected
    monkeypatch.setattr(lock, "busy", lambda: {"run": "another"})
    assert leftovers.found([str(etc / "a.conf")]) == []
    leftovers.remove(found)
    assert [*run.iterdir(), *etc.iterdir()] == []


def test_artifacts_go_as_they_are_used_and_the_directory_with_the_last(tmp_path: Path) -> None:
    staging = tmp_path / "staging"
    staging.mkdir()
    for name in ("aa", "bb", leftovers.OWNER_FILE):
        (staging / name).touch()
    leftovers.used(str(staging / "aa"))
    assert sorted(os.listdir(staging)) == ["bb", leftovers.OWNER_FILE]
    leftovers.used(str(staging / "bb"))
    assert not staging.exists()


def test_two_that_use_the_last_artifacts_at_the_same_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps run side by side: the other one has removed the directory in between."""
    staging = tmp_path / "staging"
    staging.mkdir()
    (staging / "aa").touch()
    remove = host.remove

    def and_the_other_is_faster(path: str) -> None:
        remove(path)
        shutil.rmtree(staging, ignore_errors=True)

    monkeypatch.setattr(host, "remove", and_the_other_is_faster)
    leftovers.used(str(staging / "aa"))
    assert not staging.exists()


def test_trees_that_two_remove_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "a").touch()
    unlink = os.unlink

    def twice(path: str, **more: int) -> None:
        unlink(path, **more)
        unlink(path, **more)

    monkeypatch.setattr(os, "unlink", twice)
    host.remove_tree(str(tmp_path / "tree"))
    assert not (tmp_path / "tree").exists()


def test_a_half_of_a_process_with_our_id_does_not_stop_a_write(tmp_path: Path) -> None:
    (tmp_path / f".a.conf.lodestar-{os.getpid()}").write_text("half")
    host.write(str(tmp_path / "a.conf"), "whole")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["whole"]


def test_only_what_dead_runs_have_sent_is_discarded() -> None:
    lines = [
        *("/t/1/lodestar-run.json", json.dumps({"run": "dead"})),
        *("/t/2/lodestar-run.json", json.dumps({"run": "alive"})),
        *("/t/3/lodestar-run.json", '{"run": "cut sh'),
        "/t/4/lodestar-run.json",
    ]
    assert on_machine.abandoned(lines, lambda owner: owner["run"] == "dead") == ["/t/1"]
