# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Credentials that end while they are used: renewed once where there is a source, named where there is none."""

from __future__ import annotations

import datetime
import json
import typing as t
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.attach import OPERATION as ATTACH
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client

from ..harness.apiserver import ApiServer
from .conftest import connection, run
from .test_attach import change_secret, given, secret

ENDED = "2026-11-01T00:00:00Z"


def revoked(api: ApiServer) -> str:
    """A token of a ServiceAccount that is no more."""
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "gone", "namespace": "default"}}
    with Client(api.admin) as client:
        client.apply(account)
        token = str(client.create_token("default", "gone", 3600)["token"])
        client.delete("v1", "ServiceAccount", "gone", "default")
    return token


def plugin(directory: Path, *tokens: str) -> dict[str, t.Any]:
    """The exec part of a kubeconfig, whose program gives one token after the other."""
    for index, token in enumerate(tokens):
        status = {"token": token, "expirationTimestamp": "2100-01-01T00:00:00Z"}
        answer = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}
        (directory / f"answer{index}").write_text(json.dumps(answer))
    program = directory / "plugin"
    program.write_text(
        '#!/bin/sh\ncd "$(dirname "$0")"\n'
        'n=$(cat asked 2>/dev/null || echo 0); echo $((n + 1)) > asked\n'
        f'test "$n" -lt {len(tokens)} || n={len(tokens) - 1}\ncat "answer$n"\n'
    )  # fmt: skip
    program.chmod(0o755)
    return {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": str(program),
        "interactiveMode": "Never",
    }


def by_plugin(api: ApiServer, directory: Path, *tokens: str) -> dict[str, t.Any]:
    """Arguments with a kubeconfig whose credential comes from a plugin."""
    kubeconfig = api.kubeconfig()
    kubeconfig["users"][0]["user"] = {"exec": plugin(directory, *tokens)}
    return {"kubeconfig": kubeconfig, "kubeconfig_allow": ["exec"]}


def asked(directory: Path) -> int:
    """How often the plugin ran."""
    return int((directory / "asked").read_text())


def test_the_token_of_an_exec_plugin_is_refreshed_in_the_middle(
    hub: ApiServer, member: ApiServer, hub_access: dict[str, t.Any], prefix: str, tmp_path: Path
) -> None:
    supplied = by_plugin(member, tmp_path, revoked(member), member.runner.token)
    done = run(ATTACH, cluster=prefix, hub_access=hub_access, **supplied)
    assert not done.get("failed"), done["msg"]
    assert (done["changed"], asked(tmp_path)) == (True, 2)


def test_a_plugin_that_only_gives_revoked_tokens_is_asked_twice_and_nothing_is_written(
    hub: ApiServer, member: ApiServer, hub_access: dict[str, t.Any], prefix: str, tmp_path: Path
) -> None:
    dead = revoked(member)
    mark = hub.audit.mark()
    done = run(ATTACH, cluster=prefix, hub_access=hub_access, **by_plugin(member, tmp_path, dead))
    assert done["failed"]
    assert "expired, was revoked" in done["msg"]
    assert dead not in json.dumps(done)
    assert asked(tmp_path) == 2
    assert not [item for item in hub.audit.since(mark, "system:serviceaccount:lodestar-system:lodestar") if item.writes]


@pytest.mark.parametrize("supplied", [True, False], ids=["with a credential", "without one"])
def test_an_access_that_ends_in_the_middle_of_a_run(
    hub: ApiServer, member: ApiServer, hub_access: dict[str, t.Any], prefix: str, supplied: bool
) -> None:
    run(ATTACH, **given(member, hub_access, prefix))
    change_secret(hub, prefix, expires=ENDED)
    before = secret(hub, prefix)["data"]
    more = {} if supplied else {"kubeconfig": None}
    assert run(ATTACH, **{**given(member, hub_access, prefix), **more})["failed"]
    done = run(ATTACH, **{**given(member, hub_access, prefix, tried=True), **more})
    assert bool(done.get("failed")) is not supplied
    assert (secret(hub, prefix)["data"] != before) is supplied
    if supplied:
        assert "in the middle of this run" in done["reason"]
        assert not run(ATTACH, **given(member, hub_access, prefix))["changed"]
    else:
        assert f"rekey: {prefix}" in done["msg"]


def test_a_token_of_ours_that_is_about_to_end_makes_its_successor(east: dict[str, t.Any]) -> None:
    soon = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=20)).isoformat()
    with Client(replace(connection(east), expires=soon)) as client:
        assert client.get("v1", "Namespace", "kube-system") is not None
        renewed = client.connection
    assert renewed.token != east["token"]
    with Client(renewed) as client:
        assert client.get("v1", "Namespace", "kube-system") is not None
        assert client.connection.token == renewed.token
