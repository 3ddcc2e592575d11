# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A look at many clusters tells their operations what the roles tell them."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import inventory
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.report_summary import OPERATION as SUMMARY
from ansible_collections.lodestar.platform.plugins.module_utils.settled import told

ROLES = Path(__file__).resolve().parents[3] / "roles"
#: Module of a role's task -> the operation's name.
TASKS = {
    "addons": "addons",
    "cluster_attach": "attach",
    "cluster_record": "record",
    "tenancy": "tenancy",
    "policy": "policy",
    "cluster_summary": "summary",
}
ROLE_NAMES = ("addons", "attach", "tenancy", "policy", "report")
#: Of the whole report, not of a cluster.
OF_THE_REPORT = {"report_path"}


def variables(role: str) -> set[str]:
    specs = yaml.safe_load((ROLES / role / "meta/argument_specs.yml").read_text())["argument_specs"]
    return set(specs["main"]["options"])


@pytest.mark.parametrize("role", ROLE_NAMES)
def test_every_variable_of_a_role_is_known(role: str) -> None:
    assert variables(role) - OF_THE_REPORT == {
        name for name in (*told.OPTIONS, *told.DECLARED) if name.startswith(f"{role}_")
    }


@pytest.mark.parametrize("option", told.OPTIONS)
def test_an_option_that_is_not_set_is_what_the_role_says(option: str) -> None:
    defaults = yaml.safe_load((ROLES / option.partition("_")[0] / "defaults/main.yml").read_text())
    operations, argument = told.OPTIONS[option]
    for name in operations:
        operation = SUMMARY if name == "summary" else told.OPERATIONS[name]
        assert told.defaults(operation)[argument] == defaults[option]


def fleet(**lists: t.Any) -> dict[str, t.Any]:
    local = {"ansible_connection": "local", **lists}
    hub = {"cluster_role": "global", "kubernetes_version": "1.36.3", "endpoint": {"address": "192.0.2.10"}}
    legacy = {
        "cluster_mode": "attach",
        "cluster_labels": {"tier": "gold"},
        "cluster_access": {"tier": "lifecycle", "grants": {"cluster_roles": ["team-view"]}},
        "tenant_settings": {"ingress_namespaces": ["ingress"]},
    }
    east = {
        "kubernetes_version": "1.36.3",
        "endpoint": {"address": "192.0.2.20", "port": 8443},
        "network": {"pod_cidr": "10.9.0.0/16"},
    }
    hosts = {"hub": {**hub, **local}, "legacy": {**legacy, **local}, "east": {**east, **local}}
    hosts |= {
        "h1": {"ansible_host": "192.0.2.11"},
        "e1": {"ansible_host": "192.0.2.21", "node_labels": {"disk": "fast"}},
        "e2": {"ansible_host": "192.0.2.22", "node_taints": [{"key": "only", "value": "db", "effect": "NoSchedule"}]},
    }
    groups = {
        "machines": ["h1", "e1", "e2"],
        "hub_machines": ["h1"],
        "hub_control_plane": ["h1"],
        "east_machines": ["e1", "e2"],
        "east_control_plane": ["e1"],
        "east_workers": ["e2"],
    }
    found = inventory.read(hosts, {"clusters": ["hub", "legacy", "east"], **groups}).as_dict()
    return {**found, "shares": {"legacy": {"a": {"cpu": "1"}}}, "allocatable": {"legacy": {"cpu": "8"}}}


def params(
    options: t.Mapping[str, t.Any] | None = None, cluster: str = "legacy", **lists: t.Any
) -> dict[str, told.Params]:
    whole = fleet(**lists)
    return told.params(whole["clusters"][cluster], whole, {"token": "t"}, {"token": "h"}, options or {})


def told_by_roles() -> dict[str, set[str]]:
    """By operation, the arguments that its task in a role gives."""
    found = {}
    for role in ROLE_NAMES:
        for task in yaml.safe_load((ROLES / role / "tasks/main.yml").read_text()):
            for key, arguments in task.items():
                name = TASKS.get(key.removeprefix("lodestar.platform."))
                # One task only records that a cluster is silent, which no settled one is.
                if name is not None and "access_state" not in arguments:
                    found[name] = set(arguments)
    return found


def test_every_argument_of_the_roles_tasks_is_given() -> None:
    by_roles = told_by_roles()
    assert set(params()) == set(by_roles) - {"addons"}
    given = params(cluster="east")
    assert set(given) == set(by_roles)
    for name, arguments in by_roles.items():
        assert arguments <= set(given[name])


def test_what_the_fleet_says_is_told() -> None:
    role = {"name": "ops", "role": "auditor", "members": [{"kind": "Group", "name": "ops"}]}
    given = params(fleet_roles=[role])
    assert [item["name"] for item in given["record"]["fleet_roles"]] == ["ops"]
    for name in ("record", "tenancy", "policy"):
        assert given[name]["cluster_labels"] == {"tier": "gold"}
        assert (given[name]["tier"], given[name]["access"]) == ("lifecycle", {"token": "t"})
    assert given["attach"]["grants"] == given["tenancy"]["grants"]
    assert given["attach"]["grants"]["cluster_roles"] == ["team-view"]
    assert given["tenancy"]["settings"] == {"api_server": [], "ingress_namespaces": ["ingress"]}
    assert (given["tenancy"]["shares"], given["tenancy"]["allocatable"]) == ({"a": {"cpu": "1"}}, {"cpu": "8"})
    assert {given[name]["hub_access"]["token"] for name in ("attach", "record")} == {"h"}


def test_an_option_reaches_every_operation_that_has_it() -> None:
    given = params({"attach_adopt": ["all"], "tenancy_force": True, "report_access_share": 10})
    assert given["attach"]["adopt"] == given["record"]["adopt"] == ["all"]
    assert (given["tenancy"]["force"], given["policy"]["force"]) == (True, False)
    assert given["summary"]["access_share"] == 10


def rendered(role: str, name: str, **variables: t.Any) -> t.Any:
    """A variable of a role as its tasks see it, when no machine has anything to do."""
    declared: dict[str, t.Any] = {}
    for part in ("defaults", "vars"):
        declared |= DataLoader().load_from_file(str(ROLES / role / part / "main.yml"), trusted_as_template=True)
    hosts = {machine: {"lodestar_decision": {"action": "present"}} for machine in ("h1", "e1", "e2")}
    known = {"hostvars": hosts, "inventory_hostname": "east", "ansible_check_mode": False, "lodestar_fleet": fleet()}
    templar = Templar(loader=DataLoader(), variables={**declared, **known, **variables})
    return templar.template(trust_as_template("{{ " + name + " }}"))


@pytest.mark.parametrize(
    ("role", "variable", "operation", "argument"),
    [
        ("addons", "__addons_kubelets", "addons", "kubelets"),
        ("addons", "__addons_marks", "addons", "marks"),
        ("addons", "__addons_joining", "addons", "joining"),
        ("addons", "__addons_asking", "addons", "asking"),
        ("addons", "__addons_founded", "addons", "founded"),
        ("tenancy", "__tenancy_control_planes", "tenancy", "settings.api_server"),
    ],
)
def test_what_roles_make_of_the_machines_is_told(role: str, variable: str, operation: str, argument: str) -> None:
    given: t.Any = params(cluster="east")[operation]
    for part in argument.split("."):
        given = given[part]
    assert rendered(role, variable) == given
    assert given or argument in ("joining", "asking", "founded")


def test_a_created_cluster_is_reached_with_its_own_access_alone() -> None:
    assert params(cluster="east")["attach"]["access"] == {"token": "t"}
    assert params()["attach"]["access"] is None
    assert params(cluster="east")["summary"]["node_names"] == ["e1", "e2"]


def test_an_option_of_add_ons_is_no_matter_of_an_attached_cluster() -> None:
    options = {"addons_names": ["kube-router"]}
    assert params(options, cluster="east")["addons"]["addons"] == ["kube-router"]
    assert "addons" not in params(options)


@pytest.mark.parametrize(
    ("decisions", "settled"),
    [
        ({"e1": {"idle": True}, "e2": {"idle": True}}, {"east", "legacy"}),
        ({"e1": {"idle": True}, "e2": {"idle": False}}, set()),
        ({"e1": {"idle": True}}, set()),
    ],
)
def test_who_is_at_rest_is_settled_when_the_machines_in_question_are_idle(
    decisions: dict[str, t.Any], settled: set[str]
) -> None:
    hosts = {name: {"lodestar_decision": decisions[name]} if name in decisions else {} for name in ("h1", "e1", "e2")}
    rest = {name: {"uid": name, "entry": {}, "created": ["east"]} for name in ("east", "legacy")}
    found = rendered("access", "__access_idle", hostvars=hosts, lodestar_at_rest=rest)
    assert found == {name: rest[name] for name in settled}
