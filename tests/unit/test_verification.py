# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record of bars tells what a run saw: figures of tests that held, and what failed or was never reached."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.verification import Row, exists, merged, page, read

ROOT = Path(__file__).resolve().parents[2]
SUITE = """
import pytest

def test_held(bar):
    bar("second run", "9.8 s")

def test_measured(bar):
    bar("faster (goal <= 2)", "1.9", met=True)
    bar("smaller (goal <= 2)", "2.1", met=False)

def test_failed_after_the_record(bar):
    bar("drift", "4 of 4")
    assert False

def test_failed_before(bar):
    assert False
    bar("never", 1)

@pytest.fixture
def broken():
    raise RuntimeError

def test_never_ran(bar, broken):
    pass

def test_without_a_bar():
    pass
"""


def test_a_run_is_recorded_as_it_went(tmp_path: Path) -> None:
    (tmp_path / "test_suite.py").write_text(SUITE)
    record = tmp_path / "verification.md"
    options = ["-p", "tests.conftest", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), "-c", "/dev/null"]
    command = [sys.executable, "-m", "pytest", *options, "--verification", str(record), str(tmp_path)]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 1
    rows = [(row.bar, row.figure, row.outcome, row.test) for row in read(record.read_text())]
    assert rows == [
        ("second run", "9.8 s", "held", "`test_suite.py::test_held`"),
        ("faster (goal <= 2)", "1.9", "held", "`test_suite.py::test_measured`"),
        ("smaller (goal <= 2)", "2.1", "**missed**", "`test_suite.py::test_measured`"),
        ("drift", "4 of 4", "**FAILED**", "`test_suite.py::test_failed_after_the_record`"),
        ("test_failed_before", "", "**FAILED**", "`test_suite.py::test_failed_before`"),
        ("test_never_ran", "", "**FAILED**", "`test_suite.py::test_never_ran`"),
    ]


def row(bar: str, test: str, commit: str) -> Row:
    return Row(bar, "4 of 4", "held", f"`tests/{test}`", commit, "2026-11-22")


def test_a_run_replaces_the_rows_of_its_own_tests() -> None:
    before = [row("a", "x.py::one", "old"), row("b", "x.py::one", "old"), row("c", "y.py::two[1.2-a]", "old")]
    now = [row("d", "z.py::three", "new"), row("a", "x.py::one", "new")]
    assert read(page(before)) == before
    assert [(item.bar, item.commit) for item in merged(before, now)] == [("a", "new"), ("c", "old"), ("d", "new")]


def test_rows_of_tests_that_are_gone_are_dropped() -> None:
    here = "unit/test_verification.py::test_rows_of_tests_that_are_gone_are_dropped"
    tests = [here, f"{here}[1.2-a]", "unit/test_verification.py::test_renamed", "unit/test_moved.py::test_a"]
    assert [exists(row("a", test, "old")) for test in tests] == [True, True, False, False]
