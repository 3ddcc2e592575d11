# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fields that are left to others: which rules are read, and when a field is left out."""

from __future__ import annotations

import copy
import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.errors import InvalidInput
from ansible_collections.lodestar.platform.plugins.module_utils.kube import ignore
from ansible_collections.lodestar.platform.plugins.module_utils.kube.applyset import ApplySet

SET = ApplySet("shop")


def web(**spec: t.Any) -> dict[str, t.Any]:
    container = {"name": "app", "image": "app:1"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"replicas": 2, "containers": [container], **spec},
    }


def there(manager: str, fields: dict[str, t.Any], **spec: t.Any) -> dict[str, t.Any]:
    found = SET.member(web(**spec))
    entry = {"manager": manager, "operation": "Update", "fieldsV1": fields}
    return {**found, "metadata": {**found["metadata"], "managedFields": [entry]}}


def rules(*paths: str, **match: t.Any) -> list[ignore.Rule]:
    return ignore.read([{"paths": list(paths), **match}])


REPLICAS = {"f:spec": {"f:replicas": {}}}
IMAGE = {"f:spec": {"f:containers": {'k:{"name":"app"}': {"f:image": {}}}}}


def test_a_field_that_another_manager_holds_is_left_out() -> None:
    declared = SET.member(web())
    before = copy.deepcopy(declared)
    left = ignore.without_ignored(declared, there("autoscaler", REPLICAS), rules("spec.replicas"))
    assert "replicas" not in left["spec"]
    assert left["metadata"] == declared["metadata"], "the digest is of all that is declared"
    assert declared == before
    named = rules("spec.containers[name=app].image", kind="Deploy*", group="apps", namespace="shop")
    left = ignore.without_ignored(declared, there("updater", IMAGE), named)
    assert left["spec"]["containers"] == [{"name": "app"}]


@pytest.mark.parametrize(
    ("match", "manager", "fields"),
    [
        ({}, "lodestar", REPLICAS),
        ({}, "autoscaler", IMAGE),
        ({"kind": "StatefulSet"}, "autoscaler", REPLICAS),
        ({"namespace": "other"}, "autoscaler", REPLICAS),
        ({"group": ""}, "autoscaler", REPLICAS),
    ],
    ids=["ours", "another field", "another kind", "another namespace", "another group"],
)
def test_a_field_is_declared_where_nobody_else_holds_it(
    match: dict[str, str], manager: str, fields: dict[str, t.Any]
) -> None:
    declared = SET.member(web())
    assert ignore.without_ignored(declared, there(manager, fields), rules("spec.replicas", **match)) is declared


def test_a_field_that_somebody_took_away_stays_away_until_it_is_declared_anew() -> None:
    gone = there("lodestar", {})
    del gone["spec"]["replicas"]
    declared = SET.member(web())
    assert "replicas" not in ignore.without_ignored(declared, gone, rules("spec.replicas"))["spec"]
    anew = SET.member(web(replicas=3))
    assert ignore.without_ignored(anew, gone, rules("spec.replicas"))["spec"]["replicas"] == 3


@pytest.mark.parametrize(
    "path", ["", "spec..x", "spec.[x]", "metadata", "kind", "metadata.name", "metadata.labels", "spec.a[b", "a b[=]"]
)
def test_a_path_that_is_none_or_says_which_object_it_is_is_refused(path: str) -> None:
    with pytest.raises(InvalidInput, match=r"ignore\[0\].paths\[0\]"):
        rules(path)


def test_the_set_keeps_its_label_and_keys_with_dots_are_quoted() -> None:
    for path in (
        'metadata.labels["applyset.kubernetes.io/part-of"]',
        'metadata.annotations["lodestar.platform/digest"]',
    ):
        with pytest.raises(InvalidInput):
            rules(path)
    assert rules('metadata.annotations["a.example/x"]')[0].paths == (("metadata", "annotations", "a.example/x"),)
    with pytest.raises(InvalidInput, match="names no field"):
        rules()


def test_a_rule_that_is_about_nothing_is_told() -> None:
    found = rules("spec.replicas", kind="Deploymet") + rules("spec.replicas")
    assert ignore.unmatched(found, [web()]) == ["ignore[0] matches none of the declared objects"]
