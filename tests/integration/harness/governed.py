# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must hold of clusters that are held to tenants and policies, wherever they run."""

from __future__ import annotations

import collections
import typing as t
from urllib.parse import parse_qs

from ansible_collections.lodestar.platform.plugins.module_utils.kube.applyset import ApplySet
from ansible_collections.lodestar.platform.plugins.module_utils.kube.connection import Connection

from .edits import SETS, Edits, Expected, members


class Told(t.Protocol):
    """What a run of a playbook tells; C(tests.e2e.driver.Run) does."""

    @property
    def changed(self) -> int: ...

    def checked(self) -> t.Self: ...

    def steps(self) -> list[Expected]: ...


Play = t.Callable[..., Told]


def repaired(play: Play, clusters: t.Mapping[str, Connection], seed: int, count: int) -> Edits:
    """Does so much by hand; check mode predicts exactly that, a run repairs exactly that, and the next changes nothing.

    :param play: a run of the playbook that holds the clusters, with more arguments.
    :param clusters: access of an administrator by cluster.
    :raises AssertionError: with everything that was done.
    """
    edits = Edits(seed, clusters).make(count)
    told = "\n".join(edits.told)
    wanted = sorted(edits.expected)
    for name, arguments in (("check mode", ("--check", "--diff")), ("the run", ())):
        found = sorted(play(*arguments).checked().steps())
        wrong = [f"too much: {item}" for item in found if item not in wanted]
        wrong += [f"missing: {item}" for item in wanted if item not in found]
        assert found == wanted, f"{name}:\n" + "\n".join([*wrong, told])
    after = play().checked()
    assert (after.changed, after.steps()) == (0, []), told
    return edits


def held(access: Connection) -> int:
    """How many objects of tenants and policies a cluster has."""
    return sum(map(len, members(access).values()))


def listed_once(requests: t.Iterable[tuple[str, str]]) -> int:
    """Each kind is listed once, whoever wants to know it; how many lists are for tenants and policies.

    :param requests: verb and URI of what an unchanged run asked one cluster.
    :raises AssertionError: a kind was listed again, or one of the sets was not looked at.
    """
    found: dict[str, list[str]] = collections.defaultdict(list)
    together = 0
    for verb, uri in requests:
        path, _mark, query = uri.partition("?")
        # A page after the first is no list of its own.
        if verb == "list" and "continue=" not in uri:
            found[path].append(query)
            chosen = parse_qs(query).get("labelSelector", [""])[0]
            together += all(ApplySet(name).id in chosen for name in SETS)
    again = {path: queries for path, queries in found.items() if len(queries) > 1}
    assert again == {}, again
    assert together > 0, sorted(found)
    return together
