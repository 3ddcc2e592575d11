# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record of bars tells what a run saw: figures of tests that held, and what failed or was never reached."""

from __future__ import annotations

import datetime
import subprocess
import sys
from pathlib import Path

from tests.conftest import page

ROOT = Path(__file__).resolve().parents[2]
SUITE = """
import pytest

def test_held(bar):
    bar("second run", "9.8 s")

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
    rows = [line.split(" | ")[:3] for line in record.read_text().splitlines() if line.startswith("| ")][1:]
    assert rows == [
        ["| second run", "9.8 s", "held"],
        ["| drift", "4 of 4", "**FAILED**"],
        ["| `test_suite.py::test_failed_before`", "", "**FAILED**"],
        ["| `test_suite.py::test_never_ran`", "", "**FAILED**"],
    ]


def test_the_page_names_commit_and_date() -> None:
    text = page([("drift", "4 of 4", "held")], "0123abcdef", datetime.date(2026, 11, 22))
    assert text.endswith("| drift | 4 of 4 | held | 0123abcdef | 2026-11-22 |\n")
