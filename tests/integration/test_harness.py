# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The harness itself: a real server, the identities it gives, and an audit log that sees everything."""

from __future__ import annotations

from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client

from .harness.apiserver import ApiServer


def test_the_runner_may_do_everything_without_being_in_system_masters(api: ApiServer, client: Client) -> None:
    review = client.request(
        "POST",
        "/apis/authentication.k8s.io/v1/selfsubjectreviews",
        body={"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"},
    )
    assert "system:masters" not in review["status"]["userInfo"]["groups"]
    assert client.can("*", "*", "*")
    assert client.version()["major"] == "1"


def test_the_audit_log_tells_reads_from_writes(api: ApiServer, client: Client, prefix: str) -> None:
    mark = api.audit.mark()
    client.list("v1", "Namespace")
    client.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": prefix}}, dry_run=True)
    assert [request.writes for request in api.audit.since(mark)] == [False, False]
    client.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": prefix}})
    assert [request.writes for request in api.audit.since(mark)] == [False, False, True]
    assert (client.reads, client.writes) == (2, 1)
