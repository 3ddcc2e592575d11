# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""User and password against a server that answers as OpenShift's OAuth server does."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.errors import InvalidInput, PlatformError
from ansible_collections.lodestar.platform.plugins.module_utils.kube import credentials
from ansible_collections.lodestar.platform.plugins.module_utils.operation import Context

from ..harness.oauth import OAuthServer

USER, PASSWORD = "admin", "pass word: é"


@pytest.fixture
def server(tmp_path: Path) -> t.Iterator[OAuthServer]:
    with OAuthServer(tmp_path, USER, PASSWORD) as running:
        yield running


def log_in(server: OAuthServer, context: Context | None = None, **given: t.Any) -> t.Any:
    params = {
        **dict.fromkeys(credentials.ARGUMENTS),
        "host": server.url,
        "ca_cert": server.authority.pair.certificate,
        "username": USER,
        "password": PASSWORD,
        **given,
    }
    return credentials.supplied(params, context or Context(environ={}))


def test_the_token_of_a_login_is_good_for_one_operation_and_then_revoked(server: OAuthServer) -> None:
    context = Context(environ={})
    with context.resources:
        made = log_in(server, context)
        assert made.server == server.url
        assert len(server.tokens) == 1
        assert made.token.startswith("sha256~")
        assert PASSWORD not in repr(made)
        assert made.token not in repr(made)
    assert server.tokens == set()
    assert server.seen == [
        "GET /.well-known/oauth-authorization-server",
        "GET /oauth/authorize",
        "POST /oauth/token",
        server.seen[-1],
    ]
    assert server.seen[-1].startswith("DELETE sha256~")


def test_what_awx_injects_is_read(server: OAuthServer) -> None:
    environ = {"K8S_AUTH_HOST": server.url, "K8S_AUTH_USERNAME": USER, "K8S_AUTH_PASSWORD": PASSWORD}
    nothing = dict.fromkeys(("host", "username", "password"))
    context = Context(environ=environ)
    with context.resources:
        assert log_in(server, context, **nothing).token


def test_a_wrong_password_is_named_and_not_shown(server: OAuthServer) -> None:
    with pytest.raises(InvalidInput) as refused:
        log_in(server, password="wrong-secret")
    assert "does not accept them" in str(refused.value)
    assert "wrong-secret" not in str(refused.value)
    assert server.tokens == set()


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ("no-oauth", "names no OAuth server (404)"),
        ("no-challenge", "takes no passwords from programs"),
        ("page", "it asks for a page in a browser"),
        ("denied", "the account is locked"),
        ("expired-code", "gives no token: the code has expired"),
    ],
)
def test_what_else_a_server_may_say_is_told(server: OAuthServer, behaviour: str, words: str) -> None:
    server.behaviour = behaviour
    with pytest.raises(PlatformError) as refused:
        log_in(server)
    assert words in str(refused.value)
    assert PASSWORD not in str(refused.value)


def test_the_password_is_sent_to_nobody_who_is_not_verified(server: OAuthServer, tmp_path: Path) -> None:
    with OAuthServer(tmp_path, USER, PASSWORD) as other, pytest.raises(PlatformError) as refused:
        log_in(server, ca_cert=other.authority.pair.certificate)
    assert "not trusted" in str(refused.value)
    assert "ingress" in str(refused.value)
    assert server.seen == []


@pytest.mark.parametrize(("given", "missing"), [({"password": None}, "password"), ({"username": None}, "username")])
def test_one_without_the_other_is_refused(server: OAuthServer, given: dict[str, t.Any], missing: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        log_in(server, **given)
    assert f"Give {missing}" in str(refused.value)
    assert server.seen == []


def test_a_token_that_cannot_be_revoked_is_told(server: OAuthServer) -> None:
    told: list[str] = []
    context = Context(environ={}, progress=told.append)
    with context.resources:
        log_in(server, context)
        server.__exit__()
    assert "was not revoked" in told[0]
