# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One token, however many runs want one."""

from __future__ import annotations

import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.machine import access, host

SEEN = {"token": "ended"}


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[dict[str, t.Any]]:
    """What is kept, the latest last; every minting adds one."""
    kept: list[dict[str, t.Any]] = [SEEN]
    monkeypatch.setattr(host, "STATE_DIRECTORY", str(tmp_path))
    monkeypatch.setattr(access, "_kept", lambda: kept[-1])
    monkeypatch.setattr(access, "_usable", lambda _minting, record: record["token"] != "ended")
    monkeypatch.setattr(access, "_mint", lambda _minting: kept.append({"token": f"made {len(kept)}"}))
    return kept


def test_two_runs_at_once_keep_the_same_token(made: list[dict[str, t.Any]]) -> None:
    minting = access._Minting({}, {}, 3600)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _run: access._mint_once(minting, SEEN), range(8)))
    assert made == [SEEN, {"token": "made 1"}]


def test_a_token_that_ended_meanwhile_is_made_anew(made: list[dict[str, t.Any]]) -> None:
    made.append({"token": "ended", "expires": "then"})
    access._mint_once(access._Minting({}, {}, 3600), SEEN)
    assert made[-1] == {"token": "made 2"}
