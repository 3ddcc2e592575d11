# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""JSON is read as what it is, and whatever is wrong with it is told as for YAML, by line."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.errors import InvalidInput
from ansible_collections.lodestar.platform.plugins.module_utils.kube import documents
from ansible_collections.lodestar.platform.plugins.module_utils.kube.documents import load_all

DOCUMENT = {
    "kind": "List",
    "items": [{"a": None, "b": [True, 1, -0.5, "2026-01-01", "yes", "\u00e9 \u2026"], "c": {}, "d": []}],
}


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


@pytest.mark.parametrize("text", [json.dumps(DOCUMENT), json.dumps(DOCUMENT, indent=2), f"\n {json.dumps(DOCUMENT)}\n"])
def test_json_is_what_yaml_says_of_it(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    as_yaml = load_all(f"---\n{text.strip()}", "objects")
    monkeypatch.setattr(documents, "_loader_class", None)  # nobody asks YAML
    assert load_all(text, "objects") == as_yaml == [DOCUMENT]


@pytest.mark.parametrize(
    ("text", "document"),
    [
        ("{a: 1, b: [x]}", {"a": 1, "b": ["x"]}),
        ("{a: &x [1], b: *x}", {"a": [1], "b": [1]}),
        ('{"a": 1} # a comment', {"a": 1}),
        ('{"a": 1e3}', {"a": 1000.0}),
        ('{"a": "\\ud83d\\ude00"}', {"a": "\U0001f600"}),
        (nested(documents.MAX_DEPTH), json.loads(nested(documents.MAX_DEPTH))),
    ],
)
def test_what_begins_like_json(text: str, document: t.Any) -> None:
    assert load_all(text, "objects") == [document]


def test_several_documents_in_braces_are_yaml() -> None:
    assert load_all('{"a": 1}\n---\n{"b": 2}', "objects") == [{"a": 1}, {"b": 2}]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"a": 1,\n "a": 2}', "line 2"),
        ('{"a": {"b": 1, "b": 2}}', "the key 'b' stands twice"),
        ('{"a": "\\ud83d"}', "is not valid YAML"),
        ('{"a": ', "is not valid YAML"),
        (nested(documents.MAX_DEPTH + 1), f"nests deeper than {documents.MAX_DEPTH}"),
        (nested(5000), f"nests deeper than {documents.MAX_DEPTH}"),
        (f"[{'0,' * documents.MAX_NODES}0]", f"more than {documents.MAX_NODES} values"),
    ],
)
def test_what_is_wrong_is_told(text: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        load_all(text, "objects")
    assert reason in str(refusal.value)
