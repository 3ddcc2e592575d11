# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module against a real API server: made, unchanged, drifted, changed, removed, and wrong CEL."""

from __future__ import annotations

import datetime
import typing as t
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.policy.operate import OPERATION

from ..harness.apiserver import ApiServer
from ..harness.people import Person, execute, steps
from .conftest import POLICIES

API = "admissionregistration.k8s.io/v1"
REGISTRIES = {
    "name": "registries",
    "rule": "allowed_registries",
    "mode": "deny",
    "parameters": {"registries": ["reg.local"]},
    "scope": "tenants",
}
LIMITS = {"name": "limits", "rule": "required_resources", "mode": "warn", "scope": "tenants"}
TEAM = {
    "name": "team",
    "rule": "required_labels",
    "mode": "audit",
    "parameters": {"labels": ["team"]},
    "workloads": False,
}
ALL = [REGISTRIES, LIMITS, TEAM]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, tools: dict[str, Path]) -> t.Iterator[ApiServer]:
    """A server with nothing on it."""
    with ApiServer(tmp_path_factory.mktemp("own"), tools) as server:
        yield server


@pytest.fixture
def held(own: ApiServer) -> ApiServer:
    """The same, holding :data:`ALL`."""
    assert not execute(OPERATION, own.runner, policies=ALL).get("failed")
    return own


def names(found: list[str]) -> set[str]:
    """Steps without the API version and the collection's suffix, and without the ledger of the set."""
    short = {step.replace(f"{API}/", "").replace(".policy.lodestar.platform", "") for step in found}
    return {step for step in short if "ConfigMap" not in step}


def test_first_run_and_its_check(own: ApiServer) -> None:
    mark = own.audit.mark()
    predicted = execute(OPERATION, own.runner, check=True, policies=ALL)
    assert not [request for request in own.audit.since(mark) if request.writes]
    done = execute(OPERATION, own.runner, policies=ALL)
    assert steps(predicted) == steps(done)
    assert names(steps(done)) >= {
        "create ValidatingAdmissionPolicy/registries",
        "create ValidatingAdmissionPolicyBinding/registries",
        "create ValidatingAdmissionPolicyBinding/registries.workloads",
        "create ValidatingAdmissionPolicyBinding/team",
    }
    assert done["policies"][0] == {"name": "registries", "rule": "allowed_registries", "mode": "deny"}


def test_second_run_writes_nothing_and_lists_each_kind_once(held: ApiServer) -> None:
    mark = held.audit.mark()
    assert steps(execute(OPERATION, held.runner, policies=ALL)) == []
    seen = sorted((request.verb, request.uri.split("?")[0].rsplit("/", 1)[-1]) for request in held.audit.since(mark))
    assert seen == [
        ("get", "applyset-policy"),
        ("list", "validatingadmissionpolicies"),
        ("list", "validatingadmissionpolicybindings"),
    ]


def test_a_deleted_binding_and_an_edited_policy_are_named_and_come_back(held: ApiServer) -> None:
    with Client(held.admin) as admin:
        admin.delete(API, "ValidatingAdmissionPolicyBinding", "limits.policy.lodestar.platform")
        path = f"/apis/{API}/validatingadmissionpolicies/registries.policy.lodestar.platform"
        body = {"spec": {"failurePolicy": "Ignore"}}
        admin.request("PATCH", path, body=body, content_type="application/merge-patch+json")
    expected = {
        "create ValidatingAdmissionPolicyBinding/limits",
        "update ValidatingAdmissionPolicy/registries",
    }
    predicted = execute(OPERATION, held.runner, check=True, policies=ALL)
    assert names(steps(predicted)) == expected
    assert '"failurePolicy": "Ignore"' in "".join(item["before"] for item in predicted["diff"])
    assert names(steps(execute(OPERATION, held.runner, policies=ALL))) == expected
    assert steps(execute(OPERATION, held.runner, policies=ALL)) == []


def test_another_mode_changes_the_bindings_only(held: ApiServer) -> None:
    changed = [{**REGISTRIES, "mode": "audit"}, LIMITS, TEAM]
    assert names(steps(execute(OPERATION, held.runner, policies=changed))) == {
        "update ValidatingAdmissionPolicyBinding/registries",
        "update ValidatingAdmissionPolicyBinding/registries.workloads",
    }


@pytest.mark.proves("policy:prune_all")
def test_what_is_no_longer_declared_goes_but_never_everything_by_accident(held: ApiServer) -> None:
    assert names(steps(execute(OPERATION, held.runner, policies=[REGISTRIES, LIMITS]))) == {
        "delete ValidatingAdmissionPolicy/team",
        "delete ValidatingAdmissionPolicyBinding/team",
    }
    refused = execute(OPERATION, held.runner, policies=[])
    assert refused["failed"]
    assert "prune_all" in refused["msg"]
    allowed = execute(OPERATION, held.runner, policies=[], prune_all=True)
    assert {step.split()[0] for step in names(steps(allowed))} == {"delete"}
    with Client(held.admin) as admin:
        assert admin.list(API, "ValidatingAdmissionPolicy", label_selector="lodestar.platform/policy") == []


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"validations": [{"expression": "object.spec.x ==", "message": "m"}]}, "spec.validations[0].expression"),
        ({"validations": [{"expression": "'text'", "message": "m"}]}, "must evaluate to bool"),
        (
            {"variables": {"x": "nothing.here"}, "validations": [{"expression": "true", "message": "m"}]},
            "spec.variables[0]",
        ),
    ],
)
def test_wrong_cel_is_refused_before_the_first_write(held: ApiServer, parameters: dict[str, t.Any], named: str) -> None:
    parameters = {"resources": [{"resources": ["pods"]}], **parameters}
    wrong = {"name": "wrong", "rule": "cel", "mode": "deny", "parameters": parameters}
    mark = held.audit.mark()
    answer = execute(OPERATION, held.runner, policies=[{**REGISTRIES, "mode": "warn"}, LIMITS, TEAM, wrong])
    assert answer["failed"]
    assert "policies[wrong]" in answer["msg"]
    assert named in answer["msg"]
    assert not [request for request in held.audit.since(mark) if request.writes]


def test_the_oldest_version_that_the_server_can_emulate_compiles_the_library(
    own: ApiServer, tmp_path_factory: pytest.TempPathFactory, tools: dict[str, Path]
) -> None:
    with Client(own.admin) as admin:
        oldest = f"1.{int(admin.version()['minor'].rstrip('+')) - 3}"
    everything = [*ALL, *POLICIES]
    declared = [{**item, "name": f"{item['name']}-{place}"} for place, item in enumerate(everything)]
    with ApiServer(tmp_path_factory.mktemp("old"), tools, f"--emulated-version=kube={oldest}") as server:
        with Client(server.admin) as admin:
            assert admin.version()["emulationMinor"] == oldest.split(".")[1]
        assert len(steps(execute(OPERATION, server.runner, policies=declared))) > 2 * len(declared)


@pytest.mark.proves("policy:cluster_exists")
def test_a_cluster_that_is_not_there_yet_is_planned_for(own: ApiServer) -> None:
    predicted = execute(OPERATION, own.runner, check=True, policies=ALL, cluster_exists=False)
    assert len([step for step in steps(predicted) if "ValidatingAdmission" in step]) == 8
    assert execute(OPERATION, own.runner, policies=ALL, cluster_exists=False)["failed"]


@pytest.mark.proves(
    "policy:cluster_role=global",
    "policy:cluster_role=workload",
    "policy:cluster_colocated",
    "policy:tier=lifecycle",
    "policy:tier=observe",
    "policy:tier=tenant",
)
def test_what_kind_of_cluster_it_is_decides_whether_policies_are_selected(held: ApiServer) -> None:
    def planned(policy: dict[str, t.Any], **given: t.Any) -> bool:
        answer = execute(OPERATION, held.runner, check=True, policies=[*ALL, policy], prune_all=True, **given)
        return "create ValidatingAdmissionPolicy/new" in names(steps(answer))

    new = {**TEAM, "name": "new"}
    assert planned(new)
    assert all(planned(new, cluster_role="workload", tier=tier) for tier in ("tenant", "lifecycle"))
    assert not planned(new, tier="observe")
    assert not planned(new, cluster_role="global")
    assert planned(new, cluster_role="global", cluster_colocated=True)
    assert planned({**new, "clusters": {"names": ["east"]}}, cluster_role="global")


@pytest.mark.proves("policy:adopt")
def test_a_policy_of_somebody_else_is_taken_only_when_told(held: ApiServer) -> None:
    name = "taken.policy.lodestar.platform"
    spec = {
        "matchConstraints": {"resourceRules": [{**PODS, "operations": ["CREATE"]}]},
        "validations": [{"expression": "true"}],
    }
    with Client(held.admin) as admin:
        kind = {"apiVersion": API, "kind": "ValidatingAdmissionPolicy"}
        admin.create({**kind, "metadata": {"name": name}, "spec": spec})
    declared = [*ALL, {**TEAM, "name": "taken"}]
    mark = held.audit.mark()
    refused = execute(OPERATION, held.runner, policies=declared)
    assert f"ValidatingAdmissionPolicy {name} exists and is not of this set" in refused["msg"]
    assert not [request for request in held.audit.since(mark) if request.writes]
    done = execute(OPERATION, held.runner, policies=declared, adopt=["ValidatingAdmissionPolicy"])
    assert names(steps(done)) == {
        "update ValidatingAdmissionPolicy/taken",
        "create ValidatingAdmissionPolicyBinding/taken",
    }
    assert "delete ValidatingAdmissionPolicyBinding/taken" in names(
        steps(execute(OPERATION, held.runner, policies=ALL))
    )
    with Client(held.admin) as admin:
        there = admin.get(API, "ValidatingAdmissionPolicy", name) or {}
        assert there["spec"]["validations"] == spec["validations"], "it is handed back"
        admin.delete(API, "ValidatingAdmissionPolicy", name)


PODS = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}


@pytest.mark.proves("policy:force")
def test_a_conflict_over_a_policy_is_named_and_decided_by_choice(held: ApiServer) -> None:
    name = "registries.policy.lodestar.platform"
    kind = {"apiVersion": API, "kind": "ValidatingAdmissionPolicy"}
    theirs = {**kind, "metadata": {"name": name}, "spec": {"failurePolicy": "Ignore"}}
    path = f"/apis/{API}/validatingadmissionpolicies/{name}?fieldManager=theirs&force=true"
    answer = Person(held, "system:masters").patch(path, theirs, "application/apply-patch+yaml")
    assert answer.status == 200
    mark = held.audit.mark()
    refused = execute(OPERATION, held.runner, policies=ALL)
    assert "theirs" in refused["msg"]
    assert not [request for request in held.audit.since(mark) if request.writes]
    done = execute(OPERATION, held.runner, policies=ALL, force=True)
    assert names(steps(done)) == {"update ValidatingAdmissionPolicy/registries"}
    assert steps(execute(OPERATION, held.runner, policies=ALL)) == []


@pytest.mark.proves("policy:exception_warning_days", "policies.exceptions.owner", "policies.exceptions.reason")
def test_who_answers_for_an_exception_is_told_before_it_ends(held: ApiServer) -> None:
    end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=5)
    ending = {"owner": "shop@example.org", "reason": "TICKET-7", "until": end.isoformat(), "namespaces": ["shop"]}

    def told(*exceptions: dict[str, t.Any], **given: t.Any) -> list[str]:
        policies = [{**REGISTRIES, "exceptions": list(exceptions)}, LIMITS, TEAM]
        return list(execute(OPERATION, held.runner, check=True, policies=policies, **given).get("warnings") or ())

    assert any("owner shop@example.org: TICKET-7" in line and "in 5.0 day(s)" in line for line in told(ending))
    assert told(ending, exception_warning_days=4) == []
    for key in ("owner", "reason", "until"):
        nameless = {name: value for name, value in ending.items() if name != key}
        policies = [{**REGISTRIES, "exceptions": [nameless]}]
        answer = execute(OPERATION, held.runner, policies=policies)
        assert [item["key"] for item in answer["problems"]] == [f"policies[registries].exceptions[0].{key}"]
