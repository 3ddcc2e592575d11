# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a token says of itself."""

from __future__ import annotations

import base64
import datetime
import json
import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.kube.token import end, granted, service_account

NOW = datetime.datetime(2026, 11, 22, 12, 0, tzinfo=datetime.UTC)
LATER = "2026-11-22T20:00:00Z"


def token(**claims: t.Any) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{payload}.sig"


def test_the_granted_lifetime_is_that_of_the_token() -> None:
    assert granted(token(iat=100, exp=3700), LATER, NOW) == 3600
    assert granted("opaque", LATER, NOW) == 8 * 3600


def test_the_end_is_that_of_the_claims() -> None:
    assert end(token(exp=1795377600)) == "2026-11-22T20:00:00+00:00"


def test_whose_token_it_is() -> None:
    claims = {"namespace": "lodestar-system", "serviceaccount": {"name": "lodestar", "uid": "u"}}
    assert service_account(token(**{"kubernetes.io": claims})) == ("lodestar-system", "lodestar")


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"kubernetes.io": "x"},
        {"kubernetes.io": {"namespace": "a"}},
        {"kubernetes.io": {"namespace": "a", "serviceaccount": "b"}},
        {"kubernetes.io": {"namespace": "a", "serviceaccount": {"name": 1}}},
    ],
)
def test_a_token_of_another_kind_is_nobodys(claims: dict[str, t.Any]) -> None:
    assert service_account(token(**claims)) is None
    assert service_account("opaque") is None
