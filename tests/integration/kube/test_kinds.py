# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every kind that a real API server has built in: an object of it is applied, and nothing of it differs afterwards."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client

from ..harness.apiserver import ApiServer
from ..harness.samples import NOT_KEPT, samples
from .test_apply import plan, run

SET = "samples"


def served(client: Client) -> dict[str, bool]:
    """The kinds of the server by name, in any version of their group: whether they live in a namespace."""
    groups = client.request("GET", "/apis")["groups"]
    versions = ["v1", *(item["groupVersion"] for group in groups for item in group["versions"])]
    own = [version for version in versions if "." not in version or version.partition("/")[0].endswith(".k8s.io")]
    return {kind: resource.namespaced for version in own for kind, resource in (client.served(version) or {}).items()}


@pytest.fixture(scope="module")
def objects(api: ApiServer) -> t.Iterator[list[dict[str, t.Any]]]:
    """A sample of every kind, applied, and taken away again, since others share the server."""
    found = []
    with Client(api.runner) as client:
        known = served(client)
        for obj in samples(SET):
            if not known[obj["kind"]]:
                del obj["metadata"]["namespace"]
            found.append(obj)
        run(client, found, SET)
        yield found
        run(client, [], SET, prune_all=True)


def test_there_is_a_sample_of_every_kind_that_is_built_in(client: Client, objects: list[dict[str, t.Any]]) -> None:
    """A new version of Kubernetes brings new ones."""
    missing = set(served(client)) - {obj["kind"] for obj in objects} - set(NOT_KEPT)
    assert missing == set()


def test_nothing_of_what_was_applied_differs(client: Client, objects: list[dict[str, t.Any]]) -> None:
    assert [(step.id, step.before, step.after) for step in plan(client, objects, SET)] == []
