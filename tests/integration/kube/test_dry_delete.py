# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A deletion that is only tried deletes nothing: a server reads options from the body, and then no query."""

from __future__ import annotations

from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client


def test_a_dry_run_deletes_nothing(client: Client, prefix: str) -> None:
    obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": prefix, "namespace": "default"}}
    uid = client.create(obj)["metadata"]["uid"]
    for given in (None, uid):
        assert client.delete("v1", "ConfigMap", prefix, "default", given, dry_run=True)
        assert client.get("v1", "ConfigMap", prefix, "default") is not None
    assert client.delete("v1", "ConfigMap", prefix, "default", uid)
    assert client.get("v1", "ConfigMap", prefix, "default") is None
