# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Credentials of the inventory and of AWX's environment, in runs of the playbooks."""

from __future__ import annotations

import contextlib
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.access_secret import from_secret
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.kube.errors import Unauthorized

from ..harness.apiserver import ApiServer
from .plays import Fleet, changed_on, recap
from .test_attach import secret

Object = dict[str, t.Any]


def token_of(api: ApiServer) -> Object:
    """C(cluster_credential) with a token."""
    return {"host": api.url, "api_key": api.runner.token, "ca_cert": api.runner.ca_data}


def revoke(api: ApiServer, kept: Object) -> None:
    """Deletes our identity, and waits until the server has forgotten that it knew its token."""
    stored = from_secret(str(kept["metadata"]["namespace"]), kept)
    assert stored is not None
    with Client(api.admin) as client:
        client.delete("v1", "ServiceAccount", "lodestar", "lodestar-system")
    until = time.monotonic() + 60
    with Client(stored.connection) as client, contextlib.suppress(Unauthorized):
        while time.monotonic() < until:
            client.get("v1", "Namespace", "kube-system")
            time.sleep(0.5)


@pytest.mark.parametrize("way", ["inventory", "environment"])
def test_a_cluster_is_attached_by_token_and_needs_none_afterwards(
    hub: ApiServer, hosted: ApiServer, hub_access: Object, prefix: str, tmp_path: Path, way: str
) -> None:
    supplied = token_of(hosted)
    fleet = Fleet(
        tmp_path / "user", hub_access, {prefix: {"cluster_credential": supplied} if way == "inventory" else {}}
    )
    if way == "environment":
        names = {"host": "HOST", "api_key": "API_KEY", "ca_cert": "SSL_CA_CERT"}
        fleet.environ |= {f"K8S_AUTH_{names[key]}": value for key, value in supplied.items()}
    done = fleet.play("attach")
    assert done.returncode == 0, done.stdout[-4000:]
    assert recap(done.stdout)[prefix]["changed"] > 0
    assert supplied["api_key"] not in done.stdout + done.stderr

    bare = Fleet(tmp_path / "bare", hub_access, {prefix: {}}).play("attach")
    assert bare.returncode == 0, bare.stdout[-4000:]
    assert changed_on(bare.stdout, prefix) == 0


def test_without_a_credential_a_new_cluster_is_refused_and_told_what_to_set(
    hub: ApiServer, hub_access: Object, prefix: str, tmp_path: Path
) -> None:
    mark = hub.audit.mark()
    done = Fleet(tmp_path / "user", hub_access, {prefix: {}}).play("attach")
    assert done.returncode != 0
    assert "cluster_credential of the cluster's host" in " ".join(done.stdout.split())
    assert not [item for item in hub.audit.since(mark, "system:serviceaccount:lodestar-system:lodestar") if item.writes]


def test_a_revoked_access_is_named_and_rekey_mends_it(
    hub: ApiServer, hosted: ApiServer, hub_access: Object, prefix: str, tmp_path: Path
) -> None:
    fleet = Fleet(tmp_path / "user", hub_access, {prefix: {"cluster_credential": token_of(hosted)}})
    assert fleet.play("attach").returncode == 0
    revoke(hosted, secret(hub, prefix))
    done = fleet.play("attach")
    assert done.returncode != 0
    assert f"rekey: {prefix}" in " ".join(done.stdout.split())
    assert fleet.play("rekey", "-e", f"rekey={prefix}").returncode == 0
    settled = fleet.play("attach")
    assert (settled.returncode, changed_on(settled.stdout, prefix)) == (0, 0)
