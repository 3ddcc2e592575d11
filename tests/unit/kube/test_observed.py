# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a cluster holds of a set, while somebody else writes."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.kube.applyset import PART_OF, ApplySet
from ansible_collections.lodestar.platform.plugins.module_utils.kube.desired import key_of
from ansible_collections.lodestar.platform.plugins.module_utils.kube.observed import observe

Object = dict[str, t.Any]
SET = ApplySet("addons")


def role(**labels: str) -> Object:
    metadata = {"name": "reader", "labels": labels}
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": metadata}


class Late:
    """A cluster in which an object is made after the members were listed."""

    latency = 0.0

    def __init__(self, made: Object) -> None:
        self.made = made

    def list(self, *_kind: str, **_options: str) -> list[Object]:
        return []

    def get(self, _version: str, kind: str, *_name: str | None) -> Object | None:
        return self.made if kind == "ClusterRole" else None


@pytest.mark.parametrize(("owner", "ours"), [(SET.id, True), (ApplySet("hub").id, False)])
def test_a_member_that_another_run_makes_meanwhile_is_a_member(owner: str, ours: bool) -> None:
    made = role(**{PART_OF: owner})
    seen = observe(t.cast(t.Any, Late(made)), [role()], SET)
    assert seen.find(key_of(made)) is made
    assert (key_of(made) in seen.members) is ours
