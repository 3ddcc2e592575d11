# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet's state for people, and what is remembered of a detachment."""

from __future__ import annotations

import datetime
import typing as t
from dataclasses import replace

from ansible_collections.lodestar.platform.plugins.module_utils.fleet import hub_view, status, tombstone

NOW = datetime.datetime(2026, 11, 27, 12, tzinfo=datetime.UTC)


def view(name: str, **live: t.Any) -> dict[str, t.Any]:
    seen = hub_view.view({"metadata": {"name": name, "labels": {"lodestar.platform/mode": "attach"}}})
    answer = dict.fromkeys(("expires", "tier", "seconds", "version", "nodes"))
    return {**seen, "live": {**answer, "state": "usable", "reason": "", **live}} if live else seen


def test_a_line_a_cluster_and_below_it_what_is_wrong() -> None:
    good = view(
        "east",
        version="v1.36.3",
        seconds=0.0021,
        nodes={"ready": 2, "total": 2},
        expires="2026-11-28T00:00:00Z",
    )
    down = view("west", state="unreachable", reason="no answer before the deadline", expires="2026-11-27T11:00:00Z")
    ill = view("north", nodes={"ready": 1, "total": 3}, expires="2026-12-27T12:00:00Z")
    lines = status.table([good, down, ill], NOW)
    assert lines[0].split() == ["CLUSTER", "MODE", "SET", "VERSION", "RECORDED", "NOW", "NODES", "LATENCY", "ACCESS"]
    assert lines[1].split() == ["east", "attach", "-", "v1.36.3", "unknown", "usable", "2/2", "2", "ms", "12.0", "h"]
    assert lines[2].split()[-2:] == ["-", "ended"]
    assert lines[3].split()[-2:] == ["30", "d"]
    assert lines[5:] == [
        "- west: unreachable: no answer before the deadline",
        "- north: 2 of 3 nodes are not ready",
    ]


def test_what_was_not_asked_is_no_problem_and_a_detachment_is_one() -> None:
    assert status.problems([view("east")], NOW) == []
    stone = tombstone.Tombstone("2026-11-26T08:00:00Z", "keep", cause="unreachable", why="no answer")
    text = "west: is being detached since 2026-11-26T08:00:00Z, which waits until a run reaches it: no answer"
    assert status.table([], NOW, [("west", stone)]) == ["The hub records no such cluster.", "", f"- {text}"]
    clean = replace(stone, clean=True)
    assert "nothing of ours is left on it" in status.problems([], NOW, [("west", clean)])[0]


def test_an_access_that_ended_is_told_also_without_asking_the_cluster() -> None:
    ended = {**view("east"), "access_expires": "2026-11-27T11:00:00Z"}
    assert status.problems([ended], NOW) == ["east: the access ended at 2026-11-27T11:00:00Z"]
    assert status.table([ended], NOW)[1].split()[-1] == "ended"
    message = "the stored access is not accepted"
    condition = {"status": "False", "reason": "AccessRefused", "message": message, "since": None}
    refused = {**view("east"), "conditions": {"AccessValid": condition}}
    assert status.problems([refused], NOW) == [f"east: {message}"]
    # A cluster that was asked tells it by itself, once.
    asked = {**view("east", state="refused", reason=message), "conditions": {"AccessValid": condition}}
    assert status.problems([asked], NOW) == [f"east: refused: {message}"]


def test_a_destruction_that_is_not_finished_is_the_only_problem_of_its_cluster() -> None:
    ending = {**view("east", state="unreachable"), "destroying": True, "destroying_since": "2026-11-27T12:00:00Z"}
    assert [line.partition(",")[0] for line in status.problems([ending], NOW)] == [
        "east: it is being destroyed since 2026-11-27T12:00:00Z"
    ]
    assert "destroying" in status.table([ending], NOW)[1].split()
    assert status.table([], NOW) == ["The hub records no such cluster."]


def test_a_tombstone_is_read_as_it_was_written() -> None:
    stone = tombstone.Tombstone("2026-11-27T12:00:00Z", "delete", True, "expired", "the access ended")
    assert tombstone.read({"metadata": stone.metadata()}) == stone
    assert tombstone.read({"metadata": {}}) is None
    assert tombstone.read(None) is None


def test_a_tombstone_that_somebody_edited_deletes_nothing() -> None:
    for text in ("{", "[]", '"x"', '{"since": "2026-11-27T12:00:00Z"}'):
        found = tombstone.read({"metadata": {"annotations": {tombstone.DETACHING: text}}})
        assert found is not None
        assert (found.namespaces, found.clean) == ("keep", False)


def test_a_tombstone_of_an_earlier_collection_has_no_cause() -> None:
    text = '{"clean": true, "namespaces": "delete", "since": "2026-11-27T12:00:00Z"}'
    found = tombstone.read({"metadata": {"annotations": {tombstone.DETACHING: text}}})
    assert found == tombstone.Tombstone("2026-11-27T12:00:00Z", "delete", clean=True)


def test_the_mark_of_a_destruction_is_read_as_it_was_written_from_any_object_that_has_it() -> None:
    ending = tombstone.Ending("2026-11-27T12:00:00Z")
    marked = {"metadata": {"name": "x", **ending.metadata()}}
    assert tombstone.read_ending(None, {"metadata": {}}, marked) == ending
    assert tombstone.read_ending(None, {"metadata": {}}) is None
    seen = hub_view.view(marked)
    assert (seen["destroying"], seen["destroying_since"], seen["labels"]) == (True, ending.since, {})
    for left in ({"labels": {tombstone.DESTROYING: ""}}, {"annotations": {tombstone.DESTROYING: "[]"}}):
        assert tombstone.read_ending({"metadata": left}) == tombstone.Ending("an unknown time")
    assert view("y")["destroying"] is False


def test_a_record_that_is_marked_is_detaching() -> None:
    marked = {"metadata": {"name": "x", "labels": {tombstone.DETACHING: "true"}}}
    assert hub_view.view(marked)["detaching"] is True
    assert hub_view.view(marked)["labels"] == {}
    assert view("y")["detaching"] is False
