# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modes of what only root may read: what is told depends on what the machine is, not on what a run has just made."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.machine import modes


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(modes, "_MOST", {f"{tmp_path}/*.conf": 0o600})
    monkeypatch.setattr(modes, "_CONTROL_PLANE", {str(tmp_path / "etcd"): 0o700})
    (tmp_path / "etcd").mkdir(mode=0o755)
    for name, mode in (("a.conf", 0o644), ("b.conf", 0o400)):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(mode)
    return tmp_path


def test_what_allows_more_is_told(place: Path) -> None:
    assert list(modes.loose(member=True, control_plane=False)) == [(str(place / "a.conf"), 0o644, 0o600)]


def test_etcds_directory_is_told_before_its_control_plane_joins_and_never_of_a_worker(place: Path) -> None:
    assert list(modes.loose(member=False, control_plane=True)) == [(str(place / "etcd"), 0o755, 0o700)]
    assert list(modes.loose(member=False, control_plane=False)) == []
