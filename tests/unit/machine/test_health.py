# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long a control plane that starts is waited for."""

from __future__ import annotations

import types
import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.machine import health, host, kubeapi
from ansible_collections.lodestar.platform.tests.unit.machine.examples import cluster, machine


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> t.Callable[..., list[bool]]:
    """Has the API server answer as given, one look after the other; returns the looks that are left."""

    def given(answers: list[bool] | None, kubelet: bool = True) -> list[bool]:
        left = list(answers or ())
        api = types.SimpleNamespace(live=lambda: left.pop(0), close=lambda: None)
        monkeypatch.setattr(kubeapi, "local_admin", lambda *_: None if answers is None else api)
        monkeypatch.setattr(host, "services", lambda _: {"kubelet": types.SimpleNamespace(active=kubelet)})
        monkeypatch.setattr(host.time, "sleep", lambda _: None)
        return left

    return given


def test_an_api_server_that_starts_is_waited_for(looks: t.Callable[..., list[bool]]) -> None:
    left = looks([False, False, False, True, True])
    health.await_start(cluster(), machine(), 90)
    assert left == [True]


@pytest.mark.parametrize(
    ("answers", "kubelet", "left"),
    [([True, True], True, [True]), ([False, True], False, [True]), (None, True, [])],
    ids=["it lives", "no kubelet would start it", "no control plane"],
)
def test_nothing_is_waited_for_in_vain(
    looks: t.Callable[..., list[bool]], answers: list[bool] | None, kubelet: bool, left: list[bool]
) -> None:
    remaining = looks(answers, kubelet)
    health.await_start(cluster(), machine(), 90)
    assert remaining == left


def test_the_wait_ends_and_is_no_error(looks: t.Callable[..., list[bool]]) -> None:
    left = looks([False, False])
    health.await_start(cluster(), machine(), 0)
    assert left == []
