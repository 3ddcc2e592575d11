# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all tests share: the record of the bars that a run has seen to hold.

A test asks for the fixture ``bar`` and says ``bar("second run of site.yml", "9.8 s")`` once it has asserted the bar.
``pytest --verification FILE`` writes them to FILE with the commit and the date.
"""

from __future__ import annotations

import datetime
import subprocess
import typing as t
from pathlib import Path

import pytest
from ansible.plugins.loader import init_plugin_loader

ROOT = Path(__file__).resolve().parents[1]

# Collections are imported as Ansible does it, from the start: a test that uses Ansible's own classes needs that, and
# what was imported before, such as by the conftest of a folder, could not be found afterwards.
init_plugin_loader([str(ROOT / ".collections")])

# Shared by all folders, so that a session which runs several of them makes the fleet once.
pytest_plugins = ["tests.e2e.fixtures"]

Bar = t.Callable[[str, object], None]


@pytest.fixture
def bar(request: pytest.FixtureRequest) -> Bar:
    """Records the figure of one bar, as part of the report of the test that asserts it."""

    def record(name: str, figure: object) -> None:
        request.node.user_properties.append(("bar", (name, str(figure))))

    return record


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--verification", metavar="FILE", type=Path, help="write the bars that were checked to FILE")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Verification(config.getoption("--verification")), "verification")


class Verification:
    """Collects (bar, figure, outcome) from test reports; a failed test that would have recorded bars is listed too."""

    def __init__(self, file: Path | None) -> None:
        self.file = file
        self.rows: list[tuple[str, str, str]] = []
        self.uses_bar: set[str] = set()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        self.uses_bar = {item.nodeid for item in items if "bar" in getattr(item, "fixturenames", ())}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.nodeid not in self.uses_bar or (report.when != "call" and report.passed):
            return
        bars = [value for key, value in report.user_properties if key == "bar"]
        if report.when == "call" or not bars:
            outcome = {"passed": "held", "failed": "**FAILED**", "skipped": "not run"}[report.outcome]
            self.rows += [(name, figure, outcome) for name, figure in bars]
            if not bars and not report.passed:
                self.rows.append((f"`{report.nodeid}`", "", outcome))

    def pytest_sessionfinish(self) -> None:
        if self.file is not None:
            self.file.write_text(page(self.rows, commit(), datetime.datetime.now(datetime.UTC).date()))


def page(rows: t.Sequence[tuple[str, str, str]], revision: str, day: datetime.date) -> str:
    """The page that says which bars were checked, in the order of the run."""
    lines = [
        "# Verification",
        "",
        "Written by `make test-full`. Every line is a bar that a test asserted on real clusters, with its figure.",
        "",
        "| bar | figure | outcome | commit | date |",
        "|---|---|---|---|---|",
        *(f"| {name} | {figure} | {outcome} | {revision} | {day.isoformat()} |" for name, figure, outcome in rows),
    ]
    return "\n".join(lines) + "\n"


def commit() -> str:
    """The commit under test, marked when the work tree differs from it."""
    command = ("git", "describe", "--always", "--dirty", "--abbrev=10", "--exclude=*")
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()
