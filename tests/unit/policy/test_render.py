# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The objects of a policy. What their CEL does is tested against a real API server, in tests/integration/policy."""

from __future__ import annotations

import datetime
import itertools
import json
import re
import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.kube.absent import AbsentCluster
from ansible_collections.lodestar.platform.plugins.module_utils.kube.resources import Resource
from ansible_collections.lodestar.platform.plugins.module_utils.policy import mutate
from ansible_collections.lodestar.platform.plugins.module_utils.policy.model import MODES, SYSTEM_NAMESPACES, read_all
from ansible_collections.lodestar.platform.plugins.module_utils.policy.render import objects
from ansible_collections.lodestar.platform.plugins.module_utils.policy.rules.mutation import MUTATIONS
from ansible_collections.lodestar.platform.plugins.module_utils.policy.rules.registry import LIBRARY
from ansible_collections.lodestar.platform.plugins.module_utils.policy.rules.rule import literal

NOW = datetime.datetime(2027, 1, 1, tzinfo=datetime.UTC)
PARAMETERS: dict[str, t.Any] = {
    "allowed_registries": {"registries": ["reg.local"]},
    "required_resources": {"limits": ["cpu"]},
    "required_labels": {"labels": ["team"], "kinds": ["Pod", "Namespace"]},
    "cel": {
        "resources": [{"group": "apps", "resources": ["deployments"]}, {"resources": ["services"]}],
        "validations": [{"expression": "true", "message": "m"}],
    },
}
EVERY = list(itertools.product(PARAMETERS, MODES, ("all", "tenants")))


def render(rule: str, mode: str = "deny", **changes: t.Any) -> list[dict[str, t.Any]]:
    (policy,) = read_all([{"name": "p", "rule": rule, "mode": mode, "parameters": PARAMETERS[rule], **changes}])
    return objects(policy, NOW)


@pytest.mark.parametrize(("rule", "mode", "scope"), EVERY)
def test_no_policy_can_lock_anybody_out(rule: str, mode: str, scope: str) -> None:
    policy, *bindings = render(rule, mode, scope=scope, exemptions={"namespaces": ["own"]})
    constraints = policy["spec"]["matchConstraints"]
    exempt = constraints["namespaceSelector"]["matchExpressions"][0]
    assert (exempt["key"], exempt["operator"]) == ("kubernetes.io/metadata.name", "NotIn")
    assert set(exempt["values"]) == {*SYSTEM_NAMESPACES, "own"}
    conditions = {item["name"]: item["expression"] for item in policy["spec"]["matchConditions"]}
    assert '"lodestar:break-glass"' in conditions["not-exempt-group"]
    assert "deletionTimestamp" in conditions["not-being-deleted"]
    assert bindings
    assert all(binding["spec"]["policyName"] == policy["metadata"]["name"] for binding in bindings)


def test_custom_policies_never_look_at_objects_without_a_namespace() -> None:
    rules = render("cel")[0]["spec"]["matchConstraints"]["resourceRules"]
    assert [(rule["apiGroups"], rule["scope"]) for rule in rules] == [(["apps"], "Namespaced"), ([""], "Namespaced")]


@pytest.mark.parametrize(
    ("mode", "judged", "workloads"),
    [
        ("deny", ["Deny", "Audit"], ["Warn", "Audit"]),
        ("warn", ["Warn", "Audit"], ["Warn", "Audit"]),
        ("audit", ["Audit"], ["Audit"]),
    ],
)
def test_what_each_mode_does(mode: str, judged: list[str], workloads: list[str]) -> None:
    _policy, binding, about_workloads = render("allowed_registries", mode)
    assert binding["spec"]["validationActions"] == judged
    assert about_workloads["spec"]["validationActions"] == workloads
    assert [rule["resources"] for rule in binding["spec"]["matchResources"]["resourceRules"]] == [
        ["pods", "pods/ephemeralcontainers", "pods/resize"]
    ]


def test_a_deny_policy_never_denies_a_workload() -> None:
    for rule in PARAMETERS:
        for obj in render(rule)[1:]:
            groups = {group for item in obj["spec"]["matchResources"]["resourceRules"] for group in item["apiGroups"]}
            assert rule == "cel" or "Deny" not in obj["spec"]["validationActions"] or groups == {""}


def test_workloads_can_be_left_alone() -> None:
    policy, *bindings = render("allowed_registries", workloads=False)
    assert len(bindings) == 1
    assert len(policy["spec"]["matchConstraints"]["resourceRules"]) == 1


def test_labels_of_namespaces_have_no_workloads() -> None:
    found = render("required_labels", parameters={"labels": ["owner"], "kinds": ["Namespace"]})
    assert [obj["kind"] for obj in found] == ["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"]
    assert found[0]["spec"]["matchConstraints"]["resourceRules"][0]["resources"] == ["namespaces"]


def test_names_of_bindings_never_collide() -> None:
    declared = [
        {"name": name, "rule": "required_resources", "mode": "deny"}
        for name in ("p", "p-workloads", "workloads", "p-p")
    ]
    names = [(obj["kind"], obj["metadata"]["name"]) for policy in read_all(declared) for obj in objects(policy, NOW)]
    assert len(set(names)) == len(names) == 12


def test_a_host_ends_at_its_slash_and_a_path_at_a_boundary() -> None:
    parameters = {"registries": ["reg.local", "reg.local:5000/team", "index.docker.io"]}
    policy = render("allowed_registries", parameters=parameters)[0]
    refused = next(item["expression"] for item in policy["spec"]["variables"] if item["name"] == "found")
    end = refused.index("].exists(prefix")
    prefixes = json.loads(refused[refused.rindex("[", 0, end) : end + 1])
    assert prefixes == [
        "reg.local/",
        "reg.local:5000/team/",
        "reg.local:5000/team:",
        "reg.local:5000/team@",
        "docker.io/",
    ]


def test_hostile_names_stay_inside_their_cel_literal() -> None:
    name = '"] || true || "\\'
    group = render("allowed_registries", exemptions={"groups": [name]})[0]["spec"]["matchConditions"][1]["expression"]
    assert literal(name) in group
    assert json.loads(literal(name)) == name
    assert literal("𝄞") == '"𝄞"', "CEL has no surrogate pairs"


#: CEL functions and macros that the API servers from Kubernetes 1.30 on know (strings version 2 and the standard ones).
KNOWN_FUNCTIONS = {
    "has", "dyn", "size", "exists", "filter", "map", "contains", "matches", "startsWith", "endsWith", "substring",
    "join", "string", "quantity", "isGreaterThan", "timestamp",
}  # fmt: skip
EXCEPTION = {"owner": "o", "reason": "r", "until": "2027-12-31", "namespaces": ["a"], "tenants": ["t"], "names": ["n*"]}
#: Parameters of the rules that need some.
NEEDED: dict[str, t.Any] = {
    **PARAMETERS,
    "required_annotations": {"annotations": [{"key": "a", "values": ["b"]}]},
    "replica_bounds": {"minimum": 2, "maximum": 3, "allow_zero": True},
    "allowed_ingress_hosts": {"suffixes": ["example.org"]},
    "allowed_ingress_classes": {"classes": ["a"]},
    "allowed_storage_classes": {"classes": ["a"]},
    "max_resources": {"limits": {"cpu": "2"}},
    "allowed_host_paths": {"paths": ["/var/log"], "read_only": True},
    "pdb_sanity": {"max_unavailable_only": True},
}


@pytest.mark.parametrize("rule", LIBRARY)
def test_the_library_uses_only_cel_that_the_oldest_server_knows(rule: str) -> None:
    given = {"parameters": NEEDED.get(rule), "exemptions": {"users": ["robot"]}, "exceptions": [EXCEPTION]}
    (policy,) = read_all([{"name": "p", "rule": rule, "mode": "deny", **given}])
    spec = objects(policy, NOW)[0]["spec"]
    texts = [item["expression"] for part in ("variables", "matchConditions", "validations") for item in spec[part]]
    texts += [item["messageExpression"] for item in spec["validations"]]
    code = re.sub(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'", "", " ".join(texts))
    assert set(re.findall(r"([A-Za-z_]+)\(", code)) - {"in"} <= KNOWN_FUNCTIONS
    assert "?" not in code.replace(" ? ", " "), "no optional types"


def test_a_scope_is_what_all_of_its_parts_allow() -> None:
    selector = {"matchLabels": {"stage": "prod"}, "matchExpressions": [{"key": "x", "operator": "Exists"}]}
    scope = {"namespaces": ["b", "a"], "tenants": ["shop"], "selector": selector}
    selected = render("required_resources", scope=scope)[0]["spec"]["matchConstraints"]["namespaceSelector"]
    assert selected["matchLabels"] == {"stage": "prod"}
    assert [(item["key"], item["operator"], item.get("values")) for item in selected["matchExpressions"]][1:] == [
        ("lodestar.platform/tenant", "In", ["shop"]),
        ("kubernetes.io/metadata.name", "In", ["a", "b"]),
        ("x", "Exists", None),
    ]


def test_an_exception_that_has_ended_is_no_part_of_the_policy() -> None:
    ended = {**EXCEPTION, "until": "2026-12-31"}
    plain = render("required_resources")
    assert render("required_resources", exceptions=[ended]) == plain
    policy, *bindings = render("required_resources", exceptions=[ended, EXCEPTION])
    variables = {item["name"]: item["expression"] for item in policy["spec"]["variables"]}
    assert '"2028-01-01T00:00:00Z"' in variables["excepted"]
    assert "2027-01-01" not in variables["excepted"]
    assert policy["spec"]["validations"][0]["expression"] == "variables.excepted || (size(variables.refused) == 0)"
    assert bindings == plain[1:]


@pytest.mark.parametrize("rule", MUTATIONS)
def test_no_change_reaches_what_is_always_exempt(rule: str) -> None:
    parameters = {
        "default_labels": {"labels": {"a": "c"}},
        "mutate": {"resources": [{"resources": ["pods"]}], "mutations": [{"expression": "Object{}"}]},
    }
    item = {"name": "p", "rule": rule, "mode": "mutate", "parameters": parameters.get(rule)}
    made, binding = mutate.objects(read_all([item])[0], mutate.VERSIONS[0])
    exempt = made["spec"]["matchConstraints"]["namespaceSelector"]["matchExpressions"][0]
    assert (exempt["operator"], set(exempt["values"])) == ("NotIn", set(SYSTEM_NAMESPACES))
    assert '"lodestar:break-glass"' in made["spec"]["matchConditions"][1]["expression"]
    assert binding["spec"]["policyName"] == made["metadata"]["name"] == "p.policy.lodestar.platform"


@pytest.mark.parametrize(
    ("served", "version"),
    [({"v1", "v1beta1"}, "v1"), ({"v1beta1"}, "v1beta1"), (set(), None)],
)
def test_the_best_version_that_a_cluster_serves_is_written(served: set[str], version: str | None) -> None:
    class Server(AbsentCluster):
        """Serves policies that change objects in these versions, and v1 of those that judge."""

        def served(self, api_version: str) -> dict[str, Resource] | None:
            kind = mutate.KIND if api_version.rpartition("/")[2] in served else "ValidatingAdmissionPolicy"
            return {kind: Resource(api_version, kind, f"{kind.lower()}s", False)}

    chosen = mutate.served_version(Server("east"))
    assert chosen == (f"admissionregistration.k8s.io/{version}" if version else None)
    item = {"name": "p", "rule": "image_pull_policy", "mode": "mutate", "if_unsupported": "skip"}
    made, warnings = mutate.choose(read_all([item]), chosen, "east")
    assert {obj["apiVersion"] for found in made.values() for obj in found} == ({chosen} if chosen else set())
    assert len(warnings) == (0 if chosen else 1)
