# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What in-process code sees of a task's arguments."""

from __future__ import annotations

import typing as t

from ansible.template import trust_as_template
from ansible_collections.lodestar.platform.plugins.plugin_utils.in_process import plain


def types(value: t.Any) -> set[type]:
    """The exact types of a value and of everything in it."""
    found = {type(value)}
    if isinstance(value, dict):
        for key, item in value.items():
            found |= types(key) | types(item)
    elif isinstance(value, list):
        for item in value:
            found |= types(item)
    return found


def test_tagged_values_become_what_a_module_would_get() -> None:
    tagged = {trust_as_template("a"): [trust_as_template("b"), {"count": 1, "on": True, "share": 0.5, "none": None}]}
    assert types(tagged) - {dict, list, str, int, bool, float, type(None)}, "the premise: there are tags"
    answer = plain(tagged)
    assert answer == {"a": ["b", {"count": 1, "on": True, "share": 0.5, "none": None}]}
    assert types(answer) <= {dict, list, str, int, bool, float, type(None)}
