# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory model: a declaration is read whole, and every wrong one is refused with key, value and remedy."""

from __future__ import annotations

import copy
import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.errors import InvalidInput
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import inventory
from ansible_collections.lodestar.platform.plugins.modules.fleet import JUDGES

VERSIONS = ("1.36.3",)


class Declaration:
    """A valid fleet (a hub of three, c1, c10, far-away, an attached one) that a test spoils."""

    def __init__(self) -> None:
        created = {"ansible_connection": "local", "kubernetes_version": "1.36.3"}
        self.hosts: dict[str, dict[str, t.Any]] = {
            "hub": {**created, "cluster_role": "global", "endpoint": {"address": "192.0.2.10"}},
            "c1": {**created, "endpoint": {"address": "192.0.2.11"}, "cluster_labels": {"env": "prod"}},
            "c10": {**created, "endpoint": {"address": "api.c10.example.org", "provider": "external"}},
            "far-away": {**created, "endpoint": {"address": "192.0.2.13", "interface": "eth0"}},
            "old": {"ansible_connection": "local", "cluster_mode": "attach", "kubeconfig": True},
        }
        self.groups: dict[str, list[str]] = {"clusters": list(self.hosts), "machines": []}
        self.machines("hub", "control_plane", "h1", "h2", "h3")
        self.machines("c1", "control_plane", "a1")
        self.machines("c1", "workers", "a2", "a3")
        self.machines("c10", "control_plane", "b1")
        self.machines("far-away", "control_plane", "f1")

    def machines(self, cluster: str, kind: str, *names: str) -> None:
        prefix = cluster.replace("-", "_")
        for name in names:
            self.hosts[name] = {"ansible_host": f"192.0.2.{100 + len(self.hosts)}"}
            self.groups["machines"].append(name)
            self.groups.setdefault(f"{prefix}_machines", []).append(name)
            self.groups.setdefault(f"{prefix}_{kind}", []).append(name)

    def everywhere(self, key: str, value: t.Any) -> None:
        for name in self.groups["clusters"]:
            self.hosts[name][key] = value

    def problems(self) -> list[tuple[str, str, str]]:
        with pytest.raises(InvalidInput) as caught:
            inventory.read(self.hosts, self.groups, VERSIONS, JUDGES)
        assert all(problem.key and problem.reason and problem.remedy for problem in caught.value.problems)
        assert all(len(str(problem)) < 500 and "\n" not in str(problem) for problem in caught.value.problems)
        return [(item.key, str(item.value), item.reason + "; " + item.remedy) for item in caught.value.problems]


@pytest.fixture
def declared() -> Declaration:
    return Declaration()


def read(declared: Declaration) -> dict[str, t.Any]:
    return inventory.read(declared.hosts, declared.groups, VERSIONS, JUDGES).as_dict()


def test_a_valid_declaration_is_returned_with_its_defaults(declared: Declaration) -> None:
    fleet = read(declared)
    assert fleet["hub"] == "hub"
    assert list(fleet["clusters"]) == ["hub", "c1", "c10", "far-away", "old"]
    hub = fleet["clusters"]["hub"]
    assert hub["endpoint"] == {"address": "192.0.2.10", "port": 6443, "provider": "kube_vip", "interface": None}
    network = {"pod_cidr": "10.244.0.0/16", "service_cidr": "10.96.0.0/12", "dns_domain": "cluster.local"}
    assert hub["network"] == network
    assert hub["access"] == {"tier": "lifecycle", "token_lifetime": 86400, "grants": {}}
    assert fleet["clusters"]["old"]["access"]["tier"] == "tenant"
    assert fleet["clusters"]["old"]["endpoint"] is None
    assert fleet["machines"]["a3"] == {
        "name": "a3", "cluster": "c1", "role": "worker", "rank": 1, "node_name": "a3", "node_ip": "192.0.2.110",
        "labels": {}, "taints": [], "preflight_skip": [], "replaces": None,
    }  # fmt: skip


def test_a_cluster_whose_name_begins_like_another_keeps_its_own_machines(declared: Declaration) -> None:
    fleet = read(declared)
    assert fleet["clusters"]["c1"]["control_plane"] == ["a1"]
    assert fleet["clusters"]["c1"]["workers"] == ["a2", "a3"]
    assert fleet["clusters"]["c10"]["control_plane"] == ["b1"]
    assert fleet["clusters"]["far-away"]["prefix"] == "far_away"
    assert fleet["clusters"]["far-away"]["control_plane"] == ["f1"]


def test_machines_rank_in_the_order_of_their_group(declared: Declaration) -> None:
    assert [read(declared)["machines"][name]["rank"] for name in ("h1", "h2", "h3")] == [0, 1, 2]


def test_no_secret_is_part_of_the_fleet(declared: Declaration) -> None:
    declared.hosts["old"]["kubeconfig"] = "token: s3cr3t"
    declared.hosts["c1"]["kubeconfig"] = "token: s3cr3t"
    credential = {"host": "https://192.0.2.9", "api_key": "s3cr3t"}
    declared.hosts["new"] = {"ansible_connection": "local", "cluster_mode": "attach", "cluster_credential": credential}
    declared.groups["clusters"].append("new")
    fleet = read(declared)
    assert "s3cr3t" not in repr(fleet)
    assert (fleet["clusters"]["old"]["credential_given"], fleet["clusters"]["c1"]["credential_given"]) == (True, False)


def test_words_of_a_survey_are_understood(declared: Declaration) -> None:
    words = {"cluster_colocated": "yes", "cluster_cost": "0.35", "cluster_access": {"token_lifetime": "3600"}}
    declared.hosts["hub"] |= words
    hub = read(declared)["clusters"]["hub"]
    assert (hub["colocated"], hub["cost"], hub["access"]["token_lifetime"]) == (True, 0.35, 3600)


def test_ipv6_ranges_and_addresses_fit_each_other(declared: Declaration) -> None:
    declared.hosts["f1"]["node_ip"] = "2001:db8::0:5"
    declared.hosts["far-away"] |= {
        "endpoint": {"address": "2001:DB8::10"},
        "cluster_network": {"pod_cidr": "fd00:1::/48", "service_cidr": "fd00:2::/108"},
    }
    fleet = read(declared)
    assert fleet["machines"]["f1"]["node_ip"] == "2001:db8::5"
    assert fleet["clusters"]["far-away"]["endpoint"]["address"] == "2001:db8::10"


# One row a rule: what is spoiled, and what the one problem must name (key, value, words of reason and remedy).
CASES: dict[str, tuple[t.Callable[[Declaration], object], str, str, str]] = {
    "version unquoted": (
        lambda d: d.hosts["c1"].update(kubernetes_version=1.36), "c1: kubernetes_version", "1.36", "Quote it"),
    "version of a whole number": (
        lambda d: d.hosts["c1"].update(kubernetes_version=1), "c1: kubernetes_version", "1", "Quote it"),
    "version 1.30 that became 1.3": (
        lambda d: d.hosts["c1"].update(kubernetes_version="1.3"), "c1: kubernetes_version", "1.3", "Quote it"),
    "version with a v": (
        lambda d: d.hosts["c1"].update(kubernetes_version="v1.36.3"), "c1: kubernetes_version", "v1.36.3", "1.<minor>"),
    "version with a newline": (
        lambda d: d.hosts["c1"].update(kubernetes_version="1.36.3\n"), "c1: kubernetes_version", "1.36.3\n", "in full"),
    "version missing": (
        lambda d: d.hosts["c1"].pop("kubernetes_version"), "c1: kubernetes_version", "None", "required"),
    "version not in the bundle": (
        lambda d: d.hosts["c1"].update(kubernetes_version="1.35.9"), "c1: kubernetes_version", "1.35.9",
        "it has 1.36.3"),
    "unknown key": (
        lambda d: d.hosts["c1"]["endpoint"].update(adress="x"), "c1: endpoint.adress", "x", "Did you mean address"),
    "unknown network key": (
        lambda d: d.hosts["c1"].update(cluster_network={"pods": "x"}), "c1: cluster_network.pods", "x", "pod_cidr"),
    "unknown mode": (
        lambda d: d.hosts["c1"].update(cluster_mode="atach"), "c1: cluster_mode", "atach", "Did you mean attach"),
    "not local": (
        lambda d: d.hosts["c1"].pop("ansible_connection"), "c1: ansible_connection", "None",
        "ansible_connection: local"),
    "cost is no number": (
        lambda d: d.hosts["c1"].update(cluster_cost="cheap"), "c1: cluster_cost", "cheap", "must be a number from 0"),
    "cost is beyond all bounds": (
        lambda d: d.hosts["c1"].update(cluster_cost=float("nan")), "c1: cluster_cost", "nan", "must be a number from"),
    "cost is negative": (
        lambda d: d.hosts["c1"].update(cluster_cost=-1), "c1: cluster_cost", "-1", "must be a number from 0"),
    "endpoint missing": (
        lambda d: d.hosts["c1"].pop("endpoint"), "c1: endpoint", "None", "address that stays"),
    "endpoint is no mapping": (
        lambda d: d.hosts["c1"].update(endpoint="192.0.2.11"), "c1: endpoint", "192.0.2.11", "must be a mapping"),
    "endpoint name with kube-vip": (
        lambda d: d.hosts["c1"]["endpoint"].update(address="api.example.org"), "c1: endpoint.address",
        "api.example.org",
        "must be an IP address"),
    "endpoint that almost is an address": (
        lambda d: d.hosts["c10"]["endpoint"].update(address="192.0.2.300"), "c10: endpoint.address", "192.0.2.300",
        "IP address or a DNS name"),
    "same endpoint": (
        lambda d: d.hosts["c1"]["endpoint"].update(address="192.0.2.10"), "c1: endpoint.address", "192.0.2.10:6443",
        "hub"),
    "same endpoint on another port of kube-vip": (
        lambda d: d.hosts["c1"]["endpoint"].update(address="192.0.2.10", port=7443), "c1: endpoint.address",
        "192.0.2.10:7443", "hub"),
    "endpoint is a machine": (
        lambda d: d.hosts["a1"].update(node_ip="192.0.2.11"), "c1: endpoint.address", "192.0.2.11", "highly available"),
    "endpoint is a machine of another cluster": (
        lambda d: d.hosts["b1"].update(node_ip="192.0.2.11"), "c1: endpoint.address", "192.0.2.11", "machine b1"),
    "port out of range": (
        lambda d: d.hosts["c1"]["endpoint"].update(port=70000), "c1: endpoint.port", "70000", "65535"),
    "pods overlap services": (
        lambda d: d.hosts["c1"].update(cluster_network={"pod_cidr": "10.96.0.0/16"}), "c1: cluster_network.pod_cidr",
        "10.96.0.0/16", "overlaps service_cidr 10.96.0.0/12"),
    "pods hold the endpoint": (
        lambda d: d.hosts["c1"].update(cluster_network={"pod_cidr": "192.0.2.0/27"}) or d.hosts["c1"].update(
            cluster_network={"service_cidr": "192.0.2.0/28"}), "c1: cluster_network.service_cidr", "192.0.2.0/28",
        "holds 192.0.2.11, the address of the endpoint"),
    "services hold a machine": (
        lambda d: d.hosts["a2"].update(node_ip="10.97.1.1"), "c1: cluster_network.service_cidr", "10.96.0.0/12",
        "holds 10.97.1.1, the address of a2"),
    "range with host bits": (
        lambda d: d.hosts["c1"].update(cluster_network={"pod_cidr": "10.1.2.3/16"}), "c1: cluster_network.pod_cidr",
        "10.1.2.3/16", "10.1.0.0/16"),
    "two ranges": (
        lambda d: d.hosts["c1"].update(cluster_network={"pod_cidr": "10.1.0.0/16,fd00::/48"}),
        "c1: cluster_network.pod_cidr", "10.1.0.0/16,fd00::/48", "dual stack"),
    "range too small for its nodes": (
        lambda d: d.hosts["c1"].update(cluster_network={"pod_cidr": "10.1.0.0/23"}), "c1: cluster_network.pod_cidr",
        "10.1.0.0/23", "room for 2 nodes"),
    "services too many": (
        lambda d: d.hosts["c1"].update(cluster_network={"service_cidr": "11.0.0.0/8"}),
        "c1: cluster_network.service_cidr",
        "11.0.0.0/8", "/12"),
    "other family": (
        lambda d: d.hosts["c1"].update(cluster_network={"pod_cidr": "fd00::/48"}), "c1: cluster_network.pod_cidr",
        "fd00::/48", "is IPv6, while the address of a1 is IPv4"),
    "boolean for a string": (
        lambda d: d.hosts["c1"].update(cluster_network={"dns_domain": True}), "c1: cluster_network.dns_domain", "True",
        "quotes"),
    "boolean for a label": (
        lambda d: d.hosts["c1"].update(cluster_labels={"env": True}), "c1: cluster_labels.env", "True", "quotes"),
    **{
        f"label of the platform's own: {key}": (
            lambda d, key=key: d.hosts["c1"].update(cluster_labels={key: "x"}), f"c1: cluster_labels.{key}", "x",
            "knows its records")
        for key in (
            "lodestar.platform/detaching", "lodestar.platform/uid", "applyset.kubernetes.io/part-of",
            "cluster.open-cluster-management.io/clusterset")
    },
    "long label": (
        lambda d: d.hosts["c1"].update(cluster_labels={"a": "b" * 64}), "c1: cluster_labels.a", "b" * 64, "63"),
    "newline in a label": (
        lambda d: d.hosts["c1"].update(cluster_labels={"a": "b\n"}), "c1: cluster_labels.a", "b\n", "63"),
    "selector in a label": (
        lambda d: d.hosts["c1"].update(cluster_labels={"a": "b,c=d"}), "c1: cluster_labels.a", "b,c=d", "63"),
    "shell in a label": (
        lambda d: d.hosts["c1"].update(cluster_labels={"a": "$(id)"}), "c1: cluster_labels.a", "$(id)", "63"),
    "template left in a name": (
        lambda d: d.hosts["c1"].update(cluster_network={"dns_domain": "{{ x }}"}), "c1: cluster_network.dns_domain",
        "{{ x }}", "DNS domain"),
    "shell in a node name": (
        lambda d: d.hosts["a1"].update(node_name="a1;reboot"), "a1: node_name", "a1;reboot", "RFC 1123"),
    "newline in a node name": (
        lambda d: d.hosts["a1"].update(node_name="a1\n"), "a1: node_name", "a1\n", "RFC 1123"),
    "long node name": (
        lambda d: d.hosts["a1"].update(node_name="a" * 300), "a1: node_name", "a" * 80 + "...", "RFC 1123"),
    "node name too long for a label": (
        lambda d: d.hosts["a1"].update(node_name="a" * 50 + "." + "b" * 50), "a1: node_name",
        "a" * 50 + "." + "b" * 29 + "...", "63"),
    "same node name": (
        lambda d: d.hosts["a2"].update(node_name="a1"), "a2: node_name", "a1", "that of a1"),
    "same address": (
        lambda d: d.hosts["a2"].update(node_ip="192.0.2.107", ansible_host="192.0.2.50") or d.hosts["a1"].update(
            node_ip="192.0.2.107"), "a2: node_ip", "192.0.2.107", "that of a1"),
    "one machine under two names in two clusters": (
        lambda d: d.hosts["b1"].update(ansible_host=d.hosts["a1"]["ansible_host"]), "b1: ansible_host",
        "192.0.2.108", "that of a1, a machine of c1"),
    "no address": (
        lambda d: d.hosts["a1"].clear(), "a1: node_ip", "None", "Set node_ip"),
    "address is a name": (
        lambda d: d.hosts["a1"].update(ansible_host="a1.example.org"), "a1: ansible_host", "a1.example.org",
        "Set node_ip"),
    "label of Kubernetes": (
        lambda d: d.hosts["a1"].update(node_labels={"node-role.kubernetes.io/x": ""}),
        "a1: node_labels.node-role.kubernetes.io/x", "", "would not start"),
    "taint without an effect": (
        lambda d: d.hosts["a1"].update(node_taints=[{"key": "a"}]), "a1: node_taints[0].effect", "None", "NoSchedule"),
    "taint as text": (
        lambda d: d.hosts["a1"].update(node_taints=["a=b:NoSchedule"]), "a1: node_taints[0]", "a=b:NoSchedule",
        "mapping"),
    "replaces on a worker": (
        lambda d: d.hosts["a2"].update(replaces="a9"), "a2: replaces", "a9", "remove_node"),
    "replaces itself": (
        lambda d: d.hosts["h1"].update(replaces="h1"), "h1: replaces", "h1", "is the machine itself"),
    "replaces itself by its node name": (
        lambda d: d.hosts["h1"].update(node_name="one", replaces="one"), "h1: replaces", "one",
        "is the machine itself"),
    "replaces what is still there": (
        lambda d: d.hosts["h1"].update(replaces="h2"), "h1: replaces", "h2", "Take h2 out of the inventory"),
    "replaces what is still there by its node name": (
        lambda d: d.hosts["h2"].update(node_name="two") or d.hosts["h1"].update(replaces="two"), "h1: replaces", "two",
        "still a machine of hub in the inventory (h2)"),
    "replaced twice": (
        lambda d: [d.hosts[name].update(replaces="h0") for name in ("h1", "h2")], "h2: replaces", "h0",
        "is replaced by h1 already"),
    "replaces is no name": (
        lambda d: d.hosts["h1"].update(replaces="h0;reboot"), "h1: replaces", "h0;reboot", "node name"),
    "flag with dashes": (
        lambda d: d.hosts["c1"].update(api_server_args={"--v": 2}), "c1: api_server_args.--v", "2", "name of a flag"),
    "two hubs": (
        lambda d: d.hosts["c1"].update(cluster_role="global"), "cluster_role", "['hub', 'c1']", "exactly one"),
    "no hub": (
        lambda d: d.hosts["hub"].pop("cluster_role"), "cluster_role", "None", "exactly one"),
    "machine in two clusters": (
        lambda d: [d.groups.setdefault(g, []).append("a1") for g in ("c10_workers", "c10_machines")], "groups",
        "a1", "c1, c10"),
    "machine in two roles": (
        lambda d: d.groups["c1_workers"].append("a1"), "groups", "a1", "control plane and a worker of c1"),
    "machine without a role": (
        lambda d: [d.groups[g].append("zz") for g in ("c1_machines", "machines")], "groups", "zz", "without a role"),
    "machine outside of machines": (
        lambda d: d.groups["machines"].remove("a2"), "groups", "a2", "group machines"),
    "machine in no cluster": (
        lambda d: d.groups["machines"].append("spare"), "groups", "spare", "in no cluster"),
    "group not a child": (
        lambda d: d.groups["c1_machines"].remove("a2"), "groups", "c1_workers", "child of c1_machines"),
    "group without its cluster": (
        lambda d: d.groups.update(c2_workers=["a2"]), "groups", "c2_workers", "Did you mean c"),
    "created without control planes": (
        lambda d: [d.groups.pop(g) for g in ("c10_control_plane",
        "c10_machines")] + [d.groups["machines"].remove("b1")],
        "c10: groups", "c10_control_plane", "at least one control plane"),
    "attached with machines": (
        lambda d: d.machines("old", "control_plane", "o1"), "old: groups", "['o1']", "not the platform's"),
    "a credential of a created cluster": (
        lambda d: d.hosts["c1"].update(cluster_credential=["host", "api_key"]),
        "c1: cluster_credential", "(not shown)", "cluster_mode: attach"),
    "a credential beside a kubeconfig": (
        lambda d: d.hosts["old"].update(cluster_credential={"host": "h", "api_key": "s3cr3t"}),
        "old: cluster_credential", "(not shown)", "one of the two"),
    "a misspelt part of a credential": (
        lambda d: d.hosts["old"].update(kubeconfig=None, cluster_credential=["host", "api_key", "ca"]),
        "old: cluster_credential.ca", "None", "ca_cert"),
    "a credential without its secret": (
        lambda d: d.hosts["old"].update(kubeconfig=None, cluster_credential=["host", "username"]),
        "old: cluster_credential.api_key", "None", "username and password"),
    "a credential without an address": (
        lambda d: d.hosts["old"].update(kubeconfig=None, cluster_credential=["api_key"]),
        "old: cluster_credential.host", "None", "host with api_key"),
    "a credential that is a text": (
        lambda d: d.hosts["old"].update(kubeconfig=None, cluster_credential="s3cr3t"),
        "old: cluster_credential", "(not shown)", "Give host"),
    "attached hub": (
        lambda d: d.hosts["old"].update(cluster_role="global") or d.hosts["hub"].pop("cluster_role"),
        "old: cluster_mode",
        "attach", "must be created"),
    "same recovery file": (
        lambda d: [d.hosts[name].update(cluster_recovery_file="/k/x") for name in ("c1", "c10")],
        "c10: cluster_recovery_file", "/k/x", "that of c1"),
    "command in a path": (
        lambda d: d.hosts["c1"].update(cluster_recovery_file="/k/$(id)"), "c1: cluster_recovery_file", "/k/$(id)",
        "path"),
    "a grant of every right": (
        lambda d: d.hosts["c1"].update(cluster_access={"grants": {"cluster_roles": ["cluster-admin"]}}),
        "c1: cluster_access.grants.cluster_roles[0]", "cluster-admin", "cluster-admin"),
    "a grant of a kind that decides about rights": (
        lambda d: d.hosts["c1"].update(cluster_access={"grants": {
            "resources": ["rolebindings.rbac.authorization.k8s.io"]}}),
        "c1: cluster_access.grants.resources", "['rolebindings.rbac.authorization.k8s.io']", "more than the"),
    "a grant of every kind": (
        lambda d: d.hosts["c1"].update(cluster_access={"grants": {"resources": ["*"]}}),
        "c1: cluster_access.grants.resources[0]", "*", "no wildcard"),
    "a wrong setting of tenants": (
        lambda d: d.hosts["c1"].update(tenant_settings={"reserved": []}) or d.everywhere("tenants", []),
        "c1: tenant_settings.reserved", "[]", "reserved_namespaces"),
    "short token": (
        lambda d: d.hosts["c1"].update(cluster_access={"token_lifetime": 60}), "c1: cluster_access.token_lifetime",
        "60",
        "600"),
    "unknown cluster of a tenant": (
        lambda d: d.everywhere("tenants", [{"name": "t", "namespaces": ["t"], "clusters": {"names": ["c2"]}}]),
        "tenants[t].clusters.names[0]", "c2", "c1"),
    "unknown cluster of a policy": (
        lambda d: d.everywhere("policies", [{"name": "p", "rule": "allowed_registries", "mode": "deny", "parameters": {
            "registries": ["reg.example.org"]}, "clusters": {"names": ["c2"]}}]),
        "policies[p].clusters.names[0]", "c2", "c1"),
    "tenant of the hub": (
        lambda d: d.everywhere("tenants", [{"name": "t", "namespaces": ["t"], "clusters": {"names": ["hub"]}}]),
        "tenants[t].clusters.names[0]", "hub", "cluster_colocated"),
    "a tenant on a cluster that is only observed": (
        lambda d: d.hosts["old"].update(cluster_access={"tier": "observe"}) or d.everywhere(
            "tenants", [{"name": "t", "namespaces": ["t"], "clusters": {"names": ["old"]}}]),
        "tenants[t].clusters.names[0]", "old", "tier: tenant"),
    "roles for Kubernetes' own groups": (
        lambda d: d.everywhere("fleet_roles", [
            {"name": "r", "role": "auditor", "members": [{"kind": "Group", "name": "system:masters"}]}]),
        "fleet_roles[r].members[0].name", "system:masters", "identity provider"),
    "tenants that differ": (
        lambda d: d.hosts["c1"].update(tenants=[{"name": "t", "namespaces": ["t"]}]), "c1: tenants", "1 items",
        "group_vars/all"),
    "tenants are no list": (
        lambda d: d.everywhere("tenants", "payments"), "tenants", "payments", "list"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_wrong_declaration_is_refused_by_name(declared: Declaration, case: str) -> None:
    spoil, key, value, words = CASES[case]
    spoil(declared)
    found = declared.problems()
    assert [(k, v) for k, v, _words in found] == [(key, value)]
    assert words in found[0][2]


@pytest.mark.parametrize(
    "name",
    [
        "a_b",
        "A",
        "a" * 64,
        "a\n",
        "{{ x }}",
        "a;b",
        "-a",
        "kube-system",
        "default",
        "..",
        "a/../b",
        "%2e%2e",
        "",
        "False",
        "\u04351",
    ],
)
def test_a_name_that_no_cluster_can_have_is_refused(declared: Declaration, name: str) -> None:
    declared.hosts[name] = {"ansible_connection": "local", "cluster_mode": "attach", "kubeconfig": True}
    declared.groups["clusters"].append(name)
    assert [key for key, _value, _words in declared.problems()] == ["clusters"]


def test_names_that_share_their_groups_are_refused(declared: Declaration) -> None:
    declared.hosts["far_away"] = {"ansible_connection": "local", "cluster_mode": "attach", "kubeconfig": True}
    declared.groups["clusters"].append("far_away")
    assert "its groups would be those of far-away" in declared.problems()[0][2]


def test_all_problems_come_at_once_in_the_order_of_the_inventory(declared: Declaration) -> None:
    for name in ("c10", "c1", "hub"):
        declared.hosts[name]["kubernetes_version"] = 1.36
    declared.hosts["a1"]["node_name"] = "A1"
    again = copy.deepcopy(declared)
    keys = [key for key, _value, _words in declared.problems()]
    assert keys == ["hub: kubernetes_version", "c1: kubernetes_version", "c10: kubernetes_version", "a1: node_name"]
    assert declared.problems() == again.problems()


def test_an_empty_inventory_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no cluster"):
        inventory.read({}, {"all": [], "clusters": []})


def test_an_even_number_of_control_planes_speaks_only_against_creation(declared: Declaration) -> None:
    declared.machines("c1", "control_plane", "a4")
    fleet = inventory.read(declared.hosts, declared.groups, VERSIONS, JUDGES)
    (problem,) = fleet.clusters["c1"].creation_problems
    assert problem["key"] == "c1: groups"
    assert "c1_control_plane has 2 machines" in problem["value"]
    assert any("c1_control_plane has 2 machines" in warning for warning in fleet.warnings)
    assert fleet.clusters["hub"].creation_problems == []


def test_external_clusters_may_share_an_address_on_different_ports(declared: Declaration) -> None:
    for name, port in (("c1", 7001), ("c10", 7002)):
        declared.hosts[name]["endpoint"] = {"address": "lb.example.org", "provider": "external", "port": port}
    assert read(declared)["clusters"]["c10"]["endpoint"]["port"] == 7002


def test_items_are_resolved_to_clusters(declared: Declaration) -> None:
    declared.everywhere("tenants", [
        {"name": "everyone", "namespaces": ["everyone"]},
        {"name": "prod", "namespaces": ["prod"], "clusters": {"selector": {"matchLabels": {"env": "prod"}}}},
        {"name": "nowhere", "namespaces": ["nowhere"], "clusters": {"selector": {"matchLabels": {"env": "none"}}}},
    ])  # fmt: skip
    fleet = inventory.read(declared.hosts, declared.groups, VERSIONS, JUDGES)
    assert {name: cluster.tenants for name, cluster in fleet.clusters.items()} == {
        "hub": [],
        "c1": ["everyone", "prod"],
        "c10": ["everyone"],
        "far-away": ["everyone"],
        "old": ["everyone"],
    }
    assert [warning for warning in fleet.warnings if "nowhere is for no cluster" in warning]
    declared.hosts["old"]["cluster_access"] = {"tier": "observe"}
    fleet = inventory.read(declared.hosts, declared.groups, VERSIONS, JUDGES)
    assert fleet.clusters["old"].tenants == []
    assert [warning for warning in fleet.warnings if warning.startswith("old: is left out of the tenants")]


def test_roles_of_people_are_resolved_to_clusters(declared: Declaration) -> None:
    members = [{"kind": "Group", "name": "ops"}]
    declared.everywhere("fleet_roles", [
        {"name": "admins", "role": "platform-admin", "members": members},
        {"name": "audit", "role": "auditor", "members": members, "clusters": {"names": ["hub", "old"]}},
    ])  # fmt: skip
    fleet = inventory.read(declared.hosts, declared.groups, VERSIONS, JUDGES)
    assert {name: cluster.fleet_roles for name, cluster in fleet.clusters.items()} == {
        "hub": ["admins", "audit"],
        "c1": ["admins"],
        "c10": ["admins"],
        "far-away": ["admins"],
        "old": ["audit"],
    }
    assert [warning for warning in fleet.warnings if warning.startswith("old: is left out of fleet_roles[admins]")]
    assert fleet.as_dict()["fleet_roles"][0]["name"] == "admins"


def test_placements_are_judged_with_the_clusters_of_the_inventory(declared: Declaration) -> None:
    item = {"name": "shop", "numberOfClusters": 2}
    declared.everywhere("placements", [item])
    assert read(declared)["placements"] == [item]
    selector = {"labelSelector": {"matchLabels": {"lodestar.platform/cluster": "c3"}}}
    declared.everywhere("placements", [{**item, "predicates": [{"requiredClusterSelector": selector}]}, item])
    assert [key for key, _value, _words in declared.problems()] == [
        "placements[shop].predicates[0].requiredClusterSelector.labelSelector.matchLabels",
        "placements[shop].name",
    ]


def test_a_misspelt_variable_is_pointed_out(declared: Declaration) -> None:
    declared.hosts["c1"]["cluster_netwrok"] = None
    fleet = inventory.read(declared.hosts, declared.groups, VERSIONS, JUDGES)
    assert fleet.warnings == ["c1: cluster_netwrok is no variable of the platform, did you mean cluster_network?"]


def test_checks_are_skipped_by_cluster_and_machine(declared: Declaration) -> None:
    declared.hosts["c1"]["preflight_skip"] = ["cpu"]
    declared.hosts["a2"]["preflight_skip"] = ["memory", "cpu"]
    machines = inventory.read(declared.hosts, declared.groups, VERSIONS, JUDGES, ("cpu", "memory")).machines
    skipped = {name: machines[name].preflight_skip for name in ("a1", "a2", "h1")}
    assert skipped == {"a1": ["cpu"], "a2": ["cpu", "memory"], "h1": []}


def test_a_check_that_does_not_exist_is_refused_once_by_name(declared: Declaration) -> None:
    for host in declared.hosts.values():
        host["preflight_skip"] = ["memroy"]
    with pytest.raises(InvalidInput) as caught:
        inventory.read(declared.hosts, declared.groups, VERSIONS, JUDGES, ("cpu", "memory"))
    (problem,) = caught.value.problems
    assert (problem.key, problem.value) == (f"hub: preflight_skip (and of {len(declared.hosts) - 1} more)", "memroy")
    assert problem.remedy == "Did you mean memory"


def test_only_an_attached_cluster_has_no_control_planes_that_could_take_workloads(declared: Declaration) -> None:
    for name in ("c1", "old"):
        declared.hosts[name]["cluster_colocated"] = True
    fleet = inventory.read(declared.hosts, declared.groups, VERSIONS, JUDGES)
    assert fleet.warnings == ["old: cluster_colocated has no effect on an attached cluster"]
