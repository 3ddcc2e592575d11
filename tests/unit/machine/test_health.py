# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long a control plane that starts is waited for."""

from __future__ import annotations

import types
import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.machine import health, host


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> t.Callable[..., tuple[str | None, int]]:
    """Asks a control plane that answers as given; returns what it said at last, and how often it was asked."""

    def ask(answers: list[str | None], patience: float = 90, kubelet: bool = True) -> tuple[str | None, int]:
        left = list(answers)
        monkeypatch.setattr(host, "services", lambda _: {"kubelet": types.SimpleNamespace(active=kubelet)})
        monkeypatch.setattr(host.time, "sleep", lambda _: None)
        said = health.patiently(lambda: left.pop(0), patience)
        return said, len(answers) - len(left)

    return ask


def test_an_api_server_that_starts_is_waited_for(asked: t.Callable[..., tuple[str | None, int]]) -> None:
    assert asked([None, None, None, "1.36.3", "1.36.3"]) == ("1.36.3", 4)


@pytest.mark.parametrize(
    ("answers", "kubelet", "said"),
    [(["1.36.3", "1.36.3"], True, ("1.36.3", 1)), ([None, "1.36.3"], False, (None, 1))],
    ids=["it lives", "no kubelet would start it"],
)
def test_nothing_is_waited_for_in_vain(
    asked: t.Callable[..., tuple[str | None, int]],
    answers: list[str | None],
    kubelet: bool,
    said: tuple[str | None, int],
) -> None:
    assert asked(answers, kubelet=kubelet) == said


def test_the_wait_ends_and_is_no_error(asked: t.Callable[..., tuple[str | None, int]]) -> None:
    assert asked([None, None], patience=0) == (None, 2)
