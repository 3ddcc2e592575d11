# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks of a cluster that is to join, against a real API server."""

from __future__ import annotations

import typing as t

from ansible_collections.lodestar.platform.plugins.module_utils.fleet import access
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.attach import OPERATION as ATTACH
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.checks_probe import OPERATION as PREFLIGHT

from ..harness.apiserver import ApiServer, free_port
from .conftest import connection, minted, run, uid_of


def failed(result: dict[str, t.Any]) -> set[str]:
    return {item["id"] for item in result["checks"] if not item["passed"] and item["severity"] == "error"}


def test_an_administrators_credential_passes_without_a_write(
    member: ApiServer, hub_access: dict[str, t.Any], prefix: str
) -> None:
    mark = member.audit.mark()
    result = run(PREFLIGHT, cluster=prefix, kubeconfig=member.kubeconfig(), hub_access=hub_access)
    assert not result.get("failed"), result["msg"]
    assert result["uid"] == uid_of(member)
    assert failed(result) == set()
    assert {"reachable", "tls", "version", "rights", "identity", "clock_skew"} <= {
        item["id"] for item in result["checks"]
    }
    seen = {item["id"]: item["seen"] for item in result["checks"]}
    assert "127.0.0.1" in seen["tls"]
    assert seen["clock_skew"] == "+0 s"
    assert member.audit.since(mark)
    assert not [item for item in member.audit.since(mark) if item.writes]


def test_a_weak_credential_is_told_what_it_lacks(member: ApiServer, hub_access: dict[str, t.Any], prefix: str) -> None:
    weak = minted(member, access.access_objects("observe"))
    result = run(
        PREFLIGHT,
        cluster=prefix,
        kubeconfig=member.kubeconfig(connection(weak)),
        hub_access=hub_access,
        tier="tenant",
    )
    assert failed(result) == {"rights"}
    assert "create clusterroles.rbac.authorization.k8s.io" in result["msg"]
    assert "list nodes" not in result["msg"]


def test_no_answer_and_a_foreign_certificate_are_told_apart(
    member: ApiServer, hub: ApiServer, hub_access: dict[str, t.Any], prefix: str
) -> None:
    kubeconfig = member.kubeconfig()
    kubeconfig["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{free_port()}"
    gone = run(PREFLIGHT, cluster=prefix, kubeconfig=kubeconfig, hub_access=hub_access)
    assert "reachable" in failed(gone)
    kubeconfig = member.kubeconfig()
    kubeconfig["clusters"][0]["cluster"]["certificate-authority-data"] = hub.runner.ca_data
    foreign = run(PREFLIGHT, cluster=prefix, kubeconfig=kubeconfig, hub_access=hub_access)
    assert failed(foreign) == {"tls"}


def test_a_cluster_of_the_fleet_is_refused_under_another_name(
    member: ApiServer, hub_access: dict[str, t.Any], prefix: str
) -> None:
    run(ATTACH, cluster=prefix, kubeconfig=member.kubeconfig(), hub_access=hub_access)
    result = run(PREFLIGHT, cluster=f"{prefix}-b", kubeconfig=member.kubeconfig(), hub_access=hub_access)
    assert failed(result) == {"identity"}
    assert prefix in result["msg"]
