# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of the report are written whole, for their owner, and only where they would change."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.errors import PlatformError
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.overview import files
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.overview.operation import OPERATION
from ansible_collections.lodestar.platform.plugins.module_utils.operation import Context, Operation
from ansible_collections.lodestar.platform.plugins.module_utils.plan import Plan


def written(path: Path, text: str, mode: int = 0o600, check: bool = False) -> dict[str, t.Any]:
    """The result of an operation that has these steps."""
    operation = Operation({}, lambda params, context: Plan(files.steps({"html": (path, text)}, mode)))
    return operation.execute({}, Context(environ={}), check)


def test_a_file_is_written_once(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "fleet.html"
    planned = written(path, "one", check=True)
    assert [(step["action"], step["description"]) for step in planned["plan"]] == [
        ("create", f"create the folder {tmp_path / 'a'} and what is below it"),
        ("create", f"write {path}"),
    ]
    assert list(tmp_path.iterdir()) == []
    done = written(path, "one")
    assert done["plan"] == planned["plan"]
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("one", 0o600)
    assert written(path, "one")["changed"] is False
    again = written(path, "two", mode=0o640)
    assert [step["action"] for step in again["plan"]] == ["update"]
    assert '"bytes": 3' in again["diff"][0]["before"]
    assert "two" not in again["diff"][0]["after"]
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("two", 0o640)
    assert written(path, "two", mode=0o600)["changed"] is True  # the mode alone
    assert [item.name for item in path.parent.iterdir()] == ["fleet.html"]


def test_what_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(PlatformError, match=r"is a folder\. Name a file"):
        files.steps({"html": (tmp_path, "x")}, 0o600)
    (tmp_path / "file").write_text("")
    failed = written(tmp_path / "file" / "fleet.html", "x")
    assert failed["failed"]
    assert "html" in failed["msg"]


def test_a_link_is_replaced_and_its_target_left(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "fleet.html"
    target.write_text("theirs")
    os.symlink(target, link)
    written(link, "ours")
    assert (target.read_text(), link.read_text(), link.is_symlink()) == ("theirs", "ours", False)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"mode": "rw"}, "mode = 'rw': is no mode of a file"),
        ({"mode": "384"}, "mode = '384'"),
        ({"at": "yesterday"}, "at = 'yesterday': is not a moment in RFC 3339"),
        ({"deadline": 0, "at_once": 0}, "deadline = 0"),
        (
            {"placements": [{"name": "x"}]},
            "placements[0] = ['name']: is no placement as lodestar.platform.placement_info",
        ),
        ({"html": "x", "json": "x"}, "two formats cannot be one file"),
        ({"run_reports": ["/nowhere.json"]}, "run_reports = '/nowhere.json': cannot be read"),
    ],
)
def test_wrong_input_is_refused_before_anything_is_asked(given: dict[str, t.Any], told: str) -> None:
    params = {name: spec.get("default") for name, spec in OPERATION.arguments.items()}
    answer = OPERATION.execute({**params, **given}, Context(environ={}), False)
    assert answer["failed"]
    assert told in answer["msg"]
