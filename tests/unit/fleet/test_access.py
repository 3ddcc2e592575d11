# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What our identity may do: no more than docs/access.md says."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import (
    access,
    addon,
    addon_kube_router,
    addon_metrics_server,
    addon_placement,
    addons,
)
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.identity import Mark

ALL = [*access.RULES, "self"]


def rules(role: str) -> list[access.Rule]:
    return list(access.self_rules("tenant") if role == "self" else access.RULES[role])


@pytest.mark.parametrize("role", ALL)
def test_nothing_is_wild_and_nothing_escalates(role: str) -> None:
    for rule in rules(role):
        values = [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
        assert "*" not in values
        # What is only handed on to OCM's controller may hold an update, by which our identity writes nothing.
        handed_on = {"update"} if rule in addon_placement.RULES else set()
        assert not {"escalate", "impersonate", "deletecollection", "update"} & set(rule["verbs"]) - handed_on


@pytest.mark.parametrize("role", ALL)
def test_bind_names_only_what_tenants_and_people_may_get(role: str) -> None:
    binding = [rule for rule in rules(role) if "bind" in rule["verbs"]]
    assert all(rule["verbs"] == ["bind"] for rule in binding)
    named = {name for rule in binding for name in rule["resourceNames"]}
    tenants = {"view", "edit", "admin", "lodestar:auditor"}
    wanted = {"observe": set(), "self": set(), "tenant": tenants}.get(role, tenants | {"cluster-admin"})
    assert named == wanted


def test_the_tier_of_tenants_writes_the_bindings_of_auditors_only() -> None:
    writing = [
        rule
        for rule in rules("tenant")
        if "clusterrolebindings" in rule["resources"] and set(rule["verbs"]) - {"get", "list"}
    ]
    assert [rule["resourceNames"] for rule in writing] == [["lodestar:auditors", "lodestar:auditors-view"]]


def test_auditors_read_and_see_no_secret() -> None:
    assert {verb for rule in access.AUDITOR_RULES for verb in rule["verbs"]} == {"get", "list", "watch"}
    told = {item for rule in access.AUDITOR_RULES for item in (*rule["apiGroups"], *rule["resources"])}
    assert not told & {"*", "secrets", "configmaps", "pods/exec"}
    roles = [obj["metadata"]["name"] for obj in access.access_objects("tenant") if obj["kind"] == "ClusterRole"]
    assert roles == ["lodestar:tenant", "lodestar:auditor"]
    assert access.AUDITOR_ROLE not in str(access.access_objects("observe"))


def test_grants_add_bindings_by_name_and_kinds_and_nothing_to_an_observer() -> None:
    grants = {"cluster_roles": ["b", "a"], "resources": ["deployments.apps", "configmaps"]}
    added = [rule for rule in access.rules_of("tenant", grants) if rule not in access.rules_of("tenant")]
    binding = next(rule for rule in added if rule["verbs"] == ["bind"])
    assert binding["resourceNames"] == ["a", "b"]
    managed = {(group, name) for rule in added for group in rule["apiGroups"] for name in rule["resources"]}
    assert {("", "configmaps"), ("apps", "deployments")} <= managed
    assert access.rights_digest("tenant", grants=grants) != access.rights_digest("tenant")
    assert access.rights_digest("tenant", grants={}) == access.rights_digest("tenant")
    assert access.rules_of("observe", grants) == access.rules_of("observe")


@pytest.mark.parametrize("role", ALL)
def test_only_kubelets_get_certificates(role: str) -> None:
    signing = [rule for rule in rules(role) if "signers" in rule["resources"] or "approve" in rule["verbs"]]
    assert all(rule["resourceNames"] == ["kubernetes.io/kubelet-serving"] for rule in signing)
    assert len(signing) == (1 if role in ("lifecycle", "hub") else 0)
    verbs = {
        verb for rule in rules(role) if "certificatesigningrequests" in rule["resources"] for verb in rule["verbs"]
    }
    assert verbs <= {"list"}


@pytest.mark.parametrize("role", ["observe", "tenant", "lifecycle", "self"])
def test_no_secret_can_be_read_on_a_member(role: str) -> None:
    assert not any("secrets" in rule["resources"] for rule in rules(role))


def test_the_hub_cannot_list_secrets() -> None:
    verbs = {verb for rule in rules("hub") if "secrets" in rule["resources"] for verb in rule["verbs"]}
    assert verbs == {"get", "create", "patch", "delete"}


def test_tiers_grow() -> None:
    observe, tenant, lifecycle, hub = (set(access.needs(role)) for role in access.RULES)
    assert observe < tenant < lifecycle < hub


def test_observing_changes_nothing() -> None:
    assert {verb for rule in rules("observe") for verb in rule["verbs"]} == {"get", "list"}


def test_lifecycle_holds_every_right_that_the_addons_get() -> None:
    held = set(access.needs("lifecycle"))
    settings = addon.Settings(endpoint_host="192.0.2.1")
    roles = [
        obj
        for obj in addon_kube_router.objects(settings) + addon_metrics_server.objects("i", 1)
        if obj["kind"] == "ClusterRole"
    ]
    assert roles
    for role in roles:
        for rule in role["rules"]:
            for group in rule["apiGroups"]:
                for resource in rule["resources"]:
                    assert {(verb, group, resource, "") for verb in rule["verbs"]} <= held


def test_lifecycle_can_apply_every_kind_of_the_addons() -> None:
    plurals = {"APIService": "apiservices"}
    defaults: dict[str, t.Any] = {name: spec.get("default") for name, spec in addons.OPERATION.arguments.items()}
    network = {"pod_cidr": "10.244.0.0/16", "service_cidr": "10.96.0.0/16"}
    held = set(access.needs("lifecycle"))
    founding = addons.objects({**defaults, "endpoint_host": "192.0.2.1", "network": network})
    for obj in [*founding, *addon_metrics_server.objects("i", 1)]:
        group = obj["apiVersion"].rpartition("/")[0]
        resource = plurals.get(obj["kind"], obj["kind"].lower() + "s")
        assert {(verb, group, resource, "") for verb in access.MANAGE} <= held


def test_compact_keeps_the_rights() -> None:
    def single(found: t.Iterable[access.Rule]) -> set[tuple[str, ...]]:
        return {
            (group, resource, verb, name)
            for rule in found
            for group in rule["apiGroups"]
            for resource in rule["resources"]
            for verb in rule["verbs"]
            for name in rule.get("resourceNames", [""])
        }

    for role in ALL:
        assert single(access.compact(rules(role))) == single(rules(role))


def test_objects_of_a_tier_bind_its_role_to_our_account_only() -> None:
    objects = access.access_objects("tenant", mark=Mark("hub-uid", "legacy"))
    by_kind = {obj["kind"]: obj for obj in objects}
    assert by_kind["Namespace"]["metadata"]["annotations"] == {
        "lodestar.platform/hub-uid": "hub-uid",
        "lodestar.platform/cluster": "legacy",
    }
    account = {"kind": "ServiceAccount", "name": "lodestar", "namespace": "lodestar-system"}
    assert by_kind["ClusterRoleBinding"]["roleRef"]["name"] == "lodestar:tenant"
    assert by_kind["ClusterRoleBinding"]["subjects"] == by_kind["RoleBinding"]["subjects"] == [account]
    assert by_kind["Role"]["metadata"]["namespace"] == "lodestar-system"


def test_the_digest_follows_the_rights() -> None:
    digests = [access.rights_digest(tier) for tier in access.TIERS] + [access.rights_digest("lifecycle", hub=True)]
    assert len(set(digests)) == 4
