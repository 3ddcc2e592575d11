# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is kept of rollouts on the hub: how they stand, and the last good set."""

from __future__ import annotations

import base64
import random
import typing as t
from dataclasses import replace

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.delivery.look import HOLD, Work
from ansible_collections.lodestar.platform.plugins.module_utils.delivery.model import read_all
from ansible_collections.lodestar.platform.plugins.module_utils.delivery.rollout import kept
from ansible_collections.lodestar.platform.plugins.module_utils.delivery.rollout.conduct import Course
from ansible_collections.lodestar.platform.plugins.module_utils.delivery.rollout.marks import Progress, marks
from ansible_collections.lodestar.platform.plugins.module_utils.delivery.rollout.standing import Standing, read, told
from ansible_collections.lodestar.platform.plugins.module_utils.delivery.rollout.way import GO, Returning, Way
from ansible_collections.lodestar.platform.plugins.module_utils.errors import InvalidInput, PlatformError
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.kube.desired import Normal, normalise
from ansible_collections.lodestar.platform.plugins.module_utils.placement.groups import Group

SECRET = "hunter2"
ITEM = {
    "name": "shop",
    "src": ["/apps/shop"],
    "replicas": {"division": "weighted", "weights": {"east": 1, "west": 1}},
    "patches": [
        {
            "clusters": {"selector": {"matchLabels": {"size": "small"}}},
            "target": {"kind": "ConfigMap"},
            "patch": {"data": {"mode": "small"}},
        }
    ],
    "default_namespace": "shop",
    "adopt": ["Secret"],
    "rollout": {},
}


def obj(kind: str, name: str, **content: t.Any) -> dict[str, t.Any]:
    api = "apps/v1" if kind == "Deployment" else "v1"
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name}, **content}


def objects(replicas: int = 4, password: str = SECRET) -> Normal:
    return normalise(
        [
            obj("ConfigMap", "settings", data={"mode": "plain"}),
            obj("Deployment", "web", spec={"replicas": replicas}),
            obj("Secret", "login", stringData={"password": password}),
        ]
    )


def good() -> kept.Good:
    held = {"east": objects(3), "west": objects(1)}
    return kept.Good("d1", held, objects(), kept.ways(ITEM))


def test_a_set_comes_back_as_it_was_and_shares_what_clusters_share() -> None:
    secret = kept.pack("shop", good())
    found = kept.unpack("shop", secret)
    assert found == good()
    assert [type(held) for held in found.clusters.values()] == [Normal, Normal]
    many = kept.Good("d1", {f"c{place}": objects(3) for place in range(50)}, objects(), {})
    assert len(kept.pack("shop", many)["data"]["set"]) < 2 * len(secret["data"]["set"])


def test_a_cluster_gets_back_what_it_had_and_a_new_one_no_part_of_the_sum() -> None:
    (delivery,) = read_all([ITEM])
    back = Returning(delivery, good(), ["east", "new"])
    assert back.of({"name": "east", "labels": {"size": "small"}}) == objects(3)
    settings, web, _login = back.of({"name": "new", "labels": {"size": "small"}})
    assert (settings["data"], web["spec"]["replicas"]) == ({"mode": "small"}, 0)
    assert back.delivery.adopt == {"Secret"}
    assert back.delivery.prune_limit == 100


@pytest.mark.parametrize(
    "damage",
    [
        lambda secret: None,
        lambda secret: {**secret, "data": {}},
        lambda secret: {**secret, "data": {"set": "AAAA"}},
        lambda secret: {**secret, "data": {"set": secret["data"]["set"][:-8]}},
        lambda secret: {**secret, "metadata": {}},
    ],
)
def test_a_damaged_set_is_named_and_not_shown(damage: t.Callable[[t.Any], t.Any]) -> None:
    with pytest.raises(PlatformError, match="delivery-shop-good") as failed:
        kept.unpack("shop", damage(kept.pack("shop", good())))
    assert SECRET not in str(failed.value)


def test_a_set_that_no_secret_can_hold_is_refused_with_the_limit() -> None:
    noise = base64.b64encode(random.Random(1).randbytes(2 * 1024 * 1024)).decode()
    large = kept.Good("d1", {}, Normal([obj("ConfigMap", "large", data={"noise": noise})]), {})
    with pytest.raises(InvalidInput, match=str(kept.LIMIT)) as failed:
        kept.pack("shop", large)
    assert noise[:40] not in str(failed.value)


def test_a_digest_is_of_what_clusters_get() -> None:
    hasher = kept.Hasher(b"key")
    same = hasher.of_set(objects(), kept.ways(ITEM))
    assert same == hasher.of_set(list(reversed(objects())), kept.ways({**ITEM, "wait_timeout": 5, "rollout": {"a": 1}}))
    others = [
        hasher.of_set(objects(5), kept.ways(ITEM)),
        hasher.of_set(objects(password="other"), kept.ways(ITEM)),
        hasher.of_set(objects(), kept.ways({**ITEM, "force": True})),
        hasher.of_set(objects(), kept.ways({**ITEM, "patches": []})),
        # Who lacks the key cannot try passwords.
        kept.Hasher(b"other").of_set(objects(), kept.ways(ITEM)),
    ]
    assert len({same, *others}) == 1 + len(others)
    assert hasher.of_clusters({"a": objects()}) != hasher.of_clusters({"b": objects()})


def test_a_standing_is_read_as_it_was_told_and_nonsense_is_refused() -> None:
    standing = Standing("d2", "stopped", "d1", "h1", ("a", "b"), ("a",), {"b": "x" * 400}, ("c",), "too many")
    assert read(told(standing)) == Standing(
        "d2", "stopped", "d1", "h1", ("a", "b"), ("a",), {"b": "x" * 300}, ("c",), "too many"
    )
    for text in (
        "",
        "[]",
        "{}",
        '{"digest": "d", "state": "gone"}',
        '{"digest": "d", "state": "stopped", "failed": [1]}',
    ):
        with pytest.raises(ValueError, match=r"standing|Expecting"):
            read(text)


def test_a_cluster_is_noted_before_it_is_changed_and_once() -> None:
    written: list[Standing] = []
    progress = Progress(written.append, Standing("d2", good="d1", touched=("a",), waiting=("b", "c")), back=False)
    for name in ("a", "b", "b"):
        progress.begin(name)
    assert [(one.touched, one.waiting) for one in written] == [(("a", "b"), ("c",))]
    course = Course(stopped="too many", served=["a"], failed={"b": "broken"}, waiting=["c"])
    progress.end(course, lost=())
    assert (written[-1].state, written[-1].reason, written[-1].waiting) == ("stopped", "too many", ("c",))
    assert written[-1].failed == {"b": "broken"}


@pytest.mark.parametrize(("digest", "lost"), [("d1", ()), ("d2", ("b",))])
def test_a_good_set_and_silent_clusters_are_no_reason_to_stop_for_good(digest: str, lost: t.Sequence[str]) -> None:
    written: list[Standing] = []
    progress = Progress(written.append, Standing(digest, good="d1", touched=("a",)), back=False)
    progress.end(Course(stopped="too many", served=["a"], failed={"b": "broken"}), lost)
    assert [one.state for one in written] == ["progressing"]


def test_a_rollback_that_did_not_reach_a_cluster_goes_on_with_it() -> None:
    written: list[Standing] = []
    standing = Standing("d2", "rolling_back", "d1", touched=("a", "b"), reason="too many")
    Progress(written.append, standing, back=True).end(Course(served=["a"], failed={"b": "silent"}), ["b"])
    assert [(one.state, one.touched, one.reason) for one in written] == [("rolling_back", ("b",), "too many")]


@pytest.mark.parametrize("state", ["stopped", "complete"])
def test_a_set_that_is_ready_but_for_a_silent_cluster_is_not_through(state: str) -> None:
    """Resumed, or redeclared without effect, and ready wherever it can be."""
    (delivery,) = read_all([ITEM])
    old = Standing("d1" if state == "complete" else "d2", state, "d1", "h1", touched=("east",), reason="too many")
    way = Way(GO, "d2", objects(), kept.Hasher(), old)
    work = Work("shop", "east", HOLD, t.cast(Client, None), desired=objects(), settled=True)
    noted = marks(way, delivery, [Group(0, "", ("east", "west"), ())], {"east": work}, {"west": "silent"})
    assert noted.good is None
    assert noted.after is not None
    assert (noted.after.digest, noted.after.state, noted.after.reason) == ("d2", "progressing", "")
    assert (noted.after.done, noted.after.failed, noted.after.good) == (("east",), {"west": "silent"}, "d1")
    # Once that is recorded, nothing is written again.
    again = marks(replace(way, standing=noted.after), delivery, [], {"east": work}, {"west": "silent"})
    assert (again.during, again.after) == (noted.after, noted.after)
