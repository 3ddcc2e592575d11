# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kinds that may be taken over are named."""

from __future__ import annotations

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.errors import InvalidInput
from ansible_collections.lodestar.platform.plugins.module_utils.kube.adopt import kinds


def test_kinds_are_named() -> None:
    assert kinds({"adopt": ["Namespace", "all", ""]}) == {"Namespace", "all"}
    assert kinds({"adopt": []}) == frozenset()


@pytest.mark.parametrize("item", ["True", "False", "namespaces", "v1/Namespace", "Name space"])
def test_what_is_no_kind_is_refused(item: str) -> None:
    with pytest.raises(InvalidInput, match="like Namespace, or all"):
        kinds({"adopt": [item]})
