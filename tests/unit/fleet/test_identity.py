# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who a cluster is: every confusion is refused with both names."""

from __future__ import annotations

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.errors import Refused
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.identities import guard_modes
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.identity import (
    Mark,
    guard_mark,
    guard_uid,
    guard_unique,
    read_mark,
)


def test_a_mark_is_read_back() -> None:
    namespace = {"metadata": {"annotations": Mark("hub", "east").annotations()}}
    assert read_mark(namespace) == Mark("hub", "east")
    assert read_mark({"metadata": {"annotations": {"lodestar.platform/hub-uid": "hub"}}}) is None
    assert read_mark(None) is None


@pytest.mark.parametrize(
    ("hub_uid", "mark", "reason"),
    [
        ("hub", None, None),
        ("hub", Mark("hub", "east"), None),
        (None, Mark("hub", "east"), None),
        ("hub", Mark("other", "east"), "other_hub"),
        ("hub", Mark("hub", "west"), "known_as_other"),
        (None, Mark("hub", "west"), "known_as_other"),
    ],
)
def test_marks(hub_uid: str | None, mark: Mark | None, reason: str | None) -> None:
    if reason is None:
        guard_mark("east", hub_uid, mark)
        return
    with pytest.raises(Refused) as caught:
        guard_mark("east", hub_uid, mark)
    assert caught.value.details["reason"] == reason
    assert mark is not None
    assert mark.cluster in str(caught.value)


def test_a_swapped_cluster() -> None:
    guard_uid("east", "u-1", "u-1")
    guard_uid("east", None, "u-1")
    with pytest.raises(Refused, match=r"u-2.*u-1"):
        guard_uid("east", "u-1", "u-2")


def test_one_cluster_twice_in_the_run_or_on_the_hub() -> None:
    guard_unique({"a": "u-1", "b": "u-2", "c": "", "d": ""}, [("a", "u-1")])
    with pytest.raises(Refused, match="'a' and 'b' are one cluster"):
        guard_unique({"a": "u-1", "b": "u-1"})
    with pytest.raises(Refused, match="'a' and 'old' are one cluster"):
        guard_unique({"a": "u-1"}, [("old", "u-1")])


def test_an_attached_cluster_is_no_created_one_before_it_was_promoted() -> None:
    records = {name: {"lodestar.platform/mode": mode} for name, mode in (("a", "attach"), ("b", "create"))}
    guard_modes({"a": "attach", "b": "create", "new": "create"}, records)
    with pytest.raises(Refused, match=r"^a: cluster_mode = 'create'.*lodestar\.platform.promote with -e promote=a"):
        guard_modes({"a": "create", "b": "create"}, records)


def test_a_created_cluster_is_not_turned_into_an_attached_one() -> None:
    records = {name: {"lodestar.platform/mode": mode} for name, mode in (("a", "create"), ("b", "create"))}
    with pytest.raises(Refused, match=r"^a, b: cluster_mode = 'attach'.*cluster_mode: create.*-e destroy=a") as caught:
        guard_modes({"a": "attach", "b": "attach", "new": "attach"}, records)
    assert caught.value.details == {"reason": "created", "clusters": ["a", "b"]}
