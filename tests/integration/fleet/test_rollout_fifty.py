# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fifty members: a set that breaks on the third ten of them stops there, is told, and is taken back where it came."""

from __future__ import annotations

import json
import time
import typing as t
from pathlib import Path

import jsonschema
import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import access_info
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.overview import document
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.overview.operation import OPERATION as OVERVIEW

from ...conftest import Bar
from ..harness.apiserver import ApiServer
from .conftest import run, take_us_away
from .many import Many, states

Object = dict[str, t.Any]
NAMES = [f"c{number:02}" for number in range(50)]
THIRD = NAMES[20:30]
BUDGET, AT_ONCE = 3, 10
BROKEN = "web:broken"
PROGRESSIVE = {"maxConcurrency": AT_ONCE, "maxFailures": BUDGET, "progressDeadline": "10s"}
GROUPS = {
    "decisionGroups": [
        {"groupName": f"ten-{ten}", "groupClusterSelector": {"labelSelector": {"matchLabels": {"ten": str(ten)}}}}
        for ten in range(5)
    ]
}


@pytest.fixture(scope="module")
def fifty(
    tmp_path_factory: pytest.TempPathFactory, tools: dict[str, Path], hub: ApiServer, hub_access: Object
) -> t.Iterator[Many]:
    with ApiServer(tmp_path_factory.mktemp("fifty"), tools) as server:
        with Many(hub, hub_access, server, {name: {"ten": name[1]} for name in NAMES}) as many:
            many.controllers.broken = lambda member, image: image == BROKEN and member in THIRD
            yield many
        take_us_away([], hub)


@pytest.mark.full
@pytest.mark.parametrize("way", ["Progressive", "ProgressivePerGroup"])
def test_it_stops_where_it_breaks_is_told_and_goes_back(
    fifty: Many, hub_access: Object, way: str, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bar: Bar
) -> None:
    monkeypatch.setattr(access_info.judge, "__defaults__", (20.0,))
    fifty.begin(prefix)
    rollout: Object = {"type": "Progressive", "progressive": PROGRESSIVE}
    if way != "Progressive":
        block = {"maxFailures": BUDGET, "progressDeadline": "10s"}
        rollout = {"type": way, "progressivePerGroup": block, "groupStrategy": GROUPS}
    assert states(fifty.done(fifty.item(rollout=rollout))) == {"delivered": NAMES}
    assert not fifty.done(fifty.item(rollout=rollout))["changed"]
    assert fifty.written() == {}
    before = fifty.everything()
    assert len(before) == 3 * len(NAMES)

    bad = fifty.item(BROKEN, rollout=rollout)
    fifty.controllers.look(prefix)
    begin = time.monotonic()
    found = states(fifty(bad))
    took = time.monotonic() - begin
    # All that were begun were under way together, so more may fail than the budget, and never more than are at once.
    changed = {name for name, image in fifty.images().items() if image == BROKEN}
    assert set(found["failed"]) <= set(THIRD)
    assert BUDGET < len(found["failed"]) <= AT_ONCE
    # Those that have failed stay as they are, beside those under way.
    assert fifty.controllers.under_way <= AT_ONCE + BUDGET
    assert changed == {*found["delivered"], *found["failed"]}
    assert set(NAMES[:20]) <= set(found["delivered"])
    # A group is the bound of what may be changed; one by one, the place of a cluster that has failed goes to the next.
    assert set(found["not_begun"]) == set(NAMES[30:]) if way != "Progressive" else found["not_begun"]
    assert sorted([*changed, *found["not_begun"]]) == NAMES
    wrote = fifty.written()
    assert set(wrote) == {*changed, "hub"}
    # Of the hub: the record, at most once for each cluster, and at both ends.
    assert wrote["hub"] <= len(changed) + 2

    told = report(fifty, hub_access, tmp_path)
    assert told["state"] == "stopped"
    assert [one["cluster"] for one in told["failed"]] == found["failed"]
    assert (told["done"], told["not_begun"]) == (found["delivered"], found["not_begun"])

    assert states(fifty.done(bad)) == {"stopped": NAMES}
    assert fifty.written() == {}
    begin = time.monotonic()
    answer = fifty.done(bad, rollback=[prefix])
    print(f"{way}: stopped in {took:.1f} s, back in {time.monotonic() - begin:.1f} s, {sum(wrote.values())} writes")
    assert states(answer) == {"rolled_back": sorted(changed)}
    assert set(fifty.written()) == {*changed, "hub"}
    assert fifty.everything() == before
    assert report(fifty, hub_access, tmp_path)["state"] == "rolled_back"
    fifty.done(bad)
    assert fifty.written() == {}
    bar(
        f"{len(NAMES)} clusters, {way}, a set that breaks on the third group: failed (budget {BUDGET}, {AT_ONCE} at "
        "once), changed, never begun; rolled back; written anywhere else",
        f"{len(found['failed'])}, {len(changed)}, {len(found['not_begun'])}; {len(changed)} of {len(changed)}; 0",
    )


def report(many: Many, hub_access: Object, folder: Path) -> Object:
    """What the fleet report says of the rollout."""
    access = {key: hub_access[key] for key in ("server", "ca_data", "token")}
    done = run(OVERVIEW, access=access, live=False, json=str(folder / "fleet.json"), html=str(folder / "fleet.html"))
    assert not done.get("failed"), done["msg"]
    report = json.loads((folder / "fleet.json").read_text())
    schema = json.loads((Path(document.__file__).parent / "schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(report)
    (found,) = [item for item in report["rollouts"] if item["delivery"] == many.name]
    assert found["reason"] in (folder / "fleet.html").read_text()
    return t.cast(Object, found)
