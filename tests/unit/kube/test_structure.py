# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a custom resource fits the definition that comes with it."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.kube.structure import misfits, schema_of

SPEC = {
    "type": "object",
    "required": ["size"],
    "properties": {
        "size": {"type": "integer"},
        "mode": {"type": "string", "enum": ["fast", "safe"]},
        "port": {"x-kubernetes-int-or-string": True},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "template": {
            "type": "object",
            "x-kubernetes-embedded-resource": True,
            "properties": {"spec": {"type": "object"}},
        },
        "items": {"type": "array", "items": {"type": "object", "properties": {"on": {"type": "boolean"}}}},
        "share": {"type": "number"},
    },
}
SCHEMA = {
    "type": "object",
    "required": ["spec", "metadata"],
    "properties": {"spec": SPEC, "status": {"type": "object"}},
}


def thing(**spec: t.Any) -> dict[str, t.Any]:
    return {"apiVersion": "a.example/v1", "kind": "Thing", "metadata": {"name": "x"}, "spec": {"size": 1, **spec}}


@pytest.mark.parametrize(
    "spec",
    [
        {"mode": "safe", "port": "http", "share": 1, "labels": {"a": "b"}, "free": {"x": {"y": [1]}}},
        {
            "port": 80,
            "share": 0.5,
            "items": [{"on": True}, {}],
            "template": {"kind": "Pod", "metadata": {}, "spec": {}},
        },
    ],
)
def test_what_fits(spec: dict[str, t.Any]) -> None:
    assert misfits(SCHEMA, thing(**spec)) == []


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"sise": 1}, "spec.sise: is an unknown field"),
        ({"size": "1"}, "spec.size: is no integer"),
        ({"size": True}, "spec.size: is no integer"),
        ({"mode": "slow"}, "spec.mode: is none of fast, safe"),
        ({"port": 1.5}, "spec.port: is neither a whole number nor text"),
        ({"labels": {"a": 1}}, "spec.labels.a: is no string"),
        ({"items": [{"on": True}, {"on": "yes"}]}, "spec.items[1].on: is no boolean"),
        ({"template": {"spec": {"x": 1}}}, "spec.template.spec.x: is an unknown field"),
    ],
)
def test_what_does_not_fit_is_named_with_its_path(spec: dict[str, t.Any], said: str) -> None:
    assert misfits(SCHEMA, thing(**spec)) == [said]


def test_what_is_required_and_which_definition_counts() -> None:
    lacking = thing()
    del lacking["spec"]["size"]
    assert misfits(SCHEMA, lacking) == ["spec.size: is required"]
    versions = [{"name": "v1", "schema": {"openAPIV3Schema": SCHEMA}}]
    crd = {"spec": {"group": "a.example", "names": {"kind": "Thing"}, "versions": versions}}
    assert schema_of(crd, "a.example/v1", "Thing") == SCHEMA
    assert schema_of(crd, "a.example/v2", "Thing") is None
    assert schema_of(crd, "a.example/v1", "Other") is None
