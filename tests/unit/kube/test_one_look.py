# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several operations that look at a server together."""

from __future__ import annotations

import json
import re
import threading
import time
import typing as t
from urllib.parse import unquote

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.kube.connection import Connection
from ansible_collections.lodestar.platform.plugins.module_utils.kube.transport import Response, Transport, one_look

SERVER = Connection("https://192.0.2.1:6443", token="t")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is really sent; the status of an answer is what the target ends with."""
    found: list[str] = []

    def exchange(_self: Transport, method: str, target: str, *_more: t.Any) -> Response:
        found.append(f"{method} {target}")
        return Response(int(target.rpartition("/")[2]), {}, str(len(found)).encode())

    monkeypatch.setattr(Transport, "_exchange", exchange)
    return found


def ask(target: str, method: str = "GET", connection: Connection = SERVER) -> bytes:
    return Transport(connection, 1).exchange(method, target, {}, None, time.monotonic() + 5).body


@pytest.mark.parametrize("status", [200, 404])
def test_what_stands_is_asked_once(sent: list[str], status: int) -> None:
    with one_look():
        assert ask(f"/a/{status}") == ask(f"/a/{status}")
    assert len(sent) == 1
    ask(f"/a/{status}")
    ask(f"/a/{status}")
    assert len(sent) == 3


def test_who_goes_on_after_the_look_asks_anew(sent: list[str]) -> None:
    with one_look():
        member = Transport(SERVER, 1)
        ask("/a/200")
    for _time in range(2):
        member.exchange("GET", "/a/200", {}, None, time.monotonic() + 5)
    assert len(sent) == 3


@pytest.mark.parametrize(
    ("target", "method"), [("/a/500", "GET"), ("/a/429", "GET"), ("/a/403", "GET"), ("/a/200", "POST")]
)
def test_anything_else_is_asked_again(sent: list[str], target: str, method: str) -> None:
    with one_look():
        ask(target, method)
        ask(target, method)
    assert len(sent) == 2


def test_answers_are_those_of_one_server_and_one_identity(sent: list[str]) -> None:
    with one_look():
        ask("/a/200")
        ask("/a/200", connection=Connection("https://192.0.2.1:6443", token="another"))
        ask("/a/200", connection=Connection("https://192.0.2.2:6443", token="t"))
    assert len(sent) == 3


def test_a_look_is_its_threads_own(sent: list[str]) -> None:
    with one_look():
        ask("/a/200")
        other = threading.Thread(target=ask, args=["/a/200"])
        other.start()
        other.join()
    assert len(sent) == 2


MEMBERS = [
    ("a", {"set": "one"}),
    ("b", {"set": "two"}),
    ("c", {"set": "one", "more": "x"}),
    ("d", {"set": "other"}),
    ("e", None),
]


def answered(self: Transport, method: str, target: str, *_more: t.Any) -> Response:
    """As a server does that holds :data:`MEMBERS`."""
    assert method == "GET"
    path, _mark, query = target.partition("?")
    SENT.append(unquote(query.partition("labelSelector=")[2].partition("&")[0]).replace("+", " "))
    wanted = re.findall(r"\w+", SENT[-1].partition("in" if " in " in SENT[-1] else "=")[2])
    found = [
        {"metadata": {"name": name, "labels": labels}}
        for name, labels in MEMBERS
        if (labels or {}).get("set") in wanted
    ]
    return Response(200, {}, json.dumps({"items": found, "path": path}).encode())


SENT: list[str] = []


def test_what_operations_choose_by_is_listed_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Transport, "_exchange", answered)

    def chosen(selector: str) -> list[str]:
        with Client(SERVER) as client:
            return [obj["metadata"]["name"] for obj in client.list("v1", "ConfigMap", label_selector=selector)]

    asked = ("set=one", "set=two", "set=other")
    apart = [chosen(selector) for selector in asked]
    assert apart == [["a", "c"], ["b"], ["d"]]
    assert list(asked) == SENT
    SENT.clear()
    with one_look(["set=two", "set=one"]):
        assert [chosen(selector) for selector in asked] == apart
    assert SENT == ["set in (one,two)", "set=other"]


def test_looks_within_a_look_are_apart(sent: list[str]) -> None:
    with one_look():
        ask("/a/200")
        with one_look():
            ask("/a/200")
        ask("/a/200")
    assert len(sent) == 2
