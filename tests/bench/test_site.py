# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run costs that has nothing to do: seconds, and tasks that Ansible runs on a host."""

from __future__ import annotations

import statistics

import pytest

from tests.e2e.conftest import fleet, machines, platform
from tests.e2e.driver import Fleet

__all__ = ["fleet", "machines", "platform"]
pytestmark = pytest.mark.timeout(3600)


def test_a_run_with_nothing_to_do(fleet: Fleet) -> None:
    runs = [fleet.site().checked() for _round in range(3)]
    assert [run.changed for run in runs] == [0, 0, 0]
    seconds = statistics.median(run.seconds for run in runs)
    tasks = {host: counts["ok"] for host, counts in runs[0].recap.items()}
    print(f"\nsite.yml, nothing to do: {seconds:.1f} s (median of 3)")
    print("tasks a host: " + ", ".join(f"{host} {count}" for host, count in sorted(tasks.items())))
