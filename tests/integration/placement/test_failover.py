# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""OCM's controller at work with the taints that we keep: a silent cluster is replaced when that was asked for."""

from __future__ import annotations

import datetime
import typing as t
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import access, access_info
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.access_secret import Stored, to_secret
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.records_plan import OPERATION as RECORD
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.kube.connection import Connection
from ansible_collections.lodestar.platform.plugins.module_utils.placement.info import OPERATION as INFO
from ansible_collections.lodestar.platform.plugins.module_utils.placement.input_plan import OPERATION as INPUTS
from ansible_collections.lodestar.platform.plugins.module_utils.placement.operate import OPERATION
from ansible_collections.lodestar.platform.plugins.module_utils.placement.render import NAMESPACE

from ..fleet.conftest import minted, run
from ..harness.apiserver import ApiServer
from ..harness.people import execute, until
from .conftest import CLUSTER_API, SET
from .test_live import IMAGE, controller  # noqa: F401 - a fixture

Object = dict[str, t.Any]
UNREACHABLE = "cluster.open-cluster-management.io/unreachable"
SECONDS = 5
#: The cheaper one is chosen, and what is decided stays.
POLICY = {
    "mode": "Exact",
    "configurations": [
        {"scoreCoordinate": {"type": "AddOn", "addOn": {"resourceName": "lodestar", "scoreName": "cost"}}, "weight": 1},
        {"scoreCoordinate": {"type": "BuiltIn", "builtIn": "Steady"}, "weight": 3},
    ],
}
ONE: Object = {"numberOfClusters": 1, "prioritizerPolicy": POLICY}
ASKED = {
    "name": "asked",
    **ONE,
    "tolerations": [{"key": UNREACHABLE, "operator": "Exists", "tolerationSeconds": SECONDS}],
}
NOT_ASKED = {"name": "not-asked", **ONE}


@pytest.fixture
def fleet(
    hub: ApiServer,
    hub_access: Object,
    tmp_path_factory: pytest.TempPathFactory,
    tools: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> t.Iterator[tuple[ApiServer, t.Callable[[], Object]]]:
    """A member, and runs that keep the inputs of the fleet, which is this member and the hub."""
    monkeypatch.setattr(access_info.judge, "__defaults__", (2.0,))
    monkeypatch.setattr(access_info, "DEADLINE", 2.0)
    tiers = {"east": "tenant", "hub": "lifecycle"}
    costs = {"east": 1, "hub": 3}
    clusters = {
        name: {
            "name": name, "mode": "attach", "role": "workload", "labels": {}, "tenants": [], "access": {"tier": tier},
            "cost": costs[name],
        }
        for name, tier in tiers.items()
    }  # fmt: skip
    with ApiServer(tmp_path_factory.mktemp("member"), tools) as member, Client(hub.admin) as admin:
        made = minted(member, access.access_objects("tenant"))
        for name in tiers:
            admin.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}, force=True)
        given = [made[key] for key in ("server", "ca_data", "token", "expires")]
        admin.apply(to_secret(Stored("east", *given, 3600, made["uid"], "tenant")), force=True)
        for name, one in (("east", made), ("hub", hub_access)):
            reached = {key: value for key, value in one.items() if key != "uid"}
            done = run(RECORD, cluster=name, mode="attach", tier=tiers[name], access=reached, hub_access=hub_access)
            assert not done.get("failed"), done["msg"]
        yield member, lambda: run(INPUTS, clusters=clusters, hub_access=hub_access)
        for name in tiers:
            admin.delete(CLUSTER_API, "ManagedCluster", name)
            admin.delete("v1", "Namespace", name)


@pytest.mark.full
def test_a_silent_cluster_is_replaced_after_the_time_that_is_asked_for(
    hub: ApiServer,
    ours: Connection,
    controller: None,  # noqa: F811
    fleet: tuple[ApiServer, t.Callable[[], Object]],
) -> None:
    member, keep = fleet

    def decided() -> dict[str, list[str]]:
        answer = execute(INFO, ours, wait_timeout=20)
        assert answer["settled"], answer["table"]
        return {item["name"]: item["decisions"] for item in answer["placements"]}

    def taint() -> Object | None:
        taints = ((admin.get(CLUSTER_API, "ManagedCluster", "east") or {})["spec"]).get("taints") or ()
        return next((item for item in taints if item["key"] == UNREACHABLE), None)

    with Client(hub.admin) as admin:
        admin.apply(SET, force=True)
        until(lambda: admin.get("v1", "Namespace", NAMESPACE) is None)
        assert not keep().get("failed")
        done = execute(OPERATION, ours, placements=[ASKED, NOT_ASKED], controller_image=IMAGE)
        assert not done.get("failed"), done["msg"]
        assert decided() == {"asked": ["east"], "not-asked": ["east"]}
        with member.frozen():
            assert keep()["clusters"]["east"]["state"] == "unreachable"
            written = taint()
            assert written is not None
            until(lambda: decided()["asked"] == ["hub"], SECONDS + 30)
            added = datetime.datetime.fromisoformat(written["timeAdded"])
            # Not before the time was over.
            assert datetime.datetime.now(datetime.UTC) - added >= datetime.timedelta(seconds=SECONDS)
            assert decided() == {"asked": ["hub"], "not-asked": ["east"]}
            assert keep()["plan"] == []
            assert taint() == written
            # A new one does not come to a cluster that is silent, although its old ones may stay.
            late = {"name": "late", **ONE}
            execute(OPERATION, ours, placements=[ASKED, NOT_ASKED, late], controller_image=IMAGE)
            assert decided()["late"] == ["hub"]
        assert keep()["plan"]
        assert taint() is None
        # What has moved stays where it is.
        assert decided() == {"asked": ["hub"], "not-asked": ["east"], "late": ["hub"]}
        assert keep()["plan"] == []
