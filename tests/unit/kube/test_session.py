# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many writes are sent at once, and credentials that end in the middle."""

from __future__ import annotations

import datetime
import math
import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.kube.connection import Connection
from ansible_collections.lodestar.platform.plugins.module_utils.kube.errors import Unauthorized
from ansible_collections.lodestar.platform.plugins.module_utils.kube.session import Session
from ansible_collections.lodestar.platform.plugins.module_utils.kube.transport import Response, Transport


@pytest.mark.parametrize(
    ("latency", "in_flight", "at_once"),
    [(0.002, 8, 6), (0.05, 8, 8), (math.inf, 8, 8), (0.002, 2, 2)],
    ids=["nearby", "far away", "not asked yet", "fewer are allowed"],
)
def test_a_server_nearby_gets_fewer_connections(latency: float, in_flight: int, at_once: int) -> None:
    session = Session(Connection(server="https://192.0.2.1:6443"), in_flight=in_flight)
    session.latency = latency
    assert session.at_once == at_once


class Source:
    """A server that knows one token, and what grants the others."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *tokens: str, good: str) -> None:
        self.left, self.good, self.asked = list(tokens), good, 0
        monkeypatch.setattr(Transport, "exchange", self.exchange)

    def exchange(self, _method: str, _target: str, headers: t.Any, *_more: t.Any) -> Response:
        accepted = headers["Authorization"] == f"Bearer {self.good}"
        return Response(200 if accepted else 401, {"content-type": "application/json"}, b"{}")

    def connection(self, token: str, expires: str = "") -> Connection:
        return Connection("https://192.0.2.1:6443", token=token, expires=expires, renew=self.renew)

    def renew(self) -> Connection:
        self.asked += 1
        return self.connection(self.left.pop(0))


def test_a_refused_credential_is_renewed_once_and_the_call_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source(monkeypatch, "second", good="second")
    session = Session(source.connection("first"))
    assert session.request("GET", "/version") == {}
    assert session.request("GET", "/version") == {}
    assert source.asked == 1


def test_one_that_is_refused_again_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source(monkeypatch, "second", "third", good="never")
    with pytest.raises(Unauthorized, match="expired, was revoked"):
        Session(source.connection("first")).request("GET", "/version")
    assert source.asked == 1


def test_one_that_is_about_to_end_is_renewed_before(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source(monkeypatch, "second", good="second")
    soon = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=20)).isoformat()
    session = Session(source.connection("first", soon))
    assert session.request("GET", "/version") == {}
    assert (session.reads, source.asked) == (1, 1)
