# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hub's side of a promotion: access and records of an attached cluster become those of a created one."""

from __future__ import annotations

import typing as t

from ansible_collections.lodestar.platform.plugins.module_utils.fleet import access
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.access_info import OPERATION as INFO
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.attach import OPERATION as ATTACH
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.detach import OPERATION as DETACH
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.fleet_info import OPERATION as FLEET
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.identities import OPERATION as IDENTITIES
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.identity import Mark
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.records_plan import OPERATION as RECORD
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client

from ..harness.apiserver import ApiServer
from ..harness.people import steps
from .conftest import connection, minted, run, uid_of

CLUSTER_API = "cluster.open-cluster-management.io/v1"


def test_the_access_and_the_records_of_an_attached_cluster_become_a_created_ones(
    hub: ApiServer, member: ApiServer, hub_access: dict[str, t.Any], prefix: str
) -> None:
    to_hub = {"cluster": prefix, "hub_access": hub_access}
    assert not run(ATTACH, **to_hub, kubeconfig=member.kubeconfig()).get("failed")
    kept = run(INFO, **to_hub)["access"]
    assert not run(RECORD, **to_hub, mode="attach", access=kept).get("failed")
    compared = {"identities": {prefix: uid_of(member)}, "hub_access": hub_access}
    refused = run(IDENTITIES, **compared, modes={prefix: "create"})
    assert refused["failed"]
    assert f"lodestar.platform.promote with -e promote={prefix}" in refused["msg"]
    assert not run(IDENTITIES, **compared, modes={prefix: "attach"}).get("failed")

    # What a control plane makes, and what check mode has in its place.
    wanted = {**to_hub, "tier": "lifecycle"}
    predicted = run(ATTACH, check=True, **wanted, access=kept)
    made = minted(member, access.access_objects("lifecycle", mark=Mark(uid_of(hub), prefix)))
    given = {key: made[key] for key in ("server", "ca_data", "token", "expires")}
    done = run(ATTACH, **wanted, access=given)
    assert steps(done) == steps(predicted) == [f"update v1/Secret/{prefix}/{prefix}-kubeconfig"]
    seen = run(RECORD, check=True, **to_hub, mode="create", access=kept)
    written = run(RECORD, **to_hub, mode="create", access=given)
    assert steps(written) == steps(seen)
    assert f"update {CLUSTER_API}/ManagedCluster/{prefix}" in steps(written)

    recorded = run(FLEET, access={key: hub_access[key] for key in given}, names=[prefix])["clusters"][0]
    assert (recorded["mode"], recorded["uid"]) == ("create", uid_of(member))
    known = run(INFO, **to_hub)
    assert (known["state"], known["tier"]) == ("usable", "lifecycle")
    with Client(connection(known["access"])) as client:
        assert client.can("patch", "", "nodes")
    assert not run(IDENTITIES, **compared, modes={prefix: "create"}).get("failed")
    demoted = run(IDENTITIES, **compared, modes={prefix: "attach"})
    assert (demoted["failed"], demoted["reason"]) == (True, "created")
    assert "Set cluster_mode: create again" in demoted["msg"]
    for again in (run(ATTACH, **wanted, access=given), run(RECORD, **to_hub, mode="create", access=given)):
        assert steps(again) == []
    left = run(DETACH, **to_hub)
    assert left["failed"]
    assert "created by this platform" in left["msg"]
