# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which access can be used still."""

from __future__ import annotations

import datetime
import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.test.usable import usable


def ending(seconds: int, form: str = "%Y-%m-%dT%H:%M:%SZ") -> dict[str, t.Any]:
    end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
    return {"server": "https://east:6443", "expires": end.strftime(form)}


@pytest.mark.parametrize(
    ("access", "expected"),
    [
        (None, False),
        ({}, False),
        ({"server": "https://east:6443"}, True),
        ({"server": "https://east:6443", "expires": None}, True),
        (ending(60), True),
        (ending(-1), False),
        (ending(3600 + 60, "%Y-%m-%dT%H:%M:%S+01:00"), True),
        (ending(3600 - 60, "%Y-%m-%dT%H:%M:%S+01:00"), False),
    ],
)
def test_an_access_is_usable_until_its_end(access: dict[str, t.Any] | None, expected: bool) -> None:
    assert usable(access) is expected
