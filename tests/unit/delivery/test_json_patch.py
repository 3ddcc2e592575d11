# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""JSON patches as RFC 6902 has them, and what is no patch of an object."""

from __future__ import annotations

import copy
import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.delivery.content import Content, read_content
from ansible_collections.lodestar.platform.plugins.module_utils.delivery.json_patch import PatchFailed, patched
from ansible_collections.lodestar.platform.plugins.module_utils.delivery.model import read_all, validate
from ansible_collections.lodestar.platform.plugins.module_utils.errors import InvalidInput

Object = dict[str, t.Any]
SECRET = "hunter2"


def op(action: str, path: str, **given: t.Any) -> Object:
    return {"op": action, "path": path, **given}


@pytest.mark.parametrize(
    ("document", "operations", "found"),
    [
        # The examples of RFC 6902, appendix A; those that must fail are below.
        ({"foo": "bar"}, [op("add", "/baz", value="qux")], {"baz": "qux", "foo": "bar"}),
        ({"foo": ["bar", "baz"]}, [op("add", "/foo/1", value="qux")], {"foo": ["bar", "qux", "baz"]}),
        ({"baz": "qux", "foo": "bar"}, [op("remove", "/baz")], {"foo": "bar"}),
        ({"foo": ["bar", "qux", "baz"]}, [op("remove", "/foo/1")], {"foo": ["bar", "baz"]}),
        ({"baz": "qux", "foo": "bar"}, [op("replace", "/baz", value="boo")], {"baz": "boo", "foo": "bar"}),
        (
            {"foo": {"bar": "baz", "waldo": "fred"}, "qux": {"corge": "grault"}},
            [op("move", "/qux/thud", **{"from": "/foo/waldo"})],
            {"foo": {"bar": "baz"}, "qux": {"corge": "grault", "thud": "fred"}},
        ),
        (
            {"foo": ["all", "grass", "cows", "eat"]},
            [op("move", "/foo/3", **{"from": "/foo/1"})],
            {"foo": ["all", "cows", "eat", "grass"]},
        ),
        (
            {"baz": "qux", "foo": ["a", 2, "c"]},
            [op("test", "/baz", value="qux"), op("test", "/foo/1", value=2)],
            {"baz": "qux", "foo": ["a", 2, "c"]},
        ),
        ({"foo": "bar"}, [op("add", "/child", value={"grandchild": {}})], {"foo": "bar", "child": {"grandchild": {}}}),
        ({"foo": "bar"}, [op("add", "/baz", value="qux", xyz=123)], {"foo": "bar", "baz": "qux"}),
        ({"/": 9, "~1": 10}, [op("test", "/~01", value=10)], {"/": 9, "~1": 10}),
        ({"foo": ["bar"]}, [op("add", "/foo/-", value=["abc", "def"])], {"foo": ["bar", ["abc", "def"]]}),
        # Beyond them: the whole document, the empty name, and what stands there already.
        ({"foo": 1}, [op("add", "", value={"bar": 2})], {"bar": 2}),
        ({"": 1}, [op("replace", "/", value=2)], {"": 2}),
        (
            {"a": {"b": 1}},
            [op("copy", "/c", **{"from": "/a"}), op("add", "/c/b", value=2)],
            {"a": {"b": 1}, "c": {"b": 2}},
        ),
        ({"a": 1}, [op("add", "/a", value=None)], {"a": None}),
        ({"a": 1}, [op("move", "/a", **{"from": "/a"})], {"a": 1}),
        ([], [op("add", "/0", value=1), op("add", "/1", value=2)], [1, 2]),
        ({"a": [1.0]}, [op("test", "", value={"a": [1]})], {"a": [1.0]}),
    ],
)  # fmt: skip
def test_operations(document: t.Any, operations: list[Object], found: t.Any) -> None:
    before = copy.deepcopy(document)
    assert patched(document, operations) == found
    assert document == before


@pytest.mark.parametrize(
    ("document", "operation", "words"),
    [
        ({"baz": "qux"}, op("test", "/baz", value="bar"), "something else"),
        ({"foo": "bar"}, op("add", "/baz/bat", value="qux"), "there is no /baz"),
        ({"/": 9, "~1": 10}, op("test", "/~01", value="10"), "something else"),
        ({"a": [1]}, op("remove", "/a/1"), "shorter"),
        ({"a": [1]}, op("add", "/a/2", value=1), "shorter"),
        ({"a": [1]}, op("replace", "/a/-", value=1), "number"),
        ({"a": [1, 2]}, op("remove", "/a/01"), "number"),
        ({"a": {}}, op("replace", "/a/b", value=1), "there is no /a/b"),
        ({"a": "text"}, op("add", "/a/b", value=1), "no parts"),
        ({"a": {"b": 1}}, op("move", "/a/b/c", **{"from": "/a"}), "into itself"),
        ({"a": 1}, op("test", "/a", value=True), "something else"),
        ({"a": 1}, op("remove", ""), "whole document"),
        ({"a~b": 1}, op("copy", "/c", **{"from": "/a~0c"}), "there is no /a~0c"),
    ],
)  # fmt: skip
def test_what_fails_says_where(document: t.Any, operation: Object, words: str) -> None:
    before = copy.deepcopy(document)
    with pytest.raises(PatchFailed, match=r"^operation 1 ") as failed:
        patched(document, [op("test", "", value=document), operation])
    assert words in str(failed.value)
    assert document == before


def delivery(*operations: Object, **changes: t.Any) -> Object:
    metadata = {"name": "settings", "namespace": "shop"}
    content = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": SECRET}}
    patch = {"target": {"kind": "ConfigMap"}, "json_patch": list(operations)}
    return {"name": "shop", "objects": [content], "patches": [patch], **changes}


def held(item: Object) -> list[Object]:
    (one,) = read_all([item])
    return list(Content(one, read_content(one, {}), ["east"], {}).of({"name": "east", "labels": {}}))


def test_it_is_applied_to_its_targets_and_a_failure_names_all_three() -> None:
    assert held(delivery(op("copy", "/data/b", **{"from": "/data/a"})))[0]["data"] == {"a": SECRET, "b": SECRET}
    with pytest.raises(InvalidInput) as failed:
        held(delivery(op("test", "/data/a", value="other")))
    (problem,) = failed.value.problems
    assert problem.key == "deliveries[shop].patches[0].json_patch on east"
    assert problem.value == "v1/ConfigMap/shop/settings"
    assert "operation 0 (test /data/a)" in problem.reason
    assert SECRET not in str(problem)


@pytest.mark.parametrize(
    ("patch", "key", "words"),
    [
        ({"json_patch": []}, "json_patch", "no operation"),
        ({"json_patch": {"op": SECRET}}, "json_patch", "not a list"),
        ({"json_patch": [SECRET]}, "json_patch[0]", "mapping"),
        ({"json_patch": [op("add", "/data/a", value=1)], "patch": {"a": 1}}, "json_patch", "either"),
        ({"json_patch": [op("set", "/data/a", value=SECRET)]}, "json_patch[0].op", "choice"),
        ({"json_patch": [op("add", "data/a", value=SECRET)]}, "json_patch[0].path", "JSON pointer"),
        ({"json_patch": [op("add", "/data/~a", value=SECRET)]}, "json_patch[0].path", "JSON pointer"),
        ({"json_patch": [op("add", "/data/a")]}, "json_patch[0].value", "needs it"),
        ({"json_patch": [op("copy", "/data/a")]}, "json_patch[0].from", "JSON pointer"),
        ({"json_patch": [op("remove", "/data/a", value=SECRET)]}, "json_patch[0].value", "is not for remove"),
        ({"json_patch": [op("add", "/data/a", valeu=SECRET, value=1)]}, "json_patch[0].valeu", "known key"),
        ({"json_patch": [op("replace", "/metadata/name", value="x")]}, "json_patch: path", "another object"),
        ({"json_patch": [op("move", "/data/a", **{"from": "/kind"})]}, "json_patch: path", "another object"),
        ({"json_patch": [op("replace", "", value={})]}, "json_patch: path", "another object"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_and_no_value_is_told(patch: Object, key: str, words: str) -> None:
    item = delivery()
    problems = validate([{**item, "patches": [{"target": {"kind": "ConfigMap"}, **patch}]}])
    assert [problem.key for problem in problems] == [f"deliveries[shop].patches[0].{key}"]
    assert words in str(problems[0])
    assert SECRET not in str(problems[0])


@pytest.mark.parametrize("path", ["/spec/replicas", "/spec"])
def test_divided_replicas_are_left_alone(path: str) -> None:
    problems = validate([delivery(op("add", path, value=1), replicas={"division": "capacity"})])
    assert "divided" in str(problems[0])
    for harmless in (op("add", "/spec/paused", value=True), op("test", "/spec/replicas", value=1)):
        assert not validate([delivery(harmless, replicas={"division": "capacity"})])
