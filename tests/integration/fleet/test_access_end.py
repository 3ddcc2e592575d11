# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Until when our access to a cluster is good: recorded, renewed as predicted, and told before it ends."""

from __future__ import annotations

import datetime
import json
import typing as t
from pathlib import Path

import yaml
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.access_info import OPERATION as INFO
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.attach import OPERATION as ATTACH
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.fleet_info import OPERATION as FLEET
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.records_plan import OPERATION as RECORD

from ..harness.apiserver import ApiServer
from ..harness.people import steps
from .conftest import LODESTAR, run
from .plays import Fleet, changed
from .test_attach import change_secret
from .test_detach import leave, take_in

Object = dict[str, t.Any]
STATUS = "cluster.open-cluster-management.io/v1/ManagedCluster/{}/status"
#: The end of a site run, for the hub alone.
END = [
    {"hosts": "all", "gather_facts": False, "roles": ["lodestar.platform.fleet"]},
    {"hosts": "clusters", "gather_facts": False, "roles": ["lodestar.platform.access"]},
    {
        "hosts": "clusters",
        "gather_facts": False,
        "tasks": [
            {"ansible.builtin.include_role": {"name": "lodestar.platform.detach", "tasks_from": "pending"}},
            {"ansible.builtin.include_role": {"name": "lodestar.platform.report"}},
        ],
    },
]


def valid(hub_access: Object, prefix: str) -> Object:
    """The condition of the access, as fleet_info tells it without asking the cluster."""
    settings = {key: hub_access[key] for key in ("server", "ca_data", "token")}
    answer = run(FLEET, access=settings, names=[prefix])
    (cluster,) = answer["clusters"]
    return {**cluster["conditions"]["AccessValid"], "problems": answer["problems"], "at": cluster["access_expires"]}


def test_the_condition_follows_the_access(hub: ApiServer, member: ApiServer, hub_access: Object, prefix: str) -> None:
    known = take_in(member, hub_access, prefix)
    seen = valid(hub_access, prefix)
    assert (seen["status"], seen["at"], seen["problems"]) == ("True", known["expires"], [])
    assert known["expires"] in seen["message"]
    wanted = {"cluster": prefix, "mode": "attach", "tier": "tenant", "hub_access": hub_access}
    mark = hub.audit.mark()
    assert steps(run(RECORD, **wanted, access=known)) == []
    assert [item for item in hub.audit.since(mark, LODESTAR) if item.writes] == []

    change_secret(hub, prefix, lifetime=str(10 * 86400))
    renewing = {"cluster": prefix, "hub_access": hub_access, "token_lifetime": 7200}
    assert steps(run(ATTACH, check=True, **renewing)) == [f"update v1/Secret/{prefix}/{prefix}-kubeconfig"]
    predicted = run(RECORD, check=True, **wanted, access=known, access_renewed=True, expected=True)
    run(ATTACH, **renewing)
    renewed = run(INFO, cluster=prefix, hub_access=hub_access)["access"]
    done = run(RECORD, **wanted, access=renewed, access_renewed=True)
    assert steps(done) == [f"update {STATUS.format(prefix)}"]
    assert predicted["plan"] == done["plan"]
    later = valid(hub_access, prefix)
    assert (later["status"], later["since"], later["at"]) == ("True", seen["since"], renewed["expires"])
    assert later["at"] != seen["at"]


def test_an_access_that_ended_or_is_refused_is_recorded_once_and_is_good_again_with_another(
    hub: ApiServer, member: ApiServer, hub_access: Object, prefix: str
) -> None:
    take_in(member, hub_access, prefix)
    change_secret(hub, prefix, expires="2026-11-01T00:00:00Z")
    known = run(INFO, cluster=prefix, hub_access=hub_access)
    lost = {
        "cluster": prefix,
        "hub_access": hub_access,
        "unreachable": known["reason"],
        "access_state": known["state"],
    }
    assert steps(run(RECORD, check=True, **lost)) == steps(run(RECORD, **lost))
    seen = valid(hub_access, prefix)
    assert (seen["status"], seen["reason"]) == ("False", "AccessExpired")
    assert "ended at 2026-11-01T00:00:00Z" in seen["message"]
    assert seen["problems"] == [f"{prefix}: {seen['message']}"]
    assert steps(run(RECORD, **{**lost, "unreachable": "in other words"})) == []
    refused = {**lost, "access_state": "refused", "unreachable": "the stored access is not accepted (401)"}
    assert steps(run(RECORD, **refused))
    assert valid(hub_access, prefix)["reason"] == "AccessRefused"

    run(ATTACH, cluster=prefix, kubeconfig=member.kubeconfig(), hub_access=hub_access, rekey=True)
    made = run(INFO, cluster=prefix, hub_access=hub_access)["access"]
    run(RECORD, cluster=prefix, mode="attach", access=made, hub_access=hub_access)
    again = valid(hub_access, prefix)
    assert (again["status"], again["at"], again["problems"]) == ("True", made["expires"], [])


def test_a_run_that_renews_says_before_what_it_will_write(
    hub: ApiServer, hosted: ApiServer, hub_access: Object, prefix: str, tmp_path: Path
) -> None:
    fleet = Fleet(tmp_path / "fleet", hub_access, {prefix: {"kubeconfig": hosted.kubeconfig()}})
    first = fleet.play("attach")
    assert first.returncode == 0, first.stdout
    assert "Access that ends soon" not in first.stdout
    change_secret(hub, prefix, lifetime=str(10 * 86400))
    predicted, done, again = (fleet.play("attach", *more) for more in (["--check"], [], []))
    # The access, and the record of its end.
    assert [changed(item.stdout) for item in (predicted, done, again)] == [2, 2, 0], predicted.stdout
    fleet.play("detach", "-e", f"detach_clusters={prefix}")


def test_the_report_tells_what_ends_soon_and_what_waits(
    hub: ApiServer, hosted: ApiServer, hub_access: Object, prefix: str, tmp_path: Path
) -> None:
    take_in(hosted, hub_access, prefix)
    soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=400)
    ending = {**hub_access, "expires": soon.strftime("%Y-%m-%dT%H:%M:%SZ")}
    fleet = Fleet(tmp_path / "fleet", ending, {})
    (tmp_path / "end.yml").write_text(yaml.safe_dump(END))
    with hosted.frozen():
        asked = leave(prefix, hub_access)
        done = fleet.play(tmp_path / "end.yml", "-e", f"report_path={tmp_path / 'report.json'}")
    assert done.returncode == 0, done.stdout
    report = json.loads((tmp_path / "report.json").read_text())
    (waits,) = report["detachments"]
    assert (waits["cluster"], waits["since"]) == (prefix, asked["since"])
    assert f"- {prefix}: since {asked['since']}: {waits['reason']}" in done.stdout
    (entry,) = report["clusters"]
    assert f"ends at {ending['expires']}" in entry["access_warning"]
    assert f"- hub: {entry['access_warning']}" in done.stdout
    done = fleet.play(tmp_path / "end.yml", "-e", "report_access_share=5")
    assert "ends soon" not in done.stdout
    assert "Detachments that wait" not in done.stdout
    assert leave(prefix, hub_access)["state"] == "absent"
