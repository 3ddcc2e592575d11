# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record of bars. A run replaces the rows of the tests that it ran; the others keep their commit and date.

So the long proofs can be run in parts, and each row says what it was seen on.
"""

from __future__ import annotations

import datetime
import subprocess
import typing as t
from dataclasses import astuple, dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
_COLUMNS = ("bar", "figure", "outcome", "test", "commit", "date")


@dataclass(frozen=True)
class Row:
    """One bar, as one run saw it."""

    bar: str
    figure: str
    outcome: str
    test: str
    commit: str
    date: str

    @property
    def file(self) -> str:
        """Path of the file that its test is in."""
        return self.test.strip("`").partition("::")[0]

    @property
    def function(self) -> str:
        """Name of its test, without parameters."""
        return self.test.strip("`").rpartition("::")[2].partition("[")[0]


class Verification:
    """Collects rows from test reports; a failed test that would have recorded bars is listed too."""

    def __init__(self, file: Path | None) -> None:
        self.file = file
        self.rows: list[Row] = []
        self.uses_bar: set[str] = set()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        self.uses_bar = {item.nodeid for item in items if "bar" in getattr(item, "fixturenames", ())}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.nodeid not in self.uses_bar or (report.when != "call" and report.passed):
            return
        bars = [value for key, value in report.user_properties if key == "bar"]
        if report.when == "call" or not bars:
            outcome = {"passed": "held", "failed": "**FAILED**", "skipped": "not run"}[report.outcome]
            if not bars and not report.passed:
                bars = [(report.nodeid.rpartition("::")[2], "", True)]
            today = datetime.datetime.now(datetime.UTC).date().isoformat()
            seen = (f"`{report.nodeid}`", commit(), today)
            self.rows += [
                Row(_cell(name), _cell(figure), outcome if met or outcome != "held" else "**missed**", *seen)
                for name, figure, met in bars
            ]

    def pytest_sessionfinish(self) -> None:
        if self.file is not None:
            before = read(self.file.read_text()) if self.file.exists() else []
            there = [row for row in before if exists(row)]
            self.file.write_text(page(merged(there, self.rows)))


def exists(row: Row) -> bool:
    """Whether the test of a row is still there."""
    file = ROOT / row.file
    return file.exists() and f"def {row.function}(" in file.read_text()


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|")


def merged(before: t.Sequence[Row], now: t.Sequence[Row]) -> list[Row]:
    """The rows of this run, and those of tests that it did not run; by file, in the order of their runs. Pure."""
    ran = {row.test for row in now}
    return sorted([*(row for row in before if row.test not in ran), *now], key=lambda row: row.file)


def page(rows: t.Iterable[Row]) -> str:
    """The page that says which bars were checked. Pure."""
    lines = [
        "# Verification",
        "",
        "Written by `make test-full`. Every line is a bar that a test asserted on real clusters, with its figure. What",
        "is measured side by side fails no test on a noisy machine: it is missed where the figure is beyond its goal.",
        "",
        f"| {' | '.join(_COLUMNS)} |",
        "|" + "---|" * len(_COLUMNS),
        *(f"| {' | '.join(astuple(row))} |" for row in rows),
    ]
    return "\n".join(lines) + "\n"


def read(text: str) -> list[Row]:
    """The rows of such a page. Pure."""
    cells = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return [Row(*(cell.strip() for cell in row)) for row in cells[1:] if len(row) == len(_COLUMNS)]


def commit() -> str:
    """The commit under test, marked when the work tree differs from it."""
    command = ("git", "describe", "--always", "--dirty", "--abbrev=10", "--exclude=*")
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()
