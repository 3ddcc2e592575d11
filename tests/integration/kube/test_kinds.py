# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every kind that a real API server has built in: an object of it is applied, and nothing of it differs afterwards."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.kube.rehearse import rehearse

from ..harness.apiserver import ApiServer
from ..harness.samples import NOT_KEPT, samples
from .test_apply import edit, plan, run

SET = "samples"


def served(client: Client) -> dict[str, bool]:
    """The kinds of the server by name, in any version of their group: whether they live in a namespace."""
    groups = client.request("GET", "/apis")["groups"]
    versions = ["v1", *(item["groupVersion"] for group in groups for item in group["versions"])]
    own = [version for version in versions if "." not in version or version.partition("/")[0].endswith(".k8s.io")]
    return {kind: resource.namespaced for version in own for kind, resource in (client.served(version) or {}).items()}


@pytest.fixture(scope="module")
def objects(api: ApiServer) -> t.Iterator[list[dict[str, t.Any]]]:
    """A sample of every kind, applied, and taken away again, since others share the server."""
    found = []
    with Client(api.runner) as client:
        known = served(client)
        for obj in samples(SET):
            if not known[obj["kind"]]:
                del obj["metadata"]["namespace"]
            found.append(obj)
        run(client, found, SET)
        yield found
        run(client, [], SET, prune_all=True)


def test_there_is_a_sample_of_every_kind_that_is_built_in(client: Client, objects: list[dict[str, t.Any]]) -> None:
    """A new version of Kubernetes brings new ones."""
    missing = set(served(client)) - {obj["kind"] for obj in objects} - set(NOT_KEPT)
    assert missing == set()


def test_nothing_of_what_was_applied_differs(client: Client, objects: list[dict[str, t.Any]]) -> None:
    assert [(step.id, step.before, step.after) for step in plan(client, objects, SET)] == []


def test_a_selector_that_somebody_narrowed_or_emptied_is_taken_back(
    api: ApiServer, client: Client, prefix: str
) -> None:
    """The API replaces a selector as a whole, so what is added to it is another selector."""
    metadata = {"name": prefix, "namespace": "default"}
    deny = {"podSelector": {}, "policyTypes": ["Ingress"]}
    service = {"selector": {"app": "shop"}, "ports": [{"port": 80}]}
    objects = [
        {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": deny},
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": service},
    ]
    run(client, objects, prefix)
    narrowed = {"spec": {"podSelector": {"matchLabels": {"app": "mine"}}}}
    edit(api, f"/apis/networking.k8s.io/v1/namespaces/default/networkpolicies/{prefix}", narrowed)
    edit(api, f"/api/v1/namespaces/default/services/{prefix}", {"spec": {"selector": {"tier": "back"}}})
    found = {step.id.split("/")[-3]: step for step in run(client, objects, prefix)}
    assert {step.action for step in found.values()} == {"update"}
    fields = {kind: [item["path"] for item in step.as_dict()["cause"]["fields"]] for kind, step in found.items()}
    assert fields == {"NetworkPolicy": ["spec.podSelector"], "Service": ["spec.selector"]}
    assert (found["NetworkPolicy"].before or {})["spec"]["podSelector"] == narrowed["spec"]["podSelector"]
    assert (found["Service"].before or {})["spec"]["selector"] == {"app": "shop", "tier": "back"}
    assert plan(client, objects, prefix) == []
    there = client.get("networking.k8s.io/v1", "NetworkPolicy", prefix, "default") or {}
    assert there["spec"]["podSelector"] == {}


def test_a_policy_that_somebody_switched_off_is_switched_on(api: ApiServer, client: Client, prefix: str) -> None:
    admission = "admissionregistration.k8s.io/v1"
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["bindings"]}
    always, never = ({"name": name, "expression": name} for name in ("true", "false"))
    spec = {"matchConstraints": {"resourceRules": [rule]}, "validations": [{"expression": "true"}]}
    spec["matchConditions"] = [always]
    policy = {"apiVersion": admission, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": prefix}, "spec": spec}
    run(client, [policy], prefix)
    path = f"/apis/{admission}/validatingadmissionpolicies/{prefix}"
    for changed, field in (
        ({"matchConditions": [always, never]}, "spec.matchConditions"),
        ({"matchConstraints": {"objectSelector": {"matchLabels": {"app": "mine"}}}}, "spec.matchConstraints"),
    ):
        edit(api, path, {"spec": changed})
        [step] = run(client, [policy], prefix)
        assert [item["path"] for item in step.as_dict()["cause"]["fields"]] == [field]
        there = (client.get(admission, "ValidatingAdmissionPolicy", prefix) or {})["spec"]
        assert there["matchConditions"] == [always]
        assert there["matchConstraints"]["objectSelector"] == {}
        assert plan(client, [policy], prefix) == []


@pytest.mark.parametrize(("declared", "edited"), [(["Deny", "Audit"], ["Warn"]), (["Audit"], ["Audit", "Deny"])])
def test_what_a_policy_does_is_put_back(
    api: ApiServer, client: Client, prefix: str, declared: list[str], edited: list[str]
) -> None:
    """The API merges this list: applying it alone would leave what somebody has put there, or be refused for it."""
    admission, metadata = "admissionregistration.k8s.io/v1", {"name": prefix}
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["bindings"]}
    policy = {"matchConstraints": {"resourceRules": [rule]}, "validations": [{"expression": "true"}]}
    binding = {"policyName": prefix, "validationActions": declared}
    objects = [
        {"apiVersion": admission, "kind": "ValidatingAdmissionPolicy", "metadata": metadata, "spec": policy},
        {"apiVersion": admission, "kind": "ValidatingAdmissionPolicyBinding", "metadata": metadata, "spec": binding},
    ]
    run(client, objects, prefix)
    path = f"/apis/{admission}/validatingadmissionpolicybindings/{prefix}"
    edit(api, path, {"spec": {"validationActions": edited}})
    [predicted] = steps = plan(client, objects, prefix)
    assert predicted.as_dict()["cause"]["fields"][0]["path"] == "spec.validationActions"
    assert [item["id"] for item in rehearse(client, steps)["not_rehearsed"]] == [predicted.id]
    [done] = run(client, objects, prefix)
    assert done.as_dict() == predicted.as_dict()
    there = client.get(admission, "ValidatingAdmissionPolicyBinding", prefix) or {}
    assert sorted(there["spec"]["validationActions"]) == sorted(declared)
    assert plan(client, objects, prefix) == []
