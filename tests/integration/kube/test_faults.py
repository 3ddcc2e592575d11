# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the client does when the network or the server fails: every fault on a real API server, behind a proxy."""

from __future__ import annotations

import socket
import time
import typing as t
from dataclasses import replace

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.kube import errors
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client

from ..harness.apiserver import ApiServer
from ..harness.faults import FaultProxy

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"


def config_map(name: str, value: str = "1") -> dict[str, t.Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "default"},
        "data": {"key": value},
    }


@pytest.fixture
def proxy(api: ApiServer) -> t.Iterator[FaultProxy]:
    with FaultProxy(api) as made:
        yield made


@pytest.fixture
def shaky(proxy: FaultProxy) -> t.Iterator[Client]:
    """A client that goes through the proxy."""
    with Client(proxy.connection, deadline=10.0) as made:
        yield made


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_a_passing_failure_is_not_seen(proxy: FaultProxy, shaky: Client, prefix: str, method: str, status: int) -> None:
    proxy.add("answer", method=method, status=status, times=2)
    if method == "GET":
        assert shaky.get("v1", "Namespace", "default") is not None
    else:
        assert shaky.apply(config_map(prefix))["data"] == {"key": "1"}
    assert len(proxy.seen) == 3


@pytest.mark.parametrize("act", ["reset", "lose", "truncate"])
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_a_lost_reply_of_what_may_be_repeated_is_not_seen(
    proxy: FaultProxy, shaky: Client, client: Client, prefix: str, method: str, act: str
) -> None:
    client.apply(config_map(prefix))
    proxy.add(act, method=method)
    if method == "GET":
        assert shaky.get("v1", "ConfigMap", prefix, "default") is not None
    elif method == "PATCH":
        assert shaky.apply(config_map(prefix, "2"))["data"] == {"key": "2"}
    else:
        shaky.delete("v1", "ConfigMap", prefix, "default")
        assert client.get("v1", "ConfigMap", prefix, "default") is None
    assert len(proxy.seen) == 2


def test_retry_after_is_waited_for(proxy: FaultProxy, shaky: Client) -> None:
    proxy.add("answer", status=429, headers={"Retry-After": "2"})
    begin = time.monotonic()
    assert shaky.get("v1", "Namespace", "default") is not None
    assert time.monotonic() - begin >= 2


def test_a_retry_after_beyond_the_deadline_fails_at_once(proxy: FaultProxy, shaky: Client) -> None:
    proxy.add("answer", status=429, headers={"Retry-After": "3600"})
    begin = time.monotonic()
    with pytest.raises(errors.Throttled):
        shaky.get("v1", "Namespace", "default")
    assert time.monotonic() - begin < 1


def test_a_create_whose_reply_was_lost_counts_if_the_content_is_ours(
    proxy: FaultProxy, shaky: Client, prefix: str
) -> None:
    proxy.add("lose", method="POST")
    assert shaky.create(config_map(prefix))["data"] == {"key": "1"}
    assert [line.split()[0] for line in proxy.seen] == ["POST", "GET"]


def test_a_create_that_did_not_arrive_is_sent_again(proxy: FaultProxy, shaky: Client, prefix: str) -> None:
    proxy.add("reset", method="POST")
    assert shaky.create(config_map(prefix))["data"] == {"key": "1"}
    assert [line.split()[0] for line in proxy.seen] == ["POST", "GET", "POST"]


def test_a_create_that_somebody_else_did_is_a_conflict(
    proxy: FaultProxy, shaky: Client, client: Client, prefix: str
) -> None:
    client.create(config_map(prefix, "theirs"))
    proxy.add("reset", method="POST")
    with pytest.raises(errors.Conflict):
        shaky.create(config_map(prefix))
    with pytest.raises(errors.Conflict):
        client.create(config_map(prefix, "theirs"))


def test_a_permanent_failure_names_verb_object_and_reason(proxy: FaultProxy, shaky: Client) -> None:
    proxy.add("answer", status=500, times=100)
    with pytest.raises(errors.ServerError) as failure:
        shaky.get("v1", "ConfigMap", "x", "default")
    assert "get ConfigMap default/x: as told" in str(failure.value)
    assert len(proxy.seen) == 5


@pytest.mark.parametrize("act", ["stall", "drip"])
def test_the_deadline_holds_whatever_the_server_does(proxy: FaultProxy, act: str) -> None:
    proxy.add(act)
    begin = time.monotonic()
    with Client(proxy.connection, deadline=1.5) as hasty, pytest.raises(errors.Unreachable):
        hasty.get("v1", "Namespace", "default")
    assert 1.4 < time.monotonic() - begin < 2.5


def test_the_deadline_holds_when_nobody_speaks_tls(api: ApiServer) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        mute = replace(api.runner, server=f"https://127.0.0.1:{silent.getsockname()[1]}")
        begin = time.monotonic()
        with Client(mute, deadline=1.0) as hasty, pytest.raises(errors.Unreachable):
            hasty.version()
        assert time.monotonic() - begin < 2


def test_a_redirect_is_not_followed_and_the_token_not_sent_on(proxy: FaultProxy, shaky: Client) -> None:
    proxy.add("answer", status=302, headers={"Location": "https://elsewhere.invalid/"})
    with pytest.raises(errors.Unreachable) as failure:
        shaky.get("v1", "Namespace", "default")
    assert "elsewhere.invalid" in str(failure.value)


def test_a_portal_that_answers_with_html_is_named(proxy: FaultProxy, shaky: Client) -> None:
    proxy.add("answer", status=200, headers={"Content-Type": "text/html"}, body=b"<html>sign in</html>")
    with pytest.raises(errors.Unreachable) as failure:
        shaky.list("v1", "Namespace")
    assert "text/html" in str(failure.value)


def test_an_expired_list_begins_again(proxy: FaultProxy, shaky: Client, client: Client, prefix: str) -> None:
    for index in range(3):
        labels = {"list": prefix}
        obj = config_map(f"{prefix}-{index}")
        client.apply({**obj, "metadata": {**obj["metadata"], "labels": labels}})
    body = b'{"kind":"Status","reason":"Expired","message":"too old"}'
    proxy.add("answer", status=410, path="limit=", body=body)
    assert len(shaky.list("v1", "ConfigMap", label_selector=f"list={prefix}")) == 3


def test_another_ca_is_refused_without_a_second_try(api: ApiServer, other_api: ApiServer) -> None:
    begin = time.monotonic()
    with (
        Client(replace(api.runner, ca_data=other_api.runner.ca_data)) as client,
        pytest.raises(errors.Unreachable) as failure,
    ):
        client.version()
    assert "certificate is not trusted" in str(failure.value)
    assert client.reads == 1
    assert time.monotonic() - begin < 3


def test_a_server_name_of_its_own_is_verified(api: ApiServer) -> None:
    with Client(replace(api.runner, tls_server_name="kubernetes.default.svc")) as client:
        assert client.version()["major"] == "1"
    with Client(replace(api.runner, tls_server_name="other.example")) as client, pytest.raises(errors.Unreachable):
        client.version()


def test_a_client_certificate_works_and_leaves_no_file(api: ApiServer) -> None:
    with Client(api.admin) as client:
        assert client.can("*", "*", "*")


def test_a_refused_identity_and_a_missing_right_say_so(api: ApiServer, client: Client, prefix: str) -> None:
    with Client(replace(api.runner, token="wrong")) as stranger, pytest.raises(errors.Unauthorized) as failure:
        stranger.list("v1", "Secret")
    assert "expired" in str(failure.value)
    client.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": prefix, "namespace": "default"}})
    token = client.create_token("default", prefix, 600)["token"]
    with Client(replace(api.runner, token=token)) as weak:
        assert not weak.can("list", "", "secrets")
        with pytest.raises(errors.Forbidden) as failure:
            weak.list("v1", "Secret")
    assert "list Secret" in str(failure.value)


def test_a_secret_that_the_server_refuses_is_not_quoted(client: Client) -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "bad", "namespace": "default"},
        "type": "kubernetes.io/tls",
        "stringData": {"tls.crt": "canary", "bad key": "canary"},
    }
    with pytest.raises(errors.Invalid) as failure:
        client.create(secret)
    assert "canary" not in str(failure.value)
    assert "data" in str(failure.value)


def test_requests_share_connections(api: ApiServer) -> None:
    with Client(api.runner, in_flight=2) as client:
        for _index in range(20):
            client.get("v1", "Namespace", "default")
        assert len(client._transport._pool._idle) == 1
