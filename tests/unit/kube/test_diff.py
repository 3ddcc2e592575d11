# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Comparison of declared and observed objects, as the API means them."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.kube.diff import changes, covers, project
from ansible_collections.lodestar.platform.plugins.module_utils.kube.quantity import same
from ansible_collections.lodestar.platform.plugins.module_utils.kube.redact import redact, redact_pair


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        ("1000m", "1", True),
        ("0.5", "500m", True),
        ("1Gi", "1024Mi", True),
        ("1Gi", "1G", False),
        ("1e3", "1k", True),
        ("1E", "1e18", True),
        (1, "1", True),
        (".5", "0.50", True),
        ("-1", "1", False),
        ("100n", "0.1u", True),
        ("abc", "abc", False),
        (True, "1", False),
        ("1e999999999", "1", False),
    ],
)
def test_quantities(left: t.Any, right: t.Any, equal: bool) -> None:
    assert same(left, right) is equal


def container(**content: t.Any) -> dict[str, t.Any]:
    return {"spec": {"containers": [{"name": "app", **content}]}}


@pytest.mark.parametrize(
    ("desired", "observed"),
    [
        ({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}, "d": 3}),
        ({"a": None}, {}),
        ({"a": []}, {}),
        ({"spec": {"hard": {"cpu": "1000m"}}}, {"spec": {"hard": {"cpu": "1"}}}),
        (
            container(image="i"),
            {"spec": {"containers": [{"name": "sidecar"}, {"name": "app", "image": "i", "tty": False}]}},
        ),
        (container(ports=[{"containerPort": 80}]), container(ports=[{"containerPort": 80, "protocol": "TCP"}])),
        (container(env=[{"name": "A", "value": "1"}]), container(env=[{"name": "B"}, {"name": "A", "value": "1"}])),
        (
            {"subjects": [{"kind": "User", "name": "a"}]},
            {"subjects": [{"kind": "User", "name": "a", "apiGroup": "rbac.authorization.k8s.io"}]},
        ),
        (
            {"spec": {"egress": [{"ports": [{"port": 53}]}]}},
            {"spec": {"egress": [{"ports": [{"port": 53, "protocol": "TCP"}]}]}},
        ),
        ({"metadata": {"finalizers": ["a"]}}, {"metadata": {"finalizers": ["b", "a"]}}),
        ({"kind": "Secret", "stringData": {"k": "v"}}, {"kind": "Secret", "data": {"k": "dg=="}}),
    ],
)
def test_what_is_declared_is_there(desired: t.Any, observed: t.Any) -> None:
    assert covers(desired, observed)


@pytest.mark.parametrize(
    ("desired", "observed", "paths"),
    [
        ({"a": {"b": 1}}, {"a": {"b": 2}}, ["a.b"]),
        ({"a": {"b": 1}}, {}, ["a"]),
        ({"a": {}}, {}, ["a"]),
        ({"a": True}, {"a": 1}, ["a"]),
        ({"a": [1, 2]}, {"a": [2, 1]}, ["a"]),
        ({"metadata": {"labels": {"v": "1000m"}}}, {"metadata": {"labels": {"v": "1"}}}, ["metadata.labels.v"]),
        (container(image="i"), container(image="j"), ["spec.containers[app].image"]),
        (container(image="i"), {"spec": {"containers": [{"name": "b"}]}}, ["spec.containers[app]"]),
        ({"rules": [{"verbs": ["get"]}]}, {"rules": [{"verbs": ["get", "delete"]}]}, ["rules"]),
        (
            {"ingress": [{"from": [{"podSelector": {}}]}]},
            {"ingress": [{"from": [{"podSelector": {}, "namespaceSelector": {}}]}]},
            ["ingress"],
        ),
        ({"kind": "Secret", "stringData": {"k": "v"}}, {"kind": "Secret", "data": {"k": "eA=="}}, ["data.k"]),
    ],
)
def test_what_differs_is_named(desired: t.Any, observed: t.Any, paths: list[str]) -> None:
    assert changes(observed, desired) == paths


def test_a_projection_keeps_the_declared_spelling_of_what_means_the_same() -> None:
    observed = {"spec": {"hard": {"cpu": "1", "pods": "9"}, "scopes": []}, "status": {}}
    assert project(observed, {"spec": {"hard": {"cpu": "1000m", "pods": "5"}}}) == {
        "spec": {"hard": {"cpu": "1000m", "pods": "9"}}
    }


def test_secrets_are_hidden_wherever_they_are() -> None:
    secret = {
        "kind": "Secret",
        "metadata": {
            "name": "s",
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "canary", "other": "kept"},
            "managedFields": [{"manager": "x"}],
        },
        "data": {"k": "canary"},
        "stringData": {"l": "canary"},
    }
    for shown in (redact(secret), redact({"items": [{"nested": secret}]}), redact({**secret, "data": "canary"})):
        assert "canary" not in str(shown)
    assert "'other': 'kept'" in str(redact(secret))
    assert "managedFields" not in str(redact(secret))
    copied = {"kind": "ConfigMap", "metadata": secret["metadata"], "data": {"k": "shown"}}
    assert "canary" not in str(redact(copied))
    assert redact(copied)["data"] == {"k": "shown"}


def test_a_changed_secret_value_still_shows_as_a_change() -> None:
    left, right = redact_pair(
        {"kind": "Secret", "data": {"a": "1", "b": "2"}}, {"kind": "Secret", "data": {"a": "1", "b": "3"}}
    )
    assert left["data"]["a"] == right["data"]["a"]
    assert left["data"]["b"] != right["data"]["b"]
