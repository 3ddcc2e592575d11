# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A machine whose clock nobody keeps is told of; a container has its host's."""

from __future__ import annotations

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.machine import clock, host


def services(*active: str) -> dict[str, host.Service]:
    return {name: host.Service(name, name in active, False, False, 0.0, "") for name in clock.SERVICES}


@pytest.mark.parametrize(
    ("active", "contained", "warned"),
    [((), False, True), (("chrony",), False, False), (("systemd-timesyncd",), False, False), ((), True, False)],
)
def test_clocks(monkeypatch: pytest.MonkeyPatch, active: tuple[str, ...], contained: bool, warned: bool) -> None:
    monkeypatch.setattr(clock.os.path, "exists", lambda path: contained and path == "/run/systemd/container")
    said = clock.warnings("e1", services(*active))
    assert bool(said) is warned
    assert all("e1" in line and "chrony" in line for line in said)
