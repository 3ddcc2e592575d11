# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Declared objects: what is made of them, what is refused, and in which order they go."""

from __future__ import annotations

import datetime
import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.errors import InvalidInput
from ansible_collections.lodestar.platform.plugins.module_utils.kube.applyset import (
    DIGEST,
    PART_OF,
    ApplySet,
    digest,
    set_id,
)
from ansible_collections.lodestar.platform.plugins.module_utils.kube.desired import normalise, wave_of
from ansible_collections.lodestar.platform.plugins.module_utils.kube.operate import plan
from ansible_collections.lodestar.platform.plugins.module_utils.kube.resources import STATIC, from_discovery, object_id
from ansible_collections.lodestar.platform.plugins.module_utils.kube.sources import read_objects
from ansible_collections.lodestar.platform.plugins.module_utils.operation import Context


def obj(kind: str, name: str = "x", api_version: str = "v1", **content: t.Any) -> dict[str, t.Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **content}


def test_what_servers_add_is_dropped_and_lists_are_unfolded() -> None:
    read = obj("Secret", stringData={"k": "v"}, status={"a": 1}, type=None)
    read["metadata"].update(uid="u", managedFields=[], creationTimestamp=None, labels={"a": "b"})
    listed = {"apiVersion": "v1", "kind": "List", "items": [read]}
    assert normalise([listed]) == [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "x", "labels": {"a": "b"}},
            "data": {"k": "dg=="},
        }
    ]


def test_every_malformed_object_is_named_at_once() -> None:
    wrong = ["text", {"kind": "pod"}, obj("ConfigMap", ""), {**obj("ConfigMap"), "apiVersion": "1.0"}]
    labelled = obj("ConfigMap")
    labelled["metadata"]["labels"] = {PART_OF: "mine"}
    with pytest.raises(InvalidInput) as refusal:
        normalise([*wrong, labelled])
    keys = {problem.key for problem in refusal.value.problems}
    assert {"objects[0]", "objects[1]: kind", "objects[2]: metadata.name", "objects[3]: apiVersion"} <= keys
    assert any(key.startswith("objects[4]: metadata.labels") for key in keys)


def test_a_date_that_ansible_has_read_is_text() -> None:
    day = datetime.date(2027, 1, 1)
    moment = datetime.datetime(2027, 1, 1, 10, tzinfo=datetime.UTC)
    [made] = normalise([obj("ConfigMap", data={"day": day, "moment": moment})])
    assert made["data"] == {"day": "2027-01-01", "moment": "2027-01-01T10:00:00+00:00"}


@pytest.mark.parametrize("value", [918273640519, True, 1.5, ["canary"], {"canary": 1}])
@pytest.mark.parametrize("field", ["data", "stringData"])
def test_a_secrets_value_that_is_no_text_is_named_without_it(field: str, value: t.Any) -> None:
    with pytest.raises(InvalidInput) as refusal:
        normalise([obj("Secret", **{field: {"pin": value, "fine": "x", "gone": None}})])
    [problem] = refusal.value.problems
    assert (problem.key, problem.value) == (f"objects[0]: {field}.pin", "(not shown)")
    assert "must be text" in problem.reason
    assert not any(hidden in str(refusal.value) for hidden in ("canary", "918273640519", "True", "1.5"))


def test_an_object_that_stands_twice_is_refused_across_versions() -> None:
    with pytest.raises(InvalidInput):
        normalise([obj("Thing", api_version="a.example/v1"), obj("Thing", api_version="a.example/v2")])
    assert len(normalise([obj("Thing", api_version="a.example/v1"), obj("Thing", api_version="b.example/v1")])) == 2


def test_waves_put_what_is_needed_first_and_delete_in_reverse() -> None:
    rbac = "rbac.authorization.k8s.io/v1"
    order = [
        obj("Namespace"),
        obj("ClusterRole", api_version=rbac),
        obj("ClusterRoleBinding", api_version=rbac),
        obj("Anything", api_version="x.example/v1"),
        obj("Deployment", api_version="apps/v1"),
        obj("ValidatingAdmissionPolicyBinding", api_version="admissionregistration.k8s.io/v1"),
    ]
    waves = [wave_of(item) for item in order]
    assert waves == sorted(set(waves))
    deletes = [wave_of(item, delete=True) for item in reversed(order)]
    assert deletes == sorted(set(deletes))
    assert min(deletes) > max(waves)
    # A custom resource that is called like a built-in kind is a custom resource.
    assert wave_of(obj("Namespace", api_version="x.example/v1")) == wave_of(order[3])


@pytest.mark.parametrize(("name", "waits"), [("admin", False), ("view", False), ("made-here", True)])
def test_a_binding_waits_for_no_role_that_every_server_has(name: str, waits: bool) -> None:
    rbac = "rbac.authorization.k8s.io/v1"
    binding = {**obj("RoleBinding", api_version=rbac), "roleRef": {"kind": "ClusterRole", "name": name}}
    roles = wave_of(obj("ClusterRole", api_version=rbac))
    assert (wave_of(binding) > roles) == waits
    assert (wave_of(binding, delete=True) < wave_of(obj("ClusterRole", api_version=rbac), delete=True)) == waits
    own = {**binding, "roleRef": {"kind": "Role", "name": name}}
    assert wave_of(own) > roles


def test_the_id_of_a_set_follows_the_kep() -> None:
    # The id that kubectl's own tests expect for the Secret my-set in the namespace test.
    assert set_id("my-set", "test", "Secret") == "applyset-0eFHV8ySqp7XoShsGvyWFQD3s96yqwHmzc4e0HR1dsY-v1"
    assert ApplySet("demo").id == set_id("applyset-demo", "lodestar-system", "ConfigMap")
    member = ApplySet("demo").member(obj("ConfigMap"))
    assert member["metadata"]["labels"] == {PART_OF: ApplySet("demo").id}
    assert member["metadata"]["annotations"][DIGEST] == digest(obj("ConfigMap"))


def test_a_digest_of_a_secret_says_nothing_of_its_values() -> None:
    assert digest(obj("Secret", data={"k": "a"})) == digest(obj("Secret", data={"k": "b"}))
    assert digest(obj("Secret", data={"k": "a"})) != digest(obj("Secret", data={"l": "a"}))
    assert digest(obj("ConfigMap", data={"k": "a"})) != digest(obj("ConfigMap", data={"k": "b"}))


@pytest.mark.parametrize("name", ["..", "a/b", "", "a%2f", "a b", "a\n"])
def test_names_that_would_be_another_path_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        STATIC["v1", "ConfigMap"].path("default", name)


def test_paths_of_kinds() -> None:
    role = STATIC["rbac.authorization.k8s.io/v1", "ClusterRole"]
    assert role.path(name="system:node") == "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:node"
    assert STATIC["v1", "Pod"].path("a", "b", "status") == "/api/v1/namespaces/a/pods/b/status"
    assert STATIC["v1", "Pod"].path() == "/api/v1/pods"
    found = from_discovery(
        "v1",
        {"resources": [{"name": "pods", "kind": "Pod", "namespaced": True}, {"name": "pods/status", "kind": "Pod"}]},
    )
    assert found == {"Pod": STATIC["v1", "Pod"]}
    assert object_id({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "b", "namespace": "a"}}) == "v1/Pod/a/b"


def test_objects_come_as_mappings_texts_or_both() -> None:
    text = "a: 1\n---\n- b: 2\n- c: 3\n---\n"
    assert [obj for _where, obj in read_objects(text)] == [{"a": 1}, {"b": 2}, {"c": 3}]
    assert read_objects([text, {"d": 4}]) == [
        ("objects[0], document 1", {"a": 1}),
        ("objects[0], document 2[0]", {"b": 2}),
        ("objects[0], document 2[1]", {"c": 3}),
        ("objects[1]", {"d": 4}),
    ]


@pytest.mark.parametrize("name", ["tenancy", "Upper", "a" * 60, "-a"])
def test_a_set_must_have_a_name_of_its_own(name: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        plan({"objects": [], "applyset": name, "namespace": "n", "force": False}, Context(environ={}))
    assert "applyset" in str(refusal.value)
