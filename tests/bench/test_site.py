# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run costs that has nothing to do: seconds, and tasks, each counted once for every host it comes to."""

from __future__ import annotations

import re
import statistics

import pytest

from tests.conftest import Bar
from tests.e2e.driver import Fleet, Run

pytestmark = pytest.mark.timeout(3600)
_SKIPPED = re.compile(r"^\S+\s+: ok=\d+ .*\bskipped=(?P<count>\d+)", re.MULTILINE)


def skipped(run: Run) -> int:
    """Tasks that came to a host and were not run there, over all hosts."""
    found = [int(match["count"]) for match in _SKIPPED.finditer(run.output)]
    assert len(found) == len(run.recap), run.output[-2000:]
    return sum(found)


def test_a_run_with_nothing_to_do(fleet: Fleet, bar: Bar) -> None:
    runs = [fleet.site().checked() for _round in range(3)]
    assert [run.changed for run in runs] == [0, 0, 0]
    seconds = statistics.median(run.seconds for run in runs)
    tasks = {host: counts["ok"] for host, counts in runs[0].recap.items()}
    pairs = f"{sum(tasks.values())} run, {skipped(runs[0])} skipped"
    print(f"\nsite.yml, nothing to do: {seconds:.1f} s (median of 3)")
    print(f"tasks over all hosts: {pairs}")
    print("tasks a host: " + ", ".join(f"{host} {count}" for host, count in sorted(tasks.items())))
    bar("second run of site.yml, median of 3", f"{seconds:.1f} s")
    bar("second run of site.yml, tasks over all hosts", pairs)
